"""Which suites a PostgreSQL takes: what ssl_ciphers and ssl_tls13_ciphers (18) mean to its library, less what cannot come about.

Sources: documentation of ssl_ciphers, ssl_tls13_ciphers and ssl_dh_params_file (DHE always comes about: built-in parameters stand in);
be_tls_init().  It has no callback for pre-shared keys or SRP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import Capability, Evidence, Inexpressible, Origin, Setting, Snapshot
from . import openssl
from .openssl import Library
from .openssl_lists import Limits, Lists, is_modern, old_versions, spelled
from .postgresql_config import Cluster

DEFAULT_CIPHERS = "HIGH:MEDIUM:+3DES:!aNULL"  # documentation, 9.4 to 18
OLD, MODERN = "ssl_ciphers", "ssl_tls13_ciphers"
HAS_MODERN = 18  # the first release with the latter


@dataclass(frozen=True, slots=True)
class Ciphers(Lists):
    cluster: Cluster = field(kw_only=True)

    @classmethod
    def of(cls, snapshot: Snapshot, cluster: Cluster, library: Library, default: Origin) -> Ciphers:
        return cls(library, openssl.suites(library, snapshot.answers), default, openssl.system_ciphers(snapshot.files), cluster=cluster)

    def setting(self, versions: tuple[str, ...]) -> tuple[Setting | None, str]:
        """(the suites of TLS 1.3, then the others, why they are not known)."""
        entry = self.cluster.entries.get(OLD if old_versions(versions) else MODERN)
        origin = entry.origin if entry else self.default
        names, problem = self.old(versions)
        if problem:
            return None, problem
        evidence: Evidence = "configured" if self.known.doubt else "effective"
        return Setting((*self.modern(versions), *names), origin, evidence), ""

    def modern(self, versions: tuple[str, ...]) -> tuple[str, ...]:
        if "TLSv1.3" not in versions:
            return ()
        text = self.cluster.text(MODERN) if self.cluster.major >= HAS_MODERN else ""
        return self.tls13(text, self.level())

    def old(self, versions: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """(the suites of TLS 1.2 and before, why they are not known)."""
        if not old_versions(versions):
            return (), ""
        text, where = self.text(), str(entry.origin) if (entry := self.cluster.entries.get(OLD)) else str(self.default)
        if problem := self.problem(text):
            return (), f"ssl_ciphers ({where}) {problem}"
        limits = self.limits(versions)
        return tuple(suite.name for suite in self.expanded(text or "").suites if limits.lets(suite)), ""

    def capability(self, versions: tuple[str, ...]) -> Capability:
        if self.known.doubt:
            return Capability(None, self.known.doubt, self.library.label)
        here = self.modern(versions)
        limits = self.limits(versions)
        names = (*dict.fromkeys((*self.known.modern, *here)), *(suite.name for suite in self.known.old if limits.lets(suite)))
        return Capability(
            names, "openssl ciphers -v", self.library.label, order="list" if self.cluster.on("ssl_prefer_server_ciphers", "on") else "set"
        )

    def texts(self, names: tuple[str, ...], versions: tuple[str, ...]) -> dict[str, str]:
        """What each of the two settings shall say, where that is something else than now.  Raises Inexpressible."""
        where = self.cluster.conf
        modern, old = [name for name in names if is_modern(name)], [name for name in names if not is_modern(name)]
        for on, left, which in (("TLSv1.3" in versions, modern, "TLS 1.3"), (old_versions(versions), old, "TLS 1.2 and before")):
            if on and not left:
                raise Inexpressible(f"no suite of {which} would be left, where it is on", where, "an empty list is no list: turn it off")
        out = {}
        if "TLSv1.3" in versions and set(modern) != set(self.modern(versions)):
            if self.cluster.major < HAS_MODERN:
                raise Inexpressible(
                    f"{self.cluster.label} has no setting for the suites of TLS 1.3, which came with {HAS_MODERN}",
                    where,
                    "set Ciphersuites in openssl.cnf, or upgrade",
                )
            out[MODERN] = ":".join(modern)
        now, problem = self.old(versions)
        if problem:
            raise Inexpressible(problem, where)
        if old_versions(versions) and set(old) != set(now):
            out[OLD] = spelled(old, self.stated_level(self.text()))
        return out

    def limits(self, versions: tuple[str, ...]) -> Limits:
        return Limits(self.level(), True, "TLSv1.2" in versions)

    def level(self) -> int:
        return self.level_of(self.text())

    def text(self) -> str | None:
        """The expression; None when the system's policy decides and is not known."""
        return self.resolved(self.cluster.text(OLD, DEFAULT_CIPHERS))
