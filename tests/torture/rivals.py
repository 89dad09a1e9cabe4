"""A second operator at any call of the first: another transaction, or the way back, begins while the first stands still there.

The first is held before one call; the second runs to its end (or to its refusal: time is short here, so it waits three seconds for
the lock, not sixty); then the first goes on.  Whatever they come to, no third state, and one of the two has its way.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script

from . import invariant
from .inject import Tally, go_on, good_calls, spread_evenly
from .machine import NONCE, SHELLS, Machine
from .scenario import FIRST, PHASES, SECOND, Bench, sha256, transaction
from .tracing import Fault

FAULT = "a second operator"


def another(machine: Machine) -> str:
    """Their change of the same file."""
    main = machine.targets[0]
    return script.compose_apply(transaction(machine, SECOND, Change(str(main), sha256(main), (Edit(3, 1, ("theirs\n",)),))), {}, NONCE)


def meanwhile(machine: Machine, text: str) -> Callable[[str], None]:
    """Runs beside the traced one, with the same service manager."""

    def act(_: str) -> None:
        rival = machine.root / "rival"
        rival.write_text(machine.place(text))
        with rival.open("rb") as source:
            subprocess.run([*SHELLS[machine.shell], "-s"], stdin=source, capture_output=True, env=machine.environment, timeout=60, check=False)

    return act


def judge(bench: Bench, verb: str, at: int) -> tuple[bool, list[str]]:
    machine, phase = bench.machine, PHASES[0]
    old = bench.states(phase)[0]
    bench.begin(phase)
    text = another(machine) if verb == "apply" else script.compose_revert(FIRST, "somebody else", NONCE)
    outcome = bench.run(phase, Fault("ask", at), meanwhile(machine, text))
    hit = any(call.number >= at for call in outcome.calls)
    bad = []
    ours, theirs = invariant.journal(machine, FIRST), invariant.journal(machine, SECOND)
    if "SWAPPING" in ours and "SWAPPING" in theirs:
        bad.append("both changed the same file")
    if outcome.report and outcome.report.state == "RELOADED" and "REVERTING" in ours:
        bad.append("RELOADED was reported of one that is on its way back")
    if "SWAPPING" in theirs:  # theirs is what is pending; nobody confirms it
        machine.pass_the_deadline()
        machine.await_pollers()
        bench.recover()
        bad += invariant.settled(machine, SECOND, old, old) + invariant.leftovers(machine)
    else:
        bad += go_on(bench, phase, "deadline")
        if "REVERTING" not in invariant.journal(machine, FIRST) and invariant.is_old(invariant.look(machine), old):
            bad.append("nobody took it back")
    return hit, bad


def run(folder: Path, make: Callable[[Path], Machine], count: int, tally: Tally, stop_at: int = 0, writes_of: str = "") -> None:
    bench = Bench.make(folder / "disks", make(folder / "machine"))
    try:
        calls = good_calls(bench, PHASES[0], "am")
        numbers = [call.number for call in calls if not writes_of or (call.name == "write" and call.path.endswith(writes_of))]
        every = [(verb, at) for at in numbers for verb in ("revert", "apply")]
        for verb, at in spread_evenly(every, count):
            hit, bad = judge(bench, verb, at)
            if hit:
                tally.add(FAULT, f"apply, {verb}", bad, f"{FAULT} ({verb}) / apply / {at}")
            if stop_at and tally.violations >= stop_at:
                break
    finally:
        bench.close()


def wrong_token(bench: Bench) -> list[str]:
    """A wrong token confirms nothing, and is told so; the right one still does."""
    machine, phase = bench.machine, PHASES[1]
    old, new = bench.states(phase)
    bench.begin(phase)
    bad = []
    for token in ("another token", "", bench.machine.root.name):
        outcome = bench.confirm(FIRST, token)
        if not outcome.report or (outcome.report.state, outcome.report.error) != ("RELOADED", "wrong-token"):
            bad.append(f"the token {token!r} was taken: {outcome.report and (outcome.report.state, outcome.report.error)}")
    bench.confirm(FIRST)
    return bad + invariant.ended(machine, FIRST, old, new) + invariant.is_new(invariant.look(machine), new).splitlines()
