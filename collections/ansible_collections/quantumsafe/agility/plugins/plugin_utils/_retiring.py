# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the end of keys that a change took out of use, when that change is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._core.model import Problem
from ._core.targets.answer import notes
from ._core.targets.retired import Retired, compose_end_retired, parse_ended
from ._holding import uses_of
from ._run import Run

Facts = list[dict[str, Any]]


def end(run: Run, due: Sequence[Retired]) -> tuple[Facts, tuple[str, ...]]:
    """(what the ledger is told, what stays and why).  A host that cannot be read keeps them all, and is asked again the next time."""
    if not due:
        return [], ()
    try:
        used = uses_of(run.look())
        named = {*used.paths, *(path for among in used.roles.values() for path in among)}
        free = [one for one in due if one.path not in named]
        unnamed = {id_: tuple(one.path for one in free if one.transaction == id_) for id_ in dict.fromkeys(one.transaction for one in free)}
        if not unnamed:
            return [], ()
        ended, said = run.channel.ask(
            lambda nonce: compose_end_retired(unnamed, nonce), lambda out, nonce: (parse_ended(out, nonce), notes(out, nonce))
        )
    except Problem as problem:
        paths = ", ".join(one.path for one in due)
        return [], (f"{paths} stays, though retired: nobody could see whether it is in use ({problem}); mend that and run recover again",)
    return [_told(one.did, one.path, one.transaction, one.public) for one in ended], said


def _told(did: str, path: str, transaction: str, public: str) -> dict[str, Any]:
    return {"did": did, "path": path, "key": path, "transaction": transaction} | ({"public": public} if public else {})
