"""Starts, kills and looks into the emulated devices (here that of tests/emulators/ios), and finds what Ansible needs to log in to it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

TOP = Path(__file__).parents[2]
USER, PASSWORD, ENABLE = "netops", "a-password-nobody-may-see", "an-enable-secret"
OTHER = "colleague"
PACKAGE = next(line.strip() for line in (TOP / "requirements-molecule.txt").read_text(encoding="utf-8").splitlines() if line.startswith("ansible=="))
COLLECTIONS = ("ansible/netcommon/", "ansible/utils/", "cisco/ios/", "arista/eos/", "fortinet/fortios/plugins/httpapi/")

STARTUP = """\
version {train}
hostname edge1
!
username {user} secret 9 CANARY-secret
archive
 path flash:archive
 maximum 10
!
crypto ikev2 proposal OLD
 encryption aes-cbc-256 3des
 integrity sha256
 group 14
!
snmp-server community CANARY-community RO
interface GigabitEthernet1
 description the uplink, not found in any plan
 ip address 192.0.2.1 255.255.255.0
!
ip ssh version 2
{ssh}line vty 0 4
 transport input ssh
!
end
"""
SSH = "ip ssh server algorithm kex curve25519-sha256 diffie-hellman-group14-sha256 diffie-hellman-group14-sha1\n"


def network_collections() -> Path:
    """A collections path with network_cli and what it needs, out of the package that Molecule uses, taken once."""
    made = TOP / "build/network"
    made.mkdir(parents=True, exist_ok=True)
    taken = made / f"{PACKAGE}-{hashlib.sha256(' '.join(COLLECTIONS).encode()).hexdigest()[:8]}"
    with (made / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not taken.is_file():
            with tempfile.TemporaryDirectory(dir=made) as folder:
                pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", folder, PACKAGE]
                subprocess.run(pip, check=True)
                (wheel,) = Path(folder).glob("*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    wanted = tuple(f"ansible_collections/{name}" for name in COLLECTIONS)
                    archive.extractall(made, [name for name in archive.namelist() if name.startswith(wanted)])
            taken.touch()
    return made


class Emulated:
    """One device.  train, release: what it says it is; minute: seconds that one of its minutes takes."""

    emulator = "ios"
    ports: tuple[int, ...] = ()
    process: subprocess.Popen[str] | None = None

    def __init__(
        self, folder: Path, train: str = "26.1", release: str = "26.01.01", ssh: str = SSH, minute: float = 60, startup: str = STARTUP
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"release": release, "serial": "9EMULATED01", "enable": ENABLE, "minute": minute, "users": {USER: PASSWORD, OTHER: PASSWORD}}
        (folder / "device.json").write_text(json.dumps(facts), encoding="utf-8")
        (folder / "startup").write_text(startup.format(train=train, ssh=ssh, user=USER), encoding="utf-8")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (folder / "host_key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        self.start()

    def start(self) -> None:
        argv = [sys.executable, str(Path(__file__).parent / self.emulator), str(self.folder), *map(str, self.ports)]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout
        self.ports = tuple(int(port) for port in self.process.stdout.readline().split())
        self.port = self.ports[0]

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

    def ssh(self, word: str, which: str = "running") -> str:
        """The list of its SSH server, "" without a line."""
        head = f"ip ssh server algorithm {word} "
        return next((line.removeprefix(head) for line in self.text(which).splitlines() if line.startswith(head)), "")

    def variables(self, **more: object) -> dict[str, Any]:
        """As the inventory has it."""
        return {
            "ansible_connection": "ansible.netcommon.network_cli",
            "ansible_network_os": "cisco.ios.ios",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": USER,
            "ansible_password": PASSWORD,
            "ansible_become": True,
            "ansible_become_method": "ansible.netcommon.enable",
            "ansible_become_password": ENABLE,
            "ansible_host_key_checking": False,
            "ansible_network_cli_ssh_type": "paramiko",
            "ansible_paramiko_timeout": 60,  # for busy machines
            "ansible_command_timeout": 60,
            "agility_out_of_band": "the console server",
            **more,
        }


def playbook(folder: Path, verb: str, hosts: dict[str, dict[str, Any]], *more: str, **variables: object) -> tuple[str, dict[str, dict[str, Any]]]:
    """What the terminal shows, and the result of each host that has one; as a user runs it."""
    setting = "callbacks_enabled = quantumsafe.agility.summary\nhost_key_checking = False"
    paths = f"{TOP / 'collections'}:{network_collections()}"
    (folder / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {paths}\n{setting}\n", encoding="utf-8")
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    said = {"agility_output": "out", **variables}
    argv = ["ansible-playbook", "-i", "hosts.yml", f"quantumsafe.agility.{verb}", "-e", json.dumps(said), *more]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "NO_COLOR": "1"}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    paths_of = {name: folder / f"out/hosts/{name}.json" for name in hosts}
    return done.stdout + done.stderr, {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths_of.items() if path.is_file()}


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
            while not seen[begun:].endswith((">", "#", "Password: ", "--More-- ")):
                got = shell.recv(4096).decode()
                if not got:
                    return seen
                seen += got
    finally:
        client.close()
    return seen
