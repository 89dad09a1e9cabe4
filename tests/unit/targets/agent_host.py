"""A host for the real agent: its own state folder and service manager in a temporary folder, the shell of choice, no systemd.

Nothing of the agent is replaced but the places that it names: /var/lib/crypto-agility, /etc/cron.d, /run/systemd/system and /bin/sh.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, Identity, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script

T = TypeVar("T")

SHELLS: Mapping[str, tuple[str, ...]] = {
    "dash": ("dash",),
    "bash": ("bash", "--posix"),
    "ash": ("busybox", "ash"),
    "mksh": ("mksh",),
}
NONCE = "0123456789abcdef"
TOKEN = "a token that only the controller knows"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()

# The service manager of a host without systemd, and a checker.  Both write down what they were asked.
SERVICE = """#!/bin/sh
echo "$*" >>{root}/service.log
[ ! -e {root}/service-hangs ] || sleep 600
[ "$2" = status ] || [ ! -e {root}/service-fails ]
"""
CHECK = """#!/bin/sh
echo "$(cat "$1")" >>{root}/check.log
! grep -q BAD "$1" || {{ echo "$1:1: BAD is no setting" >&2; exit 1; }}
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Host:
    """One machine: `etc` holds what may be changed, `state` is /var/lib/crypto-agility."""

    root: Path
    shell: str
    etc: Path = field(init=False)
    state: Path = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        self.etc, self.state, programs = self.root / "etc", self.root / "state", self.root / "bin"
        for folder in (self.etc, programs, self.root / "cron.d", self.root / "ssh"):
            folder.mkdir()
        if self.shell == "ash":  # a userland of busybox alone, as far as it has the utility
            busybox = shutil.which("busybox") or ""
            for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
                (programs / name).symlink_to(busybox)
            (programs / "sh").unlink()
            self._program("getfattr", "#!/bin/sh\n")  # the package attr, and no file has any
        self._program("sh", f'#!/bin/sh\nexec {" ".join(SHELLS[self.shell])} "$@"\n')
        self._program("cron", "#!/bin/sh\n")
        self._program("service", SERVICE.format(root=self.root))
        self._program("check", CHECK.format(root=self.root))

    def _program(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def place(self, text: str) -> str:
        """The script with the places of this host."""
        moved = {
            "/var/lib/crypto-agility": str(self.state),
            "/etc/cron.d": str(self.root / "cron.d"),
            "/etc/rcS.d": str(self.root / "rcS.d"),
            "/etc/local.d": str(self.root / "local.d"),
            "/etc/inittab.d": str(self.root / "inittab.d"),
            "/etc/init.d/.": f"{self.root}/init.d/.",
            "/proc/1/exe": str(self.root / "init"),
            "/run/systemd/system": str(self.root / "no-systemd"),
            "/etc/ssh/ssh_host_": f"{self.root}/ssh/ssh_host_",
            "/bin/sh": str(self.root / "bin" / "sh"),
        }
        for old, new in moved.items():
            text = text.replace(old, new)
        return text

    def send(self, text: str, user: int = 0) -> str:
        """Standard output of the host's shell fed with this script."""
        return self.start(text, user).communicate(timeout=60)[0].decode()

    def start(self, text: str, user: int = 0) -> subprocess.Popen[bytes]:
        self.sent += 1
        path = self.root / f"sent{self.sent}"
        path.write_bytes(self.place(text).encode("utf-8", "surrogateescape"))
        environment = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C"}
        with path.open("rb") as script_file:
            return subprocess.Popen(
                [*SHELLS[self.shell], "-s"],
                stdin=script_file,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                user=user,
                process_group=0,
            )

    def ask(self, text: str, parse: Callable[[str, str], T]) -> T:
        return parse(self.send(text), NONCE)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.etc / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def host_key(self, name: str) -> Path:
        """The public half of a host key of sshd, as far as the agent looks at it."""
        path = self.root / "ssh" / f"ssh_host_{name}_key.pub"
        path.write_text(f"ssh-{name} AAAA\n")
        return path

    def transaction(self, *changes: script.AnyChange, id_: str = "t-1", seconds: int = 60, check: str = "") -> script.Transaction:
        words = (str(self.root / "bin" / "check"), check) if check else ("true",)
        activations = (Activation("demo", ("demo.service",), (), words, "reload"),)
        return script.Transaction(id_, seconds, Identity(), "a test", changes, activations, DIGEST)

    def apply(self, *changes: script.AnyChange, id_: str = "t-1", seconds: int = 60, check: str = "") -> answer.TransactionReport:
        transaction = self.transaction(*changes, id_=id_, seconds=seconds, check=check)
        return self.ask(script.compose_apply(transaction, {}, NONCE), answer.parse_transaction)

    def confirm(self, id_: str = "t-1", token: str = TOKEN) -> answer.TransactionReport:
        return self.ask(script.compose_confirm(id_, token, NONCE), answer.parse_transaction)

    def revert(self, id_: str = "t-1", reason: str = "a test") -> answer.TransactionReport:
        return self.ask(script.compose_revert(id_, reason, NONCE), answer.parse_transaction)

    def status(self, id_: str = "t-1") -> answer.TransactionReport:
        return self.ask(script.compose_status(id_, NONCE), answer.parse_transaction)

    def snapshot(self, output: str) -> Snapshot:
        return answer.parse_snapshot(output, NONCE, "host", "2026-01-01")

    def beside(self) -> list[str]:
        """Names in `etc` that are ours."""
        return sorted(path.name for path in self.etc.rglob(".*") if ".ca-" in path.name)

    def watchers(self) -> list[int]:
        """Processes that still run our agent."""
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = process.read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(str(self.state).encode()) for word in words):
                found.append(int(process.parent.name))
        return found

    def wait(self, state: str, id_: str = "t-1", seconds: float = 20) -> answer.TransactionReport:
        until = time.monotonic() + seconds
        while (report := self.status(id_)).state != state and time.monotonic() < until:
            time.sleep(0.2)
        return report

    def end(self) -> None:
        for pid in self.watchers():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue


def replace_line(path: Path, line: int, text: str, after: str = "") -> Change:
    """One line of a file of the host becomes `text`."""
    return Change(str(path), sha256(path), (Edit(line, 1, (text,)),), after)
