# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the approvals that lie beside a plan: approval-<key>.json and .sig."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ._core.ledger.approval import KIND, Approval, read_approval, refusal
from ._core.ledger.seal import sealed
from ._core.ledger.signing import Public, public_of
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


def approved(plan: Path, digest: str, seal: Path, approvers: Sequence[Public]) -> Approval:
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
    said = f"no approval of the plan is good: {'; '.join(refused)}" if found else "nobody has approved the plan"
    raise Problem(f"{said}; nothing was changed", str(plan), "have it approved with the playbook approve")
