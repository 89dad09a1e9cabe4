"""OpenVPN at the ends: what its files and its logs say, and when a tunnel is one."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from tests.integration.test_migrate_openvpn import CLASSICAL, policy
from tests.integration.test_openvpn_clients import FACTS

from .ends import ADDRESS, STAGES, End
from .points import NEWER, OLDER, SERVER, Layout, Stage, Tunnel

NEW, CIPHER = "X25519MLKEM768", "AES-256-GCM"
BACK = 90  # seconds until a client is back: one that called into the void waits for its hand-window, which is 60
OF_NOW = "journalctl -q -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value %s)"


class Site(End):
    service, inventory, folder, look, lossless = "openvpn", "tunnels", "etc/openvpn", FACTS, False

    @staticmethod
    def policies(folder: Path, layout: Layout) -> Mapping[str, str]:
        prefer, require = (policy(folder, stage) for stage in ("prefer", "require"))
        return {"": prefer, "expand": prefer, "contract": require}

    @staticmethod
    def prepare(ends: Mapping[str, Site], layout: Layout) -> None:
        for client in (NEWER, OLDER):
            ends[client].run(CLASSICAL)

    def side(self) -> str:
        return "server" if self.name == SERVER else "client"

    def unit(self) -> str:
        return f"openvpn-{self.side()}@site"

    def stage(self) -> Stage:
        """By the groups; the lowest version and the ciphers have to fit them."""
        text = self.run(f"cat /etc/openvpn/{self.side()}/site.conf")
        said = dict(re.findall(r"^(tls-groups|tls-version-min|data-ciphers) (\S+)$", text, re.MULTILINE))
        stage = STAGES[frozenset(one == NEW for one in re.split("[:/]", said["tls-groups"]))]
        ciphers = said["data-ciphers"].split(":")
        alone = {said.get("tls-version-min") == "1.3", ciphers == [CIPHER]}
        fits = alone == {stage == "new"} and (stage == "old" or CIPHER in ciphers)
        return stage if fits else "neither"

    def sessions(self, pattern: str) -> list[str]:
        """What the log of the process of now says, of each."""
        return re.findall(pattern, self.run(OF_NOW % self.unit(), check=False), re.MULTILINE)

    def agreed(self, one: Tunnel, other: Site) -> bool | None:
        """It comes back by itself, and a packet passes; nothing of it is there at once behind a restart."""
        until = time.monotonic() + BACK
        while True:
            passed = "2 received" in self.run(f"ping -c 2 -i 0.2 -W 2 {one.target} 2>&1", check=False)
            found = self._newest(other) if passed else None
            if found is not None or time.monotonic() > until:
                return found
            time.sleep(0.3)

    def _newest(self, other: Site) -> bool | None:
        """By the newest session of this client in the log of the server, which names its port, and the group to 2.6, too; and the client has that port."""
        at_server = other.sessions(rf"^{re.escape(ADDRESS[self.name])}:(\d+ Control Channel: TLS.* bits \S+)$")
        if not at_server or not self.sessions("^(Initialization Sequence Completed)$"):
            return None
        port, said = at_server[-1].split(" ", 1)
        mine = self.run(f"ss -Huanp src :{port}")
        return said.split()[-1] == NEW if '"openvpn"' in mine else None

    def missing(self, one: Tunnel, other: Site) -> str:
        """Whoever changed was restarted, so what both agreed on is what the stages of both make of it."""
        agreed, stages = self.agreed(one, other), {self.stage(), other.stage()}
        if agreed == ("old" not in stages):
            return ""
        return f"{self.name} and {other.name} are at {sorted(stages)}, and their session is {'none' if agreed is None else NEW if agreed else 'classical'}"
