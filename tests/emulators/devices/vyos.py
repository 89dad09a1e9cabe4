"""The emulated VyOS device: candidates of each session, `commit-confirm`, and what is saved.

From vyos-1x (config_mgmt.py at 7bba95c8 and the documentation of `commit-confirm action`) and vyatta-cfg-run: the timer is armed before the commit, and a
commit that fails leaves it armed; `reboot`, the default, starts what was saved, `reload` takes the newest revision of the archive, into which a commit
that waits to be confirmed does not come, and needs `commit-revisions`; whoever is logged in may confirm; `confirm` saves nothing.
"""

from __future__ import annotations

import json
import re
import ssl
import tempfile
from pathlib import Path

import vyos_pki
from device import DAY, Device
from https import certificate, door
from shell import Terminal
from statements import grouped, words
from vyos_config import Config

NOTHING = "No changes between working and active configurations.\n\n"
INVALID = "\n  Invalid command: [{}]\n\n"
ACTION = "system config-management commit-confirm action"


class Shell(Terminal):
    more = ":"
    welcome = "Welcome to VyOS!\n\n"

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.edits: list[tuple[str, tuple[str, ...]]] = []  # what this session wants, on top of what runs

    @property
    def prompt(self) -> str:
        name = f"{self.user}@{self.device.config.value('system host-name')}"
        return f"[edit]\n{name}# " if self.configuring else f"{name}:~$ "

    @property
    def candidate(self) -> Config:
        made = Config(self.device.config.text)
        for verb, one in self.edits:
            (made.set if verb == "set" else made.delete)(one)
        return made

    async def do(self, command: str) -> str:
        command, *pipes = (part.strip() for part in command.split("|"))
        if not command:
            return ""
        said = await (self._configure(command) if self.configuring else self._operate(command))
        if "no-more" in pipes or "cat" in pipes:
            self.write(said)
            return ""
        return said

    async def _operate(self, command: str) -> str:
        if found := re.fullmatch(r"set terminal (length|width) (\d+)", command):
            self.length = int(found[2]) if found[1] == "length" else self.length
            return ""
        if command.startswith(vyos_pki.COMMAND):
            return await vyos_pki.generate(self, command.removeprefix(vyos_pki.COMMAND))
        if command == "configure":
            self.configuring, self.edits, self.device.lines = True, [], 0
            return ""
        if command == "systemctl is-active commit-confirm.timer":  # its terminal is a shell
            return f"{'active' if self.device.timer else 'inactive'}\n"
        if command == "cat /config/config.boot":
            return str(self.device.boot())
        said = self.device.show(command.removeprefix("show ")) if command.startswith("show ") else None
        return INVALID.format(command) if said is None else str(said)

    async def _configure(self, command: str) -> str:
        device = self.device
        if command == "exit":
            if self.edits and self.candidate.said != device.config.said:
                return "Cannot exit: configuration modified.\nUse 'exit discard' to discard the changes and exit.\n"
            command = "exit discard"
        if command.startswith("run "):
            return await self._operate(command.removeprefix("run "))
        if found := re.fullmatch(r"commit-confirm(?: (\d+))?", command):
            return await self._confirmed(int(found[1] or 10))
        table = {
            "exit discard": lambda: self._forget("exit", False),
            "discard": lambda: self._forget("\nChanges have been discarded\n", True),
            "confirm": device.confirm,
            "save": device.save,
            "show": self.candidate.braces,
            "compare": lambda: self._compare(""),
            "compare saved": lambda: self._compare("saved"),
            "compare commands": lambda: self._compare("commands"),
            "commit": lambda: self._commit(False),
        }
        plain = re.sub(r' comment (?:"[^"]*"|\S+)$', "", command)
        return str(table[plain]()) if plain in table else self._changes(command)

    def _forget(self, said: str, stays: bool) -> str:
        self.configuring, self.edits = stays, []
        return f"{said}\n"

    def _changes(self, command: str) -> str:
        verb, *rest = words(command)
        return self._edit(verb, tuple(rest)) if verb in ("set", "delete") and rest else INVALID.format(command)

    def _edit(self, verb: str, one: tuple[str, ...]) -> str:
        failed, path = f"\n  {verb.capitalize()} failed\n\n", " ".join(one)
        if self.device.rejects():
            return f"\n  Configuration path: [{path}] is not valid\n{failed}"
        candidate = self.candidate
        if verb == "delete":
            if not candidate.delete(one):
                return f"\n  Nothing to delete (the specified node does not exist)\n{failed}"
        elif not candidate.takes(one):
            return (
                f"\n  Invalid value\n  Value validation failed\n{failed}"
                if candidate.knows(one)
                else f"\n  Configuration path: [{path}] is not valid\n{failed}"
            )
        elif one in candidate.said:
            return f"\n  Configuration path: [{path}] already exists\n\n"
        self.edits.append((verb, one))
        return ""

    def _compare(self, how: str) -> str:
        base = Config(self.device.startup) if how == "saved" else self.device.config
        diff = base.diff(self.candidate)
        if not diff:
            return NOTHING.replace("active", "saved") if how == "saved" else NOTHING
        if how == "commands":
            return "".join(f"{'set' if sign == '+' else 'delete'} {base.line(one)}\n" for sign, one in diff)
        out = []
        for above, rows in grouped(diff).items():
            out += [f"[{' '.join(above)}]\n", *(f"{sign} {said}\n" for sign, said in rows)]
        return "".join(out) + "\n"

    def _commit(self, waits: bool) -> str:
        candidate = self.candidate
        if candidate.said == self.device.config.said:
            return "No configuration changes to commit\n"
        said = str(self.device.commit(candidate, self.user, waits))
        self.edits = [] if not said else self.edits
        return said

    async def _confirmed(self, minutes: int) -> str:
        device = self.device
        if device.timer:
            return "Another confirm is pending\n"
        does = "reload previous config" if device.reloads else "reboot"
        unsaved = "" if device.config.text == device.startup else "\nYou should save previous commits before commit-confirm !\n"
        question = f"{unsaved}\ncommit-confirm will automatically {does} in {minutes} minutes unless changes\nare confirmed.\n\nProceed ? [Y/n] "
        if not await self.asks(question):
            return "commit-confirm canceled\n"
        if device.fault("archive_full"):
            return "Failed to start transient timer unit: No space left on device\n"
        device.arm(minutes, self.user, "archive-0")
        return f"\nInitialized commit-confirm; {minutes} minutes to confirm before {'reload' if device.reloads else 'reboot'}\n{self._commit(True)}"


