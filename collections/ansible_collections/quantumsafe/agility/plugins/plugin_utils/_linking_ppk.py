# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: another PPK (RFC 8784) at both ends of a tunnel of strongSwan, libreswan, or one of each.

Here every mix of two neighbouring steps is a working tunnel (links/ppk.py), so each step is one transaction of one host, confirmed before the next
one begins: whoever is lost takes back at most the step that was not confirmed, and the next run goes on from there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ._core.links.find import find
from ._core.links.move import common, other
from ._core.links.ppk import (
    ANSWERS,
    BEGINS,
    CONTRACT,
    MEETS,
    ROTATE,
    Key,
    What,
    Who,
    begun,
    fresh,
    known,
    mixed,
    replaced,
    settled,
    to_add,
    to_ask,
    unused,
)
from ._core.model import Problem, Snapshot
from ._core.peers import names_its_peer
from ._core.report.results import plain
from ._core.services import libreswan, libreswan_ppk, strongswan_ppk
from ._core.services.ppk import End
from ._core.services.strongswan import restarts
from ._core.services.strongswan_sas import IkeSa
from ._core.targets.answer import TransactionReport
from ._core.targets.keyed import Keyed
from ._core.targets.ppk import compose_kept, compose_loaded, compose_taken, parse_kept, parse_loaded, parse_taken
from ._core.targets.script import AnyChange
from ._core.targets.transact import DONE
from ._linking import Kind, Looked, Side, deliver, drop, late, may, new_id, of_other, reached, remembered
from ._outcome import settle
from ._run import Run, target
from ._tunnel import Tunnel
from ._undoing import LINK, OF, restores

KEY = ", key "  # in the journal of a step: the id of the new PPK
GOES_ON = "the tunnel works with what is loaded now; run it again, or take it back with agility_link_step=back"
EITHER = "until both ends use the new PPK, it takes either and names none: a tunnel that it begins meanwhile has no PPK, and neither end requires one"
HUB = "it takes anybody: it asks for no id and takes whichever it has a secret for, so {0} asks for its own and requires it; {1} is not changed"
KEPT = "{0} stays at {1}, for another connection there may use it: take it away by hand when none does"
STAYS = "{0} stays at {1}, for other spokes may use it: take it away by hand when none does"
DAEMONS = {"strongswan", "libreswan"}
Proofs = tuple[tuple[Mapping[str, object], ...], list[str]]


@dataclass(frozen=True, slots=True)
class Daemon(Side):
    """tunnel: its SAs; children: of its connection, by name here; whom: the other end's host and connection, for the file of a hub's key."""

    end: End
    tunnel: Tunnel
    children: tuple[str, ...]
    whom: str

    def now(self, snapshot: Snapshot) -> Daemon:
        end = _end(self.run, snapshot, self.tunnel.daemon, self.name, self.whom)
        return replace(self, found=replace(self.found, snapshot=snapshot), end=end)

    @property
    def endpoint(self) -> str:
        return f"{self.tunnel.daemon} {self.name}"


def _end(run: Run, snapshot: Snapshot, daemon: str, name: str, whom: str) -> End:
    """Raises Problem."""
    if daemon != "libreswan":
        return strongswan_ppk.read_end(snapshot, name, whom)
    main = libreswan_ppk.main_file(snapshot)
    kept = run.channel.ask(lambda nonce: compose_kept(main, nonce), lambda out, nonce: parse_kept(out, nonce, run.host))
    return libreswan_ppk.read_end(snapshot, name, kept)


def sides(here: Looked, there: Looked, connection: str) -> tuple[Daemon, Daemon]:
    """Raises Problem where they are not two ends of one tunnel."""
    both = {one.host: one for one in (here, there)}
    names = {host: _called(one) for host, one in both.items()}
    links = find({host: tuple(map(plain, one.found.endpoints)) for host, one in both.items()}, names)
    channels = [[{side.host: side for side in one.sides} for one in link.channels] for link in links if {*link.service.split(" and ")} <= DAEMONS]
    fit = [some for some in channels if here.host in some[0] and some[0][here.host].endpoint == connection and there.host in some[0]]
    if len(fit) != 1:
        what = f"{connection} and {there.host} are not two ends of one tunnel" if not fit else f"several tunnels of {there.host} fit {connection}"
        raise Problem(what, here.host, "see what the playbook links says; nothing was changed")
    pair, *inner = fit[0]

    def made(one: Looked, far: Looked) -> Daemon:
        name, daemon, whom = pair[one.host].endpoint, pair[one.host].service, f"{far.host}.{pair[far.host].endpoint}"
        end = _end(one.run, one.found.snapshot, daemon, name, whom)
        children = tuple(child[one.host].endpoint.removeprefix(f"{name}/") for child in inner)
        lone = {*end.children} - {*children}
        if lone and not end.shared:
            raise Problem(f"child {', '.join(sorted(lone))} has no other end", one.host, "see the playbook links; nothing was changed")
        tunnel = Tunnel(one.run, name, daemon)
        return Daemon(one.run, one.gate, one.found, end.activation(()), name, end.where, end.path, end, tunnel, children, whom)

    return made(here, there), made(there, here)


