"""A terminal of the emulated device: prompt, echo, pager, privilege, modes."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from config import MODES, invalid
from device import Device

MORE = " --More-- "
MOST = 120  # minutes of a timer
# What may be shortened.  Everything else is written out.
SHORT = {"conf t": "configure terminal", "wr": "write memory", "sh run": "show running-config", "sh ver": "show version", "en": "enable"}


class Dropped(Exception):
    """The connection ends here."""


class Shell:
    def __init__(self, device: Device, process: Any, user: str) -> None:
        self.device, self.process, self.user = device, process, user
        self.privileged, self.length = bool(device.facts.get("privileged")), 24
        self.configuring, self.mode = False, ""
        self.pending = ""

    @property
    def prompt(self) -> str:
        name = self.device.config.value("hostname")
        if not self.configuring:
            return f"{name}{'#' if self.privileged else '>'}"
        sub = next((f"-{mode}" for head, mode in MODES.items() if self.mode.startswith(head)), "")
        return f"{name}(config{sub})#"

    async def run(self) -> None:
        self.device.tell[self] = lambda text: self.write(f"\n{text}{self.prompt}")
        try:
            self.write(f"\n{self.prompt}")
            while (command := await self.read()) is not None:
                command = SHORT.get(command.strip(), command.strip())
                if command in ("exit", "logout") and not self.configuring:
                    return
                if seconds := self.device.fault("slow"):
                    await asyncio.sleep(seconds)
                for when in ("before", "after"):
                    self.device.power(command, when)
                    if self.device.strikes("drop_at", command, when):
                        raise Dropped
                    if when == "before":
                        said = await self.do(command)
                await self.page(said)
                self.write(self.prompt)
        except Dropped:
            self.process.channel.get_connection().abort()
        finally:
            del self.device.tell[self]

    # ------------------------------------------------------------ the wire

    def write(self, text: str) -> None:
        after = self.device.fault("drop_after")
        self.device.sent += len(text)
        if after is not None and self.device.sent > after:
            (self.device.folder / "faults.json").write_text("{}", encoding="utf-8")
            self.process.stdout.write(text[: len(text) // 2].replace("\n", "\r\n"))
            raise Dropped
        self.process.stdout.write(text.replace("\n", "\r\n"))

    async def read(self, echo: bool = True) -> str | None:
        """A line without its end; None when the peer has gone."""
        line = ""
        while True:
            if not self.pending:
                self.pending = await self.process.stdin.read(1024)
                if not self.pending:
                    return None
            character, self.pending = self.pending[0], self.pending[1:]
            if character in "\r\n":
                self.pending = self.pending.removeprefix("\n") if character == "\r" else self.pending
                self.write(f"{line if echo else ''}\n")
                return line
            line += character

    async def page(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        while self.length and len(lines) >= self.length:
            self.write("".join(lines[: self.length - 1]) + MORE)
            lines = lines[self.length - 1 :]
            self.pending = self.pending or await self.process.stdin.read(1024)
            key, self.pending = self.pending[:1], self.pending[1:]
            self.write("\b" * len(MORE) + " " * len(MORE) + "\b" * len(MORE))
            if key != " ":
                lines = lines if key in "\r\n" and key else []
        self.write("".join(lines))

    # ------------------------------------------------------------ commands

    async def do(self, command: str) -> str:
        if not command or command.startswith("!"):
            return ""
        if self.configuring:
            return self._configure(command)
        if command == "enable" and not self.privileged:
            return await self._enable()
        if command.startswith("show ") and command != "show privilege":
            said = self.device.show(command.removeprefix("show "), self.privileged)
            return invalid(command) if said is None else said
        return self._anybody(command)

    def _anybody(self, command: str) -> str:
        if command == "show privilege":
            return f"Current privilege level is {15 if self.privileged else 1}\n"
        if found := re.fullmatch(r"terminal (length|width) (\d+)", command):
            self.length = int(found[2]) if found[1] == "length" else self.length
            return ""
        if command == "disable":
            self.privileged = False
            return ""
        return self._privileged(command) if self.privileged else invalid(command)

    async def _enable(self) -> str:
        self.write("Password: ")
        if await self.read(echo=False) != self.device.facts["enable"]:
            return "% Access denied\n"
        self.privileged = True
        return ""

    def _privileged(self, command: str) -> str:
        device = self.device
        table = {
            "write memory": device.write,
            "configure confirm": lambda: device.confirm(self.user),
            "configure revert now": device.revert,
            "configure terminal": self._enter,
        }
        if command in table:
            return table[command]()
        found = re.fullmatch(r"configure terminal revert timer (\d{1,3})", command)
        return self._arm(int(found[1])) if found and 1 <= int(found[1]) <= MOST else invalid(command)

    def _enter(self) -> str:
        self.configuring = True
        return "Enter configuration commands, one per line.  End with CNTL/Z.\n"

    def _arm(self, minutes: int) -> str:
        if said := self.device.arm(minutes, self.user):
            return said
        path = f"{self.device.config.archive_path}-{self.device.timer.archive if self.device.timer else ''}"
        return (
            f"Rollback Confirmed Change: Backing up current running config to {path}\n\n{self._enter()}"
            f"Rollback Confirmed Change: Rollback will begin in {minutes} minutes.\n"
            'Enter "configure confirm" if you wish to keep what you\'ve configured\n\n'
        )

    def _configure(self, command: str) -> str:
        if command == "end" or (command == "exit" and not self.mode):
            self.configuring, self.mode = False, ""
            return ""
        if command == "exit":
            self.mode = ""
            return ""
        said, self.mode = self.device.line(command, self.mode)
        return said
