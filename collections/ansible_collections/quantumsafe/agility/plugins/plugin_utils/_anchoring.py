# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one trust anchor on one host: whether it is trusted there, whether something served still needs it, and its change.

What each host serves is written down in anchors/NAME of the results folder, for an anchor may go only when no host of the inventory needs it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ._certifying import servings
from ._core.certificates.anchors import STORES, Anchor, Store, anchor, ends_at, placed
from ._core.model import Change, Collect, Edit, Problem, Snapshot
from ._core.report.output import file_name, write_whole
from ._core.services import SERVICES
from ._core.targets.answer import parse_snapshot
from ._core.targets.script import Look, Restore, compose_collect
from ._core.targets.survey import survey
from ._core.targets.trust import compose_trusts, parse_trusts, parse_untaken
from ._run import Run

LOOK = Look(
    {
        "stores": Collect(
            needs=("/",),
            files=tuple(f"{store.folder}/*.crt" for store in STORES.values()),
            there={"stores": tuple(store.folder for store in STORES.values())},
        )
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """trusted: by the host's own openssl.  why: what that says when it is not.  path: where it lies among the host's own anchors, "" = nowhere.

    untaken: other files there that the store lacks; making it anew would take up, for good, what somebody has not finished.
    """

    snapshot: Snapshot
    name: str
    store: Store
    trusted: bool
    why: str
    path: str
    untaken: tuple[str, ...]


def wanted(run: Run) -> Anchor:
    """The anchor in the file agility_anchor on the controller."""
    path = str(run.args.get("anchor") or "")
    try:
        return anchor(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"the anchor cannot be read: {error}", path, "set agility_anchor to its PEM file") from error


def standing(run: Run, one: Anchor) -> Standing:
    """One round trip.  Raises Problem for a host without a store that we know."""
    folders = tuple(store.folder for store in STORES.values())
    snapshot, (why,), untaken = run.channel.ask(
        lambda nonce: compose_trusts(one.pem, folders, LOOK, nonce),
        lambda out, nonce: (parse_snapshot(out, nonce, run.host, run.taken), parse_trusts(out, nonce), parse_untaken(out, nonce)),
    )
    there = snapshot.answers["stores"].out.split()
    found = next(((name, store) for name, store in STORES.items() if store.folder in there), None)
    if not found:
        raise Problem(f"no trust store that is known is there (none of {', '.join(folders)})", run.host, "install ca-certificates")
    texts = {path: file.text for path, file in snapshot.files.items() if path.startswith(found[1].folder) and file.text}
    path = placed(texts, one.certificate)
    return Standing(snapshot, *found, not why, why, path, tuple(file for file in untaken if file != path))


def change(now: Standing, one: Anchor, id_: str, present: bool) -> Change | Restore:
    """What brings it there, or takes away the file that holds it."""
    if present:
        return Change(f"{now.store.folder}/{one.name}", "", (Edit(1, 0, (one.pem,)),), hashlib.sha256(one.pem.encode()).hexdigest())
    return Restore(now.path, now.snapshot.files[now.path].sha256, id_, 1, "remove")


def needs(run: Run, one: Anchor) -> list[str]:
    """The certificates that are served here and end at it; written down, so that the whole inventory can be counted."""
    found = survey(
        lambda requests, extra: run.channel.ask(
            lambda nonce: compose_collect(requests, nonce, extra), lambda out, nonce: parse_snapshot(out, nonce, run.host, run.taken)
        ),
        {name: service for name, service in SERVICES.items() if service.servings},
    )
    paths = {binding.pair.certificate for serving in servings(found.snapshot) for binding in serving.bindings}
    texts = {path: file.text if (file := found.snapshot.files.get(path)) else None for path in paths}
    needed = sorted(path for path, text in texts.items() if text is None or ends_at(text, one.certificate))  # what is not seen may need it
    folder = _folder(run, one)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(folder / file_name(run.host), json.dumps({"run": run.run, "needs": needed}) + "\n")
    return needed


def still_needed(run: Run, one: Anchor) -> str:
    """Why the anchor must stay, for the whole inventory, "" = nobody needs it.  A host that was not looked at in this run may."""
    using, unseen = [], []
    for host in sorted(map(str, run.vars.get("groups", {}).get("all", ()))):
        path = _folder(run, one) / file_name(host)
        said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if said.get("run") != run.run:
            unseen.append(host)
        elif said["needs"]:
            using.append(f"{host} serves {said['needs'][0]}")
    whys = [f"{'; '.join(using[:3])}, which ends there"] if using else []
    return "; ".join(whys + ([f"{', '.join(unseen[:3])} ({len(unseen)} in all) was not looked at and may serve one"] if unseen else []))


def _folder(run: Run, one: Anchor) -> Path:
    return run.output / "anchors" / one.name
