"""What a person sees in the terminal: the worst first, one line a fact, nothing wider than the terminal.  Pure: text in, text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from textwrap import wrap
from typing import Any

from ..certificates.kms import KmsKey, quantum, remarks
from .results import STATUSES, HostResult

MANY = 20  # hosts; from here on counts instead of every finding
NARROW = 20  # columns: what is said, and where, are not cut below this; a narrower terminal gets two lines a finding
ORDER = ("forbidden", "missing", "unsatisfiable", "pq-regression", "unknown", "deprecated", "excepted", "not-applicable", "compliant")
COLOURS = {"forbidden": "31", "missing": "33", "unsatisfiable": "35", "pq-regression": "35", "unknown": "36", "deprecated": "33", "compliant": "32"}
ENDED = ("CLEANED", "CONFIRMED", "REVERTED", "REFUSED")  # of a transaction: nothing is left to do
ASPECTS = {"key_exchange": "key exchange", "host_key": "host key", "user_key": "user key", "ca_signature": "CA signature"} | {
    f"client_{word}": f"client {word}" for word in ("trust", "signature", "certificate", "authentication")
}


def terse(result: HostResult, held: bool) -> HostResult:
    """What is shown of one host among many; the rest of a large fleet does not fit into memory.  held: keep its certificates and keys, too."""
    return replace(
        result,
        endpoints=(),
        findings=tuple(_kind(f["protocol"], f["aspect"], f["state"]) for f in result.findings),
        plan=None,
        journal=tuple(_open(result)),
        files=(),
        proofs=(),
        credentials=result.credentials if held else {},
    )


@lru_cache
def _kind(protocol: str, aspect: str, state: str) -> Mapping[str, str]:
    return {"protocol": protocol, "aspect": aspect, "state": state}


def audit_table(results: Sequence[HostResult], width: int = 120, colour: bool = False) -> str:
    """Every finding of few hosts; of many how often each state occurs, and the hosts in the worst shape that are in it."""
    if len(results) > MANY:
        return _counted(results, width)
    rows: list[tuple[str, ...]] = [("HOST", "ENDPOINT", "ASPECT", "STATE", "WHAT", "WHERE")]
    states: list[str] = [""]
    ways: list[str] = [""]
    for result in sorted(results, key=_worst):
        for finding in sorted(result.findings, key=lambda f: ORDER.index(f["state"])):
            fine = finding["state"] == "compliant"
            now = " ".join(finding["actual"]) if fine else finding["message"]
            aspect = ASPECTS.get(finding["aspect"], finding["aspect"])
            cells = (result.host, finding["endpoint"], aspect, finding["state"], now, finding["origin"])
            rows.append(tuple(one_line(cell) for cell in cells))
            states.append(finding["state"])
            ways.append("" if fine or not finding["remedy"] else f"→ {one_line(finding['remedy'])}")
    fixed = sum(max(len(row[i]) for row in rows) + 2 for i in range(4))
    narrow = fixed + 2 * NARROW + 2 > width
    return _stacked(rows[1:], ways[1:], width, colour) if narrow else columns(rows, states, width, colour, ways)


def one_line(text: str) -> str:
    """Text from a host or a daemon, unable to move the cursor, to colour or to begin a line of its own."""
    shown = text if text.isprintable() else "".join(c if c.isprintable() or c.isspace() else "?" for c in text)
    return " ".join(shown.split())


def _stacked(rows: Sequence[tuple[str, ...]], ways: Sequence[str], width: int, colour: bool) -> str:
    lines: list[str] = []
    for (host, endpoint, aspect, state, now, origin), way in zip(rows, ways, strict=True):
        head = _cut(f"{host}  {endpoint}  {aspect}", width - 15)
        name = f"\033[{COLOURS[state]}m{state:13}\033[0m" if colour and state in COLOURS else f"{state:13}"
        said = f"{origin}: {now}" if state != "compliant" else _cut(f"{origin}: {now}", width - 2)
        lines += [f"{name}  {head}", *(f"  {line}" for line in _wrapped(said, way, width - 2, width - 2))]
    return "\n".join(lines)


def _wrapped(what: str, way: str, first: int, rest: int) -> list[str]:
    """What is wrong and the way out, in full: one line so wide, and below it, where nothing else stands, wider ones."""
    begin = (_wrap(what, first) or [""])[0]
    return [begin, *_wrap(what[len(begin) :].strip(), rest), *_wrap(way, rest)]


def _wrap(text: str, width: int) -> list[str]:
    return wrap(text, width, break_on_hyphens=False)  # names of algorithms stay whole


def _worst(result: HostResult) -> tuple[int, int, str]:
    return (
        STATUSES.index(result.status) if result.status in STATUSES else 0,
        min((ORDER.index(f["state"]) for f in result.findings), default=99),
        result.host,
    )


def columns(rows: Sequence[tuple[str, ...]], states: Sequence[str], width: int, colour: bool, ways: Sequence[str] = ()) -> str:
    """Columns as wide as they need; the two widest give way until the line fits.  ways: what goes on below the last but one."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths[-2:]) > NARROW:
        widest = len(widths) - 2 if widths[-2] >= widths[-1] else len(widths) - 1
        widths[widest] -= 1
    indent = sum(widths[:-2]) + 2 * (len(widths) - 2)
    lines = []
    for row, state, way in zip(rows, states, ways or [""] * len(rows), strict=True):
        whole = _wrapped(row[-2], way, widths[-2], width - indent) if ways and state not in ("", "compliant") else [row[-2]]
        shown = (*row[:-2], whole[0], row[-1])
        cells = [_cut(cell, size, keep_end=i == len(row) - 1).ljust(size) for i, (cell, size) in enumerate(zip(shown, widths, strict=True))]
        if colour and state in COLOURS:
            cells[3] = f"\033[{COLOURS[state]}m{cells[3]}\033[0m"
        lines.append("  ".join(cells).rstrip())
        lines += [" " * indent + line for line in whole[1:]]
    return "\n".join(lines)


