"""Which sockets HAProxy listens on with TLS, and what each `bind` says, with what the global sections before it have as its defaults.

Sources: configuration manual, 5.1 "Bind options", 11 "Address formats".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Unparsable
from .haproxy_config import Assembly, Line, Section
from .nginx_edit import REDACTED

# Options with a word behind them; all others stand alone.
_WITH_VALUE = """
    accept-netscaler-cip alpn backlog ca-file ca-ignore-err ca-sign-file ca-sign-pass ca-verify-file cc ciphers ciphersuites
    client-sigalgs crl-file crt crt-ignore-err crt-list curves default-crt ecdhe expose-fd gid group guid-prefix id idle-ping
    interface ktls label level maxconn mode mss name namespace nbconn nice npn ocsp-update process proto quic-cc-algo quic-socket
    severity-output shards sigalgs ssl-max-ver ssl-min-ver tcp-md5sig tcp-ss tcp-ut thread tls-ticket-keys uid user verify
"""
WITH_VALUE = frozenset(_WITH_VALUE.split())
_FAMILY = re.compile(r"([a-z0-9+]+)@(.*)")
_NO_PORT = ("unix", "abns", "abnsz", "fd", "sockpair", "rhttp")
_PORTS = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """One option where it stands.  word: which of its line's words its name is; value "" of one that stands alone."""

    name: str
    value: str
    line: Line
    word: int


@dataclass(frozen=True, slots=True, eq=False)
class Bind:
    """One `bind` line with TLS.  options: its own, in order; defaults: those of ssl-default-bind-* that stand before it."""

    section: Section
    line: Line
    options: tuple[Said, ...]
    defaults: tuple[Said, ...]

    def own(self, *names: str) -> Said | None:
        """The last one counts."""
        return next((said for said in reversed(self.options) if said.name in names), None)

    def default(self, *names: str) -> Said | None:
        return next((said for said in reversed(self.defaults) if said.name in names), None)

    def all(self, *names: str) -> tuple[Said, ...]:
        return tuple(said for said in self.options if said.name in names)


@dataclass(frozen=True, slots=True, eq=False)
class Socket:
    """One address that a bind listens on."""

    id: str
    address: str
    port: int
    bind: Bind


def sockets(assembly: Assembly) -> tuple[Socket, ...]:
    """Every TLS socket but QUIC's, in reading order.  Two binds on one address have their lines in their names."""
    found = [(address, port, bind) for bind in binds(assembly) for address, port in addresses(bind.line) if not is_quic(bind.line)]
    places = [(address, port) for address, port, dummy in found]
    return tuple(Socket(_id(address, port, bind, places), address, port, bind) for address, port, bind in found)


def _id(address: str, port: int, bind: Bind, places: list[tuple[str, int]]) -> str:
    name = f"haproxy {address}:{port}" if port else f"haproxy {address}"
    return name if places.count((address, port)) == 1 else f"{name} ({bind.line.origin})"


def binds(assembly: Assembly) -> Iterator[Bind]:
    for section in assembly.sections:
        for line in section.named("bind"):
            if "ssl" in (said.name for said in options(line, 2)):
                yield Bind(section, line, tuple(options(line, 2)), tuple(_defaults(assembly.before(section))))


def options(line: Line, first: int) -> Iterator[Said]:
    """The options on a line from one of its words on.  Raises Unparsable where a secret on it hides what stands behind."""
    values, at = line.values, first
    if REDACTED in values:
        raise Unparsable("the line also holds a secret, behind which nothing was sent", str(line.origin), "give it a bind without one")
    while at < len(values):
        more = values[at] in WITH_VALUE and at + 1 < len(values)
        yield Said(values[at], values[at + 1] if more else "", line, at)
        at += 2 if more else 1


def _defaults(before: tuple[Line, ...]) -> Iterator[Said]:
    """ssl-default-bind-curves and its like by their own names, and each of ssl-default-bind-options by its own."""
    for line in before:
        if line.name == "ssl-default-bind-options":
            yield from options(line, 1)
        elif line.name.startswith(("ssl-", "tune.ssl.", "crt-base", "key-base", "ca-base")):
            yield Said(line.name, " ".join(line.values[1:]), line, 0)


def is_quic(line: Line) -> bool:
    return line.value(1).startswith(("quic4@", "quic6@"))


def addresses(line: Line) -> Iterator[tuple[str, int]]:
    """(address, port) of each; port 0 of what has none.  Raises Unparsable for one that is neither."""
    for text in (line.value(1) if len(line.words) > 1 else "").split(","):
        named = _FAMILY.fullmatch(text)
        family, rest = (named[1], named[2]) if named else ("", text)
        if rest.startswith("/") or family.startswith(_NO_PORT):
            yield text, 0
            continue
        host, dummy, ports = rest.rpartition(":")
        numbers = _PORTS.fullmatch(ports)
        if not numbers:
            raise Unparsable(f"bind {text or '(nothing)'}: neither an address with a port nor a path", str(line.origin), "run `haproxy -c -f` on it")
        for port in range(int(numbers[1]), int(numbers[2] or numbers[1]) + 1):
            yield _address(host, family), port


def _address(host: str, family: str) -> str:
    host = host.strip("[]").lower()
    if host in ("", "*", "0.0.0.0"):
        return "::" if "6" in family else "*"
    return host
