"""An emulator of a Fortinet FortiGate, written from public documentation: python tests/emulators/fortios FOLDER [HTTPS SSH]

It prints the ports that it listens on.  What it models, and what not: docs/appliances.md.  The algorithms of its SSH server are those of the running
configuration at the moment of a login, so a handshake that fails is real.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import asyncssh
from api import serving
from device import Device


class Login(asyncssh.SSHServer):
    def __init__(self, device: Device) -> None:
        self.device = device

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return bool(self.device.facts["users"].get(username) == password)


def options(device: Device) -> asyncssh.SSHServerConnectionOptions:
    words = {word: list(names) for word, names in device.ssh().items()}
    made = asyncssh.SSHServerConnectionOptions(
        server_factory=lambda: Login(device),
        server_host_keys=[str(device.folder / "host_key")],
        kex_algs=words["ssh-kex-algo"],
        encryption_algs=words["ssh-enc-algo"],
        mac_algs=words["ssh-mac-algo"],
        compression_algs=None,
        gss_host=None,
        public_key_auth=False,
        kbdint_auth=False,
    )
    for algorithm in list(made.server_host_keys):
        if algorithm.decode() not in words["ssh-hsk-algo"]:
            del made.server_host_keys[algorithm]
    return made


async def serve(device: Device, listener: socket.socket) -> None:
    listener.setblocking(False)
    loop, alive = asyncio.get_running_loop(), set()
    while True:
        peer, dummy = await loop.sock_accept(listener)
        if device.deaf:
            peer.close()
            continue
        task = loop.create_task(login(device, peer))
        alive.add(task)
        task.add_done_callback(alive.discard)


async def login(device: Device, peer: socket.socket) -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        connection: Any = await asyncssh.run_server(peer, options=options(device), config=None)
        await connection.wait_closed()


if __name__ == "__main__":
    ports = [int(port) for port in sys.argv[2:]] or [0, 0]
    device = Device(Path(sys.argv[1]))
    door, listener = serving(device, ports[0]), socket.create_server(("127.0.0.1", ports[1]))
    ports = [door.server_port, listener.getsockname()[1]]
    if len(sys.argv) == 2:
        device.listens(ports[1])
    device.facts["argv"] = [sys.argv[0], sys.argv[1], *map(str, ports)]
    threading.Thread(target=door.serve_forever, daemon=True).start()
    print(*ports, flush=True)
    asyncio.run(serve(device, listener))
