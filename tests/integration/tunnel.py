"""The tunnel between vpn-a and vpn-b, for tests that move both of its ends."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .conftest import LAB, on
from .test_ipsec import POLICY, SITE

# Nothing is started by a reload, and vpn-b takes whoever has the right identity, so that it answers a stranger's IKE_SA_INIT.
QUIET = f"sed -i -e 's/start_action = start/start_action = none/' {SITE}"
OPEN = f"sed -i -e 's/remote_addrs = .*/remote_addrs = %any/' {SITE}"


def strict(folder: Path) -> str:
    """The policy that wants the new alone."""
    path = folder / "strict.yml"
    stages = "".join(f"  - {{protocol: {one}, aspect: key_exchange, stage: require}}\n" for one in ("ikev2", "esp"))
    path.write_text(f"{Path(POLICY).read_text(encoding='utf-8')}stages:\n{stages}", encoding="utf-8")
    return str(path)


def reached(tmp: Path, host: str, campaign: str) -> list[str]:
    """How far an end says it is."""
    files = (tmp / f"campaigns/{campaign}/links").glob(f"*/{host}.json")
    return [step for path in files for step in json.loads(path.read_text(encoding="utf-8"))["reached"]]


@contextmanager
def pinging(*ways: tuple[str, str, str]) -> Iterator[list[int]]:
    """Packets through tunnels, 20 ms apart; afterwards the list holds how many were sent, and of the worst tunnel how many never came back.

    ways: (host, its address or "", the other end's) of each; the tunnel between vpn-a and vpn-b unless told.
    """
    counted: list[int] = []
    running = []
    for number, (host, source, target) in enumerate(ways or (("vpn-a", "10.92.1.1", "10.92.2.1"),)):
        command = f"ping -q -i 0.02 {source and f'-I {source}'} {target} & echo $! >/root/ping{number}; wait"
        running.append((host, number, subprocess.Popen([LAB, "exec", host, "sh", "-c", command], stdout=subprocess.PIPE, text=True)))
    said = []
    try:
        yield counted
    finally:
        for host, number, one in running:
            on(host, f"kill -INT $(cat /root/ping{number})")
            said.append(one.communicate(timeout=60)[0])
    found = [[int(number) for number in re.findall(r"(\d+) packets transmitted, (\d+) received", one)[0]] for one in said]
    counted += [sum(sent for sent, dummy in found), max(sent - back for sent, back in found)]
