"""The table of docs/guarantee.md from logs of the torture: tests/torture/run ... | tee LOG; python tests/tools/guarantee.py LOG... (in the top folder)."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/guarantee.md"
BEGIN, END = "<!-- begin of the table: tests/tools/guarantee.py writes it -->\n", "<!-- end of the table -->\n"
PROOFS = {"EIO on reading": "reads", "power loss": "power", "a second operator": "rivals", "revert(apply(x)) == x": "properties"}
ROW = re.compile(r"(?P<fault>\S.*?) {2,}(?P<phase>\S.*?) {2,}(?P<runs>\d+) +(?P<bad>\d+)")


def proof(fault: str, phase: str) -> str:
    ends = {"on sshd and nginx": "lab", "of a certificate": "rotation"}
    return next((name for words, name in ends.items() if phase.endswith(words)), PROOFS.get(fault, "inject"))


def table(logs: Iterable[str]) -> str:
    """fault × phase × runs × violations, summed over the logs, each with the command that reproduces it.  Raises ValueError when a log says
    another sum than its rows."""
    runs: Counter[tuple[str, str]] = Counter()
    bad: Counter[tuple[str, str]] = Counter()
    said, caught, alive = [0, 0], 0, 0
    for log in logs:
        total = re.search(r"^injected (\d+), violations (\d+)$", log, re.MULTILINE)
        if not total:
            raise ValueError("a log without its last line: the torture did not end")
        said = [said[0] + int(total[1]), said[1] + int(total[2])]
        for line in log.splitlines():
            caught, alive = caught + line.startswith("caught  "), alive + line.startswith("ALIVE   ")
            if row := ROW.fullmatch(line):
                runs[row["fault"], row["phase"]] += int(row["runs"])
                bad[row["fault"], row["phase"]] += int(row["bad"])
    if [sum(runs.values()), sum(bad.values())] != said:
        raise ValueError(f"the rows say {sum(runs.values())} runs and {sum(bad.values())} violations, the logs say {said}")
    rows = [
        f"| {fault} | {phase} | {count} | {bad[fault, phase]} | `--proof {proof(fault, phase)}` |" for (fault, phase), count in sorted(runs.items())
    ]
    head = "| fault | phase | runs | violations | `tests/torture/run …` |\n|---|---|---:|---:|---|\n"
    foot = f"\n**{said[0]} faults, {said[1]} violations.** Mutants of the agent (`--proof mutants`): {caught} caught, {alive} alive.\n"
    return head + "\n".join(rows) + "\n" + foot


def page(text: str, new: str) -> str:
    before, found, rest = text.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not found or not ends:
        raise ValueError(f"{PAGE} has no place for the table")
    return before + BEGIN + new + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), table(Path(name).read_text(encoding="utf-8") for name in sys.argv[1:])), encoding="utf-8")
