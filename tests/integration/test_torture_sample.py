"""A spread sample of the torture: `tests/torture/run --all` is the whole of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture import inject

TOP = Path(__file__).parents[2]


def torture(*words: str) -> tuple[str, int, int]:
    """What it said, points and violations."""
    if os.geteuid() != 0:
        pytest.fail("the torture needs root: the agent does")
    done = subprocess.run([sys.executable, "-m", "tests.torture", *words], cwd=TOP, capture_output=True, text=True, timeout=600, check=False)
    figures = re.search(r"injected (\d+), violations (\d+)\n\Z", done.stdout)
    assert figures, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    assert (done.returncode == 0) == (figures[2] == "0" and "no proof caught" not in done.stdout), done.stdout[-3000:]
    assert Path("/sys/fs/selinux/enforce").exists() or "SKIPPED 1: SELinux" in done.stdout
    return done.stdout, int(figures[1]), int(figures[2])


SAMPLES = [("inject", 40, 35), ("reads", 20, 18), ("power", 24, 26), ("rivals", 20, 4), ("rotation", 40, 100), ("properties", 25, 25), ("lab", 32, 3)]


@pytest.mark.parametrize(("proof", "sample", "least"), SAMPLES)
def test_no_fault_leads_to_a_third_state(proof: str, sample: int, least: int) -> None:
    said, injected, violations = torture("--sample", str(sample), "--proof", proof)
    assert violations == 0, said[-6000:]
    assert injected >= least, said[-3000:]


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO"])
def test_an_attribute_that_could_not_be_written_stops_the_change(fault: str, tmp_path: Path) -> None:
    """cp -a alone says nothing of it, and a spread sample steps over these few calls."""
    bench = inject.Bench.make(tmp_path / "disks", inject.machines()(tmp_path / "machine"))
    (kind,), phase = [kind for kind in inject.KINDS if kind.name == fault], bench.story.phases[0]
    try:
        at = [call.number for call in inject.good_calls(bench, phase, kind.kinds) if call.name == "fsetxattr"]
        assert at, "nothing wrote an attribute"
        for number in at:
            hit, wrong, call = inject.judge(bench, inject.Point(kind, phase, number, "deadline"))
            assert (hit, wrong) == (True, []), call
    finally:
        bench.close()


def test_a_guard_that_is_taken_away_is_missed_by_some_proof() -> None:
    said = torture("--sample", "16", "--proof", "mutants")[0]
    assert said.count("caught  ") == 2, said
    assert "ALIVE" not in said and "no proof caught" not in said


def test_the_shells_of_the_torture_are_here() -> None:
    assert [shell for shell in ("dash", "bash", "busybox", "mksh") if not shutil.which(shell)] == []
