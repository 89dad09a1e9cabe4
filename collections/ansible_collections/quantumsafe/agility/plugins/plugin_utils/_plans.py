# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a saved plan on disk: plan.json, its signature plan.sig and the ticket, written after a run and taken by the next."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ._approving import approved_by
from ._core.ledger.canonical import digest
from ._core.ledger.seal import sealed, unsound
from ._core.ledger.signing import Public, public
from ._core.model import Problem
from ._core.report.output import file_name, utf8, write_whole
from ._core.report.planned import KIND, document, fields, read_plan, spelled
from ._core.report.results import HostResult
from ._core.report.ticket import ticket
from ._core.report.waves import FILE, waves_from
from ._core.waves.cut import Wave
from ._entries import ledger_of
from ._ledgerkeys import signers
from ._run import Run

PLAN, SEAL, TICKET = "plan.json", "plan.sig", "ticket.md"
SAVED: dict[str, Any] = {
    "plan": {"type": "path"},
    "plan_signed": {"type": "bool", "default": False},
    "plan_public_keys": {"type": "list", "elements": "path", "default": []},
    "approval_public_keys": {"type": "list", "elements": "path", "default": []},
    "approvers": {"type": "dict", "default": {}},
}


def save(folder: Path, results: Iterable[HostResult], keys: Path) -> list[str]:
    """Write what these hosts were planned to become; what to tell of it.  keys: the folder of those that sign it.  Raises OSError, Problem."""
    planned = [result for result in results if result.verb == "plan"]
    data = spelled(document(planned))
    digest_, path = digest(data), folder / PLAN
    seal = sealed(KIND, data, *signers(keys))
    named = sorted({result.campaign for result in planned if result.campaign not in ("", result.run)})
    text = ticket(json.loads(data), digest_, named[0] if len(named) == 1 else f"plan-{digest_[:12]}", str(path), _waves(folder))
    write_whole(path, data.decode())
    write_whole(folder / SEAL, seal.text.decode())
    write_whole(folder / TICKET, utf8(text))
    by = " and ".join(one.algorithm for one in seal.signatures)
    return [
        f"plan: {path}, SHA-256 {digest_}, signed with {by}; in plain words: {folder / TICKET}",
        *(f"plan: not signed with {w}" for w in seal.lacking),
    ]


def _waves(folder: Path) -> tuple[Wave, ...]:
    """As the plan task showed them; () = it did not."""
    path = folder / FILE
    return waves_from(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


def artefact(saved: Path) -> Path | None:
    """The plan.json that agility_plan names, itself or by its folder; None for a results folder without one."""
    path = saved / PLAN if saved.is_dir() else saved
    return path if path.is_file() or not saved.is_dir() else None


def planned_entry(run: Run, path: Path) -> dict[str, Any]:
    """The fields of the result of this host, as the saved plan has them.  Raises Problem, before the host is touched."""
    with (run.output / ".plan.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache = run.output / f".plan-{hashlib.sha256(f'{run.run} {path}'.encode()).hexdigest()[:12]}"
        if not cache.is_dir():
            _split(run, path, cache)
    run.told["plan"] = (cache / "digest").read_text(encoding="ascii")
    mine = cache / "hosts" / file_name(run.host)
    if not mine.is_file():
        left_out = json.loads((cache / "left-out.json").read_text(encoding="utf-8")).get(run.host)
        why = f"it could not be planned: {left_out}" if left_out else "it was not there when the plan was made"
        raise Problem(f"{run.host} is not in the plan: {why}; nothing was changed", str(path), "make a new plan, or leave it out with --limit")
    entry = json.loads(mine.read_text(encoding="utf-8"))
    if entry["policy"]["digest"] != run.policy().digest or entry["plan"]["policy"] != entry["policy"]["digest"]:
        raise Problem(
            f"the plan was made under another policy ({entry['policy']['name']}, {entry['policy']['digest'][:12]}); nothing was changed",
            str(path),
            "make a new plan, or give the policy it was made with",
        )
    if approval := approved_by(path, run.told["plan"], path.with_name(SEAL), entry["plan"]["aspects"], run.args):
        run.told["approval"] = approval
    run.args["as_of"] = run.args.get("as_of") or entry["as_of"]  # what is left to do afterwards is judged by the day of the plan
    return fields(entry)


def _split(run: Run, path: Path, cache: Path) -> None:
    """Verify once a run, and lay out a file a host: each of thousands reading all of it would cost more than the change."""
    data = _trusted(run, path)
    try:
        plan = read_plan(data)
    except ValueError as error:
        raise Problem(f"this is no saved plan: {error}; nothing was changed", str(path), "make a new plan") from error
    for old in run.output.glob(".plan-*"):
        shutil.rmtree(old, ignore_errors=True)
    new = Path(tempfile.mkdtemp(dir=run.output, prefix=".plan."))
    (new / "hosts").mkdir()
    for host, entry in plan["hosts"].items():
        (new / "hosts" / file_name(host)).write_text(json.dumps(entry), encoding="utf-8")
    (new / "left-out.json").write_text(json.dumps(plan["left_out"]), encoding="utf-8")
    (new / "digest").write_text(digest(data), encoding="ascii")
    new.rename(cache)


def _trusted(run: Run, path: Path) -> bytes:
    """The text of the plan, when its signature is good, or absent where nobody demands one.  Raises Problem."""
    seal = path.with_name(SEAL)
    try:
        data = path.read_bytes()
        if not seal.is_file():
            if run.args["plan_signed"]:
                raise Problem("the plan is not signed, and agility_plan_signed demands it; nothing was changed", str(seal), "plan again")
            Display().warning(f"quantumsafe.agility: nobody signed the plan {path}: {seal} is not there")
        elif why := unsound(KIND, data, seal.read_bytes(), _known(run)):
            raise Problem(
                f"the signature of the plan is not good: {why}; nothing was changed",
                str(seal),
                "plan again, or name the public keys of the controller that planned in agility_plan_public_keys",
            )
    except OSError as error:
        raise Problem(
            f"the plan cannot be read: {error.strerror}; nothing was changed", str(error.filename), "give a plan.json, or its folder"
        ) from error
    return data


def _known(run: Run) -> list[Public]:
    """Whom this run believes: the keys that it was given, else those of this controller's ledger."""
    paths = [Path(path) for path in run.args["plan_public_keys"]] or sorted(ledger_of(run).keys.glob("*.pub"))
    return [public(path.read_bytes(), str(path)) for path in paths]
