# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: policies on the controller's disk, their day, and the audits that they are asked about."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from ._core.model import Problem
from ._core.report.results import HostResult, read_hosts
from ._core.review.diff import Seen, endpoints_from

LARGEST = 4 * 1024 * 1024  # bytes of one file; what the policy language takes is less, and told with more patience there


def reader(first: str) -> Callable[[str], str]:
    """How to read the policy at `first` and what it extends.  Of the rest nothing is read that really lies outside of its folder:
    whoever may edit a policy may not make it read the controller, by a symbolic link neither."""
    folder = Path(first).parent.resolve()

    def read(name: str) -> str:
        """Raises OSError, UnicodeDecodeError, or ValueError for a file that is none of the policy's."""
        path = Path(name)
        if name != first and not path.resolve().is_relative_to(folder):
            raise ValueError("a symbolic link leads out of the folder of the first policy")
        if path.exists() and not path.is_file():
            raise ValueError("not a regular file")
        if path.is_file() and path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST // 1024 // 1024} MiB")
        return path.read_text(encoding="utf-8")

    return read


def zone(name: str) -> tzinfo:
    """The policy's time zone; UTC where this machine does not know it (the policy was compiled elsewhere)."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def saved(folder: Path, hostvars: Mapping[str, Any]) -> tuple[list[Seen], tuple[HostResult, ...], list[str]]:
    """(hosts, their results, complaints) of a saved audit.  Groups as they were then; from the inventory when the audit did not keep them.

    Raises Problem for a folder that is none.
    """
    if not (folder / "hosts").is_dir():
        raise Problem(f"{folder} is no results folder: it has no hosts/", "results", "give the folder of an audit (agility_output)")
    results, complaints = read_hosts(folder)
    seen, told = [], list(complaints)
    for result in results:
        try:
            seen.append(Seen(result.host, _groups(result, hostvars), endpoints_from(result.endpoints)))
        except Problem as problem:
            told.append(f"{result.host}: {problem}")
    return seen, results, told


def _groups(result: HostResult, hostvars: Mapping[str, Any]) -> tuple[str, ...]:
    if "groups" in result.target:
        return tuple(filter(None, result.target["groups"].split(",")))
    return groups_of(result.host, hostvars)


def groups_of(host: str, hostvars: Mapping[str, Any]) -> tuple[str, ...]:
    """The inventory groups of a host, () when the inventory does not have it."""
    return tuple(str(name) for name in hostvars[host].get("group_names", ())) if host in hostvars else ()
