# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: another preshared key at both ends of a WireGuard tunnel, whose two states do not work with each other.

Two hosts cannot be told at one moment, so one end decides and the other follows.  Both are armed and both have changed; then the follower is told to
follow, then the end that decides is confirmed, then the follower.  Whoever is lost on the way: the end that decides is confirmed or goes back at its
deadline, and the follower, whose deadline is later, finds out which by shaking hands with it (agent/psk.sh, ca_follows).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ._core.model import Problem, Snapshot
from ._core.report.results import BAD
from ._core.services.wireguard_key import KeyEnd, both_ends
from ._core.targets import psk
from ._core.targets.answer import parse_transaction
from ._core.targets.keyed import Keyed
from ._core.targets.script import AnyChange
from ._core.targets.transact import DONE
from ._linking import Kind, Looked, Side, deliver, drop, late, may, new_id, of_other, reached, remembered
from ._outcome import settle
from ._undoing import LINK, OF, restores

BACK = 60  # seconds that the end that decides may take to go back
SLACK = 60  # seconds until it is armed and proved
LATER = BACK + SLACK  # by which the deadline of the end that follows is later
BY_ITSELF = "it does as the other end does, by itself; run the recover playbook when it answers again"
MOMENT = (
    "both ends shake hands anew: a moment without the tunnel, milliseconds where all goes well; where it does not, up to about half a minute, until "
    "both have gone back"
)
ALL_PEERS = "networkd sets all peers of {0} anew: each of them shakes hands again, and one without Endpoint= is met when it calls"


@dataclass(frozen=True, slots=True)
class Peer(Side):
    end: KeyEnd

    def seen(self, salt: str, meet: bool = False) -> psk.Seen:
        return self.run.channel.ask(
            lambda nonce: psk.compose_seen(self.end, salt, meet, nonce),
            lambda output, nonce: psk.parse_seen(output, nonce, self.host),
        )


def sides(here: Looked, there: Looked, interface: str) -> tuple[Peer, Peer]:
    """Raises Problem where they are not two ends of one tunnel."""
    ends = both_ends(here.found.snapshot, there.found.snapshot, interface)
    if ends[0].form != "quick" and not ends[0].calls:
        what = "networkd forgets at the reload where this peer is, for it has no Endpoint="
        raise Problem(what, ends[0].where, f"run it on {there.host} with {here.host} as the other end; nothing was changed")
    there.run.args["confirm_timeout"] = int(here.run.args["confirm_timeout"]) + LATER
    one, other = (
        Peer(side.run, side.gate, side.found, end.activation, end.interface, end.where, end.path, end)
        for side, end in zip((here, there), ends, strict=True)
    )
    return one, other


# ---------------------------------------------------------------- the steps


def rotate(decides: Peer, follows: Peer) -> None:
    what = "another" if decides.end.keyed else "a"
    if not may(decides, follows, f"{what} preshared key, made on {decides.host} and sealed for {follows.host}", _moments(decides, follows)):
        return
    id_, salt = new_id(decides), secrets.token_hex(16)
    try:
        with reached(follows.run):
            digest, sealed = deliver(decides, follows, id_, salt)
        if late(decides, follows):
            return
        decides.run.note(evidence={"sealed": sealed})

        def changes(side: Peer) -> Sequence[AnyChange]:
            return (Keyed(side.end.path, side.end.sha256, side.end.line, side.end.delete, side.end.lead),)

        _swap(decides, follows, id_, f"{LINK}{decides.host} {follows.host}", salt, changes, digest)
        _agree(decides, follows, id_)
        for side in (decides, follows):
            side.run.note(evidence={**side.run.result.evidence, "sealed": sealed})
    finally:
        for one in (decides, follows):
            if one.run.result.status not in ("changed", "unknown"):  # of those the host itself puts the keys away
                drop(one, id_)


def _moments(*both: Peer) -> dict[str, tuple[str, ...]]:
    """By host; the first is the one that decides."""
    out = {one.host: (ALL_PEERS.format(one.name),) if one.end.form != "quick" else () for one in both}
    return {**out, both[0].host: (MOMENT, *out[both[0].host])}


def contract(decides: Peer, follows: Peer) -> None:
    raise Problem("a peer of WireGuard has one preshared key, so no old one is left to be taken away", decides.host, "nothing was changed")


