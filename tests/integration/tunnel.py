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

PING = "ping -q -i 0.02 -I 10.92.1.1 10.92.2.1"
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
def pinging() -> Iterator[list[int]]:
    """Packets through the tunnel, 20 ms apart; afterwards the list holds how many were sent, and how many of them never came back."""
    counted: list[int] = []
    running = subprocess.Popen([LAB, "exec", "vpn-a", "sh", "-c", f"{PING} & echo $! >/root/ping; wait"], stdout=subprocess.PIPE, text=True)
    try:
        yield counted
    finally:
        on("vpn-a", "kill -INT $(cat /root/ping)")
        said = running.communicate(timeout=60)[0]
    sent, back = (int(number) for number in re.findall(r"(\d+) packets transmitted, (\d+) received", said)[0])
    counted += [sent, sent - back]
