"""A host in a folder for the real agent: its own state, units, cron, boot id, uptime, service manager and daemon.

Only the places that the agent names are moved.  The service manager is a fake outside the traced tree, as the real one is: it keeps the
poller alive and runs at a boot what is found in its folders.  The daemon "demo" remembers the files as it last loaded them.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Literal

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer

from .tracing import KILLED, Call, Fault, read_log, serve, words

NONCE = "0123456789abcdef"
SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "ash": ("busybox", "ash"), "mksh": ("mksh",)}
PLACES = (
    "/var/lib/crypto-agility",
    "/etc/systemd/system",
    "/etc/cron.d",
    "/etc/rcS.d",
    "/etc/local.d",
    "/etc/inittab.d",
    "/etc/init.d/.depend",
    "/proc/1/exe",
    "/run/systemd/system",
    "/bin/sh",
    "/etc/machine-id",
    "/etc/ssh/ssh_host_",
)
CLOCKS = {"/proc/uptime": "/proc/uptime", "/proc/sys/kernel/random/boot_id": "/proc/boot_id", "/proc/1/stat": "/proc/stat"}
EARLIER, LATER = "100.00 1.00\n", "9000.00 1.00\n"

STUBS = {
    # Time is short here: every wait of the agent ends at once.
    "sleep": "exec /bin/sleep 0.02\n",
    "systemd-run": 'for unit; do case $unit in --unit=*) unit=${unit#*=}; break ;; esac; done\nwhile [ "$1" != ROOT/bin/sh ]; do shift; done\n'
    'printf "%s\\n" "$*" >"ROOT/pid1/$unit.start.new" && mv "ROOT/pid1/$unit.start.new" "ROOT/pid1/$unit.start"\n',
    "systemctl": "while [ $# -gt 0 ]; do case $1 in -p) shift 2 ;; -*) shift ;; *) break ;; esac; done\n"
    "case $1 in show) shift; while [ $# -gt 0 ]; do case $1 in -p) shift ;; *) printf 'Names=%s\\n' $1\n"
    "if [ $1 = demo.service ]; then printf 'MainPID=1\\nActiveState=active\\n\\n'; else printf 'ActiveState=inactive\\n\\n'; fi ;; esac; shift; done ;;\n"
    'reload | restart) echo "$*" >>ROOT/daemon/log; ROOT/stubs/load ;;\n'
    "stop) rm -f ROOT/pid1/${2%.service}.start; read -r pid <ROOT/pid1/${2%.service}.pid && kill $pid; : ;;\nesac 2>/dev/null\n",
    "service": 'echo "$2 $1" >>ROOT/daemon/log; [ $2 = status ] || ROOT/stubs/load\n',
    "cron": "",
    "getfattr": "",  # busybox alone does not tell attributes; no file has any then
    "logger": "",
    "load": 'for f in FILES; do [ -e "$f" ] && echo "$f" && cat "$f"; done >ROOT/daemon/new 2>/dev/null; mv ROOT/daemon/new ROOT/daemon/loaded\n',
    "check": "cat FILES >/dev/null 2>&1; :\n",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one script came to.  hit: whether the fault was reached; calls: what was counted."""

    output: str
    hit: bool
    calls: list[Call]
    report: answer.TransactionReport | None


