"""A folder that stands for a host: its links lead where the host itself would follow them, never out of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Collect, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.offline import from_path

REQUESTS = {"demo": Collect(needs=("/etc",), files=("/etc/*.conf",), commands={"ask": ("ask",)})}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "etc").mkdir(parents=True)
    (made / "usr/share").mkdir(parents=True)
    return made


def files(root: Path) -> dict[str, tuple[str | None, str]]:
    found = from_path(root, "h", "2026-11-23T00:00:00Z", REQUESTS)
    assert found.answers["ask"].problem == "not run: offline"
    return {name: (file.text, file.real) for name, file in found.files.items()}


def test_links_stay_below_the_folder(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.conf").write_text("outside\n")
    (root / "usr/share/real.conf").write_text("inside\n")
    (root / "etc/absolute.conf").symlink_to("/usr/share/real.conf")
    (root / "etc/relative.conf").symlink_to("../../../../usr/share/real.conf")
    (root / "etc/outside.conf").symlink_to(tmp_path / "outside.conf")
    (root / "etc/circle.conf").symlink_to("circle.conf")
    (root / "etc/plain.conf").write_text("plain\n")
    assert files(root) == {
        "/etc/absolute.conf": ("inside\n", "/usr/share/real.conf"),
        "/etc/plain.conf": ("plain\n", "/etc/plain.conf"),
        "/etc/relative.conf": ("inside\n", "/usr/share/real.conf"),
    }


def test_what_is_no_folder_and_no_snapshot_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no such file or folder"):
        from_path(tmp_path / "nothing", "h", "", REQUESTS)
