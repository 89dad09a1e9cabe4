"""Which versions of TLS a bind lets through.

As ssl_sock_prepare_all_ctx() and ssl_sock_prepare_ctx() do it, and tried on 3.0.11: no-tlsv1x counts only where nobody names a bound, on the
line or as a default; a hole between two versions is filled; a bound that a line of a crt-list names counts for its certificates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .haproxy_binds import Bind, Said

# As OpenSSL and the catalogue call them → as HAProxy does.
SPELLED = {"SSLv3": "SSLv3", "TLSv1": "TLSv1.0", "TLSv1.1": "TLSv1.1", "TLSv1.2": "TLSv1.2", "TLSv1.3": "TLSv1.3"}
VERSIONS = tuple(SPELLED)
BOUNDS = ("ssl-min-ver", "ssl-max-ver")
_OFF = {"no-sslv3": 0, "no-tlsv10": 1, "no-tlsv11": 2, "no-tlsv12": 3, "no-tlsv13": 4}
_FORCED = {name.replace("no-", "force-"): number for name, number in _OFF.items()}
WORDS = (*BOUNDS, *_OFF, *_FORCED)
DEFAULT_TLS12 = (2, 2)  # from here on nothing before TLS 1.2 without being asked for (CHANGELOG, 2.2)


@dataclass(frozen=True, slots=True)
class Bounds:
    """least, most: indices into VERSIONS, None = not named.  off: versions that are switched off one by one."""

    least: int | None = None
    most: int | None = None
    off: frozenset[int] = frozenset()

    def beneath(self, default: Bounds) -> Bounds:
        """What a line comes to with these defaults."""
        least = self.least if self.least is not None else default.least
        most = self.most if self.most is not None else default.most
        return Bounds(least, most, self.off | default.off)

    def versions(self, able: Iterable[str], first: int | None) -> tuple[str, ...] | None:
        """first: the least version without being asked for.  None when the least one stands on a HAProxy of unknown version."""
        bounded = self.least is not None or self.most is not None
        least = self.least
        if least is None:
            if first is None:
                return None
            least = first if self.most is None or self.most >= first else self.most
        most = self.most if self.most is not None else len(VERSIONS) - 1
        on = [n for n, name in enumerate(VERSIONS) if name in able and least <= n <= most and (bounded or n not in self.off)]
        return tuple(name for n, name in enumerate(VERSIONS) if on and name in able and on[0] <= n <= on[-1])


def bounds(options: Iterable[tuple[str, str]]) -> Bounds:
    """By the words of one line, or of all lines with defaults, each with the one behind it."""
    least: int | None = None
    most: int | None = None
    off = set()
    spelled = list(SPELLED.values())
    for name, value in options:
        if name in _FORCED:
            least = most = _FORCED[name]
        elif name in _OFF:
            off.add(_OFF[name])
        elif name in BOUNDS and value in spelled:
            least, most = (spelled.index(value), most) if name == BOUNDS[0] else (least, spelled.index(value))
    return Bounds(least, most, frozenset(off))


def of_bind(bind: Bind) -> Bounds:
    own, default = (((said.name, said.value) for said in found) for found in (bind.options, bind.defaults))
    return bounds(own).beneath(bounds(default))


def governing(bind: Bind) -> Said | None:
    """Where that is said: on the line, else as a default."""
    return bind.own(*WORDS) or bind.default(*WORDS)


def first_version(version: tuple[int, ...]) -> int | None:
    return None if not version else VERSIONS.index("TLSv1.2") if version >= DEFAULT_TLS12 else VERSIONS.index("TLSv1")
