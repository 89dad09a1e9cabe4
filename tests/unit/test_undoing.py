"""What a rollback does to each file: from what is there now to what was there before the oldest of the changes that it undoes."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import Kept, TransactionReport
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._undoing import restores

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
