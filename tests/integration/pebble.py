"""A real ACME server for a test: pebble, Let's Encrypt's, in a container of its own, with a name server that says what the test wants."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates import authority
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ..emulators import Pki, request_for
from .container import LAB, Container

CONFIG = {
    "listenAddress": "0.0.0.0:14000",
    "managementListenAddress": "0.0.0.0:15000",
    "certificate": "/root/tls.pem",
    "privateKey": "/root/tls.pem",
    "httpPort": 80,
    "tlsPort": 443,
    "ocspResponderURL": "",
}
BINDING = ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")  # of pebble's own examples
QUIET = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "20"}


class Pebble(Container):
    """folder: gets tls.pem, who vouches for the server; root.pem, what its chains end at, made anew at each start."""

    def __init__(self, folder: Path) -> None:
        made = subprocess.run([LAB, "image", "acme"], capture_output=True, text=True, check=False, timeout=600)
        assert made.returncode == 0, made.stderr
        self.folder, self.pki = folder, Pki(folder)
        self.name = "acme"
        self.remove()
        super().__init__("acme", "acme")
        self.address = self.podman("inspect", "acme", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").strip()
        self.url = f"https://{self.address}:14000/dir"
        key = ec.generate_private_key(ec.SECP256R1())
        chain = authority.sign(self.pki.authority, request_for(key, "x"), "ECDSA-P256", (self.address,), 9, datetime.now(UTC), 3)
        whole = chain + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        (folder / "tls.pem").write_bytes((folder / "root.pem").read_bytes())
        self.podman("exec", "-i", "acme", "sh", "-c", "cat >/root/tls.pem", stdin=whole.encode())
        words = ("-management", ":8055", "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "", "-defaultIPv6", "")
        self.podman("exec", "-d", "acme", "pebble-challtestsrv", *words)
        self.start()

    def start(self, bound: bool = False, **environment: str) -> None:
        """bound: whether it takes only accounts that were announced."""
        self.run("pkill -x pebble; while pgrep -x pebble; do sleep 0.1; done", check=False)
        said = {**CONFIG, "externalAccountBindingRequired": bound, "externalAccountMACKeys": dict([BINDING]) if bound else {}}
        self.podman("exec", "-i", "acme", "sh", "-c", "cat >/root/pebble.json", stdin=json.dumps({"pebble": said}).encode())
        settings = [word for pair in {**QUIET, **environment}.items() for word in ("-e", "=".join(pair))]
        command = "exec pebble -config /root/pebble.json -dnsserver 127.0.0.1:8053 >>/root/pebble.log 2>&1"
        self.podman("exec", "-d", *settings, "acme", "sh", "-c", command)
        until = time.monotonic() + 20
        while True:
            try:
                (self.folder / "root.pem").write_bytes(self.get(f"https://{self.address}:15000/roots/0"))
                return
            except OSError as error:
                if time.monotonic() > until:
                    pytest.fail(f"pebble does not answer: {error}: {self.run('tail -n 5 /root/pebble.log', check=False)}")
                time.sleep(0.2)

    def get(self, url: str, body: Any = None) -> bytes:
        context = ssl.create_default_context(cafile=str(self.folder / "tls.pem"))
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(url, data, timeout=10, context=context) as answer:
            return bytes(answer.read())

    def names(self, verb: str, **said: Any) -> None:
        """What the name server is to say: add-a, clear-a, set-txt, clear-txt."""
        self.get(f"http://{self.address}:8055/{verb}", said)
