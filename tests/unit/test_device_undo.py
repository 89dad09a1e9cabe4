"""What a rollback writes on a device: from what its campaign remembers, and what stands there now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Edit, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._device_undo import _edits
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._run import Run

KEX, MAC = "ip ssh server algorithm kex", "ip ssh server algorithm mac"


def entry(new: str, old: str, explicit: bool = True) -> dict[str, Any]:
    return {"lines": [{"new": new, "old": old, "explicit": explicit}]}


def edits(now: list[str], *undo: dict[str, Any], force: bool = False) -> tuple[Edit, ...]:
    """undo: newest first."""
    return _edits(tuple(f"{line}\n" for line in now), list(undo), cast(Run, SimpleNamespace(args={"force": force})), 5)


def test_the_old_line_takes_the_place_of_the_new_one() -> None:
    assert edits(["hostname a", f"{KEX} b"], entry(f"{KEX} b", f"{KEX} a")) == (Edit(2, 1, (f"{KEX} a\n",)),)


def test_where_no_line_was_the_default_comes_back() -> None:
    assert edits([f"{MAC} b"], entry(f"{MAC} b", f"{MAC} a", explicit=False)) == (Edit(1, 1, (f"no {MAC}\n",)),)


def test_of_two_changes_the_oldest_says_what_was_there() -> None:
    assert edits([f"{KEX} c"], entry(f"{KEX} c", f"{KEX} b"), entry(f"{KEX} b", f"{KEX} a")) == (Edit(1, 1, (f"{KEX} a\n",)),)


def test_what_somebody_changed_since_is_left_to_him_unless_forced() -> None:
    with pytest.raises(Problem, match="was changed since"):
        edits([f"{KEX} x"], entry(f"{KEX} b", f"{KEX} a"))
    assert edits([f"{KEX} x"], entry(f"{KEX} b", f"{KEX} a"), force=True) == (Edit(1, 1, (f"{KEX} a\n",)),)
