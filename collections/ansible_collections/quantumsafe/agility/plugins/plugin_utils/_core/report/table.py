"""What a person sees in the terminal: the worst first, one line a fact, nothing wider than the terminal.  Pure: text in, text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .results import BAD, STATUSES, HostResult

MANY = 20  # hosts; from here on counts instead of every finding
ORDER = ("forbidden", "missing", "unsatisfiable", "unknown", "deprecated", "excepted", "not-applicable", "compliant")
COLOURS = {"forbidden": "31", "missing": "33", "unsatisfiable": "35", "unknown": "36", "deprecated": "33", "compliant": "32"}
ASPECTS = {"key_exchange": "key exchange", "host_key": "host key", "user_key": "user key"}


def audit_table(results: Sequence[HostResult], width: int = 120, colour: bool = False) -> str:
    """Every finding of few hosts; of many only what is wrong, counted."""
    if len(results) > MANY:
        return _counted(results)
    rows = [("HOST", "ENDPOINT", "ASPECT", "STATE", "WHAT", "WHERE")]
    states: list[str] = [""]
    for result in sorted(results, key=_worst):
        for finding in sorted(result.findings, key=lambda f: ORDER.index(f["state"])):
            now = " ".join(finding["actual"]) if finding["state"] == "compliant" else finding["message"]
            aspect = ASPECTS.get(finding["aspect"], finding["aspect"])
            rows.append((result.host, finding["endpoint"], aspect, finding["state"], now, finding["origin"]))
            states.append(finding["state"])
    return _columns(rows, states, width, colour)


def _worst(result: HostResult) -> tuple[int, int, str]:
    return (
        STATUSES.index(result.status) if result.status in STATUSES else 0,
        min((ORDER.index(f["state"]) for f in result.findings), default=99),
        result.host,
    )


def _columns(rows: Sequence[tuple[str, ...]], states: Sequence[str], width: int, colour: bool) -> str:
    """Columns as wide as they need; the two widest give way until the line fits."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths[-2:]) > 20:
        widest = len(widths) - 2 if widths[-2] >= widths[-1] else len(widths) - 1
        widths[widest] -= 1
    lines = []
    for row, state in zip(rows, states, strict=True):
        cells = [_cut(cell, size, keep_end=i == len(row) - 1).ljust(size) for i, (cell, size) in enumerate(zip(row, widths, strict=True))]
        if colour and state in COLOURS:
            cells[3] = f"\033[{COLOURS[state]}m{cells[3]}\033[0m"
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cut(text: str, size: int, keep_end: bool = False) -> str:
    if len(text) <= size:
        return text
    return "…" + text[-size + 1 :] if keep_end else text[: size - 1] + "…"


def _counted(results: Sequence[HostResult]) -> str:
    counts = Counter((f["protocol"], f["aspect"], f["state"]) for r in results for f in r.findings)
    rows = [("PROTOCOL", "ASPECT", "STATE", "HOSTS AND ENDPOINTS")]
    rows += [
        (protocol, ASPECTS.get(aspect, aspect), state, str(number))
        for (protocol, aspect, state), number in sorted(counts.items(), key=lambda item: (ORDER.index(item[0][2]), -item[1]))
    ]
    return _columns(rows, [""] * len(rows), 100, False)


def closing(summary: Mapping[str, Any], folder: str, colour: bool = False) -> str:
    """The last lines of a run: what is wrong first, then the counts, the folder last."""
    lines = []
    for failed in summary["failed"]:
        text = f"{failed['status'].upper():13} {failed['host']}: {failed.get('message', '')}"
        if failed.get("remedy"):
            text += f"  → {failed['remedy']}"
        lines.append(f"\033[31m{text}\033[0m" if colour else text)
    counted = ", ".join(f"{number} {status}" for status, number in sorted(summary["status"].items(), key=lambda item: STATUSES.index(item[0])))
    lines.append(f"hosts: {summary['hosts']} ({counted})" if counted else "hosts: none")
    if summary["findings"]["by_state"]:
        lines.append("findings: " + ", ".join(f"{summary['findings']['by_state'][s]} {s}" for s in ORDER if s in summary["findings"]["by_state"]))
    ends = summary["endpoints"]
    if ends["with_key_exchange"]:
        lines.append(f"quantum-safe key exchange: {ends['quantum_safe']} of {ends['with_key_exchange']} endpoints")
    if summary["earliest_deadline"]:
        lines.append(f"earliest deadline: {summary['earliest_deadline']}")
    if summary["campaigns"]:
        lines.append(f"campaign: {', '.join(summary['campaigns'])}")
    lines += [f"unreadable: {text}" for text in summary["unreadable"]]
    return "\n".join([*lines, f"results: {folder}"])


def progress(results: Sequence[HostResult]) -> str:
    """One line: hosts done, failed, reverted."""
    done = sum(r.status not in BAD for r in results)
    reverted = sum(r.status == "reverted" for r in results)
    return f"{done} done, {sum(r.status in BAD for r in results) - reverted} failed, {reverted} reverted"
