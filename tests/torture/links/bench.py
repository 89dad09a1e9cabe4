"""One point: a real playbook until the step is reached, the loss, both hosts alone, then one further run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.integration.conftest import LAB, TOP
from tests.integration.tunnel import pinging

from .ends import End
from .openvpn import Site
from .points import CAMPAIGN, PAIR, PLAYS, Layout, Point, Stage
from .strongswan import Gateway

TIMEOUT = 60  # seconds until an end that is not confirmed goes back; charon may answer no probe for 30 of them, and 15 are spare
ENDS: dict[str, type[End]] = {one.service: one for one in (Gateway, Site)}
LONGEST = 300  # seconds that a run may take, whatever was lost


@dataclass(frozen=True, slots=True)
class Judged:
    """stages: of all ends, when every deadline had passed.  split: why there is no tunnel, or why one further run does not bring both together."""

    reached: bool
    stages: tuple[Stage, ...] = ()
    split: tuple[str, ...] = ()


class Bench:
    """Hosts that run, and a controller's folder.  Each state that a play begins with is made once, by good runs, and kept."""

    def __init__(self, folder: Path, layout: Layout = PAIR) -> None:
        self.folder, self.home, self.runs, self.layout = folder, folder / "controller", 0, layout
        self.home.mkdir(parents=True)
        subprocess.run([LAB, "host", *layout.hosts], check=True, capture_output=True, timeout=900)
        self.kind = ENDS[layout.daemon]
        self.ends = tuple(self.kind(name, layout) for name in layout.hosts)
        self.named = {end.name: end for end in self.ends}
        self.policy = self.kind.policies(folder, layout)
        self.old: dict[Stage, list[str]] = {}
        self.kind.prepare(self.named, layout)
        self.keep("old")

    def keep(self, stage: Stage) -> None:
        for end in self.ends:
            end.keep(f"{self.layout.name}-{stage}")
        shutil.copytree(self.home, self.folder / "kept" / stage)
        self.old[stage] = self.facts()

    def facts(self) -> list[str]:
        return [end.facts() for end in self.ends]

    def begin(self, stage: Stage) -> None:
        """Both ends, and the controller, as they were at that stage, with a tunnel."""
        if stage not in self.old:
            self.good(next(name for name, play in PLAYS.items() if play.after == stage))
        shutil.rmtree(self.home)
        shutil.copytree(self.folder / "kept" / stage, self.home)
        for end in self.ends:
            end.put_back(f"{self.layout.name}-{stage}")
        if wrong := self.tunnel():
            raise AssertionError(f"before anything was lost: {wrong}")

    def good(self, name: str) -> tuple[int, int]:
        """A run without any loss, with packets through the tunnel: (how many were sent, how many of them never came back)."""
        self.begin(PLAYS[name].before)
        with pinging(*((one.begins, one.source, one.target) for one in self.layout.tunnels)) as counted:
            running = self.start(name)
            code = self.end(running)
        stages, after = self.stages(), PLAYS[name].after
        assert code == 0 and set(stages) == {after} and not self.tunnel(), (
            f"without any loss: {name} ended with {code} at {stages}, see {self.folder}"
        )
        if after not in self.old:
            self.keep(after)
        assert after != "old" or self.facts() == self.old["old"], "what was rolled back is not as it was, to the byte"
        return counted[0], counted[1]

    # -- the controller

    def start(self, name: str) -> subprocess.Popen[bytes]:
        self.runs += 1
        play, output = PLAYS[name], self.home / "results"
        words = {"agility_output": str(output), "agility_policy": self.policy[play.step], "agility_services": [self.kind.service]}
        words |= {"agility_campaign": CAMPAIGN, "agility_confirm_timeout": TIMEOUT} | ({"agility_step": play.step} if play.step else {})
        argv = [
            "ansible-playbook",
            "-i",
            f"inventories/{self.kind.inventory}",
            f"playbooks/{play.playbook}.yml",
            "-l",
            ",".join(self.layout.hosts),
            "-e",
            json.dumps(words),
        ]
        with (self.folder / f"{self.runs}-{name}.log").open("wb") as log:
            return subprocess.Popen(argv, cwd=TOP, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"})

    def end(self, running: subprocess.Popen[bytes]) -> int | None:
        """Its exit code; None = it did not end by itself."""
        try:
            return running.wait(LONGEST)
        except subprocess.TimeoutExpired:
            kill(running)
            return None

    def reached(self, point: Point, running: subprocess.Popen[bytes]) -> bool:
        step, end = point.step, self.named[point.step.host]
        while running.poll() is None:
            if any(step.word in states for states in end.journals(step.takes)) if step.takes else self.said(step.host, point.play, step.word):
                return True
            time.sleep(0.01)
        return False

    def said(self, host: str, play: str, word: str) -> bool:
        for path in (self.home / "campaigns" / CAMPAIGN / "links").glob(f"*/{host}.json"):
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["step"] == play and word in told["reached"]:
                return True
        return False

    # -- what is lost

    def lose(self, loss: str, running: subprocess.Popen[bytes]) -> None:
        """And, but for the controller, back again; what is cut off stays so until it went back by itself."""
        what, name = loss.partition(" ")[0], loss.rpartition(" ")[2]
        if what == "controller":
            kill(running)
        elif "between" in loss:
            self.named[name].cut(loss.split()[2])
            with suppress(subprocess.TimeoutExpired):
                running.wait(LONGEST)
            self.named[name].mend()
        else:
            end = self.named[name]
            {"daemon": end.lose_daemon, "host": end.lose_power, "path": lambda: self._cut_off(end)}[what]()

    def _cut_off(self, end: End) -> None:
        end.cut("controller")
        time.sleep(1)
        end.pass_the_deadline()
        wait(end.settled, 90)
        end.mend()

    # -- the verdict

    def judge(self, point: Point) -> Judged:
        play = PLAYS[point.play]
        self.begin(play.before)
        running = self.start(point.play)
        if not self.reached(point, running):
            self.end(running)
            return Judged(False)
        self.lose(point.loss, running)
        wrong = [] if self.end(running) is not None else [f"the run did not end within {LONGEST} s"]
        wrong += self.alone(point)
        stages = self.stages()
        code = self.end(self.start(point.further))
        last = PLAYS[point.further].after
        if code or set(self.stages()) != {last} or (last == "old" and self.facts() != self.old["old"]):
            wrong.append(
                f"one further run ({point.further}) ended with {code}, and the ends are {self.stages()}: see {self.runs}-{point.further}.log"
            )
        for one in self.layout.tunnels:
            safe = self.named[one.begins].agreed(one, self.named[one.answers])
            if safe is None or (last != "old" and not safe):
                wrong.append(f"after the further run: {one}: {self.tunnel() or 'what both ends list is not of the new exchange'}")
        return Judged(True, stages, tuple(wrong))

    def alone(self, point: Point) -> list[str]:
        """Every deadline passes, and all tunnels are asked to come up."""
        for end in self.ends:
            end.pass_the_deadline()
        wrong = [f"{end.name} does not come to an end: {end.journals()}" for end in self.ends if not wait(end.settled, 90)]
        stages, play = self.stages(), PLAYS[point.play]
        at = dict(zip(self.named, stages, strict=True))
        if "neither" in stages or any({"old", "new"} == {at[one.begins], at[one.answers]} for one in self.layout.tunnels):
            wrong.append(f"the stages of the ends do not work with each other: {stages}")
        before = zip(self.ends, stages, self.facts(), self.old[play.before], strict=True)
        wrong += [f"{end.name} is not as it was, to the byte" for end, stage, now, then in before if stage == play.before and now != then]
        return wrong + self.tunnel()

    def stages(self) -> tuple[Stage, ...]:
        return tuple(end.stage() for end in self.ends)

    def tunnel(self) -> list[str]:
        """Why one of them is none, when it was asked to come up."""
        found = (self.named[one.begins].missing(one, self.named[one.answers]) for one in self.layout.tunnels)
        return [why for why in found if why]


def wait(done: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.3)
    return True


def kill(running: subprocess.Popen[bytes]) -> None:
    """With all that it has started: its workers are sessions of their own."""
    for pid in [running.pid, *_below(running.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.wait()


def _below(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    mine = [one for one, parent in parents.items() if parent == pid]
    return [*mine, *(further for one in mine for further in _below(one))]
