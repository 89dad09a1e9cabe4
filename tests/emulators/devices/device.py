"""What is the same of every emulated device: configurations on disk, one timer that takes a change back, and faults that a test asks for.

A folder holds `device.json` (what it is), `startup`, and, for whoever looks, `running`, `pending.json` while a timer runs, and what a platform keeps
besides; `faults.json` is read at each command.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

DAY = "2026-11-27 10:00:00"  # no clock but the timer's: each look is at the same moment


@dataclass
class Timer:
    """A change that the device takes back by itself.  kept: the file that holds what was before it."""

    user: str
    minutes: int
    kept: str
    ends: float
    handle: asyncio.TimerHandle


class Device:
    """config: what runs; it has a text.  shell: the class of its terminals.  CONFIG makes one of the other from a text."""

    shell: Any
    CONFIG: Any
    ASYNCSSH: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # words of the platform that asyncssh has other names for

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = json.loads((folder / "device.json").read_text(encoding="utf-8"))
        self.minute = float(self.facts.get("minute", 60))  # how long one of its minutes takes here
        self.timer: Timer | None = None
        self.lines = self.sent = 0
        self.tell: dict[object, Callable[[str], None]] = {}  # the terminals, for what comes by itself
        self.take(self.startup)

    # ------------------------------------------------------------ faults

    def fault(self, name: str) -> Any:
        """drop_at, power_at: [command or pattern, "before" or "after"]; drop_after: bytes; reject: the number of a line of configuration; slow: seconds;
        ignore_confirm, ignore_write, archive_full, deaf (no login while what runs is not what would start)."""
        path = self.folder / "faults.json"
        return json.loads(path.read_text(encoding="utf-8")).get(name) if path.is_file() else None

    def strikes(self, name: str, command: str, when: str) -> bool:
        """Whether that fault comes at this moment, once."""
        wanted = self.fault(name)
        if not wanted or not fnmatchcase(command, wanted[0]) or wanted[1] != when:
            return False
        (self.folder / "faults.json").write_text("{}", encoding="utf-8")
        return True

    def power(self, command: str, when: str) -> None:
        if self.strikes("power_at", command, when):
            os._exit(9)

    def rejects(self) -> bool:
        """Whether the line of configuration that comes now is the one that is refused."""
        self.lines += 1
        return bool(self.fault("reject") == self.lines)

    @property
    def deaf(self) -> bool:
        return bool(self.fault("deaf")) and self.config.text != self.before

    @property
    def before(self) -> str:
        """What runs again when nobody can log in for long enough."""
        return self.startup

    # ------------------------------------------------------------ configurations

    @property
    def startup(self) -> str:
        return self.read("startup")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def keep(self, name: str, text: str) -> None:
        whole = self.folder / f"{name}.new"
        whole.write_text(text, encoding="utf-8")
        whole.rename(self.folder / name)

    def take(self, text: str) -> None:
        """This runs from now on."""
        self.config = self.CONFIG(text)
        self.keep("running", self.config.text)

    def algorithms(self) -> dict[str, list[str]]:
        """What its SSH server does, in the names of asyncssh."""
        words = ("kex", "encryption", "mac", "hostkey")
        return {word: [one for name in self.config.algorithms(word) for one in self.ASYNCSSH.get(name, (name,))] for word in words}

    def opens(self, port: int, *more: int) -> tuple[int, ...]:
        """Its doors besides that of SSH: where they are, which is where they were when it starts again."""
        return ()

    # ------------------------------------------------------------ the timer

    def arm(self, minutes: float, user: str, kept: str) -> None:
        loop, wait = asyncio.get_running_loop(), minutes * self.minute
        self.timer = Timer(user, int(minutes), kept, loop.time() + wait, loop.call_later(wait, self.revert))
        self.keep("pending.json", json.dumps({"user": user, "minutes": minutes, "kept": kept}))
        self.lines = 0

    def disarm(self) -> Timer:
        """The timer that ran."""
        assert self.timer
        was, self.timer = self.timer, None
        was.handle.cancel()
        (self.folder / "pending.json").unlink()
        return was

    @property
    def left(self) -> int:
        """Of its seconds, until the change is taken back."""
        return int(60 / self.minute * max(0, self.timer.ends - asyncio.get_running_loop().time())) if self.timer else 0

    def revert(self) -> Any:
        raise NotImplementedError

    def announce(self, said: str) -> None:
        """On every terminal, whatever it does."""
        for tell in list(self.tell.values()):
            tell(said)