class Vyos(Device):
    shell, CONFIG = Shell, Config

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "pending.json").unlink(missing_ok=True)  # its timer is of the running system
        self.keep("archive-0", self.config.text)
        self.served = ""
        self._latest, self.history = "", [f"{DAY} by root via init"]

    def opens(self, port: int, *more: int) -> tuple[int, ...]:
        """HTTPS where a line says on which port."""
        if where := self.config.value("service https port"):
            door(int(where), self.tls)
        return ()

    def tls(self) -> ssl.SSLContext:
        """With the certificate that it is told of at that moment."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if not self.fault("stale"):
            self.served = vyos_pki.served(self.config)
        own = certificate(self, "edge1")
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".pem") as kept:
            kept.write(self.served)
            kept.flush()
            context.load_cert_chain(kept.name if self.served else own)
        return context

    @property
    def reloads(self) -> bool:
        return bool(self.config.value(ACTION) == "reload")

    @property
    def before(self) -> str:
        return self.read("archive-0") if self.reloads else self.startup

    def commit(self, candidate: Config, user: str, waits: bool) -> str:
        """What is said when it fails."""
        if candidate.value(ACTION) == "reload" and not candidate.value("system config-management commit-revisions"):
            return "[ system config-management ]\ncommit-confirm reload requires non-zero commit-revisions\n\n[[system config-management]] failed\nCommit failed\n"
        node, why = candidate.wrong()
        if why:
            return f"[ {node} ]\n{why}\n\n[[{node}]] failed\nCommit failed\n"
        self.take(candidate.text)
        self._latest = f"{DAY} by {user} via cli"
        if not waits:
            self._archive()
        return ""

    def _archive(self) -> None:
        self.history.insert(0, self._latest)
        self.keep("archive-0", self.config.text)
        self.keep("commits.json", json.dumps(self.history))

    def confirm(self) -> str:
        if not self.timer:
            return "No confirm pending\n"
        if not self.fault("ignore_confirm"):
            self.disarm()
            self._archive()
        return f"{'Reload' if self.reloads else 'Reboot'} timer stopped\n"

    def save(self) -> str:
        if self.fault("ignore_write"):
            return "Saving configuration to '/config/config.boot'...\nCould not write to /config/config.boot: No space left on device\n"
        self.keep("startup", self.config.text)
        return "Saving configuration to '/config/config.boot'...\nDone\n"

    def revert(self) -> None:
        """A reboot is the saved configuration, and the end of every session."""
        reloads = self.reloads
        self.disarm()
        self.take(self.read("archive-0") if reloads else self.startup)
        if reloads:
            return
        self.keep("archive-0", self.config.text)
        for one in list(self.tell):
            one.drop()

    def boot(self) -> str:
        """What starts, as it is kept."""
        end = f'// Warning: Do not remove the following line.\n// vyos-config-version: "ssh@2"\n// Release version: {self.facts["release"]}\n'
        return f"{Config(self.startup).braces()}\n\n{end}"

    def show(self, text: str) -> str | None:
        """None = no such command."""
        table = {
            "configuration": self.config.braces,
            "configuration commands": lambda: self.config.text,
            "host name": lambda: f"{self.config.value('system host-name')}\n",
            "system commit": lambda: "".join(f"{at:<4}{one}\n" for at, one in enumerate(self.history)),
            "version": self._version,
        }
        return table[text]() if text in table else None

    def _version(self) -> str:
        release, serial = self.facts["release"], self.facts["serial"]
        return f"Version:          VyOS {release}\nRelease train:    current\n\nHardware vendor:  QEMU\nHardware S/N:     {serial}\nHardware UUID:    unknown\n"


DEVICE = Vyos
