"""The emulated device without its terminals: three configurations on disk, an archive, one timer, and faults that a test asks for.

A folder holds `device.json` (what it is), `startup`, and, for whoever looks, `running` and `archive-N`; `faults.json` is read at each command.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from config import Config

NO_TIMER = "%No Rollback Confirmed Change pending"
NO_ARCHIVE = "%Turn config archive on before using Rollback Confirmed Change"


@dataclass
class Timer:
    user: str
    minutes: int
    ends: float
    archive: str
    handle: asyncio.TimerHandle


class Device:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = json.loads((folder / "device.json").read_text(encoding="utf-8"))
        self.minute = float(self.facts.get("minute", 60))  # how long one of its minutes takes here
        self.config = Config((folder / "startup").read_text(encoding="utf-8"))
        self.timer: Timer | None = None
        self.lines = self.sent = 0
        self.tell: dict[object, Callable[[str], None]] = {}  # the terminals, for what comes by itself
        self.save()

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

    @property
    def deaf(self) -> bool:
        return bool(self.fault("deaf")) and self.config.text != self.startup

    # ------------------------------------------------------------ configurations

    @property
    def startup(self) -> str:
        return (self.folder / "startup").read_text(encoding="utf-8")

    def save(self) -> None:
        whole = self.folder / "running.new"
        whole.write_text(self.config.text, encoding="utf-8")
        whole.rename(self.folder / "running")

    def line(self, command: str, mode: str) -> tuple[str, str]:
        self.lines += 1
        if self.fault("reject") == self.lines:
            return "% Invalid input detected at '^' marker.\n", mode
        said = self.config.enter(command, mode)
        self.save()
        return said

    def write(self) -> str:
        if self.fault("ignore_write"):
            return "startup-config file open failed (Not enough space)\n"
        (self.folder / "startup").write_text(self.config.text, encoding="utf-8")
        return "Building configuration...\n[OK]\n"

    # ------------------------------------------------------------ the timer

    def arm(self, minutes: int, user: str) -> str:
        """What is said when it cannot be armed, "" when it is."""
        if not self.config.archive_path:
            return NO_ARCHIVE + "\n"
        if self.timer:
            return "%Rollback Confirmed Change is already in progress\n"
        if self.fault("archive_full"):
            return "%Error opening archive (No space left on device)\n"
        name = f"archive-{len(list(self.folder.glob('archive-*'))) + 1}"
        (self.folder / name).write_text(self.config.text, encoding="utf-8")
        self.lines = 0
        loop = asyncio.get_running_loop()
        wait = minutes * self.minute
        loop.call_later(wait - self.minute, self._warn, name)
        self.timer = Timer(user, minutes, loop.time() + wait, name, loop.call_later(wait, self.revert))
        return ""

    def _warn(self, name: str) -> None:
        if self.timer and self.timer.archive == name:
            for tell in list(self.tell.values()):
                tell(
                    'Rollback Confirmed Change: Rollback will begin in one minute.\nEnter "configure confirm" if you wish to keep what you\'ve configured\n'
                )

    def confirm(self, user: str) -> str:
        if not self.timer:
            return NO_TIMER + "\n"
        if user != self.timer.user:
            return "%Rollback Confirmed Change was armed by another user\n"
        if not self.fault("ignore_confirm"):
            self.timer.handle.cancel()
            self.timer = None
        return ""

    def revert(self) -> str:
        if not self.timer:
            return NO_TIMER + "\n"
        self.timer.handle.cancel()
        name, self.timer = self.timer.archive, None
        self.config = Config((self.folder / name).read_text(encoding="utf-8"))
        self.save()
        said = f"Rollback Confirmed Change: Rolling to:{self.config.archive_path}-{name}\n\nTotal number of passes: 1\nRollback Done\n\n"
        for tell in list(self.tell.values()):
            tell(said)
        return ""

    # ------------------------------------------------------------ show

    def show(self, text: str, privileged: bool) -> str | None:
        """None = no such command."""
        table = {
            "version": self._version,
            "running-config": lambda: self._running(self.config.text),
            "running-config all": lambda: self._running(self.config.all()),
            "startup-config": lambda: f"Using {len(self.startup)} out of 33554432 bytes\n!\n{self.startup}\n",
            "archive": self._archive,
            "archive config rollback timer": self._timer,
        }
        return table[text]() if text in table and (privileged or text == "version") else None

    def _version(self) -> str:
        name, full, serial = self.config.value("hostname"), self.facts["release"], self.facts["serial"]
        return f"Cisco IOS XE Software, Version {full}\n{name} uptime is 1 week\nProcessor board ID {serial}\n"

    def _running(self, body: str) -> str:
        return f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n!\n! Last configuration change at 10:00:00 UTC\n!\n{body}\n"

    def _archive(self) -> str:
        if not (path := self.config.archive_path):
            return " Archive feature not enabled\n"
        names = sorted(one.name for one in self.folder.glob("archive-*"))
        rows = "".join(f"    {place}        {path}-{name}\n" for place, name in enumerate(names, 1))
        return f"The maximum archive configurations allowed is 10.\nThere are currently {len(names)} archive configurations saved.\n Archive #  Name\n{rows}"

    def _timer(self) -> str:
        if not self.timer:
            return NO_TIMER + "\n"
        left = int(60 / self.minute * max(0, self.timer.ends - asyncio.get_running_loop().time()))
        return (
            "Time configured(or reconfigured): 10:00:00 UTC Fri Nov 27 2026\nTimer type: absolute timer\n"
            f"Timer value: {self.timer.minutes} min\nUser: {self.timer.user}\nTime left: {left} seconds\n"
        )
