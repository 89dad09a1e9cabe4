"""plugin_utils/_ends.py: two ends of a tunnel meet over files, and none goes back where the other could not follow."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._ends import CONTRACTING, Ends, held_back, went_back

LINK = "vpn-a site ↔ vpn-b site"


def both(tmp_path: Path, run: str = "r1", step: str = "expand") -> tuple[Ends, Ends]:
    campaign = tmp_path / "campaigns" / "spring"
    return Ends(campaign, LINK, "vpn-a", "vpn-b", run, step), Ends(campaign, LINK, "vpn-b", "vpn-a", run, step)


def test_an_end_is_waited_for_until_it_says_how_far_it_is(tmp_path: Path) -> None:
    a, b = both(tmp_path)
    b.say("ready", order=[True, False])
    later = threading.Timer(0.3, lambda: b.say("armed", sas="list"))
    later.start()
    assert a.wait("ready", 0)["order"] == [True, False]
    assert a.wait("armed", 20)["sas"] == "list"
    later.join()


def test_who_gave_up_is_not_waited_for_and_its_reason_is_told(tmp_path: Path) -> None:
    a, b = both(tmp_path)
    b.say("ready")
    b.say("failed", why="the campaign is paused")
    with pytest.raises(Problem, match=r"the other end, vpn-b, did not come along: the campaign is paused"):
        a.wait("armed", 60)


def test_what_was_said_in_another_run_or_of_another_step_does_not_count_but_its_stage_does(tmp_path: Path) -> None:
    both(tmp_path)[1].say("confirmed", stage="expanded")
    for run, step in (("r2", "expand"), ("r1", "contract")):
        a = both(tmp_path, run, step)[0]
        with pytest.raises(Problem, match=r"vpn-b, was not confirmed within 0 s"):
            a.wait("confirmed", 0)
        assert a.stages() == ("", "expanded")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    a, b = both(tmp_path)
    b.say("ready")
    next(b.folder.glob("vpn-b*")).write_text("{", encoding="utf-8")
    with pytest.raises(Problem, match="what vpn-b said of this tunnel cannot be read"):
        a.wait("ready", 0)


@pytest.mark.parametrize("stage", ["contracted", CONTRACTING])
def test_no_end_goes_back_to_the_old_alone_while_the_other_may_take_the_new_alone(tmp_path: Path, stage: str) -> None:
    a, b = both(tmp_path)
    a.say("confirmed", stage="expanded")
    b.say("confirmed", stage=stage)
    output = tmp_path / "3-rollback"
    assert "the other end, vpn-b, may take the new exchange alone" in held_back(output, "vpn-a", ["spring-expand"])
    assert held_back(output, "vpn-a", ["spring-contract", "autumn-expand"]) == ""
    assert held_back(output, "vpn-b", ["spring-expand"]) == "", "the other one offers both"
    went_back(output, "vpn-b", {"spring-contract"})
    assert held_back(output, "vpn-a", ["spring-expand"]) == ""
    went_back(output, "vpn-a", {"spring-expand"})
    assert both(tmp_path)[0].stages() == ("", "expanded")


@pytest.mark.parametrize(
    ("stage", "known", "step", "left"),
    [
        (CONTRACTING, True, "contract", "expanded"),  # the controller died, and the end went back by itself
        (CONTRACTING, False, "contract", "expanded"),  # it died before the end was told
        ("contracted", True, "contract", "expanded"),  # it died after the undo, before it wrote that down
        ("contracted", False, "contract", "contracted"),  # a host without memory proves nothing
        ("expanded", True, "contract", "expanded"),
        ("", True, "contract", ""),
        ("expanded", True, "expand", ""),
        ("expanded", False, "expand", "expanded"),  # it offered the new before the campaign
    ],
)
def test_an_end_at_which_nothing_of_a_campaign_stands_any_more_holds_nobody_back(
    tmp_path: Path, stage: str, known: bool, step: str, left: str
) -> None:
    a, b = both(tmp_path)
    a.say("confirmed", stage="expanded")
    b.say("changing", stage=stage)
    went_back(tmp_path / "out", "vpn-b", {f"spring-{step}"}, known)
    assert both(tmp_path)[1].stages() == (left, "expanded")


def test_an_end_that_nobody_can_read_holds_the_other_one_back(tmp_path: Path) -> None:
    a, b = both(tmp_path)
    a.say("confirmed", stage="expanded")
    (b.folder / "vpn-b.json").write_text("{", encoding="utf-8")
    assert held_back(tmp_path / "out", "vpn-a", ["spring-expand"])