def _called(one: Looked) -> tuple[str, ...]:
    return tuple(filter(None, (one.run.variable("ansible_host"), target(one.found.snapshot).get("hostname", ""))))


# ---------------------------------------------------------------- what is asked for


def rotate(here: Daemon, there: Daemon) -> None:
    walk = Walk(here, there)
    key, ends = begun(*walk.ends), walk.ends
    old = key.old if key else replaced(*ends)
    what = f"the PPK {key.id}, which both have" if key else f"{'another' if old else 'a'} PPK, made on {here.host} and sealed for {there.host}"
    stem, sealed = new_id(here), {}
    made = key or Key(unused(f"{here.name}-{stem[-6:]}", *ends), old)
    walk.sayable(ROTATE, made)
    if not may(here, there, what, walk.warnings(EITHER)):
        return
    try:
        if key is None:
            with reached(there.run):
                sealed = {"sealed": deliver(here, there, f"{stem}-load", secrets.token_hex(16))[1]}
        walk.go(ROTATE, stem, made)
        for side in walk.sides:
            side.run.note(evidence={**side.run.result.evidence, **sealed})
    finally:
        for side in walk.sides:
            if side.run.result.status not in ("changed", "unknown"):  # of those the host itself puts the keys away
                drop(side, f"{stem}-load")


def contract(here: Daemon, there: Daemon) -> None:
    walk = Walk(here, there)
    key = settled(*walk.ends)
    goes = [side.host for side in walk.sides if key.old and side.end.writes.leaving(side.end, key.old)]
    what = f"the PPK {key.id} alone, and required" + (f"; {key.old} leaves {' and '.join(goes)}" if goes else "")
    walk.sayable(CONTRACT, key)
    if may(here, there, what, walk.warnings("", key.old)):
        walk.go(CONTRACT, new_id(here), key)


def back(here: Daemon, there: Daemon) -> None:
    """Step by step, the last one first, each file byte for byte as it was; both hosts keep them until they forget."""
    walk = Walk(here, there)
    key = known(*walk.ends)
    steps = walk.taken(key) if key else []
    if key is None or not steps:
        raise Problem(f"no rotation of this PPK with {there.host} is remembered", here.host, "rotate it instead; nothing was changed")
    if may(here, there, f"back from the PPK {key.id} to {key.old or 'none'}", walk.warnings(EITHER)):
        walk.undo(steps, key)


# ---------------------------------------------------------------- step by step


