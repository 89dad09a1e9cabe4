"""Every point at which something can be lost while both ends of a tunnel move: play × step × what is lost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

A, B, E = "vpn-a", "vpn-b", "vpn-e"  # A and E begin, B responds
SERVER, NEWER, OLDER = "tun-a", "tun-b", "tun-c"  # OpenVPN: 2.6, and clients of 2.7 and 2.6
CAMPAIGN = "torture"
Stage = Literal["old", "both", "new", "neither"]
JOURNAL = ("STAGED", "ARMED", "SWAPPED", "RELOADED", "CONFIRMED")


@dataclass(frozen=True, slots=True)
class Tunnel:
    """begins, answers: its hosts; here, there: what the connection is called at either; source, target: of a packet through it, "" = whatever fits."""

    begins: str
    here: str
    source: str
    answers: str = B
    there: str = "site"
    target: str = "10.92.2.1"


@dataclass(frozen=True, slots=True)
class Layout:
    """hosts: in the order in which they are expanded.  daemon: the service at all of them."""

    name: str
    hosts: tuple[str, ...]
    tunnels: tuple[Tunnel, ...]
    daemon: str = "strongswan"

    @property
    def losses(self) -> tuple[str, ...]:
        hosts = sorted(self.hosts)
        between = sorted({(one.begins, one.answers) for one in self.tunnels})
        return (
            "controller",
            *(f"daemon of {host}" for host in hosts),
            *(f"host {host}" for host in hosts),
            *(f"path between {answers} and {begins}" for begins, answers in between),
            *(f"path to {host}" for host in hosts),
        )

    def connections(self, host: str) -> int:
        return len({one.here if one.begins == host else one.there for one in self.tunnels if host in (one.begins, one.answers)})


PAIR = Layout("pair", (A, B), (Tunnel(A, "site", "10.92.1.1"),))
# A hub that takes anybody, with two spokes, and a second tunnel between it and one of them that has a connection of its own.
HUB = Layout(
    "hub",
    (B, A, E),
    (
        Tunnel(A, "site", "10.92.1.1", there="road"),
        Tunnel(E, "site", "10.92.5.1", there="road"),
        Tunnel(A, "second", "10.92.1.2", there="second", target="10.92.2.2"),
    ),
)
OPENVPN = Layout(
    "openvpn",
    (SERVER, NEWER, OLDER),
    tuple(Tunnel(client, "client/site.conf", "", SERVER, "server/site.conf", "10.94.0.1") for client in (NEWER, OLDER)),
    "openvpn",
)
LAYOUTS = {one.name: one for one in (PAIR, HUB, OPENVPN)}


@dataclass(frozen=True, slots=True)
class Play:
    """before, after: the stage of all ends.  takes: ids of its transactions, as a pattern.  further: plays that must bring all together after it."""

    playbook: str
    before: Stage
    after: Stage
    takes: tuple[str, ...]
    further: tuple[str, ...]
    step: str = ""


PLAYS: Mapping[str, Play] = {
    "expand": Play("migrate_links", "old", "both", (f"{CAMPAIGN}-expand-??????",), ("expand", "rollback"), "expand"),
    "contract": Play("migrate_links", "both", "new", (f"{CAMPAIGN}-contract-??????",), ("contract", "rollback"), "contract"),
    "rollback": Play("rollback_links", "new", "old", (f"{CAMPAIGN}-contract-*-undo-*", f"{CAMPAIGN}-expand-*-undo-*"), ("rollback",)),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An end has written something down: in its file beside the campaign (`takes` ""), or in the journal of a transaction of that name."""

    host: str
    word: str
    takes: str = ""

    def __str__(self) -> str:
        part = self.takes.removeprefix(f"{CAMPAIGN}-").partition("-")[0]
        return f"{self.host} {self.word}" + (f" ({part})" if "undo" in self.takes else "")


@dataclass(frozen=True, slots=True)
class Point:
    play: str
    step: Step
    loss: str
    further: str
    layout: str = PAIR.name

    def __str__(self) -> str:
        return f"{self.layout}, {self.play}: {self.loss} lost at {self.step}, then {self.further}"


def steps(play: str, layout: Layout = PAIR) -> list[Step]:
    """In the order in which they come."""
    takes, hosts = PLAYS[play].takes, layout.hosts
    if play == "rollback":  # the ends do not wait for each other, but each of them for both parts
        return [Step(host, word, part) for part in takes for word in JOURNAL for host in hosts]
    journal = {host: [Step(host, word, takes[0]) for word in JOURNAL] for host in hosts}
    if layout is not PAIR:  # one after another
        return [step for host in (hosts if play == "expand" else reversed(hosts)) for step in journal[host]]
    return [
        *(Step(host, "ready") for host in hosts),
        *journal[B][:4],
        Step(B, "armed"),
        *journal[A][:4],
        *(Step(host, word) for host, word in ((A, "armed"), (A, "moved"), (B, "listed"), (A, "ended"))),
        *journal[B][4:],
        Step(B, "confirmed"),
        *journal[A][4:],
        Step(A, "confirmed"),
    ]


def every_point() -> list[Point]:
    """By what is lost, so that a sample has its share of each.  What is run afterwards takes turns: the same again, or all the way back."""
    return [
        Point(name, step, loss, play.further[(number + turn) % len(play.further)], layout.name)
        for layout in LAYOUTS.values()
        for turn, loss in enumerate(layout.losses)
        for name, play in PLAYS.items()
        for number, step in enumerate(steps(name, layout))
    ]


def some(everything: Sequence[Point], count: int, seed: int) -> list[Point]:
    """One of each of `count` equal parts, by chance; all when count is 0.  Mixed, so that a run that is ended early saw some of each."""
    chance, count = random.Random(seed), min(count or len(everything), len(everything))
    width = len(everything) / count
    chosen = [everything[int((part + chance.random()) * width)] for part in range(count)]
    return chance.sample(chosen, count)
