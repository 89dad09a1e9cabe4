"""revert(apply(x)) == x over generated trees; what the product does not accept it refuses before anything changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from . import storage
from .machine import NONCE, Machine
from .scenario import ACL, FIRST, Bench, sha256, transaction

PLAIN = st.text(alphabet="ab .-_'\"\\$*?;&#é[]~|<>(){}!`", min_size=1, max_size=12).map(lambda name: f"{name}x")
NAMES = st.one_of(*[PLAIN] * 15, st.text(alphabet="ab \n\t", min_size=1, max_size=4))  # the last are refused
TEXTS = st.one_of(
    st.just(""),
    st.text(alphabet="ab\\%$'\"é \t\r\n", max_size=60),
    st.integers(1, 4000).map(lambda lines: "a line of a large file, as they are\n" * lines),
)


@dataclass(frozen=True, slots=True)
class File:
    """link: the folder is reached through a symbolic link.  aim: the target itself is one, and named by it, or by what it leads to."""

    folder: str
    name: str
    text: str
    mode: int
    owner: int
    attribute: bytes
    acl: bool
    link: bool
    new: bool
    insert: str
    aim: str


FILES = st.builds(
    File,
    folder=NAMES,
    name=NAMES,
    text=TEXTS,
    mode=st.sampled_from((0o644, 0o600, 0o440, 0o755, 0o000, 0o2640, 0o4711)),
    owner=st.sampled_from((0, 1, 65534)),
    attribute=st.sampled_from((b"", b"x", b"a\0b")),
    acl=st.booleans(),
    link=st.booleans(),
    new=st.booleans(),
    aim=st.sampled_from(("", "", "", "link", "through")),
    insert=st.sampled_from(("a\n", "%s\\n $(x) `y` 'z'\n", "é\n", "", "no end")),
)


def place(machine: Machine, number: int, file: File) -> Change | None:
    """Make it, and say how it is to change."""
    tree = machine.root / "etc" / f"tree{number}"
    real = tree / file.folder
    real.mkdir(parents=True)
    folder = real
    if file.link:
        folder = tree / "a link"
        if folder == real:
            return None
        folder.symlink_to(file.folder)
    path = folder / file.name
    if file.new:
        return Change(str(path), "", (Edit(1, 0, (file.insert,)),), owner="root", group="root")
    path.write_text(file.text, newline="")
    os.chown(path, file.owner, file.owner)
    path.chmod(file.mode)
    if file.attribute:
        os.setxattr(path, "user.x", file.attribute)
    if file.acl:
        os.setxattr(path, "system.posix_acl_access", ACL)
    os.utime(path, ns=(10**18 + number, 10**18 + number))
    if file.aim:
        aimed = tree / "the link"
        if aimed == folder:
            return None
        aimed.symlink_to(path)
        path = aimed if file.aim == "link" else path
    lines = file.text.count("\n")
    return Change(str(path), sha256(path), (Edit(1, 1 if lines > 1 else 0, (file.insert,)),))


def seen(machine: Machine) -> str:
    return storage.digest(storage.look(machine.root, ("etc",)))


def check(machine: Machine, files: list[File], verdicts: list[str]) -> None:
    """Apply and take back; the tree is the same, to the last attribute and link."""
    for tree in (machine.root / "etc").glob("tree*"):
        shutil.rmtree(tree)
    shutil.rmtree(machine.state, ignore_errors=True)
    machine.stop()
    changes = [change for number, file in enumerate(files) if (change := place(machine, number, file))]
    before = seen(machine)
    try:
        text = script.compose_apply(transaction(machine, FIRST, *changes), {}, NONCE)
    except Problem:
        verdicts.append("not sent")
        assert seen(machine) == before
        return
    links = [change for change in changes if Path(change.path).is_symlink()]
    applied = machine.send(text).report
    assert applied, "no answer"
    verdicts.append(applied.state if applied.state != "REFUSED" else f"refused: {applied.error}")
    if applied.state == "REFUSED":
        assert seen(machine) == before, f"refused ({applied.message}), but something changed"
        return
    assert applied.state == "RELOADED", applied.message
    assert not links, "a link was written to, or replaced"
    assert not changes or seen(machine) != before or all(not change.edits[0].insert for change in changes), "nothing changed"
    back = machine.send(script.compose_revert(FIRST, "a property", NONCE)).report
    assert back and back.state == "REVERTED", back
    assert seen(machine) == before, "it is not as it was"


def run(folder: Path, make: Callable[[Path], Machine], count: int) -> tuple[int, list[str]]:
    """How many trees, and the verdict of each; raises what fails, shrunk."""
    bench = Bench.make(folder / "disks", make(folder / "machine"))
    verdicts: list[str] = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(FILES, min_size=1, max_size=3))
    def holds(files: list[File]) -> None:
        check(bench.machine, files, verdicts)

    try:
        holds()
    finally:
        bench.close()
    return len(verdicts), verdicts
