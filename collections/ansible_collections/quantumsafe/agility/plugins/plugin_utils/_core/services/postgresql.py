"""PostgreSQL.  Sources: documentation of the ssl_* settings (11 to 18), "SSL Session Encryption"; be-secure-openssl.c.

One endpoint for each cluster with ssl = on.  All of it is taken up on a reload; when that finds something wrong, the server keeps what it had
and only its log tells, so the configuration is tried before (postgresql_ask.py) and a handshake has to show it afterwards.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from ..certificates.read import leaf
from ..credentials import Binding, Certificate, Pair, Serving
from ..grant import Grant
from ..model import Activation, Capability, Change, Collect, Endpoint, Follow, Inexpressible, Origin, Setting, Snapshot, Unparsable, Wanted, Wishes
from ..service import Service
from . import openssl
from .fips import fips, later, module_of
from .nginx_proof import after, prove
from .openssl import Library
from .postgresql_ask import SERVERS, Server, check, checks, openssl_library
from .postgresql_ciphers import Ciphers
from .postgresql_config import AUTO, CONF, DEBIAN, HBA, PLACES, REDHAT, Cluster, clusters, hba, plain_text
from .postgresql_write import (
    CERTIFICATE,
    CURVE,
    GROUPS,
    HAS_GROUPS,
    HAS_VERSIONS,
    KEY,
    LEAST,
    MOST,
    VERSIONS,
    changes,
    group_texts,
    version_texts,
)

COLLECT = Collect(
    needs=(DEBIAN, REDHAT, "/usr/bin/postgres", "/usr/local/bin/postgres", "/usr/local/pgsql"),
    files=(
        *(f"{place}/{name}" for place in PLACES for name in (CONF, HBA)),
        *(f"{place}/{name}" for place in (*PLACES[1:], "/var/lib/postgresql/*/*") for name in (AUTO, "PG_VERSION")),
        *(f"{place}/conf.d/*.conf" for place in PLACES),
        *openssl.SYSTEM_LISTS,
    ),
    # Where a path is whole and a word of its own; a second look also follows those that are relative to what it asks for.
    follow=tuple(Follow(word, DEBIAN) for word in ("ssl_cert_file", "include", "include_if_exists")),
    commands={"postgresql-servers": SERVERS, **openssl.COMMANDS},
    second_tries=openssl.SECOND_TRIES,
)
CURVES = ("prime256v1", "secp384r1", "secp521r1")
ALONE = "PostgreSQL serves one certificate: a second kind beside it is impossible"
CHANGES_ALONE = (
    "it lies in the data directory, where nothing is added: give certificates a folder of their own, and name it in ssl_cert_file and ssl_key_file"
)
GRANT: Grant | None = None


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
        return Endpoint(
            id=self.id,
            service="postgresql",
            protocol="tls",
            names="openssl",
            addresses=_addresses(self.cluster),
            version=self.cluster.label,
            settings={aspect: setting for aspect, setting in found.items() if setting},
            capabilities={
                "version": self.version_capability(),
                "key_exchange": self.group_capability(),
                "cipher": self.ciphers.capability(spoken),
                "signature": Capability(None, "it signs with the key of its certificate, so another scheme needs another certificate"),
            },
            certificates=(certificate,) if certificate else (),
            notes=tuple(filter(None, (*self.notes(), unclear))),
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


def of(snapshot: Snapshot) -> tuple[Seen, ...]:
    """Worked out once for a snapshot."""
    known = snapshot.seen.get("postgresql")
    if not isinstance(known, tuple):
        known = snapshot.seen["postgresql"] = tuple(Seen(snapshot, cluster) for cluster in clusters(snapshot))
    return known


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    for seen in of(snapshot):
        for path, origin in seen.cluster.absent.items():
            if path not in seen.cluster.optional:
                raise Unparsable(f"{path} was not seen, and the server begins with it", str(origin), "look whether that file is there")
    return tuple(seen.endpoint() for seen in of(snapshot) if seen.serves)


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """Main files, includes, certificates and rules that a cluster names and the snapshot lacks."""
    wanted: set[str] = set()
    for seen in of(snapshot):
        cluster = seen.cluster
        wanted |= set(cluster.absent)
        if cluster.conf in cluster.absent:  # there are two looks, so all that it is likely to name
            wanted |= {f"{cluster.data}/{name}" for name in ("server.crt", HBA)} | {f"{posixpath.dirname(cluster.conf)}/conf.d/*.conf"}
        if seen.serves:
            wanted |= {cluster.path(CERTIFICATE, "server.crt"), hba(cluster)}
    return tuple(sorted(path for path in wanted if path not in snapshot.files and not any(_covers(pattern, path) for pattern in COLLECT.files)))


def _covers(pattern: str, path: str) -> bool:
    """Whether the first look asked for it already; a pattern may stand for a pattern."""
    parts = list(zip(pattern.split("/"), path.split("/"), strict=False))
    return pattern.count("/") == path.count("/") and all(fnmatchcase(name, part) for part, name in parts)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible, also when the edited files would not read as wished."""
    mine = [seen for seen in of(snapshot) if seen.serves]
    said = {seen.cluster.name: _texts(seen, wishes.get(seen.id, {})) for seen in mine}
    made = changes(snapshot, [seen.cluster for seen in mine], said)
    then = {endpoint.id: endpoint for endpoint in read(after(snapshot, made))}
    for seen in mine:
        prove((seen.endpoint(),), (then[seen.id],), wishes, seen.library if seen.cluster.major >= HAS_GROUPS else Library())
    return made


