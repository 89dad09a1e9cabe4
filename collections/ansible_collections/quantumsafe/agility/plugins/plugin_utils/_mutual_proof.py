# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what proves a step of an mTLS move, between reload and confirm, or from a client's own host."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ._core.certificates.bundle import holds
from ._core.credentials import Asking, Pair, Showing
from ._core.model import Probe, Snapshot
from ._core.targets.mutual import Greeting
from ._mutual import Move, admits, both, chains, greets
from ._proving import AGAIN, asked_clients
from ._run import Run

Proofs = tuple[tuple[Mapping[str, Any], ...], list[str]]


def lets_in(run: Run, move: Move, asking: Sequence[Asking], after: Snapshot, require: bool) -> Proofs:
    """Of a server: what its files hold as they are read again, whom its own openssl lets in by them, and whom it names to a client.

    require: those of the old authority are to be turned away, else they still get in.
    """
    wrong = _held(move, asking, after, require)
    proofs, faults = _admitted(run, move, asking, require)
    named, unnamed = _named(run, move, asking, require)
    return (*proofs, *named), [*wrong, *faults, *unnamed]


def _held(move: Move, asking: Sequence[Asking], after: Snapshot, require: bool) -> list[str]:
    texts = {path: file.text or "" for path, file in after.files.items()}
    now = {one.endpoint: one for one in both(after)[0]}
    wrong = []
    for one in asking:
        paths = now[one.endpoint].bundles if one.endpoint in now else ()
        old, new = (any(holds(texts.get(path, ""), each.certificate) for path in paths) for each in (move.old, move.new))
        if not new or old == require:
            wrong.append(
                f"{one.endpoint}: after the reload its files hold {'the new' if new else 'no new'} and {'the old' if old else 'no old'} authority"
            )
    return wrong


def _admitted(run: Run, move: Move, asking: Sequence[Asking], require: bool) -> Proofs:
    """By the server's own openssl, for every client that is known."""
    expected = [(host, chain, True) for host, chain in chains(run, move, "new" if require else "old")]
    expected += [(host, chain, False) for host, chain in chains(run, move, "was")] if require else []
    asked = [(one, *each) for one in asking for each in expected]
    said = admits(run, [(one.depth, chain, one.bundles) for one, dummy, chain, dummy2 in asked])
    proofs, wrong = [], []
    for (one, host, dummy, good), why in zip(asked, said, strict=True):
        proved = (not why) == good
        what = f"{one.endpoint} for the {'new' if good and require else 'old'} certificate of {host}"
        proofs.append({"endpoint": what, "proved": proved, "let_in": not why, "why": why})
        wrong += [] if proved else [f"{what}: {f'it is not let in: {why}' if good else 'it is still let in'}"]
    return tuple(proofs), wrong


def _named(run: Run, move: Move, asking: Sequence[Asking], require: bool) -> Proofs:
    """Over a new connection: the authorities whose clients the server asks for.  It may name none (a bundle that only decides)."""
    same = move.old.certificate.subject == move.new.certificate.subject
    old, new = (each.certificate.subject.public_bytes() for each in (move.old, move.new))
    proofs, wrong = [], []
    for one in asking:
        endpoint = one.endpoint
        seen = None
        for pause in (*AGAIN, None):
            seen = asked_clients(run, _probe(one))
            asks = seen.asks if seen else None
            good = bool(asks is not None and (not asks or (new in asks and (same or (old in asks) != require))))
            if good or pause is None or seen is None:
                break
            time.sleep(pause)
        if seen is None:
            proofs.append({"endpoint": endpoint, "proved": False, "why": "no address reaches it from here"})
            continue
        proofs.append({"endpoint": endpoint, "proved": good, "asks_clients": asks is not None, "names": len(asks or ()), "failure": seen.failure})
        why = seen.failure or ("it asks clients for no certificate" if asks is None else "it does not name the authorities that it should")
        wrong += [] if good else [f"{endpoint}: a new connection sees that {why}"]
    return tuple(proofs), wrong


def _probe(one: Asking) -> Probe:
    address, port = one.listens
    return Probe("tls", one.endpoint, port, "" if address == "*" else address, one.names[0] if one.names else "", starttls=one.starttls)


def gets_in(run: Run, shown: Sequence[tuple[Showing, Pair]], wanted: bool) -> Proofs:
    """Live, from the client's own host, to everybody whom it is shown to: whether a server lets it in with that pair.  Its key stays there."""
    asked = [(one, peer, pair) for one, pair in shown for peer in one.peers]
    said = greets(run, [(host, port, one.name, *files) for one, (host, port), pair in asked for files in ((pair.certificate, pair.key), ("", ""))])
    proofs, wrong = [], []
    for number, (one, (host, port), pair) in enumerate(asked):
        greeting, without = said[2 * number : 2 * number + 2]
        fault = _fault(greeting, wanted)
        told = {"peer": f"{host}:{port}", "certificate": pair.certificate, "status": greeting.status, "refused": greeting.refused}
        proofs.append({"endpoint": one.endpoint, "proved": not fault, **told, "without_one": without.refused or "let in"})
        wrong += [f"{one.endpoint}: {host}:{port}, with {pair.certificate}: {fault}"] if fault else []
    return tuple(proofs), wrong


def _fault(greeting: Greeting, wanted: bool) -> str:
    if not greeting.asked:
        return greeting.refused or "it asks for no certificate"
    return greeting.refused if wanted else "" if greeting.refused else "it is still let in"
