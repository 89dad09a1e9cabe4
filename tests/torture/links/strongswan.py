"""strongSwan at the ends: what its files and charon say, two layouts of it, and when a tunnel is one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.test_hubs import ROAD, SECOND, SECOND_SECRET, given, spoke
from tests.integration.test_ipsec import FACTS, POLICY
from tests.integration.tunnel import OPEN, QUIET, strict

from .ends import STAGES, End
from .points import PAIR, A, B, E, Layout, Stage, Tunnel

ANSWERED = "clients:\n  - {id: hub, host: vpn-b, acknowledge: {reason: all spokes are ours, approver: ciso, until: 2099-12-31}}\n"


@dataclass(frozen=True, slots=True)
class Sa:
    """spis: the same at both ends; children: (here in, here out); safe: ML-KEM in it and in each child."""

    spis: tuple[str, ...]
    children: frozenset[tuple[str, ...]]
    safe: bool


class Gateway(End):
    service, inventory, folder, look, lossless = "strongswan", "vpn", "etc/swanctl", FACTS, True

    def unit(self) -> str:
        return "strongswan"

    def stage(self) -> Stage:
        """By the proposals of IKE and of ESP, of all its connections."""
        said = self.run("cat /etc/swanctl/conf.d/site*.conf")
        lists = [found.split(",") for found in re.findall(r"^\s*(?:esp_)?proposals = ([^#\n]*)", said, re.MULTILINE)]
        seen = {frozenset("mlkem" in one for one in each) for each in lists}
        return STAGES[next(iter(seen))] if len(lists) == 2 * self.layout.connections(self.name) and len(seen) == 1 else "neither"

    def sas(self, connection: str = "site") -> list[Sa]:
        """Of that connection those that are established, with children that are installed."""
        out = []
        for text in re.split(r"^(?=\S)", self.run("swanctl --list-sas", check=False), flags=re.MULTILINE):
            if ike := re.match(connection + r": #\d+, ESTABLISHED, IKEv2, (\w+)_i\*? (\w+)_r\*?", text):
                children = re.findall(r"INSTALLED.*\n.*\n\s+in\s+(\w+).*\n\s+out\s+(\w+)", text)
                out.append(Sa(ike.groups(), frozenset(children), text.count("KE1_ML_KEM") == 1 + len(children)))
        return out

    def agreed(self, one: Tunnel, other: Gateway) -> bool | None:
        sa = shared(self, other, one)
        return sa.safe if sa else None

    def missing(self, one: Tunnel, other: Gateway) -> str:
        """Asked to come up: as it is, then with what is there, then anew."""
        self.run(f"ip addr replace {one.source}/32 dev lo")  # the inner ones of a second tunnel are nobody's after a boot
        other.run(f"ip addr replace {one.target}/32 dev lo")
        initiate = f"swanctl --initiate --ike {one.here} --child net --timeout"
        for asked in ("", f"{initiate} 5", f"swanctl --terminate --ike {one.here} --force; {initiate} 20"):
            if asked:
                self.run(f"{{ {asked}; }} >/dev/null 2>&1", check=False)
            said = self.run(f"ping -c 2 -i 0.2 -W 2 -I {one.source} {one.target}", check=False)
            if shared(self, other, one) and re.search("[12] received", said):
                return ""
        return f"no tunnel: {self.sas(one.here)} at {self.name}, {other.sas(one.there)} at {other.name}"

    @staticmethod
    def policies(folder: Path, layout: Layout) -> dict[str, str]:
        contract = strict(folder)
        if layout is not PAIR:  # whoever else may know this hub is in no list
            with Path(contract).open("a", encoding="utf-8") as more:
                more.write(ANSWERED)
        return {"": POLICY, "expand": POLICY, "contract": contract}

    @staticmethod
    def prepare(ends: Mapping[str, Gateway], layout: Layout) -> None:
        if layout is PAIR:
            ends[A].run(QUIET)
            ends[B].run(OPEN)
            return
        for end in ends.values():
            end.run(SECOND_SECRET)
        given(B, ROAD, SECOND[B])
        given(A, spoke(A), SECOND[A])
        given(E, spoke(E))


def shared(one: Gateway, other: Gateway, tunnel: Tunnel = PAIR.tunnels[0]) -> Sa | None:
    """An SA of that tunnel with a child that both list, the safe ones first.  one: the end that begins."""
    theirs = {sa.spis: sa for sa in other.sas(tunnel.there)}
    both = [
        Sa(sa.spis, sa.children, sa.safe and twin.safe)
        for sa in one.sas(tunnel.here)
        if (twin := theirs.get(sa.spis)) and any((there, here) in twin.children for here, there in sa.children)
    ]
    return max(both, key=lambda sa: sa.safe, default=None)
