"""The verdicts of a pilot as a table and as sentences: what failed, by which layer, and, as loudly, what nobody checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..pilot.judge import Verdict
from ..pilot.load import CLIENTS, Met
from .results import plain
from .table import columns, one_line

HEADS = ("ROLE", "HOST", "VERDICT", "LAYER", "HANDSHAKES", "P95 ms", "CPU ms", "BYTES", "ENDPOINT")


def told(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """For pilot.json."""
    return [{**plain(one.piloted), "checks": plain(one.checks), "passed": one.passed, "layer": one.layer, "why": one.why} for one in verdicts]


def pilot_lines(verdicts: Sequence[Verdict], absent: Mapping[str, str], width: int = 140) -> list[str]:
    """absent: role → why nobody piloted it."""
    rows = [HEADS, *(tuple(one_line(cell) for cell in _row(one)) for one in verdicts)]
    lines = columns(rows, [""] * len(rows), width, False).splitlines()
    for one in verdicts:
        name = f"{one.piloted.host} ({one.piloted.role})"
        lines.append(one_line(f"{name}: PASS" if one.passed else f"{name}: FAIL, {one.layer}: {one.why}"))
        lines += [f"  {one_line(f'{found.outcome.upper()} {found.name}: {found.said}')}" for found in one.checks if found.outcome != "pass"]
    return [*lines, *(f"NOT PILOTED {role}: {why}" for role, why in absent.items())]


def _row(one: Verdict) -> tuple[str, ...]:
    before, after = one.piloted.before, one.piloted.after
    made, late, size = "-", "-", "-"
    if after:
        met = [after.met[client] for client in CLIENTS]
        made = " ".join(f"{found.made}/{found.asked}" for found in met)
        size = " ".join(str(found.size) for found in met)
        late = " ".join("→".join(_late(load.met[client]) for load in (before or after, after)) for client in CLIENTS)
    cpu = f"{before.cpu:g}→{after.cpu:g}" if before and after and before.cpu is not None and after.cpu is not None else "-"
    return (
        one.piloted.role,
        one.piloted.host,
        "pass" if one.passed else "FAIL",
        one.layer or "-",
        made,
        late,
        cpu,
        size,
        one.piloted.endpoint or "-",
    )


def _late(met: Met) -> str:
    return f"{met.p95:g}" if met.made else "-"
