"""The agent with one guard less, in memory.  For each some proof must fail; a proof that passes with it proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.parts import TRANSACTION

from . import inject, power_loss, rivals, rotation
from .inject import KINDS, Tally, machines
from .machine import Machine
from .scenario import PHASES, Bench

Proof = Callable[[Path, Callable[[Path], Machine]], list[str]]


SEVERE = (
    "a third state",
    "new without",
    "confirmed and reverted",
    "both changed",
    "RELOADED was",
    "CLEANED was",
    "REVERTED was",
    "REFUSED was",
    "the token",
    "others can open",
    "the daemon serves",
)


ENOUGH = 60  # crashes a proof, of those that matter to its mutant; `power` has them all


def severe(found: Iterable[str]) -> list[str]:
    """What breaks the promise itself; something left behind is no proof that a guard is gone."""
    return [one for one in found if one.startswith(SEVERE)]


def by_power_loss(*stories: str, calls: str = "", only: tuple[str, ...] = SEVERE, early: bool = False) -> Proof:
    """Only the crashes after calls on that file, for speed; only violations that begin with one of these."""

    def proof(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
        bench = Bench.make(folder / "disks", make(folder / "machine"))
        try:
            dummy, different = power_loss.crashes(bench, stories)
            near = [crash for crash in different if calls in crash.call]
            for crash in near[:ENOUGH] if early else inject.spread_evenly(near, ENOUGH):
                if found := [bad for bad in power_loss.judge(bench, crash) if bad.startswith(only)]:
                    return found
            return []
        finally:
            bench.close()

    return proof


def by_kill(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
    """KILL, then boot, at every rename of the apply."""
    bench = Bench.make(folder / "disks", make(folder / "machine"))
    try:
        kind = next(kind for kind in KINDS if kind.name == "KILL, then boot")
        phase = PHASES[0]
        for call in inject.good_calls(bench, phase, kind.kinds):
            if call.program == "sync" and "/etc/" in call.path:
                bad = inject.judge(bench, inject.Point(kind, phase, call.number, "boot"))[1]
                if third := severe(bad):
                    return third
        return []
    finally:
        bench.close()


def by_wrong_token(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
    bench = Bench.make(folder / "disks", make(folder / "machine"))
    try:
        return severe(rivals.wrong_token(bench))
    finally:
        bench.close()


def by_reads(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
    """The list of changes cannot be read, on the way back."""
    bench = Bench.make(folder / "disks", make(folder / "machine"))
    try:
        kind = next(kind for kind in KINDS if kind.kinds == "r")
        for phase in PHASES[2:4]:
            for call in inject.good_calls(bench, phase, kind.kinds):
                if call.path.endswith("/changes") and (bad := severe(inject.judge(bench, inject.Point(kind, phase, call.number, "deadline"))[1])):
                    return bad
        return []
    finally:
        bench.close()


def by_watching(*phases: str) -> Proof:
    """A good rotation, looked at after each call."""

    def proof(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
        try:
            bench = rotation.bench(folder / "disks", dataclasses.replace(make(folder / "machine"), files=rotation.FILES))
        except AssertionError as error:  # it does not even get through without a fault: the agent itself noticed
            return [str(error)]
        try:
            return severe(bad for phase in (rotation.MAKE, *rotation.STORY.phases) if phase.name in phases for bad in rotation.watch(bench, phase)[1])
        finally:
            bench.close()

    return proof


def by_full_disk(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
    """The way back cannot write its journal, then somebody confirms."""
    bench = Bench.make(folder / "disks", make(folder / "machine"))
    try:
        kind = next(kind for kind in KINDS if kind.name == "disk stays full")
        phase = next(phase for phase in bench.story.phases if phase.name == "revert")
        at = next(call.number for call in inject.good_calls(bench, phase, kind.kinds) if call.path.endswith("/journal"))
        bench.begin(phase)
        bench.run(phase, inject.Fault(kind.fault, at, kind.kinds))
        told = inject.told_truth(bench.machine, phase, bench.confirm(phase.id), *bench.states(phase))
        return severe(told + inject.go_on(bench, phase, "boot"))
    finally:
        bench.close()


def by_rivals(folder: Path, make: Callable[[Path], Machine]) -> list[str]:
    tally = Tally()
    rivals.run(folder, make, 0, tally, stop_at=1, writes_of="/journal")
    return severe(line.strip() for said in tally.said for line in said.splitlines())


AT_END = by_power_loss("apply, confirm", calls="/journal", only=("left behind", "unfinished"))
AT_BEGIN = by_power_loss("apply, confirm", calls="/journal", only=("unfinished",), early=True)
AFTER_END = by_power_loss("apply, confirm", calls="/agent.sh", only=("left behind",))
AT_TARGETS, AT_JOURNAL = by_power_loss("apply, confirm", calls="/etc/"), by_power_loss("apply, confirm", calls="/journal")


@dataclass(frozen=True, slots=True)
class Mutant:
    """also: a second replacement that the first needs."""

    name: str
    old: str
    new: str
    proof: Proof
    also: tuple[str, str] = ("", "")

    def on(self, text: str) -> str:
        for old, new in ((self.old, self.new), self.also):
            if old not in TRANSACTION:
                raise AssertionError(f"the mutant {self.name!r} no longer fits the agent: {old!r}")
            text = text.replace(old, new) if old else text
        return text


JOURNAL_SYNC = '  ca_later "$ca_tx/journal" "$ca_tx"\n'
ARM_FIRST = "! ca_prepare || ! ca_arm || ! ca_record ARMED"
MUTANTS = (
    Mutant("no fsync of the journal", JOURNAL_SYNC, "", AT_TARGETS),
    Mutant("no fsync of the boot unit", 'ca_later "$ca_unit_dir/$ca_unit_name" "$ca_unit_dir" "$ca_wants"', ":", AT_TARGETS),
    Mutant("no fsync of the new file", '  ca_later "$ca_n" "$ca_dir"\n', "", AT_JOURNAL),
    Mutant(
        "no fsync of the folder after the swap",
        'mv -f "$ca_fresh" "$ca_file" || return 1; fi\n  ca_later "$ca_dir"\n',
        'mv -f "$ca_fresh" "$ca_file" || return 1; fi\n',
        AT_JOURNAL,
    ),
    Mutant("no fsync of the folder of the transaction", 'ca_sync "$ca_tx"/* "$ca_tx" ', 'ca_sync "$ca_tx"/* ', AT_BEGIN),
    Mutant("no fsync after the tidying", 'ca_lines rm "-f$ca_nl$ca_list" && ca_lines ca_sync "$ca_dirs"', 'ca_lines rm "-f$ca_nl$ca_list"', AT_END),
    Mutant("no fsync after the disarming", 'ca_lines ca_sync "$ca_dirs" || return 1', ":", AFTER_END),
    Mutant("no lock", '  until ca_take "$ca_state/lock"; do\n', "  until :; do\n", by_rivals),
    Mutant("no look at the token", '[ "$ca_hash" != "$ca_v" ]', "false", by_wrong_token),
    Mutant("a read error is the end of the list", '{ ca_changes=$(cat "$ca_tx/changes") &&', '{ ca_changes=$(cat "$ca_tx/changes");', by_reads),
    Mutant(
        "swap before arm",
        ARM_FIRST,
        "! ca_prepare || ! ca_count || ! ca_swap_all || ! ca_arm || ! ca_record ARMED",
        by_kill,
        ("if ca_swap_all && ca_record SWAPPED", "if ca_record SWAPPED"),
    ),
    Mutant("no look at what is in place", "elif ca_in_place && ca_record VERIFIED", "elif ca_record VERIFIED", by_full_disk),
    Mutant(
        "a key that others could open", '(umask 077 && "ca_build_$ca_i" >"$ca_n")', '(umask 022 && "ca_build_$ca_i" >"$ca_n")', by_watching("apply")
    ),
    Mutant(
        "a daemon that reloads before all is swapped",
        '&& ca_each ca_swap "$ca_changes"',
        '&& ca_each ca_swap_and_tell "$ca_changes" back',
        by_watching("apply"),
        ("ca_try_apply() {", 'ca_swap_and_tell() { ca_swap "$1" && ca_activate_all; }\nca_try_apply() {'),
    ),
    Mutant("no look at CONFIRMED", "CLEANED | REVERTED | REFUSED | CONFIRMED | ABSENT)", "CLEANED | REVERTED | REFUSED | ABSENT)", AT_END),
)


def make(mutant: Mutant) -> Callable[[Path], Machine]:
    plain = machines()
    return lambda root: dataclasses.replace(plain(root), change_text=mutant.on)


def run(folder: Path, say: Callable[[str], None], chosen: tuple[Mutant, ...] = MUTANTS) -> list[str]:
    """Names of the mutants that no proof caught, and of proofs that fail without any mutation, which therefore prove nothing."""
    alive = []
    for number, proof in enumerate(dict.fromkeys(mutant.proof for mutant in chosen)):
        if found := proof(folder / f"plain{number}", machines()):
            alive.append(f"a proof fails on the agent as it is: {found[0]}")
    for number, mutant in enumerate(chosen):
        found = mutant.proof(folder / f"mutant{number}", make(mutant))
        say(f"{'caught' if found else 'ALIVE '}  {mutant.name}: {found[0].splitlines()[0] if found else 'no proof failed'}")
        if not found:
            alive.append(mutant.name)
    return alive
