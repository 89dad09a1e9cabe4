"""What the ledger answers: who changed what, when, why, under which policy, proved how, undone when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .verify import Seen

ENDS = ("confirm", "rollback", "revert", "refuse", "fail")  # what a change that was begun can come to
DECISIONS = ("approve", "pause", "resume", "abort", "hold", "breach", "take-back")  # of a person, or of the waves of a campaign


@dataclass(frozen=True, slots=True)
class Question:
    """ "" = any.  since, until: moments as entries spell them, or the beginning of one (2026-11, 2026-11-27T04)."""

    host: str = ""
    endpoint: str = ""
    campaign: str = ""
    event: str = ""
    since: str = ""
    until: str = ""

    def asks(self, entry: dict[str, Any]) -> bool:
        time = entry["time"]
        return (
            self.host in ("", entry.get("host"))
            and (not self.endpoint or self.endpoint in entry.get("endpoints", ()))
            and self.campaign in ("", entry.get("campaign"))
            and self.event in ("", entry["event"], *(key["did"] for key in entry.get("keys", ())))
            and (not self.since or time >= self.since)
            and (not self.until or time[: len(self.until)] <= self.until)
        )


def merged(chains: Iterable[Seen]) -> list[dict[str, Any]]:
    """The entries of the chains that are whole, by time; those of one chain stay in its order, whatever somebody did to the clock."""
    rows = []
    for chain in chains:
        if chain.faults:
            continue
        latest = ""
        for entry, digest in zip(chain.entries, chain.digests, strict=False):
            latest = max(latest, str(entry.get("time", "")))
            rows.append((latest, chain.name, entry["number"], {**entry, "digest": digest}))
    return [entry for *dummy, entry in sorted(rows, key=lambda row: row[:3])]


def changes(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One for each change that was begun: its seven answers, and what became of it."""
    ends: dict[tuple[str, str], dict[str, Any]] = {}
    undone: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        host = str(entry.get("host", ""))
        if entry["event"] in ENDS and entry.get("transaction"):
            ends[host, entry["transaction"]] = entry
        if entry["event"] == "rollback":
            undone |= {(host, id_): entry for id_ in entry.get("undoes", ())}
        for id_, state in entry.get("resolved", {}).items():
            (undone if state == "REVERTED" else ends)[host, id_] = entry
    return [_told(e, ends.get(_id(e)), undone.get(_id(e))) for e in entries if e["event"] == "apply"]


def _id(entry: dict[str, Any]) -> tuple[str, str]:
    return str(entry.get("host", "")), entry["transaction"]


def _told(began: dict[str, Any], end: dict[str, Any] | None, undone: dict[str, Any] | None) -> dict[str, Any]:
    last = end or began
    who, why, policy = began.get("who", {}), began.get("why", {}), began.get("policy", {})
    by = {"by": undone.get("transaction", ""), "who": _who(undone.get("who", {}))} if undone else {}
    back = undone["time"] if undone else last["time"] if last["event"] == "revert" else ""
    return {
        "host": began.get("host", ""),
        "campaign": began.get("campaign", ""),
        "transaction": began["transaction"],
        "verb": began.get("verb", ""),
        "who": _who(who),
        "what": list(began.get("changes", ())) or [f["path"] for f in last.get("files", ())] or [f"undo of {id_}" for id_ in began.get("undoes", ())],
        "endpoints": sorted({*began.get("endpoints", ()), *last.get("endpoints", ())}),
        "when": last["time"],
        "why": "; ".join(filter(None, (why.get("ticket", ""), why.get("reason", "")))),
        "policy": f"{policy['name']}@{policy.get('version', '')} {policy.get('digest', '')}" if policy.get("name") else "",
        "proved": [_proof(one) for one in last.get("proofs", ())] + ([f"confirmed: {last['connection']}"] if last.get("connection") else []),
        "undone": back,
        "undone_by": by,
        "result": last["result"] if end else "reverted" if undone else "open",
        "evidence": last.get("evidence", ""),
    }


def _who(who: dict[str, Any]) -> str:
    account = f"{who.get('user', '?')}@{who.get('controller', '?')}"
    return f"{who['operator']} ({account})" if who.get("operator") else account


def _proof(one: dict[str, Any]) -> str:
    seen = one.get("seen") or one.get("why") or "seen"
    return f"{one['endpoint']}: {seen if one['proved'] else f'NOT PROVED, {seen}'}"


def decisions(entries: Iterable[dict[str, Any]]) -> list[str]:
    """One line for each decision about a campaign or a plan."""
    return [_decided(entry) for entry in entries if entry["event"] in DECISIONS]


def _decided(entry: dict[str, Any]) -> str:
    about = entry.get("campaign") or f"plan {entry.get('plan', '')[:12]}"
    wave = f", wave {entry['wave']}" if "wave" in entry else ""
    cause = entry.get("cause") or "; ".join(filter(None, entry.get("why", {}).values()))
    by = entry.get("approval", {}).get("by", "")
    said = "; ".join(filter(None, (cause, ", ".join(entry.get("hosts", ())), by)))
    return f"{entry['time']}  {entry['event'].upper()}  {about}{wave}: {said or '-'} ({_who(entry.get('who', {}))})"


ROWS = ("who", "what", "when", "why", "policy", "proved", "undone")


def report(rows: Iterable[dict[str, Any]]) -> list[str]:
    """A block a change, a line an answer: these are sentences, and columns would cut them."""
    lines = []
    for row in rows:
        lines.append(f"{row['host']}  {row['transaction']}  {row['result'].upper()}")
        for name in ROWS:
            told = row[name] if isinstance(row[name], list) else [row[name]]
            if name == "undone" and row["undone_by"]:
                told = [f"{row['undone']} by {row['undone_by']['by'] or 'recover'}, {row['undone_by']['who']}"]
            lines += [f"  {name if not n else '':8}{text or '-'}" for n, text in enumerate(told or ["-"])]
    return lines
