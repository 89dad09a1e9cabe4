"""A host says how a change left a file's owner and mode, so that a rollback sees what somebody did since."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit

from .agent_host import Host, sha256


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_report_tells_the_mode_that_an_edit_kept_beside_the_one_of_now(any_host: Host, mode: int) -> None:
    path = any_host.write("f", "a\n")
    path.chmod(mode)
    any_host.apply(Change(str(path), sha256(path), (Edit(1, 1, ("b\n",)),)))
    any_host.confirm()
    path.chmod(0o640)
    (kept,) = any_host.status().files
    assert (kept.meta, kept.mode) == ((f"{mode:o}", "root", "root"), "640")


def test_of_a_file_that_was_made_the_plan_says_it(any_host: Host) -> None:
    path = any_host.etc / "new"
    any_host.apply(Change(str(path), "", (Edit(1, 0, ("b\n",)),), mode="0600", owner="root", group="root"))
    any_host.confirm()
    path.chmod(0o644)
    (kept,) = any_host.status().files
    assert (kept.meta, kept.mode) == (("600", "root", "root"), "644")
