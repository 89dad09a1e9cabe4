"""A host on which the agent for an account of least privilege is installed, in the places of a temporary folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, Identity, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, installed, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data

from .agent_host import DIGEST, NONCE, SHELLS, TOKEN, Host

SSHD = "Include {etc}/ssh/sshd_config.d/*.conf\nPermitRootLogin no\nCiphers aes128-cbc,aes256-ctr # ours\nMatch User x\n  X11Forwarding no\n"
SITE = "server {{\n  listen 443 ssl; server_name a;\n  ssl_protocols TLSv1 TLSv1.2;\n  auth_basic_user_file {etc}/nginx/.htpasswd;\n}}\n"
NGINX = "events {{}}\nhttp {{\n  include {etc}/nginx/sites-enabled/*;\n  include conf.d/*.conf;\n}}\n"
PROGRAM = '#!/bin/sh\necho "{name} $*" >>{root}/ran.log\n[ ! -e {root}/{name}-fails ]\n'
COLLECTS = {name: service.collect for name, service in SERVICES.items()}


class Installed:
    """`ssh` and `nginx` below host.etc stand for the folders in /etc."""

    def __init__(self, host: Host) -> None:
        self.host, self.etc, self.agent = host, host.etc, host.root / "agent"
        for folder in ("ssh/sshd_config.d", "nginx/conf.d", "nginx/sites-enabled"):
            (self.etc / folder).mkdir(parents=True)
        for name, text in (("ssh/sshd_config", SSHD), ("nginx/nginx.conf", NGINX), ("nginx/sites-enabled/site", SITE)):
            host.write(name, text.format(etc=self.etc))
        host.write("nginx/.htpasswd", "bob:secret-hash\n")
        for name in ("sshd", "nginx"):
            host._program(name, PROGRAM.format(root=host.root, name=name))
        self.install(self.place(installed.text()))

    def install(self, text: str) -> None:
        self.agent.write_text(text)
        self.sha256 = hashlib.sha256(self.agent.read_bytes()).hexdigest()

    def place(self, text: str) -> str:
        moved = {
            "PATH=/usr/local": f"PATH={self.host.root / 'bin'}:/usr/local",
            "/etc/ssh": str(self.etc / "ssh"),
            "/etc/nginx": str(self.etc / "nginx"),
        }
        text = self.host.place(text)
        for old, new in moved.items():
            text = text.replace(old, new)
        return text

    def send(self, data: str, environment: dict[str, str] | None = None) -> str:
        """What the agent says to this data."""
        command = [*SHELLS[self.host.shell], str(self.agent)]
        raw = data.encode("utf-8", "surrogateescape")
        done = subprocess.run(command, input=raw, capture_output=True, timeout=60, env=environment or {"PATH": os.environ["PATH"]}, check=False)
        return done.stdout.decode("utf-8", "replace")

    def data(self, message: script.Message) -> str:
        """Meant for this agent."""
        return as_data(message).replace(installed.digest(), self.sha256)

    def raw(self, *calls: tuple[object, ...]) -> str:
        """Data of these calls, whatever the controller would think of them."""
        rows = ["\2".join(map(str, call)) for call in calls]
        return "\n".join([f"crypto-agility {NONCE} {self.sha256}", *rows, f"end {NONCE}", ""])

    def transaction(self, *changes: Change | script.Restore, service: str = "openssh", id_: str = "t-1") -> script.Message:
        grant = SERVICES[service].grant
        assert grant
        activation = Activation(service, grant.units, grant.sockets, grant.checks[0], "reload")
        return script.compose_apply(script.Transaction(id_, 60, Identity(), "a test", changes, (activation,), DIGEST), {}, NONCE)

    def apply(self, *changes: Change | script.Restore, service: str = "openssh", id_: str = "t-1") -> answer.TransactionReport:
        return answer.parse_transaction(self.send(self.data(self.transaction(*changes, service=service, id_=id_))), NONCE)

    def confirm(self, id_: str = "t-1") -> answer.TransactionReport:
        return answer.parse_transaction(self.send(self.data(script.compose_confirm(id_, TOKEN, NONCE))), NONCE)

    def look(self, *extra: str) -> dict[str, str]:
        """path, as the real host calls it → its text."""
        snapshot = self.host.snapshot(self.send(self.data(script.compose_collect(COLLECTS, NONCE, extra))))
        return {path.replace(str(self.etc), "/etc"): file.text or "" for path, file in snapshot.files.items()}

    def line(self, name: str, number: int, text: str, delete: int = 1) -> Change:
        path = self.etc / name
        return Change(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), (Edit(number, delete, (text,) if text else ()),))

    def facts(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.etc.rglob("*")) if path.is_file()}

    def ran(self) -> str:
        log = Path(self.host.root / "ran.log")
        return log.read_text() if log.exists() else ""


def refused(there: Installed, *changes: Change | script.Restore, service: str = "openssh", id_: str = "t-1") -> str:
    """The reason; nothing was changed, nothing ran, and no transaction is left."""
    before, ran = there.facts(), there.ran()
    report = there.apply(*changes, service=service, id_=id_)
    assert (report.state, report.error, there.facts(), there.ran()) == ("REFUSED", "refused-agent", before, ran), report
    assert not (there.host.state / "tx" / id_).exists()
    return report.message


def denied(there: Installed, data: str) -> str:
    """The reason why this data was answered by nothing."""
    before = there.facts()
    with pytest.raises(Problem) as caught:
        answer.parse_transactions(there.send(data), NONCE)
    assert (there.facts(), list(there.host.state.glob("tx/*"))) == (before, [])
    return str(caught.value)
