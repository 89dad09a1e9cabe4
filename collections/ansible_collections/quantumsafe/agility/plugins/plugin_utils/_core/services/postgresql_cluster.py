"""One cluster as an endpoint: what is effective in each aspect, what it can do, and the traps that were found.

Sources: documentation of the ssl_* settings (11 to 18); initialize_ecdh(), be_tls_init() and check_ssl_key_file_permissions().
"""

from __future__ import annotations

from dataclasses import replace

from ..certificates.read import leaf
from ..credentials import Certificate
from ..model import Capability, Endpoint, Origin, Setting, Snapshot
from . import client_settings, openssl, postgresql_clients
from .fips import fips, module_of
from .openssl import Library
from .postgresql_ask import Server, openssl_library
from .postgresql_ciphers import Ciphers
from .postgresql_config import Cluster, plain_text
from .postgresql_write import CERTIFICATE, CURVE, GROUPS, HAS_GROUPS, HAS_VERSIONS, KEY, LEAST, MOST, VERSIONS

CURVES = ("prime256v1", "secp384r1", "secp521r1")


class Seen:
    """A cluster with the library that it runs with."""

    def __init__(self, snapshot: Snapshot, cluster: Cluster) -> None:
        self.snapshot, self.cluster = snapshot, cluster
        self.library = _library(snapshot, cluster.server)
        self.fips = fips(snapshot, not openssl.doubt_about(self.library, snapshot.answers)) if self.library.version else None
        self.default = Origin(f"default of {cluster.label} with {self.library.label or 'an unknown library'}")
        self.ciphers = Ciphers.of(snapshot, cluster, self.library, self.default)

    @property
    def id(self) -> str:
        return f"postgresql {self.cluster.name}"

    @property
    def serves(self) -> bool:
        """Over a Unix socket there is no TLS."""
        return self.cluster.on("ssl") and bool(_addresses(self.cluster))

    def origin(self, *names: str) -> Origin:
        return next((self.cluster.entries[name].origin for name in names if name in self.cluster.entries), self.default)

    def versions(self) -> Setting | None:
        if self.cluster.major < HAS_VERSIONS:
            return None
        least = self.cluster.text(LEAST) or ("TLSv1.2" if self.cluster.major > HAS_VERSIONS else "TLSv1")
        first, last = (_version(text, position) for text, position in ((least, 0), (self.cluster.text(MOST), -1)))
        return Setting(VERSIONS[first : last + 1], self.origin(LEAST, MOST))

    def groups(self) -> Setting | None:
        if self.cluster.major < HAS_GROUPS:
            return Setting((openssl.canonical(self.cluster.text(CURVE, CURVES[0])),), self.origin(CURVE), tiers=(0,))
        known = self.group_capability().names
        found = openssl.parse_groups(self.cluster.text(GROUPS, "X25519:prime256v1"), self.library, known)
        if found is None:
            return None
        return Setting(tuple(name for name, dummy in found), self.origin(GROUPS), tiers=tuple(tier for dummy, tier in found))

    def group_capability(self) -> Capability:
        if not self.cluster.major:
            return Capability(None, "its version is not known", self.library.label)
        if self.cluster.major < HAS_GROUPS:
            return Capability(CURVES, f"documentation of {CURVE}, which takes one curve", self.cluster.label, order="list", most=1)
        found = openssl.group_capability(self.library, self.snapshot.answers, module_of(self.fips))
        return replace(found, order="tuple" if self.library.has_tuples else "list")

    def version_capability(self) -> Capability:
        if not self.library.version:
            return Capability(None, f"it runs with {self.library.label or 'a library that is not known'}", self.library.label)
        return Capability(VERSIONS, "TLS 1.3 since OpenSSL 1.1.1 (OpenSSL CHANGES)", self.library.label, order="set")

    def certificate(self) -> Certificate | None:
        path = self.cluster.path(CERTIFICATE, "server.crt")
        file = self.snapshot.files.get(path)
        return leaf(file.text, path) if file and file.text else None

    def endpoint(self) -> Endpoint:
        versions, certificate = self.versions(), self.certificate()
        spoken = versions.values if versions else VERSIONS
        ciphers, unclear = self.ciphers.setting(spoken)
        found = {"version": versions, "key_exchange": self.groups(), "cipher": ciphers, "fips": self.fips, "session": _session(self)}
        if certificate and certificate.key:
            found["signature"] = Setting((certificate.key,), Origin(certificate.path))
        clients, unread = postgresql_clients.asked(self.snapshot, self.cluster, self.library, spoken, self.default)
        return Endpoint(
            id=self.id,
            service="postgresql",
            protocol="tls",
            names="openssl",
            addresses=_addresses(self.cluster),
            version=self.cluster.label,
            settings={aspect: setting for aspect, setting in found.items() if setting} | clients,
            capabilities={
                "version": self.version_capability(),
                "key_exchange": self.group_capability(),
                "cipher": self.ciphers.capability(spoken),
                "signature": Capability(None, "it signs with the key of its certificate, so another scheme needs another certificate"),
                **client_settings.capabilities(self.library.label),
            },
            certificates=(certificate,) if certificate else (),
            notes=tuple(filter(None, (*self.notes(), unclear, *unread))),
            starttls="postgres",
        )

    def notes(self) -> tuple[str, ...]:
        cluster = self.cluster
        out = list(plain_text(self.snapshot, cluster))
        if cluster.auto not in self.snapshot.files:
            out.append(f"{cluster.auto} was not seen: what ALTER SYSTEM set, which wins over the files, is not known")
        if not cluster.server:
            out.append("no server was seen to run with it: with which library it would is not known")
        elif cluster.server.program.endswith(" (deleted)"):
            out.append("its program was replaced since it started: restart it")
        if cluster.text("ssl_passphrase_command") and not cluster.on("ssl_passphrase_command_supports_reload"):
            out.append(
                f"{self.origin('ssl_passphrase_command')}: a key with a passphrase is asked for at a start only, so a reload keeps the TLS of before"
            )
        path = cluster.path(KEY, "server.key")
        mode, owner, group = (cluster.server.keys if cluster.server else {}).get(path, ("", "", ""))
        if mode and int(mode, 8) & (0o027 if owner == "root" else 0o077):
            out.append(f"{path} is {mode} {owner}:{group}: the next start and every reload refuse it: 0600, or 0640 of root")
        return tuple(out)


def _version(text: str, default: int) -> int:
    """Where in VERSIONS; the server compares without regard to case."""
    names = [name.lower() for name in VERSIONS]
    return names.index(text.lower()) if text.lower() in names else range(len(VERSIONS))[default]


def _library(snapshot: Snapshot, server: Server | None) -> Library:
    """That of the openssl command when both load the same file."""
    if server is None or not server.library:
        return Library()
    same = server.library == openssl_library(snapshot)
    return openssl.loaded(snapshot.answers) if same else Library(f"{server.library} of its own")


def _session(seen: Seen) -> Setting:
    """be_tls_init(): no tickets, no cache, and nothing else by which a session could come back."""
    return Setting(("early_data=never", "psk_ke=never", "ticket_key_age=0d", "reload=clears"), Origin(f"built into {seen.cluster.label}"))


def _addresses(cluster: Cluster) -> tuple[tuple[str, int], ...]:
    words = [word.strip().strip('"') for word in cluster.text("listen_addresses", "localhost").split(",")]
    port = cluster.text("port", "5432")
    return tuple((word, int(port) if port.isdigit() else 0) for word in dict.fromkeys(words) if word)