@dataclass
class Machine:
    """files: what the daemon loads, relative to the machine's root."""

    root: Path
    shell: str = "dash"
    init: Literal["systemd", "cron"] = "systemd"
    files: tuple[str, ...] = ()
    change_text: Callable[[str], str] = lambda text: text
    endless: bool = False  # what runs now may never end, and is killed after a while
    pollers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.root / "var/lib/crypto-agility"

    @property
    def targets(self) -> list[Path]:
        return [self.root / name for name in self.files]

    def build(self) -> None:
        """A machine that was just installed; the caller adds its files."""
        self.stop()
        for entry in self.root.iterdir() if self.root.exists() else ():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        folders = ["etc/systemd/system", "etc/cron.d", "proc", "bin", "stubs", "pid1", "daemon", "var/lib"]
        for folder in folders + (["run/systemd/system"] if self.init == "systemd" else []):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        programs = self.root / "bin"
        if self.shell == "ash":  # a userland of busybox, as far as it has the utility
            busybox = shutil.which("busybox") or "busybox"
            for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
                (programs / name).symlink_to(busybox)
        (programs / "sh").unlink(missing_ok=True)
        (programs / "sh").symlink_to(shutil.which(SHELLS[self.shell][0]) or "sh") if len(SHELLS[self.shell]) == 1 else self._program(
            programs / "sh", f'exec {" ".join(SHELLS[self.shell])} "$@"\n'
        )
        for name, text in STUBS.items():
            self._program(self.root / "stubs" / name, text)
        (self.root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        self.boot_id("first", EARLIER)

    def _program(self, path: Path, text: str) -> None:
        files = " ".join(f"'{target}'" for target in self.targets)
        path.write_text("#!/bin/sh\n" + text.replace("ROOT", str(self.root)).replace("FILES", files))
        path.chmod(0o755)

    def boot_id(self, name: str, uptime: str) -> None:
        proc = self.root / "proc"
        (proc / "boot_id").write_text(f"{name}\n")
        (proc / "stat").write_text("1 (init) S " + " ".join(["0"] * 18) + " 1234 0\n")
        (proc / "uptime").write_text(uptime)

    def pass_the_deadline(self) -> None:
        (self.root / "proc/uptime").write_text(LATER)

    def place(self, text: str) -> str:
        """The script with the places of this machine, in one pass."""
        moved = {place: f"{self.root}{place}" for place in PLACES} | {old: f"{self.root}{new}" for old, new in CLOCKS.items()}
        pattern = "|".join(re.escape(place) for place in sorted(moved, key=len, reverse=True))
        return re.sub(rf"(?<![\w/])(?:{pattern})", lambda found: moved[found[0]], self.change_text(text))

    @property
    def environment(self) -> dict[str, str]:
        path = [self.root / "stubs", *([self.root / "bin"] if self.shell == "ash" else []), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return {"PATH": ":".join(map(str, path)), "LC_ALL": "C"}

    @property
    def under(self) -> list[Path]:
        return [self.root / "etc", self.root / "var"]

    def send(self, text: str, fault: Fault | None = None, answer_to: Callable[[str], None] | None = None) -> Outcome:
        """Feed the shell with this script, with a fault if any; `answer_to` is called after each counted call, or at the fault `ask`."""
        script = self.root / "sent"
        script.write_bytes(self.place(text).encode("utf-8", "surrogateescape"))
        return self.run([*SHELLS[self.shell], "-s"], script, fault, answer_to)

    def run(
        self, command: list[str], stdin: Path | None = None, fault: Fault | None = None, answer_to: Callable[[str], None] | None = None
    ) -> Outcome:
        log = self.root / "calls"
        log.unlink(missing_ok=True)
        pipes: list[int] = []
        failed: list[Exception] = []

        def act(line: str) -> None:
            try:
                if answer_to:
                    answer_to(line)
            except Exception as error:  # whatever it is: it must end the run, not a thread
                failed.append(error)

        if answer_to:
            asked, ask, heard, hear = *os.pipe(), *os.pipe()
            pipes = [heard, ask]
            command = words(fault or Fault(), self.under, self.root / "stubs", log, (heard, ask)) + command
        elif fault:
            command = words(fault, self.under, self.root / "stubs", log) + command
        with (stdin or Path("/dev/null")).open("rb") as source, (self.root / "said").open("wb") as said:
            process = subprocess.Popen(
                command, stdin=source, stdout=said, stderr=subprocess.DEVNULL, env=self.environment, start_new_session=True, pass_fds=pipes
            )
            for pipe in pipes:
                os.close(pipe)
            if answer_to:
                server = Thread(target=serve, args=(asked, hear, act))
                server.start()
            self._attend(process)
            if answer_to:
                server.join()
        if failed:
            raise failed[0]
        output = (self.root / "said").read_bytes().decode("utf-8", "replace")
        calls = read_log(log) if log.exists() else []
        hit = bool(fault and fault.name and any(call.number >= fault.at for call in calls))
        if process.returncode == KILLED:
            return Outcome(output, hit, calls, None)
        try:
            return Outcome(output, hit, calls, answer.parse_transaction(output, NONCE))
        except answer.NoAnswer:
            return Outcome(output, hit, calls, None)

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """What the service manager does while somebody waits."""
        until = time.monotonic() + (1.5 if self.endless else 120)
        while process.poll() is None:
            self.manage()
            time.sleep(0.003)
            if time.monotonic() > until:
                os.killpg(process.pid, signal.SIGKILL)
                if self.endless:
                    break
                raise TimeoutError(f"a run did not end: {(self.root / 'said').read_bytes()[-500:]!r}")
        process.wait()

    def manage(self) -> None:
        """Start the pollers that were asked for, and again those that failed."""
        for asked in (self.root / "pid1").glob("*.start"):
            unit = asked.name.removesuffix(".start")
            running = self.pollers.get(unit)
            if running and running.poll() == 0:
                asked.unlink(missing_ok=True)
            elif not running or running.poll() is not None:
                try:
                    command = asked.read_text().split()
                except FileNotFoundError:
                    continue
                null = subprocess.DEVNULL
                started = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, env=self.environment, start_new_session=True)
                (self.root / "pid1" / f"{unit}.pid").write_text(f"{started.pid}\n")
                self.pollers[unit] = started

    def await_pollers(self, seconds: float = 120) -> bool:
        """Whether all pollers came to their own end in this time: long, for only one that never ends breaks a promise, not a busy machine."""
        until = time.monotonic() + seconds
        # One that was told to stop ends what it is at.
        while list((self.root / "pid1").glob("*.start")) or any(poller.poll() is None for poller in self.pollers.values()):
            self.manage()
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def stop(self) -> None:
        """The power goes: nothing runs any more."""
        for poller in self.pollers.values():
            if poller.poll() is None:
                os.killpg(poller.pid, signal.SIGKILL)
            poller.wait()
        self.pollers.clear()
        for asked in (self.root / "pid1").glob("*"):
            asked.unlink()

    def boot(self) -> None:
        """Another boot: what systemd finds on the disk runs before the daemon starts; cron runs it when the daemon has started already."""
        self.stop()
        self.boot_id("second", EARLIER)
        commands = []
        if self.init == "systemd":
            for link in sorted((self.root / "etc/systemd/system/sysinit.target.wants").glob("*")):
                unit = link.read_text() if link.exists() else ""
                commands += [line.partition("=")[2].split() for line in unit.splitlines() if line.startswith("ExecStart=")]
        else:
            lines = [line for hook in sorted((self.root / "etc/cron.d").glob("*")) for line in hook.read_text().splitlines()]
            commands += [line.split()[2:] for line in lines if line.startswith("@reboot root ")]
        if self.init == "cron":
            self.load()
        for command in commands:
            if Path(command[0]).exists():
                self.run(command)
        if self.init == "systemd":
            self.load()

    def load(self) -> None:
        """The daemon reads its files."""
        subprocess.run([self.root / "stubs/load"], env=self.environment, check=False)

    def keep(self, image: Path) -> None:
        """The disk as it is now, hard links, times and attributes included."""
        shutil.rmtree(image, ignore_errors=True)
        image.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", str(self.root), str(image)], check=True)

    def restore(self, image: Path, pollers: bool = True) -> None:
        """That disk again, in the same boot; what the service manager kept alive then is alive if `pollers`."""
        self.stop()
        for entry in self.root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        subprocess.run(["cp", "-a", f"{image}/.", str(self.root)], check=True)
        for stale in (self.root / "pid1").glob("*.pid" if pollers else "*"):
            stale.unlink()
        self.manage()
