"""What a rollback does to each file: from what is there now to what was there before the oldest of the changes that it undoes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import Kept, TransactionReport
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._undoing import restores, to_undo
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._windows import moment

OLD, NEW = "0" * 64, "1" * 64


def did(id_: str, kind: str, before: str, after: str, now: str) -> TransactionReport:
    return TransactionReport(id_, "CLEANED", files=(Kept(kind, before, after, now, "600", "root", "root", "/k"),))


@pytest.mark.parametrize(
    ("undo", "kinds"),
    [
        ((did("b", "remove", OLD, "", ""),), [("create", "b", OLD)]),
        ((did("b", "remove", NEW, "", ""), did("a", "create", "", NEW, "")), []),  # it came and went
        ((did("b", "remove", NEW, "", ""), did("a", "edit", OLD, NEW, "")), [("create", "a", OLD)]),
        ((did("a", "create", "", NEW, NEW),), [("remove", "a", "")]),
    ],
)
def test_a_file_that_was_removed_is_made_again_unless_the_same_changes_made_it(
    undo: tuple[TransactionReport, ...], kinds: list[tuple[str, str, str]]
) -> None:
    assert [(change.kind, change.of, change.after) for change in restores(list(undo), force=False)] == kinds


def test_a_removed_file_that_somebody_made_again_is_looked_at_first() -> None:
    again = [did("b", "remove", OLD, "", NEW)]
    with pytest.raises(Problem, match="/k changed since b"):
        restores(again, force=False)
    assert [change.kind for change in restores(again, force=True)] == ["restore"]


# ---------------------------------------------------------------- a point in time

NOW = datetime(2027, 1, 10, 2, 0, tzinfo=UTC)
ANY: Any = None


@pytest.mark.parametrize(
    ("text", "said"), [("yesterday", "no moment"), ("2027-01-10T01:30:00", "no time zone"), ("2027-01-10T04:00+01:00", "to come")]
)
def test_a_moment_is_whole_and_in_the_past(text: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        moment(text, NOW, "agility_before")
    assert moment("2027-01-10T02:30+01:00", NOW, "") == moment("2027-01-10T01:30:00Z", NOW, "")


def test_all_that_was_confirmed_since_and_not_undone_is_undone_newest_first() -> None:
    def one(serial: int, age: int, state: str = "CLEANED", by: str = "me@ctl, campaign c") -> TransactionReport:
        return TransactionReport(f"c-{serial}", state, serial=serial, age=age, started_by=by)

    known = (one(1, 900), one(2, 500), one(3, 400), one(4, 300, "REVERTED"), one(5, 200, by="me@ctl, rollback of c-2"), one(6, 100))
    assert [r.id for r in to_undo(ANY, "", "", known, within=600)] == ["c-6", "c-3"]
    assert to_undo(ANY, "", "", known, within=50) == []
