# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what the ledger is told of the life of keys and certificates: issued, installed, retired, shredded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from ._certifying import servings
from ._core.certificates.read import leaf
from ._core.certificates.token import in_token
from ._core.credentials import Certificate, Pair
from ._core.model import Problem, Snapshot
from ._core.targets.answer import TransactionReport
from ._core.targets.transact import DONE, Outcome
from ._mutual import both

Facts = list[dict[str, Any]]


def issued(chains: Mapping[Pair, str]) -> Facts:
    """Certificates that an issuer made, whatever becomes of the transaction that is to install them."""
    found = ((pair, leaf(text, pair.certificate)) for pair, text in chains.items())
    return [told("issued", pair.key, one) for pair, one in found if one]


def switched(before: Snapshot, outcome: Outcome) -> Facts:
    """What is served or shown to servers since, and what is not any more: the host keeps that, with its key, until `recover` forgets it all."""
    if outcome.state not in DONE or outcome.after is None:  # of one that went back, after is what was for a moment
        return []
    old, new = _served(before), _served(outcome.after)
    gone = [told("retired", *old[id_]) for id_ in old if id_ not in new]
    return [told("installed", *new[id_]) for id_ in new if id_ not in old] + [one | _left(one["key"], outcome) for one in gone]


def _left(key: str, outcome: Outcome) -> dict[str, str]:
    """What becomes of the key, and the fingerprint that its end will be told with."""
    forgotten = "until the transaction is forgotten"
    if found := next((one for one in outcome.retired if one.path == key), None):
        return {"stays": f"at its path {forgotten}"} | ({"public": found.public} if found.public else {})
    if in_token(key):
        return {"stays": "in its token"}
    if outcome.report and any(kept.path == key and kept.kind != "create" for kept in outcome.report.files):
        return {"stays": f"with its old file {forgotten}"}
    return {"stays": "at its path: it is still named, or it is a link"}


def retires(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Keys in files that were named and are not any more."""
    named = _named(after)
    return tuple(path for path in sorted({pair.key for pair in _pairs(before)}) if path not in named and path.startswith("/") and path.isprintable())


def _named(snapshot: Snapshot) -> set[str]:
    return {path for pair in _pairs(snapshot) for path in (pair.certificate, pair.key)}


def _pairs(snapshot: Snapshot) -> list[Pair]:
    """Of all that is served, or shown to servers.  Raises Problem where that cannot be read."""
    return [b.pair for one in servings(snapshot) for b in one.bindings] + [one.binding.pair for one in both(snapshot)[1]]


def _served(snapshot: Snapshot) -> dict[tuple[Pair, str], tuple[str, Certificate]]:
    out = {}
    with suppress(Problem):  # a way back is called for when configurations are broken
        for pair in dict.fromkeys(_pairs(snapshot)):
            file = snapshot.files.get(pair.certificate)
            if one := leaf(file.text, pair.certificate) if file and file.text else None:
                out[pair, one.sha256] = (pair.key, one)
    return out


def told(did: str, key: str, one: Certificate) -> dict[str, Any]:
    facts = {"kind": one.key, "names": list(one.names), "issuer": one.issuer, "until": one.not_after, "sha256": one.sha256}
    return {"did": did, "path": one.path, "key": key, **facts}


def shredded(before: Iterable[TransactionReport], forgotten: Iterable[str], said: Iterable[str]) -> Facts:
    """What the host kept of the transactions that it forgot, old keys among them.  said: its words on what it could not shred."""
    loose = " ".join(said)
    gone = [report for report in before if report.id in set(forgotten) and report.state == "CLEANED"]  # what was reverted is back in its place
    return [
        {"did": "removed" if f" of {report.id} was removed without shredding" in loose else "shredded", "path": kept.path, "transaction": report.id}
        | ({"sha256": kept.before} if kept.before else {})
        for report in gone
        for kept in report.files
        if kept.kind != "create" and kept.now != kept.before
    ]
