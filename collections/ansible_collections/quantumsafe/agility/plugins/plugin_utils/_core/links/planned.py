"""What one end of a tunnel has to change so that both move a stage together: expand = the new in front of the old, contract = the new alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Literal

from ..model import Endpoint, Plan, Problem, Snapshot
from ..peers import quantum_safe
from ..plan import make_plan
from ..policy.model import Requirement
from ..service import Service
from ..verdict import Requirements

Step = Literal["expand", "contract"]
STAGES: dict[Step, tuple[str, ...]] = {"expand": ("prefer", "require"), "contract": ("require",)}  # of the policy, at which that step is wanted


def plan_end(
    snapshot: Snapshot,
    service: Service,
    endpoints: tuple[Endpoint, ...],
    requirements: Mapping[str, Requirements],
    step: Step,
    policy: str,
    as_of: date,
) -> Plan:
    """endpoints: the connection and its children, and no other.  Raises Problem where the policy does not want it, and whatever a writer raises."""
    asked = {one.id: {"key_exchange": _asked(one, requirements[one.id], step)} for one in endpoints}
    writes = replace(service, write=service.narrow) if step == "contract" and service.narrow else service
    plan = make_plan(snapshot, {service.name: writes}, endpoints, asked, policy, as_of, lambda: None)
    if classical := [one.id for one in endpoints if not plan.changes and not any(quantum_safe(one.protocol, name) for name in _offers(one))]:
        why = f"{', '.join(classical)} offers no ML-KEM, and the policy changes nothing about it"
        raise Problem(why, snapshot.host, "the rule has to bind, see `enforce` in docs/policy.md; nothing was changed")
    return plan


def _offers(endpoint: Endpoint) -> tuple[str, ...]:
    found = endpoint.settings.get("key_exchange")
    return found.values if found else ()


def _asked(endpoint: Endpoint, requirements: Requirements, step: Step) -> Requirement:
    """The policy's own, at the stage of this step: while the other end may still be without the new, nothing old goes."""
    found = requirements.get("key_exchange")
    if found is None or not found.applicable or found.stage not in STAGES[step]:
        stage = f"is at stage {found.stage}" if found and found.applicable else "is asked by no rule"
        remedy = f"{step} needs stage {' or '.join(STAGES[step])} for it (docs/links.md); nothing was changed"
        raise Problem(f"the key exchange of {endpoint.id} {stage}", _stands(found), remedy)
    return found if step == "contract" else replace(found, stage="prefer", seen={})


def _stands(found: Requirement | None) -> str:
    """Where the stage comes from."""
    return found.stage_origin if found else "the policy"
