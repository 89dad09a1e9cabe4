"""The floors of docs/architecture.md: a room imports only from lower floors, and the core stays pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .conftest import TOP

CORE = TOP / "collections/ansible_collections/quantumsafe/agility/plugins/plugin_utils/_core"
FLOORS = [
    {"model", "service", "credentials", "grant", "algorithms", "documents", "ledger"},
    {"policy", "services", "appliances", "certificates", "peers", "reach", "claims", "abilities"},
    {"wish", "expressed", "facts", "urgency", "invariant", "verdict", "assess", "plan", "review", "windows", "waves", "links", "pilot"},
    {"targets", "probe", "report"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
IMPURE = {"socket", "subprocess", "time", "os", "threading", "requests", "ansible", "random", "secrets"}
FILES = sorted(p for p in CORE.rglob("*.py") if p.relative_to(CORE).parts != ("__init__.py",))


def room(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, str]]:
    """("room", name) for rooms of the core, ("outside", top name) for everything else."""
    out = []
    depth = len(path.relative_to(CORE).parts) - 1
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level > depth:
                name = (node.module or "").split(".")[0]
                out += [("room", n) for n in ([name] if name else [a.name for a in node.names])]
        elif isinstance(node, ast.ImportFrom):
            out.append(("outside", (node.module or "").split(".")[0]))
        elif isinstance(node, ast.Import):
            out += [("outside", alias.name.split(".")[0]) for alias in node.names]
    return out


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_a_room_imports_only_from_its_floor_and_below(path: Path) -> None:
    mine = LEVEL[room(path)]
    above = [name for kind, name in imports(path) if kind == "room" and LEVEL[name] > mine]
    assert above == []


@pytest.mark.parametrize("path", [p for p in FILES if LEVEL[room(p)] < 3], ids=lambda p: str(p.relative_to(CORE)))
def test_below_the_targets_there_is_no_input_output_clock_or_ansible(path: Path) -> None:
    assert sorted(IMPURE & {name for kind, name in imports(path) if kind == "outside"}) == []
    assert "datetime.now" not in path.read_text(encoding="utf-8")
    assert "date.today" not in path.read_text(encoding="utf-8")


def test_only_one_room_of_the_core_knows_ansible() -> None:
    assert {room(p) for p in FILES if ("outside", "ansible") in imports(p)} == {"targets"}


def test_services_know_each_other_by_no_name() -> None:
    """To add a daemon is to add files to services/: no other file names one."""
    for path in FILES:
        if room(path) not in ("services",):
            names = {
                name
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom)
                for name in [node.module or ""]
            }
            assert not any("services.nginx" in n or "services.openssh" in n for n in names), path


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_a_file_fits_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
