"""A terminal of an emulated device by paramiko alone, in the shape of targets/cli.py: for tests of what is said, not of network_cli."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import paramiko
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.keeping import END
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Rejected
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.host import Unreachable

from .appliance import PASSWORD, USER, Emulated
from .platforms import ENABLE

PROMPT = re.compile(r"edge1(?:\([\w-]*\))?(?:[>#]|:~\$) ?$|\[(?:Y/n\]|yes,no\] \(yes\)) $")  # a question is one, too


class Direct:
    def __init__(self, device: Emulated, user: str = USER) -> None:
        self.device, self.user = device, user
        self.system = device.kind.system
        self.port, self.asked, self.client = device.port, 0, None

    def open(self) -> Direct:
        self.close()
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        try:
            client.connect("127.0.0.1", self.port, self.user, PASSWORD, look_for_keys=False, allow_agent=False, timeout=20, banner_timeout=20)
            self.client, self.shell = client, client.invoke_shell()
            self.shell.settimeout(20)
            for command in self.device.kind.enter:
                self._until("Password: " if command == "enable" else "", sends=command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            client.close()
            raise Unreachable(str(error) or "no login") from error
        return self

    def close(self) -> None:
        if self.client:
            self.client.close()
        self.client = None

    def ask(self, command: str, question: str = "", answer: str = "") -> str:
        if not self.client:
            self.open()
        self.asked += 1
        try:
            while self.shell.recv_ready():
                self.shell.recv(4096)
            seen = self._until(sends=command)
            if question and re.search(question, seen):
                seen += self._until(sends=answer)
            return seen.partition(command)[2]
        except (paramiko.SSHException, OSError, EOFError) as error:
            self.close()
            raise Unreachable(f"no answer to `{command}`: {error}") from error

    def talk(self, command: str, asks: str, replies: Sequence[tuple[str, str]] = ()) -> str:
        if not self.client:
            self.open()
        self.asked += 1
        try:
            heard = self._until(sends=command, asks=asks)
            while re.search(asks, heard):
                answer = next((answer for question, answer in replies if re.search(question, heard, re.DOTALL)), None)
                if answer is None:
                    self.close()
                    raise Rejected(f"`{command}` asks what is not known here: {heard[-200:]}")
                heard += self._until(sends=answer.replace("\n", "\r"), asks=asks)
            return heard
        except (paramiko.SSHException, OSError, EOFError) as error:
            self.close()
            raise Unreachable(f"no answer to `{command}`: {error}") from error

    def negotiated(self) -> dict[str, str]:
        return {}

    def _until(self, end: str = "", sends: str = "", asks: str = "") -> str:
        """What it says from the echo of the command on until a prompt; what the device says by itself comes with one, too."""
        self.shell.sendall(sends if sends.endswith(END) else f"{sends}\r")
        seen, until = "", time.monotonic() + 20
        while time.monotonic() < until:
            got = self.shell.recv(4096).decode()
            if not got:
                raise EOFError("the connection ended")
            seen += got.replace("\r\n", "\n")
            heard = seen.partition(sends.rstrip(END).replace("\r", "\n"))[2] if sends not in ("", ENABLE) else seen
            if heard.endswith(end) if end else PROMPT.search(heard) or (asks and re.search(asks, heard)):
                return seen
        raise EOFError("no prompt")
