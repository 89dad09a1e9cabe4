"""What --check --diff shows is what is then done: whole files, on every host, forwards and back."""

from __future__ import annotations

import base64
import difflib

import pytest

from .conftest import WEB, Lab, on

READ = 'find /etc/ssh /etc/nginx -type f ! -name "*_key" ! -name "*.key" | sort | while read -r f; do echo "$f $(base64 -w0 "$f")"; done'


def files(host: str) -> dict[str, str]:
    lines = (line.split(" ") for line in on(host, READ).splitlines())
    return {path: base64.b64decode(text).decode() for path, text in lines}


def diffs(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    """As Ansible writes them, of every file that differs."""
    both = {path: [_lines(side.get(path, "")) for side in (before, after)] for path in sorted(before.keys() | after.keys())}
    return {path: "".join(difflib.unified_diff(*pair)).splitlines()[2:] for path, pair in both.items() if pair[0] != pair[1]}


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").splitlines(keepends=True)  # what we read of Ansible lost them, too; sums are compared elsewhere
    return [*lines[:-1], f"{lines[-1]}\n\\ No newline at end of file\n"] if text and not text.endswith("\n") else lines


def shown(text: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    block: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("--- before: "):
            block = out.setdefault(line.removeprefix("--- before: "), [])
        elif not line:
            block = None
        elif block is not None and not line.startswith("+++ after: "):
            block.append(line)
    return out


@pytest.mark.parametrize("host", WEB)
def test_check_and_diff_show_exactly_what_enforce_and_rollback_then_do(lab: Lab, host: str) -> None:
    start = files(host)
    for verb in ("enforce", "rollback") if host != "web-legacy" else ("enforce",):  # which has nothing to gain
        before = files(host)
        dry = lab.play(verb, host, "--check", "--diff", agility_campaign="diff")
        assert dry.rc == 0, dry.text
        assert files(host) == before
        ran = lab.play(verb, host, agility_campaign="diff")
        assert ran.rc == 0, ran.text
        done = diffs(before, files(host))
        assert shown(dry.text) == done
        assert dry.changed(host) == ran.changed(host) == int(bool(done)) == int(host != "web-legacy")
    assert files(host) == start