def _cut(text: str, size: int, keep_end: bool = False) -> str:
    if len(text) <= size:
        return text
    return "…" + text[-size + 1 :] if keep_end else text[: size - 1] + "…"


def _counted(results: Sequence[HostResult], width: int) -> str:
    counts: Counter[tuple[str, str, str]] = Counter()
    hosts: dict[tuple[str, str, str], dict[str, None]] = {}
    for result in sorted(results, key=_worst):
        for f in result.findings:
            group = (f["protocol"], f["aspect"], f["state"])
            counts[group] += 1
            hosts.setdefault(group, {})[one_line(result.host)] = None
    rows = [("PROTOCOL", "ASPECT", "STATE", "FINDINGS", "HOSTS")]
    for group in sorted(counts, key=lambda g: (ORDER.index(g[2]), -counts[g])):
        protocol, aspect, state = group
        named = list(hosts[group])
        some = f"{len(named)} hosts" if state == "compliant" else " ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
        rows.append((protocol, ASPECTS.get(aspect, aspect), state, str(counts[group]), some))
    return columns(rows, [""] * len(rows), width, False)


SHOWN = 3  # finished transactions of a host; the open and the failed ones are all shown


def transaction_table(results: Sequence[HostResult], width: int = 120) -> str:
    """What the hosts remember, from the results of recover: what is open or failed first, then the newest of each host; "" = nothing."""
    rows: list[tuple[str, ...]] = []
    for result in results:
        good = [entry for entry in _remembered(result) if entry["state"] in ENDED]
        for entry in [*_open(result), *good[: SHOWN if len(results) <= MANY else 0]]:
            left = f"{entry['left']} s" if entry["left"] else "-"
            cells = (result.host, entry["id"], entry["state"], left, _ago(entry.get("age", 0)), f"{entry.get('size', 0)} KiB", entry["by"])
            rows.append(tuple(one_line(cell) for cell in cells))
    if not rows:
        return ""
    rows.sort(key=lambda row: row[2] in ENDED)
    head = ("HOST", "TRANSACTION", "STATE", "LEFT", "AGE", "SIZE", "STARTED BY")
    return columns([head, *rows], [""] * (len(rows) + 1), width, False)


def _remembered(result: HostResult) -> list[Mapping[str, Any]]:
    return [entry for entry in result.journal if result.verb == "recover" and "id" in entry]


def _open(result: HostResult) -> list[Mapping[str, Any]]:
    return [entry for entry in _remembered(result) if entry["state"] not in ENDED]


URGENT = ("vulnerable", "unknown", "symmetric", "safe")


