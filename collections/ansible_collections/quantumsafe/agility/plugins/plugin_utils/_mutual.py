# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one host in the move of its client certificates to another authority: whom it lets in, what it shows to others.

What each host shows is written down beside the state of the campaign, for the old authority may go only when nobody needs it any more, and
a later run of the campaign must know what was shown before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._core.certificates.anchors import Anchor, anchor
from ._core.certificates.bundle import ends_below, holds
from ._core.certificates.keys import KINDS, kind, lacking
from ._core.certificates.places import BUNDLES
from ._core.certificates.read import describe, leaf
from ._core.certificates.rotate import OTHERS
from ._core.credentials import Asking, Certificate, Pair, Showing
from ._core.model import File, Problem, Snapshot
from ._core.report.output import file_name, write_whole
from ._core.services import SERVICES
from ._core.services.openssl import library, loaded
from ._core.targets.answer import parse_snapshot
from ._core.targets.mutual import Greeting, compose_admits, compose_greets, parse_admits, parse_greets
from ._core.targets.script import compose_collect
from ._core.targets.survey import Survey, survey
from ._run import Run

KNOWN = {name: service for name, service in SERVICES.items() if service.askings or service.showings}
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """From one authority of clients to another; key: the kind that clients get, "" = as today."""

    old: Anchor
    new: Anchor
    key: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """What both sides must be able to do, as far as there is a first version for it."""
        return tuple(name for name in dict.fromkeys((describe(self.new.certificate).key, self.key)) if name in KINDS)


@dataclass(frozen=True, slots=True)
class Sides:
    """declared: certificates of clients that are no daemon (agility_client_certificates)."""

    found: Survey
    asking: tuple[Asking, ...]
    showing: tuple[Showing, ...]
    declared: tuple[str, ...]

    def file(self, path: str) -> File | None:
        return self.found.snapshot.files.get(path)

    def text(self, path: str) -> str:
        file = self.file(path)
        return (file.text or "") if file else ""

    def trusting(self, one: Anchor) -> tuple[Asking, ...]:
        return tuple(asking for asking in self.asking if any(holds(self.text(path), one.certificate) for path in asking.bundles))

    def showing_of(self, one: Anchor) -> tuple[Showing, ...]:
        return tuple(shown for shown in self.showing if ends_below(self.text(shown.binding.pair.certificate), one.certificate))

    def certificate(self, shown: Showing) -> Certificate | None:
        path = shown.binding.pair.certificate
        return leaf(self.text(path), path)


def move_of(run: Run) -> Move:
    """Raises Problem before any host is asked."""
    old, new = (_anchor(run, name) for name in ("client_anchor_old", "client_anchor"))
    if old.certificate == new.certificate:
        raise Problem("the old and the new authority are the same", "agility_client_anchor", "name the root that clients move to")
    keys = [str(one) for one in run.args["keys"]]
    if len(keys) > 1:
        raise Problem("a client shows one certificate, so it gets one kind of key", "agility_keys", f"name one of {', '.join(keys)}")
    for name in keys:
        kind(name)
    return Move(old, new, keys[0] if keys else "")


def _anchor(run: Run, name: str) -> Anchor:
    path = str(run.args.get(name) or "")
    try:
        return anchor(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"the anchor cannot be read: {error}", path, f"set agility_{name} to its PEM file") from error


def sides(run: Run) -> Sides:
    """One look, most often one round trip."""
    declared = tuple(map(str, run.args["client_certificates"]))
    found = survey(
        lambda requests, extra: run.channel.ask(
            lambda nonce: compose_collect(requests, nonce, (*extra, *declared)), lambda out, nonce: parse_snapshot(out, nonce, run.host, run.taken)
        ),
        KNOWN,
    )
    return Sides(found, *both(found.snapshot), declared)


def both(snapshot: Snapshot) -> tuple[tuple[Asking, ...], tuple[Showing, ...]]:
    askings = tuple(one for service in KNOWN.values() if service.askings for one in service.askings(snapshot))
    return askings, tuple(one for service in KNOWN.values() if service.showings for one in service.showings(snapshot))