class Walk:
    """sides: who begins, who answers, each as it is now."""

    def __init__(self, here: Daemon, there: Daemon) -> None:
        able = [one for one in sorted((here, there), key=lambda one: (not one.end.takes_any, one.host)) if _begins(one)]
        if not able:
            raise Problem("neither end names an address of the other, so none can begin", here.host, "set remote_addrs at one; nothing was changed")
        self.here = here
        self.sides = [able[0], there if able[0] is here else here]
        self.firm = here.end.takes_any and there.end.takes_any
        if not common(*(one.tunnel.listed() for one in self.sides)):  # nobody could tell a key that works where there is no tunnel
            raise Problem(f"no IKE SA of {here.name} is in the lists of both ends", here.host, "bring the tunnel up first; nothing was changed")

    @property
    def ends(self) -> tuple[End, End]:
        return self.sides[BEGINS].end, self.sides[ANSWERS].end

    def warnings(self, said: str, old: str = "") -> dict[str, list[str]]:
        """By host.  said: of an end that answers this one alone; old: the id that is to go."""
        begins, answers = self.sides
        out = {one.host: _outage(one) for one in self.sides}
        for one in self.sides:
            if old and not one.end.writes.leaving(one.end, old) and any(old in secret.ids for secret in one.end.secrets):
                out[one.host].append((STAYS if one.end.shared else KEPT).format(old, one.host))
        said = "" if self.firm else said
        if answers.end.shared:
            said = HUB.format(begins.host, answers.name)
        return {**out, answers.host: [*([said] if said else []), *out[answers.host]]}

    def sayable(self, steps: Sequence[tuple[Who, What]], key: Key) -> None:
        """Raises Problem before any step is taken where a file of one of them cannot say it."""
        for who, what in steps:
            to_add(self.sides[who].end, what, key)
            to_ask(self.sides[who].end, who, what, key, self.firm)

    def go(self, steps: Sequence[tuple[Who, What]], stem: str, key: Key) -> None:
        for who, what in steps:
            side = self.sides[who]
            slot, asks = to_add(side.end, what, key), to_ask(side.end, who, what, key, self.firm)
            changes: list[AnyChange] = [Keyed(slot.path, slot.sha256, slot.line, slot.delete, slot.lead, behind=slot.behind)] if slot else []
            if (changes or asks) and not self._step(who, what, f"{stem}-{what}", self._why(key), [*changes, *asks]):
                return

    def undo(self, steps: Sequence[tuple[Who, What]], key: Key) -> None:
        for who, what in steps:
            report = _done(self.sides[who], key)[what]  # what stands in its files by now
            id_ = f"{report.id[:48]}-undo-{secrets.token_hex(2)}"
            if not self._step(who, what, id_, f"{self._why(key)}{OF}{report.id}", restores([report], False)):
                return

    def taken(self, key: Key) -> list[tuple[Who, What]]:
        """The steps to this key that were not taken back, the last one first.  Raises Problem where the first of them is forgotten."""
        found = [_done(side, key) for side in self.sides]
        for side, done in zip(self.sides, found, strict=True):
            if any(key.id in one.ids for one in side.end.mine) and "load" not in done:
                raise Problem(f"how {key.id} came there is forgotten", side.host, "rotate it instead; nothing was changed")
        return [(who, what) for who, what in reversed((*ROTATE, *CONTRACT)) if what in found[who]]

    def _why(self, key: Key) -> str:
        return f"{LINK}{self.sides[BEGINS].host} {self.sides[ANSWERS].host}{KEY}{key.id}"

    def _step(self, who: Who, what: What, id_: str, why: str, changes: Sequence[AnyChange]) -> bool:
        """Whether it was confirmed.  What was done before stays, and is a working tunnel."""
        side = self.sides[who]
        if late(*self.sides):
            for one in self.sides:
                one.run.note(problem={**one.run.result.problem, "remedy": GOES_ON})
            return False
        side = replace(side, activation=side.end.activation([one.path for one in changes]))
        outcome = side.carry_out(id_, why, changes, partial(self._prove, who, what))
        settle(side.run, outcome)
        if outcome.state in DONE:
            self.sides[who] = side.now(outcome.after or side.run.look().snapshot)
            return True
        if side.run.result.status in ("reverted", "refused"):
            side.run.note(problem={**side.run.result.problem, "remedy": GOES_ON})
        self.sides[1 - who].run.note(status="failed", problem=of_other(side))
        return False

    def _prove(self, who: Who, what: What, after: Snapshot) -> Proofs:
        """Between the reload and the confirmation."""
        before = self.sides[who]
        try:
            now = before.now(after)
            if wrong := _not_loaded(before, now):
                return (), wrong
            pair = (now, self.sides[ANSWERS]) if who == BEGINS else (self.sides[BEGINS], now)
            if (who, what) in MEETS:
                return _met(*pair)
            row = _row(now, pair, pair[BEGINS].tunnel.shared(pair[ANSWERS].tunnel))
            if what == "use" and pair[BEGINS].end.takes_any and not row["ppk"]:
                dummy, wrong = _met(*pair)  # charon began that one while it asked for none; pluto makes another at once
                row = _row(now, pair, pair[BEGINS].tunnel.shared(pair[ANSWERS].tunnel))
                return (row,) if not wrong else (), wrong
            return (row,), []
        except Problem as problem:
            return (), [str(problem)]


