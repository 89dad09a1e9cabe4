"""One connection of OpenVPN as an endpoint: what is effective in each aspect, what it can do, and the traps that were found.

Sources: openvpn(8) of 2.4 to 2.7; ssl_openssl.c: the library gets `tls-groups` as it is written (from OpenSSL 3 on), `ecdh-curve` is ignored
there; no tickets, no cache, so no session ever comes back (tls_ctx_server_new(), tls_ctx_set_options()).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

from ..algorithms.lookup import find
from ..certificates.read import leaf
from ..credentials import Certificate
from ..model import Capability, Endpoint, Evidence, Origin, Setting, Snapshot
from . import openssl
from .fips import fips, module_of
from .openssl import Library, Version
from .openvpn_ciphers import ciphers
from .openvpn_config import Config

VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
SPOKEN = dict(zip(("1.0", "1.1", "1.2", "1.3"), VERSIONS, strict=True))
LEAST_12 = (2, 6)  # the first release whose own least version is TLS 1.2; before that its library decides
WRAPS = ("tls-crypt-v2", "tls-crypt", "tls-auth", "secret")
_VERSION = re.compile(r"OpenVPN (\d+(?:\.\d+)*)")
_LIBRARY = re.compile(r"library versions: ([^,]+)")
_CIPHER = re.compile(r"^([A-Z0-9-]+)  \(\d+ bit key", re.MULTILINE)


class Seen:
    """A connection with the library that it runs with."""

    def __init__(self, snapshot: Snapshot, config: Config) -> None:
        self.snapshot, self.config = snapshot, config
        answer = snapshot.answers.get("openvpn-version")
        said = answer.out if answer else ""
        found, linked = _VERSION.search(said), _LIBRARY.search(said)
        self.version: Version = tuple(map(int, found[1].split("."))) if found else ()
        self.label = f"OpenVPN {found[1]}" if found else "OpenVPN of unknown version"
        self.library = openssl.library(linked[1]) if linked else Library()
        self.fips = fips(snapshot, not openssl.doubt_about(self.library, snapshot.answers)) if self.library.version else None
        self.default = Origin(f"default of {self.label} with {self.library.label or 'an unknown library'}")
        self.evidence: Evidence = "effective" if config.server and not config.server.changed else "configured"

    @property
    def id(self) -> str:
        return f"openvpn {self.config.name}"

    def origin(self, *names: str) -> Origin:
        found = self.config.last(*names)
        return found.origin if found else self.default

    def versions(self) -> Setting | None:
        least = SPOKEN.get(self.config.value("tls-version-min"), VERSIONS[2] if self.version >= LEAST_12 else "")
        most = SPOKEN.get(self.config.value("tls-version-max"), VERSIONS[3])
        if not least:
            return None
        return Setting(VERSIONS[VERSIONS.index(least) : VERSIONS.index(most) + 1], self.origin("tls-version-min", "tls-version-max"), self.evidence)

    def groups(self) -> Setting | None:
        known, text, origin = self.capability.names, self.config.value("tls-groups"), self.origin("tls-groups")
        if not text and self.library.version < (3,) and self.config.has("ecdh-curve"):
            return None
        if not text and (system := openssl.system_groups(self.snapshot.files)):
            text, origin = system
        found = openssl.parse_groups(text, self.library, known) if text else openssl.default_groups(self.library, known)
        if found is None or not self.library.version:
            return None
        return Setting(tuple(name for name, dummy in found), origin, self.evidence, tuple(tier for dummy, tier in found))

    @cached_property
    def capability(self) -> Capability:
        found = openssl.group_capability(self.library, self.snapshot.answers, module_of(self.fips))
        return replace(found, order="tuple" if self.library.has_tuples else "list")

    def ciphers(self) -> Capability:
        answer = self.snapshot.answers.get("openvpn-ciphers")
        names = tuple(_CIPHER.findall(answer.out)) if answer and answer.ok else ()
        return Capability(names or None, "openvpn --show-ciphers", self.label, order="list")

    def certificate(self) -> Certificate | None:
        said = self.config.last("cert")
        if said and said.option.inline:
            return leaf(said.text, str(said.origin))
        path = self.config.where("cert")
        file = self.snapshot.files.get(path)
        return leaf(file.text, path) if file and file.text else None

    def endpoint(self) -> Endpoint:
        config, certificate = self.config, self.certificate()
        data = ciphers(config, self.version, self.ciphers().names, self.label, self.evidence)
        static = config.role == "static"
        found = {
            "version": None if static else self.versions(),
            "key_exchange": None if static else self.groups(),
            "cipher": data,
            "mac": self._mac(data),
            "psk": self._psk(),
            "fips": self.fips,
            "session": Setting(("early_data=never", "psk_ke=never", "ticket_key_age=0d", "reload=clears"), Origin(f"built into {self.label}")),
            "signature": Setting((certificate.key,), Origin(certificate.path)) if certificate and certificate.key else None,
        }
        spoken = VERSIONS if self.library.version else None
        return Endpoint(
            id=self.id,
            service="openvpn",
            protocol="openvpn",
            names="openssl",
            addresses=self._addresses(),
            version=self.label,
            settings={aspect: setting for aspect, setting in found.items() if setting},
            capabilities={
                "version": Capability(spoken, "TLS 1.3 since OpenSSL 1.1.1 (OpenSSL CHANGES)", self.library.label, order="set"),
                "key_exchange": self.capability,
                "cipher": self.ciphers(),
                "mac": Capability(None, "another digest has to be set on both ends together", self.label),
                "signature": Capability(None, "it signs with the key of its certificate, so another scheme needs another certificate"),
            },
            certificates=(certificate,) if certificate else (),
            notes=self.notes(),
            role="client" if config.role == "client" else "server",
            transport="tcp" if config.value("proto", "udp").startswith("tcp") else "udp",
        )

    def _addresses(self) -> tuple[tuple[str, int], ...]:
        if self.config.role == "client":
            return ()
        port = self.config.value("lport") or self.config.value("port", "1194")
        return ((self.config.value("local", "*"), int(port) if port.isdigit() else 0),)

    def _mac(self, data: Setting | None) -> Setting | None:
        """The digest where one protects anything: packets of a cipher without its own, and the control channel behind tls-auth; tls-crypt has one."""
        names = [a for name in (data.values if data else ()) if (a := find("openvpn", "cipher", name))]
        if self.config.has("tls-auth") or any(not a.aead for a in names):
            return Setting((self.config.value("auth", "SHA1").upper(),), self.origin("auth"), self.evidence)
        wrap = self.config.last("tls-crypt", "tls-crypt-v2")
        return Setting(("SHA256",), wrap.origin, self.evidence) if wrap else None

    def _psk(self) -> Setting:
        """A key that both ends must have before TLS begins; it is symmetric and hides, and makes no exchange quantum-safe."""
        found = self.config.last(*WRAPS)
        facts = ("mode=required", f"kind={found.option.name}") if found else ("mode=none", "kind=none")
        return Setting(facts, found.origin if found else self.default, self.evidence)

    def notes(self) -> tuple[str, ...]:
        config, out = self.config, []
        if config.server is None:
            out.append("no process was seen to run with it")
        elif config.server.changed:
            out.append("its file was changed since it started: what it says counts after a restart, which ends every session")
        if config.server and config.server.handshakes:
            out.append(f"handshakes in its log since it started: {'; '.join(map(str, config.server.handshakes))}")
        elif config.server:
            out.append("its log shows no handshake since it started (verb 3 makes it do so)")
        if config.role == "static":
            out.append(f"{self.origin('secret')}: a static key and no exchange at all: who learns it reads everything; 2.7 takes it no more")
        if config.has("ecdh-curve") and self.library.version >= (3,):
            out.append(f"{self.origin('ecdh-curve')}: ecdh-curve is ignored with {self.library.label}: say tls-groups")
        if config.role == "client" and not config.has("remote-cert-tls", "verify-x509-name", "peer-fingerprint"):
            out.append("it takes every certificate of its authority for the server's: say remote-cert-tls server")
        if config.has("compat-mode"):
            out.append(f"{self.origin('compat-mode')}: compat-mode brings defaults of older releases back, which are not told here")
        for name in ("tls-cipher", "tls-ciphersuites"):
            if said := config.last(name):
                out.append(f"{said.origin}: {name} narrows the suites of the control channel to {said.option.value}")
        if config.server and config.server.program.endswith(" (deleted)"):
            out.append("its program was replaced since it started: restart it")
        return tuple(out)
