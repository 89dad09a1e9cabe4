"""The emulated device of tests/emulators/devices/fortios.py, and a session with its API by urllib alone: for tests of what is said, not of httpapi."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.host import Unreachable

from .appliance import PASSWORD, USER, Emulated

TOKEN = "a-token-nobody-may-see"
KEX = "curve25519-sha256@libssh.org ecdh-sha2-nistp384 diffie-hellman-group14-sha1"
STARTUP = """\
config system global
    set hostname "fg1"
end
config system interface
    edit "port1"
        set allowaccess ping https ssh
    next
end
config system admin
    edit "netops"
        set password ENC CANARYadmin
    next
end
config vpn certificate local
    edit "web"
        set password ENC CANARYcertificate
        set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----
CANARYkey
-----END ENCRYPTED PRIVATE KEY-----"
    next
end
config vpn ipsec phase1-interface
    edit "old"
        set ike-version 2
        set proposal 3des-sha256
        set dhgrp 14
        set psksecret ENC CANARYpsk
    next
end
config vpn ipsec phase2-interface
    edit "old 2"
        set phase1name "old"
        set proposal 3des-sha1
        set dhgrp 14
    next
end
"""
_PHASE = STARTUP[STARTUP.index("config vpn ipsec") :]
LISTED = f"config system ssh-config\n    set ssh-kex-algo {KEX}\nend\n"


# The same with VDOMs: what is global, and what each of them has.
WITH_VDOMS = (
    "config vdom\nedit root\nnext\nedit red\nnext\nend\n"
    f"config global\n{STARTUP.removesuffix(_PHASE)}{LISTED}end\n"
    f"config vdom\nedit root\n{_PHASE}next\nend\n"
    f"config vdom\nedit red\n{_PHASE.replace('3des-sha256', 'aes256gcm-prfsha384').replace('dhgrp 14', 'dhgrp 20')}next\nend\n"
)


class FortiGate(Emulated):
    """second: how long one of its seconds takes.  arming: whether a change of cfg-save is itself "saved" or "unsaved".  login: "api" or "cookie".

    cuts: whether a change of the certificate of its HTTPS cuts the connection by which it comes.
    """

    def __init__(
        self,
        folder: Path,
        release: str = "7.4.8",
        second: float = 1,
        arming: str = "unsaved",
        login: str = "api",
        startup: str = STARTUP + LISTED,
        cuts: bool = True,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"platform": "fortios", "release": release, "serial": "FGVMEMULATED01", "second": second, "arming": arming, "login": login}
        facts |= {"restarts_https": cuts}
        facts |= {"users": {USER: PASSWORD}, "tokens": {"colleague": TOKEN}}
        (folder / "device.json").write_text(json.dumps(facts), encoding="utf-8")
        (folder / "startup").write_text(startup, encoding="utf-8")
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(folder / "host_key")
        self.start()

    def ssh(self, word: str, which: str = "running") -> str:
        """The list of its SSH server, "" without a line."""
        head = f"    set ssh-{word}-algo "
        return next((line.removeprefix(head) for line in self.text(which).splitlines() if line.startswith(head)), "")

    def tunnel(self, word: str, name: str = "old") -> list[str]:
        """A list of a tunnel, in each VDOM in which a line says it."""
        return re.findall(rf'edit "{name}"\n(?:(?!\s*next).*\n)*?\s*set {word} (.*)', self.text())

    def colleague(self, path: str, **values: object) -> None:
        """Somebody else changes something."""
        session = DirectApi(self, TOKEN)
        status, said = session.ask(Request("PUT", f"/api/v2/cmdb/{path}", json.dumps({key.replace("_", "-"): one for key, one in values.items()})))
        assert status == 200, said

    def variables(self, **more: object) -> dict[str, Any]:
        """As the inventory has it."""
        return {
            "ansible_connection": "ansible.netcommon.httpapi",
            "ansible_network_os": "fortinet.fortios.fortios",
            "ansible_host": "127.0.0.1",
            "ansible_httpapi_port": self.ports[1],
            "ansible_httpapi_use_ssl": True,
            "ansible_httpapi_validate_certs": False,
            "ansible_user": USER,
            "ansible_password": PASSWORD,
            "ansible_command_timeout": 60,  # for busy machines
            **more,
        }


class DirectApi:
    system = "fortinet.fortios.fortios"

    newest = ssl.TLSVersion.MAXIMUM_SUPPORTED

    def __init__(self, device: FortiGate, token: str = "") -> None:
        self.device, self.token, self.key, self.asked = device, token, token, 0

    def open(self) -> DirectApi:
        if not self.token:
            self.key = ""
            said = json.dumps({"username": USER, "password": PASSWORD})
            status, answer = self._send(Request("POST", "/api/v2/authentication", said), {})
            if status != 200:
                raise Unreachable("no login")
            self.key = str(json.loads(answer)["session_key"])
        return self

    def close(self) -> None:
        self.key = self.token

    def ask(self, request: Request) -> tuple[int, str]:
        if not self.key:
            self.open()
        self.asked += 1
        return self._send(request, {"Authorization": f"Bearer {self.key}"})

    def _send(self, request: Request, headers: Mapping[str, str]) -> tuple[int, str]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = self.newest
        url = f"https://127.0.0.1:{self.device.ports[1]}{request.path}"
        asked = urllib.request.Request(url, request.body.encode() or None, dict(headers), method=request.method)
        try:
            with urllib.request.urlopen(asked, context=context, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no answer to {request.method} {request.path}: {error}") from error
