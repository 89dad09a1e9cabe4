# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the approvals that lie beside a plan: approval-<key>.json and .sig."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._core.ledger.approval import KIND, Approval, owners, read_approval, refusal
from ._core.ledger.seal import sealed
from ._core.ledger.signing import Public, public, public_of
from ._core.model import Problem
from ._core.report.output import write_whole
from ._ledgerkeys import signers
from ._windows import now


def give(plan: Path, approval: Approval, keys: Path) -> Path:
    """Seal it and lay it beside the plan; one of the same key gives way.  Raises OSError, Problem."""
    private, lacking = signers(keys)
    path = plan.with_name(f"approval-{public_of(private[0].public_key()).id[:12]}.json")
    write_whole(path, approval.text.decode())
    write_whole(path.with_suffix(".sig"), sealed(KIND, approval.text, private, lacking).text.decode())
    return path


def demanded(args: Mapping[str, Any]) -> bool:
    return bool(args["approval_public_keys"] or args["approvers"])


def approved_by(plan: Path, digest: str, seal: Path, aspects: Iterable[str], args: Mapping[str, Any]) -> dict[str, str]:
    """Who approves what changes these aspects, and until when, for the ledger; {} = nobody was to be asked.  Raises Problem."""
    try:
        wanted = owners(aspects, {aspect: _several(keys) for aspect, keys in args["approvers"].items()}, args["approval_public_keys"])
    except ValueError as error:
        raise Problem(
            f"{error}; nothing was changed", "agility_approvers", "name the keys of its owner, or those of others in agility_approval_public_keys"
        ) from error
    found = [_approved(plan, digest, seal, [public(Path(key).read_bytes(), key) for key in keys], owned) for keys, owned in wanted.items()]
    by = ", ".join(dict.fromkeys(approval.approver for approval in found))
    return {"by": by, "until": min(approval.until for approval in found)} if found else {}


def _several(keys: Any) -> list[str]:
    """One file, or a list."""
    return [str(key) for key in (keys if isinstance(keys, list | tuple) else [keys])]


def _approved(plan: Path, digest: str, seal: Path, approvers: Sequence[Public], aspects: Iterable[str]) -> Approval:
    """The approval that allows this plan now.  Raises Problem that names each one that does not, and why."""
    found, refused = sorted(plan.parent.glob("approval-*.json")), []
    if not seal.is_file():
        raise Problem("nobody signed the plan, so nobody can tell who must not approve it; nothing was changed", str(seal), "plan again")
    for path in found:
        text, sig = path.read_bytes(), path.with_suffix(".sig")  # read once: what is told is what was judged
        why = refusal(text, sig.read_bytes() if sig.is_file() else b"", digest, seal.read_bytes(), approvers, now())
        if not why:
            return read_approval(text)
        refused.append(f"{path.name}: {why}")
    what = f" for {', '.join(aspects)}" if aspects else ""
    said = f"no approval of the plan{what} is good: {'; '.join(refused)}" if found else f"nobody has approved the plan{what}"
    raise Problem(f"{said}; nothing was changed", str(plan), "have it approved with the playbook approve")
