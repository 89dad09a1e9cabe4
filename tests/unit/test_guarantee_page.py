"""docs/guarantee.md says what a torture run said, and no more."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
TOOL = runpy.run_path(str(TOP / "tests/tools/guarantee.py"))
LOG = """dash, systemd: 2 of 9 points
caught  no lock: RELOADED was reported of one that is on its way back
fault           phase                    runs  violations
EIO             apply on sshd and nginx  2     0
EIO on reading  confirm                  3     1
injected 5, violations 1
"""


def test_rows_are_summed_and_say_how_to_see_them_again() -> None:
    made = TOOL["table"]([LOG, LOG])
    assert "| EIO | apply on sshd and nginx | 4 | 0 | `--proof lab` |" in made
    assert "| EIO on reading | confirm | 6 | 2 | `--proof reads` |" in made
    assert "**10 faults, 2 violations.**" in made
    assert "2 caught, 0 alive" in made


@pytest.mark.parametrize("log", [LOG.replace("injected 5", "injected 6"), LOG.replace("injected 5, violations 1\n", "")])
def test_a_log_that_was_cut_off_or_edited_is_refused(log: str) -> None:
    with pytest.raises(ValueError, match="log"):
        TOOL["table"]([log])


def test_the_page_agrees_with_itself_and_knows_no_violation() -> None:
    text = (TOP / "docs/guarantee.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| (\d+) \| (\d+) \| `--proof (\w+)` \|$", text, re.MULTILINE)
    assert {proof for *_, proof in rows} == {"inject", "reads", "power", "rivals", "properties", "lab"}
    total = re.search(r"\*\*(\d+) faults, (\d+) violations\.\*\*.* (\d+) caught, (\d+) alive", text)
    assert total
    assert int(total[1]) == sum(int(runs) for runs, *_ in rows)
    assert [bad for _, bad, _ in rows if bad != "0"] == []
    assert (total[2], total[4]) == ("0", "0")
