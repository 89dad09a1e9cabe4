"""Starts, kills and looks into an emulated device of tests/emulators/devices, and finds what Ansible needs to log in to it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .platforms import ENABLE, PLATFORMS

TOP = Path(__file__).parents[2]
USER, PASSWORD = "netops", "a-password-nobody-may-see"
OTHER = "colleague"
PACKAGE = next(line.strip() for line in (TOP / "requirements-molecule.txt").read_text(encoding="utf-8").splitlines() if line.startswith("ansible=="))
COLLECTIONS = (
    *("ansible/netcommon/", "ansible/utils/", "cisco/ios/", "arista/eos/", "junipernetworks/junos/", "vyos/vyos/"),
    "fortinet/fortios/plugins/httpapi/",
)

# How a prompt ends, of any platform and of what it asks.
PROMPT = re.compile(r"(?:[>#]|:~\$) ?$|(?:Password: |--More-- |---\(more\)---|\n:|\[Y/n\] |\[yes,no\] \(yes\) |\[(?:yes/)?no\]: )$")


def network_collections() -> Path:
    """A collections path with network_cli and what it needs, out of the package that Molecule uses, taken once."""
    made = TOP / "build/network"
    made.mkdir(parents=True, exist_ok=True)
    stamp = made / " ".join((PACKAGE, *(name.rstrip("/").replace("/", ".") for name in COLLECTIONS)))
    with (made / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file():
            with tempfile.TemporaryDirectory(dir=made) as folder:
                pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", folder, PACKAGE]
                subprocess.run(pip, check=True)
                (wheel,) = Path(folder).glob("*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    wanted = tuple(f"ansible_collections/{name}" for name in COLLECTIONS)
                    archive.extractall(made, [name for name in archive.namelist() if name.startswith(wanted)])
            stamp.touch()
    return made


@lru_cache(maxsize=1)
def host_key() -> bytes:
    """The same for all of them: it takes its time."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


class Emulated:
    """One device.  release: what it says it is, train: the same as its configuration names it; minute: seconds that one of its minutes takes."""

    ports: tuple[int, ...] = ()
    process: subprocess.Popen[str] | None = None

    def __init__(
        self,
        folder: Path,
        train: str = "",
        release: str = "",
        ssh: str | None = None,
        minute: float = 60,
        startup: str = "",
        platform: str = "ios",
        serial: str = "9EMULATED01",
    ) -> None:
        self.folder, self.platform, self.kind = folder, platform, PLATFORMS[platform]
        folder.mkdir(parents=True, exist_ok=True)
        users = {USER: PASSWORD, OTHER: PASSWORD}
        facts = {"platform": platform, "release": release or self.kind.release, "serial": serial, "enable": ENABLE, "minute": minute, "users": users}
        (folder / "device.json").write_text(json.dumps(facts), encoding="utf-8")
        lists = self.kind.ssh if ssh is None else ssh
        text = (startup or self.kind.startup).format(train=train or self.kind.train, ssh=lists, user=USER)
        (folder / "startup").write_text(text, encoding="utf-8")
        (folder / "host_key").write_bytes(host_key())
        self.start()

    def start(self) -> None:
        argv = [sys.executable, str(Path(__file__).parent / "devices"), str(self.folder), *map(str, self.ports)]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout
        self.ports = tuple(int(port) for port in self.process.stdout.readline().split())
        self.port = self.ports[0]

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def reboot(self) -> None:
        self.kill()
        self.start()

    def fault(self, **faults: object) -> None:
        """Of one at a time; none takes it away."""
        new = self.folder / "faults.new"
        new.write_text(json.dumps(faults), encoding="utf-8")
        new.rename(self.folder / "faults.json")

    def text(self, which: str = "running") -> str:
        return (self.folder / which).read_text(encoding="utf-8")

    def until(self, text: str) -> None:
        """Raises AssertionError when that does not come to run."""
        for dummy in range(400):
            if self.text() == text:
                return
            time.sleep(0.1)
        raise AssertionError(self.text())

    def ssh(self, word: str, which: str = "running") -> str:
        """The list of its SSH server, as the platform calls it; "" without a line."""
        head = self.kind.head.format(word)
        return " ".join(line.removeprefix(head).strip("'") for line in self.text(which).splitlines() if line.startswith(head))

    def variables(self, **more: object) -> dict[str, Any]:
        """As the inventory has it."""
        become = {"ansible_become": True, "ansible_become_method": "ansible.netcommon.enable", "ansible_become_password": ENABLE}
        return {
            "ansible_connection": "ansible.netcommon.network_cli",
            "ansible_network_os": self.kind.system,
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": USER,
            "ansible_password": PASSWORD,
            **(become if self.kind.privileged else {}),
            "ansible_host_key_checking": False,
            "ansible_network_cli_ssh_type": "paramiko",
            "ansible_paramiko_timeout": 60,  # for busy machines
            "ansible_command_timeout": 60,
            "agility_out_of_band": "the console server",
            **more,
        }


@contextmanager
def power_comes_back(device: Emulated) -> Iterator[None]:
    """Within it the device is started again whenever it lost its power."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            if device.process and device.process.poll() is not None:
                device.start()

    again = threading.Thread(target=watch)
    again.start()
    try:
        yield
    finally:
        stop.set()
        again.join()


def playbook(folder: Path, verb: str, hosts: dict[str, dict[str, Any]], *more: str, **variables: object) -> tuple[str, dict[str, dict[str, Any]]]:
    """What the terminal shows, and the result of each host that has one; as a user runs it."""
    argv, environment = command(folder, verb, hosts, *more, **variables)
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    paths_of = {name: folder / f"out/hosts/{name}.json" for name in hosts}
    return done.stdout + done.stderr, {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths_of.items() if path.is_file()}


def command(folder: Path, verb: str, hosts: dict[str, dict[str, Any]], *more: str, **variables: object) -> tuple[list[str], dict[str, str]]:
    """How a playbook is run in that folder: its command, and its environment."""
    setting = "callbacks_enabled = quantumsafe.agility.summary\nhost_key_checking = False"
    paths = f"{TOP / 'collections'}:{network_collections()}"
    (folder / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {paths}\n{setting}\n", encoding="utf-8")
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    said = {"agility_output": "out", **variables}
    argv = ["ansible-playbook", "-i", "hosts.yml", f"quantumsafe.agility.{verb}", "-e", json.dumps(said), *more]
    return argv, {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "NO_COLOR": "1"}


def terminal(port: int, commands: Sequence[str], user: str = USER) -> str:
    """What a person sees who logs in and types that."""
    import paramiko

    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", port, user, PASSWORD, look_for_keys=False, allow_agent=False, timeout=20)
    shell = client.invoke_shell()
    shell.settimeout(20)
    seen = ""
    try:
        for command in (None, *commands):
            if command is not None:
                shell.sendall(f"{command}\r" if command != " " else " ")
            begun = len(seen)
            while not PROMPT.search(seen[begun:]):
                got = shell.recv(4096).decode()
                if not got:
                    return seen
                seen += got
    finally:
        client.close()
    return seen
