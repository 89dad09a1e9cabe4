"""An emulator of a network device, written from public documentation: python tests/emulators/devices FOLDER [PORT…]

FOLDER/device.json says which platform; it prints the ports that it listens on.  What it models, and what not: docs/appliances.md.  The algorithms of
its SSH server are those of the running configuration at the moment of a login, so who can log in, and who is locked out, is real.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import socket
import sys
from pathlib import Path
from typing import Any

import asyncssh
from device import Device


class Login(asyncssh.SSHServer):
    def __init__(self, device: Device) -> None:
        self.device = device

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return bool(self.device.facts["users"].get(username) == password)


def options(device: Device) -> asyncssh.SSHServerConnectionOptions:
    async def terminal(process: Any) -> None:
        with contextlib.suppress(asyncssh.Error, OSError):
            await device.shell(device, process, process.get_extra_info("username")).run()
        process.exit(0)

    words = device.algorithms()
    made = asyncssh.SSHServerConnectionOptions(
        server_factory=lambda: Login(device),
        process_factory=terminal,
        server_host_keys=[str(device.folder / "host_key")],
        kex_algs=words["kex"],
        encryption_algs=words["encryption"],
        mac_algs=words["mac"],
        compression_algs=None,
        gss_host=None,
        line_editor=False,
        public_key_auth=False,
        kbdint_auth=False,
    )
    for algorithm in list(made.server_host_keys):
        if algorithm.decode() not in words["hostkey"]:
            del made.server_host_keys[algorithm]
    return made


async def serve(device: Device, port: int = 0, *more: int) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    print(port, *device.opens(port, *more), flush=True)
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
        connection = await asyncssh.run_server(peer, options=options(device), config=None)
        await connection.wait_closed()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    platform = json.loads((folder / "device.json").read_text(encoding="utf-8"))["platform"]
    made: Device = importlib.import_module(platform).DEVICE(folder)
    asyncio.run(serve(made, *map(int, sys.argv[2:])))
