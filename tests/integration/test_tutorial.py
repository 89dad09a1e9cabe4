"""The tutorial of docs/policy.md, typed in as it stands there: each command prints what the page says it prints."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from .conftest import TOP

PAGE = (TOP / "docs/policy.md").read_text(encoding="utf-8").partition("## What it means")[0]
BLOCKS = re.findall(r"```(yaml|console)\n(.*?)```", PAGE, re.DOTALL)
PLAIN = str.maketrans("", "", "\"'\\")


def plain(text: str) -> str:
    """Without quotes and line breaks: Ansible adds some, and wraps."""
    return " ".join(text.translate(PLAIN).split())


def write(folder: Path, text: str) -> None:
    head, _, body = text.partition("\n")
    path = folder / head.split()[-1]
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text(encoding="utf-8") if "append" in head else "") + body, encoding="utf-8")


def check(folder: Path, text: str) -> None:
    """Run each command of a block; "…" in what it shall print stands for anything."""
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *printed = step.splitlines()
        settings = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "NO_COLOR": "1"}
        done = subprocess.run(command, shell=True, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=300)
        out = plain(done.stdout + done.stderr)
        for line in filter(None, printed):
            pattern = ".*".join(re.escape(plain(piece)) for piece in line.split("…"))
            assert re.search(pattern, out), f"$ {command}\n\nshould print: {line}\n\nprinted:\n{done.stdout}{done.stderr}"


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    for name in ("collections", "playbooks", "policies", "inventories", "docs"):
        (tmp_path / name).symlink_to(TOP / name)
    assert sum(kind == "console" for kind, _ in BLOCKS) >= 7
    for kind, text in BLOCKS:
        (write if kind == "yaml" else check)(tmp_path, text)
