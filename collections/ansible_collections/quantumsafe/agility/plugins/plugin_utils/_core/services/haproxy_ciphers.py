"""Which cipher suites HAProxy takes on a bind: what `ciphers` and `ciphersuites` mean to this library, less what cannot come about.

Cannot come about, whatever is listed: pre-shared keys and SRP, DHE without parameters from 2.6 on (CHANGELOG, 2.6), what the security level
bars, and suites of TLS 1.2 where that version is off.  A line of a crt-list may have lists of its own, which count for its names.
Sources: configuration manual, 5.1 "ciphers", "ciphersuites", 3.1 "ssl-default-bind-ciphers", "ssl-dh-param-file"; SSL_CTX_set_cipher_list(3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Capability, Inexpressible, Origin, Setting
from .haproxy_binds import Bind
from .haproxy_lists import Entry
from .openssl_lists import Limits, Lists, is_modern, old_versions, spelled

NO_DHE = (2, 6)  # from here on DHE needs parameters
DEFAULT = "DEFAULT"  # of the library; HAProxy has no list of its own
PARAMETERS = ("ssl-dh-param-file", "tune.ssl.default-dh-param")


@dataclass(frozen=True, slots=True)
class List:
    """One list where it is said."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Ciphers(Lists):
    """What this HAProxy makes of its lists.  with_dh: the binds whose files bring parameters for DHE along."""

    version: tuple[int, ...] = ()
    with_dh: tuple[Bind, ...] = ()

    def setting(self, bind: Bind, entries: tuple[Entry, ...], versions: tuple[str, ...]) -> tuple[Setting | None, str]:
        """The suites of all its certificates, its own first; None and why when those of one are not known."""
        found: dict[str, None] = {}
        for own in (None, *entries):
            if problem := self.doubt(bind, own, versions):
                return None, problem
            found |= dict.fromkeys((*self.modern(bind, own, versions), *self.old(bind, own, versions)))
        says = self.listed(bind, None, "ciphers" if old_versions(versions) else "ciphersuites")
        return Setting(tuple(sorted(found, key=lambda name: not is_modern(name))), says.origin if says else self.default), ""

    def capability(self, bind: Bind, versions: tuple[str, ...]) -> Capability:
        """What the library could do here."""
        if self.known.doubt:
            return Capability(None, self.known.doubt, self.library.label)
        limits = self.limits(bind, versions)
        own = [name for name in self.modern(bind, None, versions) if name not in self.known.modern]
        old = (suite.name for suite in self.known.old if limits.lets(suite))
        theirs = bind.own("prefer-client-ciphers") or bind.default("prefer-client-ciphers")
        return Capability((*self.known.modern, *own, *old), "openssl ciphers -v", self.library.label, order="set" if theirs else "list")

    def listed(self, bind: Bind, entry: Entry | None, name: str) -> List | None:
        """What says it: the line of a crt-list, the bind, the default before it."""
        if entry and (value := entry.option(name)):
            return List(value, entry.origin)
        said = bind.own(name) or bind.default(f"ssl-default-bind-{name}")
        if said:
            return List(said.value, said.line.origin)
        return List(*self.system) if self.system and name == "ciphers" else None

    def modern(self, bind: Bind, entry: Entry | None, versions: tuple[str, ...]) -> tuple[str, ...]:
        """The suites of TLS 1.3; () where that version is off."""
        if "TLSv1.3" not in versions:
            return ()
        says = self.listed(bind, entry, "ciphersuites")
        return self.tls13(says.text if says else "", self.level(bind, entry))

    def old(self, bind: Bind, entry: Entry | None, versions: tuple[str, ...]) -> tuple[str, ...]:
        """The suites of TLS 1.2 and before, when there is no problem with them; none where those versions are off."""
        if not old_versions(versions):
            return ()
        limits = self.limits(bind, versions, entry)
        return tuple(suite.name for suite in self.expanded(self.text(bind, entry) or "").suites if limits.lets(suite))

    def doubt(self, bind: Bind, entry: Entry | None, versions: tuple[str, ...]) -> str:
        """Why nobody can say what its list means; "" when it is known."""
        if not old_versions(versions) or not (problem := self.problem(self.text(bind, entry))):
            return ""
        says = self.listed(bind, entry, "ciphers")
        return f"ciphers ({says.origin if says else self.default}) {problem}"

    def wanted_text(self, kind: str, bind: Bind, names: tuple[str, ...], versions: tuple[str, ...]) -> str:
        """What the list of a kind ("ciphers" or "ciphersuites") shall say; "" = it may stay."""
        modern = kind == "ciphersuites"
        on = "TLSv1.3" in versions if modern else old_versions(versions)
        mine = [name for name in names if is_modern(name) is modern]
        now = self.modern(bind, None, versions) if modern else self.old(bind, None, versions)
        if not on or set(mine) == set(now):
            return ""
        if not mine:
            what = "TLS 1.3" if modern else "TLS 1.2 and before"
            raise Inexpressible(f"no suite of {what} would be left, where it is on", str(bind.line.origin), "an empty list is no list: turn it off")
        return spelled(mine, None if modern else self.stated_level(self.text(bind, None)))

    def text(self, bind: Bind, entry: Entry | None) -> str | None:
        says = self.listed(bind, entry, "ciphers")
        return self.resolved(says.text if says else DEFAULT)

    def level(self, bind: Bind, entry: Entry | None) -> int:
        return self.level_of(self.text(bind, entry))

    def limits(self, bind: Bind, versions: tuple[str, ...], entry: Entry | None = None) -> Limits:
        has_dh = bind in self.with_dh or bool(self.version and self.version < NO_DHE) or any(bind.default(name) for name in PARAMETERS)
        return Limits(self.level(bind, entry), has_dh, "TLSv1.2" in versions)

    def idle(self, bind: Bind, versions: tuple[str, ...]) -> Iterator[str]:
        """What a person who reads the list may not expect."""
        says = self.listed(bind, None, "ciphers")
        if says and old_versions(versions) and not self.known.doubt:
            unused = {suite.name for suite in self.expanded(says.text).suites} - set(self.old(bind, None, versions))
            if named := [name for name in says.text.split(":") if name in unused]:
                yield f"ciphers at {says.origin} lists {', '.join(named)}, which cannot come about here (see ssl-dh-param-file and @SECLEVEL)"
