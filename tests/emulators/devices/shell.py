"""A terminal of an emulated device: what is the same of all, which is the wire, the pager and the moments at which faults come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class Dropped(Exception):
    """The connection ends here."""


class Terminal:
    """short: what may be shortened; everything else is written out.  more: the prompt of the pager."""

    short: Mapping[str, str] = MappingProxyType({})
    more = " --More-- "
    welcome = ""

    def __init__(self, device: Any, process: Any, user: str) -> None:
        self.device, self.process, self.user = device, process, user
        self.length = 24
        self.configuring, self.mode = False, ""
        self.pending = ""

    @property
    def prompt(self) -> str:
        raise NotImplementedError

    async def do(self, command: str) -> str:
        """What is said to a command."""
        raise NotImplementedError

    def leaves(self, command: str) -> bool:
        return command in ("exit", "logout") and not self.configuring

    def gone(self) -> None:
        """The session has ended, whatever the reason."""

    async def run(self) -> None:
        self.device.tell[self] = lambda text: self.write(f"\n{text}{self.prompt}")
        try:
            self.write(f"\n{self.welcome}{self.prompt}")
            while (command := await self.read()) is not None:
                command = self.short.get(command.strip(), command.strip())
                if self.leaves(command):
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
            self.drop()
        finally:
            del self.device.tell[self]
            self.gone()

    def drop(self) -> None:
        self.process.channel.get_connection().abort()

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

    async def asks(self, question: str) -> bool:
        """Whether a person says yes, or nothing."""
        return (await self.hears(question)).lower() in ("", "y", "yes")

    async def hears(self, question: str) -> str:
        """What a person answers."""
        self.write(question)
        said = await self.read()
        if said is None:
            raise Dropped
        return said.strip()

    async def page(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        while self.length and len(lines) >= self.length:
            self.write("".join(lines[: self.length - 1]) + self.more)
            lines = lines[self.length - 1 :]
            self.pending = self.pending or await self.process.stdin.read(1024)
            key, self.pending = self.pending[:1], self.pending[1:]
            self.write("\b" * len(self.more) + " " * len(self.more) + "\b" * len(self.more))
            if key != " ":
                lines = lines if key in "\r\n" and key else []
        self.write("".join(lines))


class Enabled(Terminal):
    """Of a platform with `enable`."""

    denied = "% Access denied\n"

    @staticmethod
    def invalid(command: str) -> str:
        raise NotImplementedError

    def __init__(self, device: Any, process: Any, user: str) -> None:
        super().__init__(device, process, user)
        self.privileged = bool(device.facts.get("privileged"))

    def configure(self, command: str) -> str:
        raise NotImplementedError

    def privilege(self, command: str) -> str:
        raise NotImplementedError

    async def do(self, command: str) -> str:
        if not command or command.startswith("!"):
            return ""
        if self.configuring:
            return self.configure(command)
        if command == "enable" and not self.privileged:
            return await self._enable()
        if command.startswith("show ") and command != "show privilege":
            said = self.device.show(command.removeprefix("show "), self.privileged)
            return self.invalid(command) if said is None else str(said)
        return self.anybody(command)

    def anybody(self, command: str) -> str:
        if command == "disable":
            self.privileged = False
            return ""
        return self.privilege(command) if self.privileged else self.invalid(command)

    async def _enable(self) -> str:
        self.write("Password: ")
        if await self.read(echo=False) != self.device.facts["enable"]:
            return self.denied
        self.privileged = True
        return ""