def able(run: Run, here: Sides, move: Move) -> None:
    """Raises Problem for a host that could not follow, whatever its side; nothing was touched then."""
    endpoints = {one.id: one for one in here.found.endpoints}
    for one in here.trusting(move.old):
        if one.fixed:
            raise Problem(one.fixed, str(one.origin), "move this server by hand; nothing was changed")
        if stores := [path for path in one.bundles if path in BUNDLES]:
            raise Problem(f"{stores[0]} is the system's own store, which others write", str(one.origin), "name a file of its own for clients")
        _library(move, endpoints[one.endpoint].capabilities["client_trust"].library, f"{one.endpoint} cannot verify", run.host)
    moving = here.showing_of(move.old)
    for shown in moving:
        if shown.binding.fixed:
            raise Problem(shown.binding.fixed, str(shown.binding.origin), "switch this reference by hand; nothing was changed")
        if other := next((who for folder, who in OTHERS.items() if shown.binding.pair.certificate.startswith(folder)), ""):
            raise Problem(f"{other} renews {shown.binding.pair.certificate}", str(shown.binding.origin), BY_HAND)
        if not shown.peers:
            raise Problem(f"{shown.endpoint}: nobody knows whom it is shown to, so nothing could be proved", str(shown.binding.origin), BY_HAND)
        _library(move, endpoints[shown.endpoint].capabilities["client_certificate"].library, f"{shown.endpoint} cannot sign with", run.host)
    openssl = loaded(here.found.snapshot.answers)
    if moving and (cannot := lacking(move.kinds, openssl.version)):
        what = f"{openssl.label or 'an unknown OpenSSL'} cannot make keys of kind {', '.join(cannot)}"
        raise Problem(what, run.host, TOO_OLD)


BY_HAND = "move this client by hand, and name its certificate in agility_client_certificates; nothing was changed"
TOO_OLD = "ML-DSA needs OpenSSL ≥ 3.5 on both sides; move this pair to a classical authority, or upgrade first; nothing was changed"


def _library(move: Move, label: str, what: str, host: str) -> None:
    if cannot := lacking(move.kinds, library(label).version):
        raise Problem(f"{what} {', '.join(cannot)}: it runs with {label or 'an unknown library'}", host, TOO_OLD)


# -- what is known of the other hosts


def record(run: Run, here: Sides, move: Move, was: Sequence[Record] = ()) -> None:
    """was: what this host showed before, so that it can be seen to be refused."""
    shows = [{"endpoint": one.endpoint, **_shown(here, move, one.binding.pair)} for one in here.showing]
    shows += [{"endpoint": "declared", **_shown(here, move, Pair(path, ""))} for path in here.declared]
    folder = _folder(run, move)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(folder / file_name(run.host), json.dumps({"run": run.run, "shows": shows, "was": list(was)}) + "\n")


def _shown(here: Sides, move: Move, pair: Pair) -> dict[str, Any]:
    """What cannot be read may end at the old one."""
    text = here.text(pair.certificate)
    old = leaf(text, "") is None or ends_below(text, move.old.certificate)
    return {"certificate": pair.certificate, "key": pair.key, "chain": text, "old": old, "new": ends_below(text, move.new.certificate)}


def records(run: Run, move: Move) -> tuple[dict[str, Record], list[str]]:
    """(what the hosts of the inventory showed in this run, those that were not looked at)."""
    seen: dict[str, Record] = {}
    unseen = []
    for host in sorted(map(str, run.vars.get("groups", {}).get("all", ()))):
        path = _folder(run, move) / file_name(host)
        said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if said.get("run") == run.run:
            seen[host] = said
        else:
            unseen.append(host)
    return seen, unseen


def still_shown(run: Run, move: Move) -> str:
    """Why the old authority must stay, "" = no known client needs it."""
    seen, unseen = records(run, move)
    using = [f"{host} shows {one['certificate']} ({one['endpoint']})" for host, said in seen.items() for one in said["shows"] if one["old"]]
    whys = [f"{'; '.join(using[:3])}, which ends there or cannot be read"] if using else []
    return "; ".join(whys + ([f"{', '.join(unseen[:3])} ({len(unseen)} in all) was not looked at and may show one"] if unseen else []))


def chains(run: Run, move: Move, word: str) -> list[tuple[str, str]]:
    """(whose, its chain) of all that clients of the inventory show ("old", "new") or showed ("was")."""
    seen, dummy = records(run, move)
    if word == "was":
        return [(host, one["chain"]) for host, said in seen.items() for one in said["was"]]
    return [(host, one["chain"]) for host, said in seen.items() for one in said["shows"] if one[word] and one["chain"]]


def remembered(run: Run, move: Move) -> list[Record]:
    """What this host showed before the campaign, whichever of its runs moved it."""
    path = _folder(run, move) / file_name(run.host)
    return list(json.loads(path.read_text(encoding="utf-8"))["was"]) if path.is_file() else []


def _folder(run: Run, move: Move) -> Path:
    campaign = file_name(str(run.args.get("campaign") or run.run)).removesuffix(".json")
    return run.output.parent / "campaigns" / campaign / "clients" / move.new.name


# -- what the hosts themselves see


def admits(run: Run, asked: Sequence[tuple[int, str, tuple[str, ...]]]) -> tuple[str, ...]:
    return run.channel.ask(lambda nonce: compose_admits(asked, nonce), parse_admits) if asked else ()


def greets(run: Run, asked: Sequence[tuple[str, int, str, str, str]]) -> tuple[Greeting, ...]:
    return run.channel.ask(lambda nonce: compose_greets(asked, nonce), parse_greets) if asked else ()
