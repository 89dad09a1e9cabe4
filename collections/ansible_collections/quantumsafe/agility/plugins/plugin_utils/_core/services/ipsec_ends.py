"""What tells which connection of another host is the other end of one in ipsec.conf: addresses, identities, subnets, and the numbers of its SAs.

`left` and `right` are no sides of a host: which of them is this one is what the daemon says, else left, as both daemons take it in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .ipsec_conf import Conn


def facts(conn: Conn, child: bool, known: Mapping[str, str], sas: Iterable[str]) -> Iterator[str]:
    """ "key=value", a key as often as it has values.  known: what the daemon says (local_addrs, remote_addrs, local_id, remote_id)."""
    sides = ("right", "left") if _is(conn, "right", known) and not _is(conn, "left", known) else ("left", "right")
    for side, where in zip(("local", "remote"), sides, strict=True):
        if child:
            yield from (f"{side}_ts={one}" for one in _many(conn.text(f"{where}subnet", f"{where}subnets")) or ("dynamic",))
            continue
        address = known.get(f"{side}_addrs") or conn.text(where, default="%any")
        yield from (f"{side}_addrs={'%any' if one[0] in '%<' else one}" for one in _many(address))
        identity = known.get(f"{side}_id") or conn.text(f"{where}id")
        yield from (f"{side}_id={one}" for one in (identity,) if one and one[0] not in "%(<")
    yield from (f"sa={one}" for one in sas)


def pair(one: str, other: str) -> str:
    """The two numbers of an SA that carries packets, the same at both ends."""
    return "-".join(sorted(number.lower().zfill(8) for number in (one, other)))


def _is(conn: Conn, where: str, known: Mapping[str, str]) -> bool:
    return bool(known.get("local_addrs")) and conn.text(where) == known.get("local_addrs")


def _many(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[{},\s]+", text)))