def _texts(seen: Seen, wanted: Mapping[str, Wanted]) -> dict[str, str]:
    """Name of a setting → what it shall say."""
    out: dict[str, str] = {}
    now = seen.versions()
    spoken = wanted["version"].names if "version" in wanted else now.values if now else VERSIONS
    for aspect, to in wanted.items():
        if aspect == "version":
            out |= version_texts(seen.cluster, to, now)
        elif aspect == "key_exchange":
            out |= group_texts(seen.cluster, to, seen.library, seen.group_capability())
        elif aspect == "cipher":
            out |= seen.ciphers.texts(to.names, spoken)
        elif to.names != seen.endpoint().settings[aspect].values:
            raise Inexpressible(f"this release does not write {aspect} for PostgreSQL", seen.cluster.conf)
    return out


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """A reload of the one unit; of several clusters that of Debian's unit for all.  Raises Inexpressible where there is none."""
    mine = [seen for seen in of(snapshot) if seen.id in {endpoint.id for endpoint in endpoints}]
    running = [seen.cluster for seen in mine if seen.cluster.server]
    units = tuple(dict.fromkeys(unit for cluster in running or [seen.cluster for seen in mine] for unit in _units(cluster)))
    if len(running) > 1:
        if not all(cluster.debian for cluster in running):
            names = ", ".join(cluster.name for cluster in running)
            raise Inexpressible(f"several servers run, each with a unit of its own: {names}", snapshot.host, "this release reloads one of them")
        units = ("postgresql.service",)
    ports = tuple(dict.fromkeys(port for endpoint in endpoints for dummy, port in endpoint.addresses if port))
    calls = tuple(_check(cluster, cluster.server) for cluster in running if cluster.server)
    return Activation("postgresql", units, (), checks(calls), "reload", ports)


def _units(cluster: Cluster) -> tuple[str, ...]:
    unit = cluster.server.unit if cluster.server else ""
    debian = f"postgresql@{cluster.name.replace('/', '-')}.service" if cluster.debian else ""
    return tuple(dict.fromkeys(filter(None, (unit, debian, f"postgresql-{cluster.major}.service", "postgresql.service"))))


def _check(cluster: Cluster, server: Server) -> str:
    """Paths that are relative to the data directory are told whole, for the check has another, and no server goes on without the last two."""
    names = (CERTIFICATE, KEY, "ssl_ca_file", "ssl_crl_file", "ssl_crl_dir", "ssl_dh_params_file")
    defaults = {CERTIFICATE: "server.crt", KEY: "server.key"}
    whole = {name: path for name in names if (path := cluster.path(name, defaults.get(name, ""))) != cluster.text(name)}
    given = {name: text for name, text in server.options.items() if name.startswith("ssl")}
    return check(server, cluster.major, {"config_file": cluster.conf, **given, **whole, "hba_file": hba(cluster), "ident_file": hba(cluster)})


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    return tuple(_serving(seen) for seen in of(snapshot) if seen.serves)


def _serving(seen: Seen) -> Serving:
    cluster = seen.cluster
    pair = Pair(cluster.path(CERTIFICATE, "server.crt"), cluster.path(KEY, "server.key"))
    inside = any(posixpath.dirname(path) == cluster.data for path in (pair.certificate, pair.key))
    binding = Binding(pair, seen.origin(CERTIFICATE), CHANGES_ALONE if inside else "")
    return Serving("postgresql", (seen.id,), (), (binding,), alone=ALONE)


def rebind(snapshot: Snapshot, wanted: Mapping[Origin, tuple[Pair, ...]]) -> tuple[Change, ...]:
    """Raises Inexpressible for a second pair."""
    said = {}
    for seen in of(snapshot):
        pairs = wanted.get(seen.origin(CERTIFICATE), ()) if seen.serves else ()
        if len(pairs) > 1:
            raise Inexpressible(ALONE, str(seen.origin(CERTIFICATE)), "ask for one kind of key")
        if pairs:
            said[seen.cluster.name] = {CERTIFICATE: pairs[0].certificate, KEY: pairs[0].key}
    return changes(snapshot, [seen.cluster for seen in of(snapshot)], said)


SERVICE = Service(
    name="postgresql",
    protocol="tls",
    collect=COLLECT,
    read=read,
    write=write,
    activation=activation,
    missing=missing,
    later=later,
    servings=servings,
    rebind=rebind,
    grant=GRANT,
)
