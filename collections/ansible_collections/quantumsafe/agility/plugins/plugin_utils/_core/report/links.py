"""links.json, and what a person sees of it: both ends of each tunnel side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..links.agree import Agreement
from ..links.find import find, hubs
from ..links.link import Channel, Hub, Link
from .results import HostResult
from .table import columns, one_line


def newest(results: Sequence[HostResult]) -> tuple[HostResult, ...]:
    """Of results of several runs the last look at each host."""
    looked = [one for one in results if one.endpoints]
    return tuple({one.host: one for one in sorted(looked, key=lambda one: (one.host, one.taken))}.values())


def links(results: Sequence[HostResult], addresses: Mapping[str, tuple[str, ...]]) -> tuple[Link, ...]:
    """addresses: by host, as the inventory has them."""
    kept = newest(results)
    own = {one.host: tuple(filter(None, [one.target.get("hostname", "")])) for one in kept}
    names = {host: (*addresses.get(host, ()), *own.get(host, ())) for host in (*addresses, *own)}
    return find({one.host: tuple(one.endpoints) for one in kept}, names)


def plain_links(found: Sequence[Link], results: Sequence[HostResult], complaints: Sequence[str]) -> dict[str, Any]:
    return {
        "format": 1,
        "hosts": {one.host: one.taken for one in newest(results)},
        "links": [asdict(one) for one in found],
        "hubs": [asdict(one) for one in hubs_of(results)],
        "packets": packets_of(results),
        "unreadable": list(complaints),
    }


def hubs_of(results: Sequence[HostResult]) -> tuple[Hub, ...]:
    """Of all looks: who is away in the last one was seen in another."""
    return hubs([(one.taken, one.host, tuple(one.endpoints)) for one in results])


def packets_of(results: Sequence[HostResult]) -> list[dict[str, Any]]:
    """What was lost while a tunnel moved, from the host that counted it."""
    return [{"host": one.host, **row} for one in results for row in one.packets]


def links_table(found: Sequence[Link], width: int = 120, takers: Sequence[Hub] = (), packets: Sequence[Mapping[str, Any]] = ()) -> str:
    said = [one_line(f"packets from {one['host']} to {one['with']} through {one['endpoint']} meanwhile: {one['said']}") for one in packets]
    said += [one_line(f"{one.host} {one.endpoint} takes anybody: {one.said}") for one in takers]
    return "\n\n".join([*(_block(link, width) for link in found), *said]) or "no tunnel was found on these hosts"


def _block(link: Link, width: int) -> str:
    a, b = link.channels[0].sides
    rows: list[tuple[str, ...]] = [("", "", *(f"{side.host} ({side.version or 'not managed'})" for side in (a, b)))]
    for channel in link.channels:
        rows += _rows(channel)
    hub = f", a spoke of {link.hub}" if link.hub and b.managed else ""
    table = columns([tuple(map(one_line, row)) for row in rows], [""] * len(rows), width - 2, False)
    lines = "\n".join(f"  {line}".rstrip() for line in table.splitlines())
    title = f"{a.host} {a.endpoint} ↔ {f'{b.host} {b.endpoint}'.strip()} ({link.service}{hub})"
    return f"{one_line(title)}\n{lines}\n  {link.verdict.state}: {one_line(link.verdict.why)}"


def _rows(channel: Channel) -> list[tuple[str, ...]]:
    sides = channel.sides
    unknown = "?" if sides[1].managed else ""
    return [
        (channel.protocol, "offers", *(", ".join(side.offers) or ("?" if side.managed else "") for side in sides)),
        ("", "would agree on", *([_told(channel.would[:1], channel), _told(channel.would[1:], channel)] if channel.would else [unknown, ""])),
        ("", "did agree on", *("; ".join(side.did) or ("nothing yet" if side.managed else "") for side in sides)),
    ]


def _told(some: Sequence[Agreement], channel: Channel) -> str:
    """What comes out; who begins is said where it matters."""
    said = [one.fails or one.exchange or "no exchange of its own" for one in some]
    return "".join(f"{text} (if {one.begins} begins)" if len(channel.would) > 1 else text for one, text in zip(some, said, strict=True))