def back(decides: Peer, follows: Peer) -> None:
    """To the key of before, which both hosts keep until they forget the rotation."""
    here, there = (remembered(side) for side in (decides, follows))
    undone = {id_ for one in here.values() for id_ in one.started_by.partition(OF)[2].split(",")}
    both = [one for id_, one in here.items() if one.state in DONE and OF not in one.started_by and id_ not in undone and id_ in there]
    both = [one for one in both if one.files[0].path == decides.end.path and there[one.id].state in DONE]
    if not both:
        raise Problem(
            f"no rotation of this key with {follows.host} is remembered at both ends", decides.host, "rotate it instead; nothing was changed"
        )
    last = max(both, key=lambda one: one.serial)
    if not may(decides, follows, f"the preshared key of before {last.id}", _moments(decides, follows)):
        return
    kept = {decides.host: last, follows.host: there[last.id]}
    why = f"{LINK}{decides.host} {follows.host}{OF}{last.id}"
    id_ = f"{last.id[:48]}-undo-{secrets.token_hex(2)}"
    _swap(decides, follows, id_, why, secrets.token_hex(16), lambda side: restores([kept[side.host]], False), "")
    _agree(decides, follows, id_)


def _agree(decides: Peer, follows: Peer, id_: str) -> None:
    """What became of both is one thing.  Where the follower went back by itself, for it was booted, what was confirmed goes back, too."""
    here, there = decides.run, follows.run
    if there.result.status not in BAD:
        return
    if here.result.status == "changed" and there.result.status == "reverted":
        why = f"{LINK}{decides.host} {follows.host}{OF}{id_}"
        changes = restores([remembered(decides)[id_]], False)
        settle(here, decides.carry_out(f"{id_[:48]}-undo-{secrets.token_hex(2)}", why, changes, lambda dummy: ((), [])), "reverted")
    if here.result.status in ("changed", "ok", "reverted") and not here.result.problem:
        here.note(status=there.result.status, problem=of_other(follows))


# ---------------------------------------------------------------- both ends at once


def _swap(decides: Peer, follows: Peer, id_: str, why: str, salt: str, changes: Callable[[Peer], Sequence[AnyChange]], digest: str) -> None:
    """Put it in place at both ends.  digest: of the key that must be in use afterwards, "" = the same at both ends is enough."""
    seconds = int(decides.run.args["confirm_timeout"])
    met: list[dict[str, Any]] = []

    def decide(dummy: Snapshot) -> Any:
        """While the follower waits: the other end, from its apply to its confirmation."""

        def prove(dummy2: Snapshot) -> Any:
            try:
                proofs, wrong = _shake_hands(decides, follows, salt, digest)
                met.extend(proofs[1:])
                return proofs[:1], wrong or _told_to_follow(follows, id_, seconds + BACK)
            except Problem as problem:  # nobody was told yet, so both go back
                return (), [str(problem)]

        try:
            outcome = decides.carry_out(id_, why, changes(decides), prove)
        except Problem as problem:
            return (), [str(problem)]
        settle(decides.run, outcome)
        if outcome.state in DONE:
            return tuple(met), []
        if outcome.state in ("REVERTED", "REFUSED"):
            return tuple(met), [f"{decides.host}: {outcome.why}"]
        return tuple(met), None

    outcome = follows.carry_out(id_, why, changes(follows), decide)
    settle(follows.run, outcome)
    if outcome.state == "UNKNOWN":
        follows.run.note(problem={**follows.run.result.problem, "remedy": BY_ITSELF})


def _shake_hands(decides: Peer, follows: Peer, salt: str, digest: str) -> tuple[tuple[dict[str, Any], ...], list[str]]:
    """A handshake that is newer than both changes, seen at both ends, and the same key in both files and in use at both.  Raises Problem."""
    since = follows.seen(salt).now
    here = decides.seen(salt, meet=True)
    there = follows.seen(salt)
    for dummy in range(5 if here.met else 0):  # the end that was called knows a packet later
        if there.met >= since:
            break
        time.sleep(1)
        there = follows.seen(salt)
    wrong = [f"{side.host}: no handshake since the change" for side, met in ((decides, here.met > 0), (follows, there.met >= since)) if not met]
    keys = {f"{side.host}, {where}": key for side, seen in ((decides, here), (follows, there)) for where, key in _keys(side, seen)}
    wanted = digest or here.live
    wrong += [f"{where}: it is not the key that was to come" for where, key in keys.items() if key != wanted]
    proof = {"kind": "wireguard", "proved": not wrong, "handshake": True, "key_digest": wanted[:16], "salt": salt}
    return tuple({"endpoint": f"wireguard {side.end.interface} {side.end.peer}", **proof} for side in (decides, follows)), wrong


def _keys(side: Peer, seen: psk.Seen) -> tuple[tuple[str, str], ...]:
    return (f"{side.end.interface} in use", seen.live), (side.end.path, seen.file)


def _told_to_follow(side: Peer, id_: str, seconds: int) -> list[str]:
    report = side.run.channel.ask(lambda nonce: psk.compose_follow(id_, seconds, side.end, nonce), parse_transaction)
    return [f"{side.host}: {report.message}"] if report.error else []


WIREGUARD = Kind("WireGuard preshared key", sides, {"rotate": rotate, "contract": contract, "back": back})
