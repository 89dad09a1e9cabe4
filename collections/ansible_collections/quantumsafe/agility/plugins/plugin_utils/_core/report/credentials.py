"""certificates.csv, what a run found of certificates and keys in numbers, and what a person must see of it.  Made from the host files only.

One private key in several places is a fact of a fleet: its public half tells.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .inventory import defused
from .results import HostResult
from .reuse import Shared
from .table import MANY, columns, one_line

COLUMNS = (
    *("host", "path", "kinds", "subject", "issuer", "key", "quantum_safe", "issued", "ends", "pki", "chain", "encrypted", "owner", "group", "mode"),
    *("used_by", "renewal", "roles", "public_key_sha256", "file_sha256", "problem"),
)
# roles and states that somebody must look at, the worst first
LOOK = ("orphan-key", "orphan-certificate", "no-key", "authority", "code-signing", "device")
POST_QUANTUM = ("ML-DSA-", "SLH-DSA-")


class Held:
    """It is told one host after the other: a row of certificates.csv for each file (RFC 4180), counts, and what ends first."""

    def __init__(self, shared: Shared) -> None:
        self._out = io.StringIO()
        self._writer = csv.writer(self._out, lineterminator="\r\n")
        self._writer.writerow(COLUMNS)
        self._shared, self._places = shared, dict[str, list[str]]()  # of a key that lies on several hosts
        self._kinds: dict[str, str] = {}  # of such a key
        self._roles, self._numbers, self._first_end = Counter[str](), Counter[str](), ""
        self.hosts = 0

    def add(self, result: HostResult) -> None:
        if not result.credentials:
            return
        self.hosts += 1
        self._numbers["weak_ssh_keys"] += sum(len(one["weak"]) for one in result.credentials["ssh"])
        for item in result.credentials["items"]:
            self._writer.writerow(defused(str(cell)) for cell in _row(result.host, item))
            self._count(item)
        for item, dummy in self._shared.of(result):
            public = item["key"]["public"]
            self._kinds.setdefault(public, item["key"]["kind"])
            self._places.setdefault(public, []).append(f"{result.host}:{item['path']}")

    def _count(self, item: Mapping[str, Any]) -> None:
        ends = [one["not_after"] for one in item["certificates"][:1]]
        self._first_end = min(filter(None, (self._first_end, *ends)), default="")
        self._roles.update(set(item["roles"]))
        self._numbers["files"] += 1
        self._numbers["certificates"] += item["count"] if "certificate" in item["kinds"] else 0
        self._numbers["private_keys"] += bool(item["key"])
        self._numbers["quantum_safe_keys"] += bool(item["key"]) and _kind(item).startswith(POST_QUANTUM)

    def csv(self) -> str:
        return self._out.getvalue()

    def told(self) -> dict[str, Any]:
        return {
            "hosts": self.hosts,
            **{name: self._numbers[name] for name in ("files", "certificates", "private_keys", "quantum_safe_keys")},
            "roles": {role: self._roles[role] for role in (*LOOK, "anchor", "locked") if self._roles[role]},
            "first_end": self._first_end,
            "shared_keys": [{"public": one, "kind": self._kinds[one], "places": places} for one, places in sorted(self._places.items())],
            "weak_ssh_keys": self._numbers["weak_ssh_keys"],
        }


def _row(host: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    leaf = item["certificates"][0] if item["certificates"] else {}
    words = _words(leaf)
    kind = _kind(item)
    return (
        *(host, item["path"], " ".join(item["kinds"]), leaf.get("subject", ""), leaf.get("issuer", ""), kind),
        *("" if not kind else "yes" if kind.startswith(POST_QUANTUM) else "no", words.get("issued", ""), leaf.get("not_after", "")),
        *(words.get("pki", ""), words.get("chain", ""), "" if not item["key"] else "yes" if item["key"]["encrypted"] else "no"),
        *(item["owner"], item["group"], item["mode"], "; ".join(item["users"]), item["renewal"], " ".join(item["roles"])),
        *(_public(item), item["sha256"], item["problem"]),
    )


def _words(leaf: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, dummy, value in (word.partition("=") for word in leaf.get("more", ()))}


def _kind(item: Mapping[str, Any]) -> str:
    return str(item["certificates"][0]["key"] if item["certificates"] else item["key"]["kind"] if item["key"] else "")


def _public(item: Mapping[str, Any]) -> str:
    return str(item["key"]["public"] if item["key"] and item["key"]["public"] else item["public"])


def look_at(results: Sequence[HostResult], width: int) -> str:
    """What belongs to nothing, may sign, or cannot be read; "" = nothing.  Many hosts are told in numbers only (closing lines)."""
    held = [result for result in results if result.credentials]
    rows = [row for result in held for row in _rows(result)] if len(held) <= MANY else []
    if not rows:
        return ""
    head = ("HOST", "KIND", "KEY", "ENDS", "WHAT", "WHERE")
    return columns([head, *rows], [""] * (len(rows) + 1), width, False)


def _rows(result: HostResult) -> Iterator[tuple[str, ...]]:
    for item in result.credentials["items"]:
        what = [role for role in LOOK if role in item["roles"]]
        if what or item["problem"]:
            ends = item["certificates"][0]["not_after"] if item["certificates"] else ""
            cells = (result.host, " ".join(item["kinds"]), _kind(item), ends, "; ".join([*what, *([item["problem"]] if item["problem"] else [])]))
            yield tuple(one_line(cell) for cell in (*cells, item["path"]))
    for one in result.credentials["ssh"]:
        said = [f"weak: {text}" for text in one["weak"][:3]] + [f"trusts the authority {text}" for text in one["authorities"][:3]]
        said += [one["problem"]] if one["problem"] else []
        if said:
            yield tuple(one_line(cell) for cell in (result.host, one["role"], "", "", "; ".join(said), one["path"]))
    for note in result.credentials["notes"]:
        yield tuple(one_line(cell) for cell in (result.host, "note", "", "", note, ""))


def closing_lines(summary: Mapping[str, Any]) -> list[str]:
    """The last words about certificates and keys; [] = this run did not look for them."""
    told = summary.get("credentials")
    if not told:
        return []
    lines = [
        f"{'SHARED KEY':13} {one['kind']} {one['public'][:16]}: {one_line(', '.join(one['places'][:4]))}{', …' if len(one['places']) > 4 else ''}"
        for one in told["shared_keys"][:MANY]
    ]
    roles = "".join(f", {number} {role}" for role, number in told["roles"].items())
    first = f"; the first ends on {told['first_end']}" if told["first_end"] else ""
    lines.append(f"certificates: {told['certificates']}, private keys: {told['private_keys']}{roles}{first}")
    return lines
