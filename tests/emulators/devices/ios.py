"""The emulated Cisco IOS-XE device: running, startup, an archive, and `configure terminal revert timer`."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path

import ios_pki
from device import Device
from https import certificate, door
from ios_config import MODES, Config, invalid
from shell import Enabled

NO_TIMER = "%No Rollback Confirmed Change pending"
NO_ARCHIVE = "%Turn config archive on before using Rollback Confirmed Change"
MOST = 120  # minutes of a timer
SHORT = {"conf t": "configure terminal", "wr": "write memory", "sh run": "show running-config", "sh ver": "show version", "en": "enable"}


class Shell(Enabled):
    short = SHORT
    invalid = staticmethod(invalid)

    @property
    def prompt(self) -> str:
        name = self.device.config.value("hostname")
        if not self.configuring:
            return f"{name}{'#' if self.privileged else '>'}"
        if self.mode.startswith(ios_pki.POINT):
            return f"{name}(ca-trustpoint)#"
        sub = next((f"-{mode}" for head, mode in MODES.items() if self.mode.startswith(head)), "")
        return f"{name}(config{sub})#"

    async def do(self, command: str) -> str:
        if not self.configuring or not ios_pki.mine(command):
            return await super().do(command)
        if self.device.rejects():
            return INVALID
        self.mode = ""
        return str(await self.device.pki.do(self, command))

    def anybody(self, command: str) -> str:
        if command == "show privilege":
            return f"Current privilege level is {15 if self.privileged else 1}\n"
        if found := re.fullmatch(r"terminal (length|width) (\d+)", command):
            self.length = int(found[2]) if found[1] == "length" else self.length
            return ""
        return super().anybody(command)

    def privilege(self, command: str) -> str:
        device = self.device
        table = {
            "write memory": device.write,
            "configure confirm": lambda: device.confirm(self.user),
            "configure revert now": device.revert,
            "configure terminal": self._enter,
        }
        if command in table:
            return str(table[command]())
        found = re.fullmatch(r"configure terminal revert timer (\d{1,3})", command)
        return self._arm(int(found[1])) if found and 1 <= int(found[1]) <= MOST else invalid(command)

    def _enter(self) -> str:
        self.configuring = True
        return "Enter configuration commands, one per line.  End with CNTL/Z.\n"

    def _arm(self, minutes: int) -> str:
        if said := self.device.backup(minutes, self.user):
            return str(said)
        path = f"{self.device.config.archive_path}-{self.device.timer.kept}"
        return (
            f"Rollback Confirmed Change: Backing up current running config to {path}\n\n{self._enter()}"
            f"Rollback Confirmed Change: Rollback will begin in {minutes} minutes.\n"
            'Enter "configure confirm" if you wish to keep what you\'ve configured\n\n'
        )

    def configure(self, command: str) -> str:
        if command == "end" or (command == "exit" and not self.mode):
            self.configuring, self.mode = False, ""
            return ""
        if command == "exit":
            self.mode = ""
            return ""
        said, self.mode = self.device.line(command, self.mode)
        return str(said)


TRUSTPOINT = "ip http secure-trustpoint"
INVALID = "% Invalid input detected at '^' marker.\n"
SPELLED = {"aes128-gcm": ("aes128-gcm@openssh.com",), "aes256-gcm": ("aes256-gcm@openssh.com",)}


class Ios(Device):
    shell, CONFIG = Shell, Config
    ASYNCSSH = SPELLED

    def __init__(self, folder: Path) -> None:
        self.pki = ios_pki.Pki(folder)
        super().__init__(folder)
        self.shown = self.config.value(TRUSTPOINT)
        (folder / "pending.json").unlink(missing_ok=True)  # a restart is the old configuration

    def line(self, command: str, mode: str) -> tuple[str, str]:
        if self.rejects():
            return INVALID, mode
        said: tuple[str, str] = self.config.enter(command, mode)
        if command == "ip http secure-server" and not self.fault("stuck"):
            self.shown = self.config.value(TRUSTPOINT)
        self.keep("running", self.config.text)
        return said

    def write(self) -> str:
        if self.fault("ignore_write"):
            return "startup-config file open failed (Not enough space)\n"
        self.keep("startup", self.pki.saved(self.config.text))
        return "Building configuration...\n[OK]\n"

    def take(self, text: str) -> None:
        super().take(self.pki.whole(text))

    @property
    def before(self) -> str:
        return self.pki.whole(self.startup)

    def opens(self, port: int, *more: int) -> tuple[int, ...]:
        """HTTPS where a line says so, and which port."""
        if self.config.value("ip http secure-port"):
            door(int(self.config.value("ip http secure-port")), self.tls)
        return ()

    def tls(self) -> ssl.SSLContext:
        """Of one version, and of the suites that OpenSSL calls otherwise only those of TLS 1.2.  Faults: stale, it shows another certificate only
        once HTTPS was started anew; stuck, it never does."""
        name = self.shown if self.fault("stale") or self.fault("stuck") else self.config.value(TRUSTPOINT)
        if "ip http secure-server" not in self.config.text.splitlines():
            raise ssl.SSLError("it is off")
        if name:
            context = self.pki.context(self.config, name)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate(self, "edge1"))
        if version := self.config.value("ip http tls-version"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace(".0", "").replace(".", "_")]
        return context

    # ------------------------------------------------------------ the timer

    def backup(self, minutes: int, user: str) -> str:
        """What is said when the timer cannot be armed, "" when it is."""
        if not self.config.archive_path:
            return NO_ARCHIVE + "\n"
        if self.timer:
            return "%Rollback Confirmed Change is already in progress\n"
        if self.fault("archive_full"):
            return "%Error opening archive (No space left on device)\n"
        name = f"archive-{len(list(self.folder.glob('archive-*'))) + 1}"
        self.keep(name, self.config.text)
        asyncio.get_running_loop().call_later((minutes - 1) * self.minute, self._warn, name)
        self.arm(minutes, user, name)
        return ""

    def _warn(self, name: str) -> None:
        if self.timer and self.timer.kept == name:
            self.announce(
                'Rollback Confirmed Change: Rollback will begin in one minute.\nEnter "configure confirm" if you wish to keep what you\'ve configured\n'
            )

    def confirm(self, user: str) -> str:
        if not self.timer:
            return NO_TIMER + "\n"
        if user != self.timer.user:
            return "%Rollback Confirmed Change was armed by another user\n"
        if not self.fault("ignore_confirm"):
            self.disarm()
        return ""

    def revert(self) -> str:
        if not self.timer:
            return NO_TIMER + "\n"
        name = self.disarm().kept
        if ios_pki.chains(self.read(name)) != ios_pki.chains(self.config.text):
            self.announce("Rollback Confirmed Change: Failed to apply command certificate\nAborting Rollback.\n\n")
            return ""
        self.take(self.read(name))
        self.announce(f"Rollback Confirmed Change: Rolling to:{self.config.archive_path}-{name}\n\nTotal number of passes: 1\nRollback Done\n\n")
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
        return (
            "Time configured(or reconfigured): 10:00:00 UTC Fri Nov 27 2026\nTimer type: absolute timer\n"
            f"Timer value: {self.timer.minutes} min\nUser: {self.timer.user}\nTime left: {self.left} seconds\n"
        )


DEVICE = Ios