def _met(begins: Daemon, answers: Daemon) -> Proofs:
    """A new IKE SA, beside the old one where the daemon can, which ends.  With a PPK its id is the one that the end asks for that begins."""
    asks = begins.end.id
    what = f"with the PPK {asks}" if asks else "without a PPK"
    if begins.end.takes_any:
        found = begins.tunnel.up(lambda listed: _of_both(listed, answers, bool(asks)), what)
    else:
        found, dummy = begins.tunnel.made(begins.tunnel.listed(), begins.children, partial(fresh, ppk=bool(asks)), what)
        answers.tunnel.awaited(found.spis, [child.spis for child in found.children])
        twin = next(one for one in answers.tunnel.listed() if one.spis == found.spis)
        if mixed(twin) != mixed(found):
            return (), [f"{begins.host} lists {found.suite}, {answers.host} {twin.suite}"]
    begins.tunnel.end_others(found)
    if not other(found, answers.tunnel.listed()):
        return (), [f"{answers.host}: the SA that both ends listed is gone"]
    return (_row(begins, (begins, answers), found),), []


def _of_both(listed: Sequence[IkeSa], answers: Daemon, ppk: bool) -> IkeSa | None:
    """The newest of pluto's, all of which are new once it has taken up its connection, that the other end lists; charon also tells of a PPK."""
    theirs = answers.tunnel.listed()
    both = ((one, twin) for one in reversed(listed) if one.children and (twin := other(one, theirs)))
    return next((one for one, twin in both if answers.end.takes_any or mixed(twin) == ppk), None)


def _row(side: Daemon, ends: tuple[Daemon, Daemon], found: IkeSa) -> dict[str, Any]:
    """found: as the end lists it that begins.  Two of libreswan list no PPK: there is one where either insists on it."""
    begins, answers = ends
    told = found if not begins.end.takes_any else other(found, answers.tunnel.listed())
    ppk = any(one.end.id and one.end.required for one in ends) if begins.end.takes_any and answers.end.takes_any else bool(told and mixed(told))
    proof = {"proved": True, "ppk": ppk, "asks": side.end.id, "cipher": (told or found).suite, "sa": (told or found).spis}
    return {"endpoint": side.endpoint, "kind": "ppk", **proof}


def _not_loaded(before: Daemon, now: Daemon) -> list[str]:
    """What its daemon has that the files do not say, or the other way round."""
    if now.end.takes_any:
        taken, bad = now.run.channel.ask(compose_taken, lambda output, nonce: parse_taken(output, nonce, now.host))
        files = sorted({one.file.path for one in now.end.mine} - taken)
        wrong = [f"{now.host}: pluto has not taken the secrets in {one}: see ipsec rereadsecrets" for one in files]
        return [*wrong, *(f"{now.host}: pluto cannot read {one}" for one in bad if one.rpartition(":")[0] == now.path)]
    loaded = now.run.channel.ask(compose_loaded, lambda output, nonce: parse_loaded(output, nonce, now.host, now.name))
    names, gone = ({one.name for one in side.end.secrets} for side in (now, before))
    wrong = [f"{now.host}: charon has not taken the secret {one}: does swanctl.conf include conf.d/*.conf?" for one in sorted(names - loaded.names)]
    wrong += [f"{now.host}: charon still has the secret {one}" for one in sorted((gone - names) & loaded.names)]
    if (loaded.id, loaded.required) != (now.end.id, now.end.required):
        wrong.append(f"{now.host}: {now.name} asks for {loaded.id or 'no PPK'}, not for {now.end.id or 'none'}")
    return wrong


def _outage(side: Daemon) -> list[str]:
    """What taking up its connection does to its SAs."""
    if side.tunnel.daemon == "libreswan":
        return list(libreswan.warns(side.found.snapshot, {side.endpoint: {}}))
    return [text] if (text := restarts(side.found.snapshot, side.name)) else []


def _begins(one: Daemon) -> bool:
    return names_its_peer(endpoint for endpoint in one.found.endpoints if endpoint.id == one.endpoint)


def _done(side: Daemon, key: Key) -> dict[str, TransactionReport]:
    """What → the newest transaction of that step to this key that was not taken back."""
    reports = [one for one in remembered(side).values() if one.started_by.partition(KEY)[2].partition(OF)[0] == key.id and one.state in DONE]
    undone = {one.started_by.partition(OF)[2] for one in reports}
    steps = sorted((one for one in reports if OF not in one.started_by and one.id not in undone), key=lambda one: one.serial)
    return {one.id.rpartition("-")[2]: one for one in steps}


PPK = Kind("PPK", sides, {"rotate": rotate, "contract": contract, "back": back})
