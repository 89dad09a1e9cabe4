"""What the acceptance scripts say when their parts fail: the last line and the exit code agree, always."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import TOP

PARTS = {
    "main": {
        "tests/lab/lab": ":",
        "tests/tools/all": "echo '7 passed, 0 failed' > build/test-count",
        "tests/demo/run": "echo '== done in 23 s'",
        "tests/benchmarks/run": "echo '{rows}' > build/bench.json",
    },
    "fleet": {"tests/lab/lab": ":", "tests/benchmarks/run": "echo '{rows}' > build/bench.json", "bin/python": "echo '5 passed in 1s'"},
    "appliances": {"tests/lab/lab": ":", "tests/benchmarks/devices": "echo '{rows}' > build/bench.json", "bin/python": "echo '5 passed in 1s'"},
    "transaction": {"tests/lab/lab": ":", "tests/torture/run": "echo 'injected 9, violations 0'", "bin/python": "echo '5 passed in 1s'"},
    "vpn": {"tests/lab/lab": ":", "tests/torture/links/run": "echo '{links}'", "bin/python": "echo '5 passed in 1s'"},
}
LINKS = """packets through the tunnel during expand: 0 of 700 lost
packets through the tunnel during rollback: 1 of 500 lost (to the byte as it was)
packets through the tunnel during openvpn, expand: 90 of 600 lost (each end restarts)
injected 9, split ends 0"""


def verify(folder: Path, name: str, audit: float = 0.4, **broken: str) -> tuple[int, str]:
    idle = {"name": "enforce-idle", "ratio": 0.5, "ours_s": 5, "peer_s": 10}
    change = {"name": "enforce-change", "ours_s": 60 * audit}
    device = [{"name": "device-10k-lines", "ours_s": audit / 6, "peer_s": 0.1}, {"name": "devices-1000", "ours_s": 5, "peer_s": 60}]
    rows = json.dumps({"fleet": [idle, change], "appliances": device}.get(name, [{"name": "audit", "ratio": audit}, idle]))
    for path, text in {**PARTS[name], f"tests/verify/{name}": ""}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        body = broken.get(path.rpartition("/")[0].rpartition("/")[2], text).replace("{rows}", rows).replace("{links}", LINKS)
        target.write_text(f"#!/bin/sh\n{body}\n" if body else (TOP / path).read_text(encoding="utf-8"), encoding="utf-8")
        target.chmod(0o755)
    done = subprocess.run(
        [f"tests/verify/{name}"], cwd=folder, env={"PATH": f"{folder}/bin:/usr/bin:/bin"}, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout.splitlines()[-1]


def test_everything_well_is_ok_with_figures(tmp_path: Path) -> None:
    assert verify(tmp_path, "main") == (0, "verify-main: 7 passed, 0 failed; demo 23 s (warm); ratios audit=0.4 enforce-idle=0.5 ok")
    assert verify(tmp_path, "fleet") == (0, "verify-fleet: 5 passed in 1s; ratios enforce-idle=0.50 enforce-change=2.40 ok")
    assert verify(tmp_path, "appliances") == (0, "verify-appliances: 5 passed in 1s, 5 passed in 1s; seconds 10k-lines=0.067 devices-1000=5.00 ok")
    assert verify(tmp_path, "transaction") == (0, "verify-transaction: 5 passed in 1s; injected 9, violations 0 ok")
    packets = "packets: expand: 0 of 700 lost, rollback: 1 of 500 lost (to the byte as it was), openvpn, expand: 90 of 600 lost (each end restarts)"
    assert verify(tmp_path, "vpn") == (0, f"verify-vpn: 5 passed in 1s; {packets}; injected 9, split ends 0 ok")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("main", "lab"),
        ("main", "tools"),
        ("main", "demo"),
        ("main", "benchmarks"),
        ("transaction", "lab"),
        ("transaction", "torture"),
        ("appliances", "lab"),
        ("appliances", "benchmarks"),
        ("appliances", "bin"),
        ("fleet", "lab"),
        ("fleet", "benchmarks"),
        ("vpn", "lab"),
        ("vpn", "links"),
    ],
)
def test_whatever_part_fails_the_last_line_says_so(tmp_path: Path, name: str, part: str) -> None:
    code, line = verify(tmp_path, name, **{part: "exit 3"})
    assert code == 1
    assert line.startswith(f"verify-{name}: ")
    assert line.endswith(" FAILED")


def test_a_ratio_above_what_is_allowed_fails(tmp_path: Path) -> None:
    code, line = verify(tmp_path, "main", audit=0.61)
    assert (code, line.endswith("failed: ratios FAILED")) == (1, True)
    assert verify(tmp_path, "appliances", audit=0.61) == (
        1,
        "verify-appliances: 5 passed in 1s, 5 passed in 1s; seconds 10k-lines=0.102 devices-1000=5.00 FAILED",
    )
    assert verify(tmp_path, "fleet", audit=0.51) == (1, "verify-fleet: 5 passed in 1s; ratios enforce-idle=0.50 enforce-change=3.06 FAILED")
