"""The emulated Arista EOS device: running, startup, named sessions, and `commit timer`.

From public documentation and transcripts: a commit replaces what runs by the whole session, so it undoes what others changed since it began; a timer that
runs out brings back what ran before; whoever is enabled may confirm; sessions that were not committed go with the power.  Both layouts of
`show configuration sessions detail` are there: before 4.32 the state says `pendingCommitTimer`, since then a line above the table does.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

from device import DAY, Device
from eos_config import SPLIT, VERSIONS, Config, label
from eos_pki import Files
from https import certificate, door
from shell import Dropped, Enabled

MOST = 5  # sessions that wait
NAME = r"[\w.-]+"
TIMER = r"commit timer (\d\d):([0-5]\d):([0-5]\d)"
INVALID = "% Invalid input\n"


def minutes(found: re.Match[str]) -> float:
    hours, rest, seconds = (int(one) for one in found.groups()[-3:])
    return hours * 60 + rest + seconds / 60


SHORT = {"conf t": "configure", "configure terminal": "configure", "wr": "write memory", "copy running-config startup-config": "write memory"}


class Shell(Enabled):
    short = SHORT
    denied = "% Bad secret\n\n"
    session = ""

    @staticmethod
    def invalid(command: str) -> str:
        return INVALID

    async def do(self, command: str) -> str:
        said = await self.device.files.do(self, command) if self.privileged and not self.configuring else None
        return await super().do(command) if said is None else said

    async def until(self, end: str, says: str) -> str:
        """All that is typed, up to that character."""
        self.write(says)
        heard = ""
        while not heard.endswith(end):
            self.pending = self.pending or await self.process.stdin.read(1024)
            if not self.pending:
                raise Dropped
            heard, self.pending = heard + self.pending[0], self.pending[1:]
            self.write(heard[-1].replace("\r", "\n").replace(end, ""))
        return heard.removesuffix(end).replace("\r", "\n")

    @property
    def below(self) -> tuple[str, ...]:
        return tuple(self.mode.split("\n")) if self.mode else ()

    @property
    def prompt(self) -> str:
        name = self.device.config.value("hostname")
        if not self.configuring:
            return f"{name}{'#' if self.privileged else '>'}"
        return f"{name}(config{f'-s-{self.session[:6]}' if self.session else ''}{label(self.below)})#"

    def anybody(self, command: str) -> str:
        if command == "show privilege":
            return f"Current privilege level is {15 if self.privileged else 1}\n"
        if found := re.fullmatch(r"terminal length (\d+)", command):
            self.length = int(found[1])
            return "" if self.length else "Pagination disabled.\n"
        if found := re.fullmatch(r"terminal width (\d+)", command):
            return f"Width set to {found[1]} columns.\n"
        return super().anybody(command)

    def privilege(self, command: str) -> str:
        device = self.device
        table: dict[str, Callable[[re.Match[str]], str]] = {
            "write memory": lambda found: device.write(),
            "configure": lambda found: self._session(""),
            rf"configure session ({NAME})": lambda found: device.open(found[1]) or self._session(found[1]),
            rf"configure session ({NAME}) commit": lambda found: device.commit(found[1], self.user),
            rf"configure session ({NAME}) {TIMER}": lambda found: device.commit(found[1], self.user, minutes(found)),
            rf"configure session ({NAME}) abort": lambda found: device.abort(found[1]),
            rf"no configure session ({NAME})": lambda found: device.abort(found[1]),
        }
        hit = next(((said, found) for pattern, said in table.items() if (found := re.fullmatch(pattern, command))), None)
        return hit[0](hit[1]) if hit else INVALID

    def _session(self, name: str) -> str:
        self.configuring, self.session = True, name
        return ""

    def _leave(self) -> None:
        self.configuring, self.mode, self.session = False, "", ""

    def configure(self, command: str) -> str:
        if command == "end" or (command == "exit" and not self.mode):
            self._leave()
            return ""
        if command == "exit":
            self.mode = "\n".join(self.below[:-1])
            return ""
        if command.startswith("show "):
            if command == "show session-config diffs" and self.session:
                return str(self.device.diffs(self.session))
            said = self.device.show(command.removeprefix("show "), True)
            return INVALID if said is None else str(said)
        if self.session and (command in ("commit", "abort") or command.startswith("commit timer ")):
            return self._close(command)
        said, below = self.device.line(command, self.session, self.below)
        self.mode = "\n".join(below)
        return str(said)

    def _close(self, command: str) -> str:
        found, name = re.fullmatch(TIMER, command), self.session
        if command.startswith("commit timer") and not found:
            return INVALID
        self._leave()
        if command == "abort":
            return str(self.device.abort(name))
        return str(self.device.commit(name, self.user, minutes(found) if found else 0))


SPELLED = {"rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"), "ed25519": ("ssh-ed25519",), "ecdsa-nistp256": ("ecdsa-sha2-nistp256",)}


class Eos(Device):
    shell, CONFIG = Shell, Config
    ASYNCSSH = SPELLED

    def __init__(self, folder: Path) -> None:
        self.sessions: dict[str, Config] = {}
        self.done: dict[str, str] = {}  # a session that was committed or aborted → by whom, "" = aborted
        super().__init__(folder)
        self.files, self.shown = Files(folder, self.startup), ("", "", ())
        for old in (*folder.glob("session-*"), folder / "pending.json"):
            old.unlink(missing_ok=True)  # a restart is the old configuration

    def line(self, command: str, session: str, below: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        if self.rejects():
            return INVALID, below
        config = self.sessions.get(session) if session else self.config
        if config is None or self._other(command, below):  # it waits for its timer
            return INVALID, below
        taken, now = config.enter(command, below)
        self.keep(f"session-{session}" if session else "running", config.text)
        return "" if taken else INVALID, now if taken else below

    def _other(self, command: str, below: tuple[str, ...]) -> bool:
        """Whether the suites of an ssl profile are called otherwise in its release."""
        word = command.removeprefix("no ").partition(" ")[0]
        return below[:1] == ("management security",) and word == ("cipher-list" if self._at_least(SPLIT) else "cipher")

    def opens(self, port: int, *more: int) -> tuple[int, ...]:
        """Its API, where a line says on which port."""
        if where := self.config.profile().get("port"):
            door(int(where), self.tls)
        return ()

    def tls(self) -> ssl.SSLContext:
        """Of the versions that its profile says at that moment, and of the certificate that it names."""
        said = self.config.profile()
        name, dummy, key = said.get("certificate", "").partition(" key ")
        if not self.fault("stale"):
            self.shown = (name, key, self.config.chain())
        if self.shown[0]:
            context = self.files.context(*self.shown)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate(self, "edge1"))
        if versions := [ssl.TLSVersion[VERSIONS[word]] for word in said.get("tls versions", "").split()]:
            context.minimum_version, context.maximum_version = min(versions), max(versions)
        return context

    def write(self) -> str:
        if self.fault("ignore_write"):
            return "% Error copying system:running-config to flash:startup-config (No space left on device)\n"
        self.keep("startup", self.config.text)
        return "Copy completed successfully.\n"

    # ------------------------------------------------------------ sessions

    def open(self, name: str) -> str:
        """What is said when it cannot be entered."""
        self.lines = 0
        if name in self.sessions or (self.timer and self.timer.kept == f"checkpoint-{name}"):
            return ""
        if name in self.done:
            return f"% Session {name} has already been completed\n"
        if len(self.sessions) >= MOST:
            return "% Maximum number of pending sessions has been reached. Please commit or abort previous sessions before creating a new one.\n"
        self.sessions[name] = Config(self.config.text)
        self.keep(f"session-{name}", self.config.text)
        return ""

    def diffs(self, name: str) -> str:
        new = self.sessions[name].text if name in self.sessions else self.config.text
        heads = ("system:/running-config", f"session:/{name}-session-config")
        return "".join(unified_diff(self.config.text.splitlines(keepends=True), new.splitlines(keepends=True), *heads))

    def commit(self, name: str, user: str, after: float = 0) -> str:
        """after: minutes until it is taken back, 0 = for good."""
        kept = f"checkpoint-{name}"
        if self.timer and self.timer.kept == kept:
            if self.fault("ignore_confirm"):
                return ""
            self.disarm()
            self.done[name] = user
            if after:
                self.arm(after, user, kept)
            return ""
        if name not in self.sessions:
            return f"% Session {name} not found\n"
        if self.timer:
            return f"% Cannot commit session {name}: another session with a commit timer is pending\n"
        if after and self.fault("archive_full"):
            return "% Error: cannot save the checkpoint (No space left on device)\n"
        text = self.sessions.pop(name).text
        (self.folder / f"session-{name}").unlink()
        if after:
            self.keep(kept, self.config.text)
            self.arm(after, user, kept)
        self.done[name] = user
        self.take(text)
        return ""

    def abort(self, name: str) -> str:
        if self.timer and self.timer.kept == f"checkpoint-{name}":
            return self.revert()
        if not self.sessions.pop(name, None):
            return f"% Session {name} not found\n"
        (self.folder / f"session-{name}").unlink()
        self.done[name] = ""
        return ""

    def revert(self) -> str:
        kept = self.disarm().kept
        self.done[kept.removeprefix("checkpoint-")] = ""
        self.take(self.read(kept))
        return ""

    # ------------------------------------------------------------ show

    def show(self, text: str, privileged: bool) -> str | None:
        """None = no such command."""
        startup = f"! Command: show startup-config\n! Startup-config last modified at Fri Nov 27 10:00:00 2026 by root\n{self._device}{self.startup}"
        table = {
            "version": self._version,
            "hostname": lambda: f"Hostname: {self.config.value('hostname')}\nFQDN:     {self.config.value('hostname')}\n",
            "running-config": lambda: f"! Command: show running-config\n{self._device}{self.config.text}",
            "running-config all": lambda: f"! Command: show running-config all\n{self._device}{self.config.all()}",
            "startup-config": lambda: startup,
            "configuration sessions": lambda: self._sessions(False),
            "configuration sessions detail": lambda: self._sessions(True),
            "configuration sessions detail | json": self._json,
        }
        return table[text]() if text in table and (privileged or text in ("version", "hostname")) else None

    @property
    def _device(self) -> str:
        return f"! device: {self.config.value('hostname')} (vEOS-lab, EOS-{self.facts['release']})\n!\n"

    def _version(self) -> str:
        release, serial = self.facts["release"], self.facts["serial"]
        return (
            f"Arista vEOS-lab\nHardware version: \nSerial number: {serial}\nHardware MAC address: 5254.0000.0001\n\n"
            f"Software image version: {release}\nArchitecture: x86_64\n\nUptime: 1 week\n"
        )

    @property
    def _newer(self) -> bool:
        return self._at_least((4, 32))

    def _at_least(self, release: tuple[int, int]) -> bool:
        return tuple(int(part) for part in re.findall(r"\d+", self.facts["release"])[:2]) >= release

    @property
    def _waits(self) -> str:
        """The session whose timer runs."""
        return self.timer.kept.removeprefix("checkpoint-") if self.timer else ""

    def _json(self) -> str:
        """Fields by napalm and its issue 2166."""
        ended = "committed" if self._newer else "completed"
        sessions = {name: {"state": "pending", "instances": {}} for name in self.sessions}
        for name, user in self.done.items():
            state = "pendingCommitTimer" if name == self._waits and not self._newer else ended if user else "aborted"
            sessions[name] = {"state": state, "commitUser": user, "instances": {}}
        timed = {"commitTimerSessionName": self._waits, "commitTimerExpireTime": self.left} if self._waits and self._newer else {}
        return json.dumps({"sessions": sessions, "maxOpenSessions": MOST, **timed}, indent=4) + "\n"

    def _sessions(self, detail: bool) -> str:
        newer, waits = self._newer, self._waits
        rows = [(name, "pending", "", "") for name in self.sessions]
        for name, user in self.done.items():
            if name == waits:
                hours, rest = divmod(self.left, 3600)
                left = f"{hours}h{rest // 60}m{rest % 60}s" if hours else f"{rest // 60}m{rest % 60}s"
                rows.append((name, "committed" if newer else "pendingCommitTimer", user if newer else "", "" if newer else left))
            else:
                state = "committed" if newer else "completed"
                rows.append((name, state if user else "aborted", user, ""))
        head = "Maximum number of completed sessions: 1\nMaximum number of pending sessions: 5\n"
        if newer:
            head += "Merge on commit is disabled\nAutosave to startup-config on commit is disabled\n\n"
        if newer and waits and detail:
            clock = f"{self.left // 3600}:{self.left // 60 % 60:02}:{self.left % 60:02}"
            head += f"Session with pending commit timer: {waits}\nTime left until commit timer expiry: in {clock}\n"
        last = ("Completed Time      Committed By" if newer else "Commit Time Left") if detail else ""
        body = "".join(f"  {name:20} {state:18} {self._last(newer, by, left) if detail else ''}\n" for name, state, by, left in rows)
        return f"{head}\n  {'Name':20} {'State':18} {last}\n  {'-' * 20} {'-' * 18} {'-' * len(last)}\n{body}\n"

    @staticmethod
    def _last(newer: bool, by: str, left: str) -> str:
        return f"{DAY if by else '':19} {by}" if newer else left


DEVICE = Eos
