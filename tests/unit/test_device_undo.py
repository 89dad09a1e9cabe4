"""What a rollback writes on a device: from what its campaign remembers, and what stands there now."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Edit, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._device_undo import _edits

KEX, MAC = "ip ssh server algorithm kex", "ip ssh server algorithm mac"
SET = "system services ssh key-exchange"


def entry(path: str, new: tuple[str, ...], old: tuple[str, ...]) -> dict[str, Any]:
    return {"lists": {path: {"new": [f"{path} {one}" for one in new], "old": [f"{path} {one}" for one in old]}}}


def edits(now: list[str], *undo: dict[str, Any], force: bool = False) -> tuple[Edit, ...]:
    """undo: newest first."""
    return _edits(tuple(f"{line}\n" for line in now), list(undo), force)


def test_the_old_line_takes_the_place_of_the_new_one() -> None:
    assert edits(["hostname a", f"{KEX} b"], entry(KEX, ("b",), ("a",))) == (Edit(2, 1, (f"{KEX} a\n",)),)


def test_where_no_line_was_none_is_left() -> None:
    assert edits([f"{MAC} b"], entry(MAC, ("b",), ())) == (Edit(1, 1, ()),)


def test_of_two_changes_the_oldest_says_what_was_there() -> None:
    assert edits([f"{KEX} c"], entry(KEX, ("c",), ("b",)), entry(KEX, ("b",), ("a",))) == (Edit(1, 1, (f"{KEX} a\n",)),)


def test_what_somebody_changed_since_is_left_to_him_unless_forced() -> None:
    undo = entry(KEX, ("b",), ("a",))
    for now in ([f"{KEX} x"], ["hostname a"]):
        with pytest.raises(Problem, match="was changed since"):
            edits(now, undo)
    assert edits([f"{KEX} x"], undo, force=True) == (Edit(1, 1, (f"{KEX} a\n",)),)
    assert edits(["hostname a"], undo, force=True) == (Edit(1, 0, (f"{KEX} a\n",)),)


@pytest.mark.parametrize("now", [[f"{SET} c ; {SET} d"], [f"{SET} c", f"{SET} d"]])
def test_a_list_of_several_statements_goes_back_as_a_whole(now: list[str]) -> None:
    made = edits(now, entry(SET, ("c", "d"), ("a", "b", "z")))
    assert made[0] == Edit(1, 1, (f"{SET} a\n", f"{SET} b\n", f"{SET} z\n"))
    assert made[1:] == (Edit(2, 1, ()),)[: len(now) - 1]