def kms_table(keys: Sequence[KmsKey], width: int = 140) -> str:
    """The keys of a key management service, what a quantum computer breaks first."""
    rows: list[tuple[str, ...]] = [("KEY", "KIND", "QUANTUM", "USES", "AGE", "ROTATES", "WHAT", "USED BY")]
    for one in sorted(keys, key=lambda key: (URGENT.index(quantum(key)), "encrypt" not in key.uses, key.name)):
        age = "?" if one.age is None else f"{one.age} d"
        rotates = f"{one.rotates} d" if one.rotates else "-"
        users = "?" if one.users is None else " ".join(one.users) or "-"
        cells = (one.name, one.kind, quantum(one), " ".join(one.uses) or "-", age, rotates, "; ".join(remarks(one)) or "-", users)
        rows.append(tuple(one_line(cell) for cell in cells))
    return columns(rows, [""] * len(rows), width, False)


def _ago(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def closing(summary: Mapping[str, Any], folder: str, colour: bool = False) -> str:
    """The last lines of a run: what is wrong first, then the counts, the folder last."""
    lines = []
    for failed in summary["failed"]:
        text = f"{failed['status'].upper():13} {one_line(failed['host'])}: {one_line(failed.get('message', ''))}"
        if failed.get("remedy"):
            text += f"  → {one_line(failed['remedy'])}"
        lines.append(f"\033[31m{text}\033[0m" if colour else text)
    proofs = summary["proofs"]
    overrides = [(one["host"], f"{one['instead_of']}; all the same by {one['approver']}: {one['reason']}") for one in summary["window_overrides"]]
    for word, notes in (
        ("OVERRIDE", overrides),
        ("UNPROVED", [(one["host"], f"{one['endpoint']}: {one['why']}") for one in proofs["unproved"]]),
        ("NOTE", [(one["host"], one["message"]) for one in summary["warnings"]]),
    ):
        for host, said in notes[:MANY]:
            text = f"{word:13} {one_line(host)}: {one_line(said)}"
            lines.append(f"\033[33m{text}\033[0m" if colour else text)
        if len(notes) > MANY:
            lines.append(f"{word:13} and {len(notes) - MANY} more in summary.json")
    lines += _register(summary, colour)
    counted = ", ".join(f"{number} {status}" for status, number in sorted(summary["status"].items(), key=lambda item: STATUSES.index(item[0])))
    lines.append(f"hosts: {summary['hosts']} ({counted})" if counted else "hosts: none")
    if summary["findings"]["by_state"]:
        lines.append("findings: " + ", ".join(f"{summary['findings']['by_state'][s]} {s}" for s in ORDER if s in summary["findings"]["by_state"]))
    ends = summary["endpoints"]
    if ends["with_key_exchange"]:
        unknown = f" ({ends['unknown']} unknown)" if ends["unknown"] else ""
        lines.append(f"quantum-safe key exchange: {ends['quantum_safe']} of {ends['with_key_exchange']} endpoints{unknown}")
    if proofs["proved"] or proofs["unproved"]:
        asked = proofs["proved"] + len(proofs["unproved"])
        lines.append(f"proved by a live handshake: {proofs['proved']} of {asked} changed endpoints")
    if summary["earliest_deadline"]:
        lines.append(f"earliest deadline: {summary['earliest_deadline']}")
    if summary["campaigns"]:
        lines.append(f"campaign: {', '.join(summary['campaigns'])}")
    lines += [f"unreadable: {one_line(text)}" for text in summary["unreadable"]]
    return "\n".join([*lines, f"results: {folder}"])


def _register(summary: Mapping[str, Any], colour: bool) -> list[str]:
    """What of the policy somebody must look at: what has ended, and what nothing needed."""
    exceptions, overrides = summary.get("exceptions", {}), summary.get("overrides", {})
    rows = [("EXPIRED", f"exception {id_}: it ended; mend what it answered for") for id_ in exceptions.get("expired", ())]
    rows += [("UNUSED", f"exception {id_}: no finding of this run needs it; take it out") for id_ in exceptions.get("unused", ())]
    rows += [("UNUSED", f"override {id_}: it replaces nothing on any host of this run; take it out") for id_ in overrides.get("unused", ())]
    texts = [f"{word:13} {one_line(said)}" for word, said in rows[:MANY]]
    more = [f"{'UNUSED':13} and {len(rows) - MANY} more in summary.json"] if len(rows) > MANY else []
    return [f"\033[33m{text}\033[0m" if colour else text for text in (*texts, *more)]
