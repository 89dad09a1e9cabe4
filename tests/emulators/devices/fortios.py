"""The emulated FortiGate: the tables that can be asked for, the clock of `cfg-save revert`, and its second door, which is that of its API.

What is saved is `startup`; `running` is for whoever looks.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device import Device
from fortios_api import serving
from fortios_certificates import BOUND, Certificates
from fortios_config import GLOBAL, GROUPS, LISTS, MODES, NAMES, NUMBERS, OLDER, TUNNEL, VERSIONS, Config


class NoShell:
    def __init__(self, device: Device, process: Any, user: str) -> None:
        self.process = process

    async def run(self) -> None:
        await self.process.stdin.read()


class FortiGate(Device):
    """Faults of its own: reject: a part of a request that is refused; ignore_save, refuse_save; stale: it goes on to serve what it served before."""

    shell = NoShell
    CONFIG = Config

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.second = float(self.facts["second"])  # how long one of its seconds takes here
        self.lock = threading.RLock()
        self.clock: threading.Timer | None = None
        self.told = 0
        self.version = tuple(int(part) for part in self.facts["release"].split("."))
        self.certificates = Certificates(self)
        self.served = ""

    def opens(self, port: int, *more: int) -> tuple[int, ...]:
        """Where its SSH server is, whoever set it up has written down."""
        if not more:
            self.config.put("system/global", "admin-ssh-port", str(port), "22")
        door = serving(self, *(more or (0,)))
        if not more:
            self.config.put("system/global", "admin-sport", str(door.server_port), "443")
            self.keep("running", self.config.text)
            self._save()
        self.argv = [sys.executable, *sys.argv[:2], str(port), str(door.server_port)]
        threading.Thread(target=door.serve_forever, daemon=True).start()
        return (door.server_port,)

    # ------------------------------------------------------------ configurations

    def save(self) -> bool:
        if self.fault("refuse_save"):
            return False
        if not self.fault("ignore_save"):
            self._save()
        return True

    def _save(self) -> None:
        self.keep("startup", self.config.text)
        if self.clock:
            self.clock.cancel()
            self.clock = None

    def backup(self) -> str:
        """What is secret is encrypted anew each time, and so is the number of the file."""
        self.told += 1
        head = f"#config-version=FGVM64-{self.facts['release']}-FW-build2662-240514:opmode=0:vdom={int(self.config.vdoms)}:user=netops\n#conf_file_ver={self.told}\n"
        body = self.certificates.again(self.config.text).replace("CANARY", f"CANARY{secrets.token_hex(4)}")
        return f"{head}#buildno=2662\n#private-encryption-key=CANARY{self.told}\n{body}"

    # ------------------------------------------------------------ tables

    @property
    def table(self) -> str:
        """Where the lists of its SSH server stand."""
        return "system/ssh-config" if self.version >= (7, 4, 4) else "system/global"

    def _words(self) -> dict[str, str]:
        older = OLDER if self.table == "system/global" else {}
        return {older.get(word, word): word for word in LISTS}

    def show(self, table: str) -> dict[str, object] | None:
        """None = there is no such table."""
        if table not in ("system/global", self.table):
            return None
        own = GLOBAL if table == "system/global" else {}
        shown: dict[str, object] = {word: type(default)(self.config.get(table, word) or default) for word, default in own.items()}
        return {**shown, **({word: " ".join(self.listed(word)) for word in self._words()} if table == self.table else {})}

    def listed(self, word: str) -> tuple[str, ...]:
        return tuple(self.config.get(self.table, word).split()) or LISTS[self._words()[word]][1]

    def algorithms(self) -> dict[str, list[str]]:
        return {name: list(self.listed(shown)) for name, shown in zip(("kex", "encryption", "mac", "hostkey"), self._words(), strict=True)}

    def put(self, table: str, values: dict[str, object]) -> bool:
        """Whether it was taken: all of it, or nothing."""
        shown = self.show(table)
        if shown is None or not values or any(word not in shown or not self._fits(word, str(value)) for word, value in values.items()):
            return False
        for word, value in values.items():
            default = " ".join(LISTS[self._words()[word]][1]) if word in self._words() else str(GLOBAL[word])
            self.config.put(table, word, str(value), default)
        self.keep("running", self.config.text)
        self._changed("cfg-save" in values)
        return True

    def change(self, kind: str, name: str, vdom: str, values: dict[str, object]) -> bool:
        """Of a tunnel: whether it was taken, all of it or nothing."""
        lists = {word: str(value) for word, value in values.items()}
        known = name in self.config.objects(vdom, kind)
        if not known or not lists or not all(self._agreeable(kind, name, vdom, word, value.split()) for word, value in lists.items()):
            return False
        self.config.change(vdom, kind, name, lists)
        self.keep("running", self.config.text)
        self._changed(mode=False)
        return True

    def _agreeable(self, kind: str, name: str, vdom: str, word: str, values: list[str]) -> bool:
        if word == "addke1":
            return self.version >= (7, 6, 1) and set(values) <= set(NAMES if self.version >= (7, 6, 7) else NUMBERS)
        takes = {"proposal": TUNNEL[kind[:6]], "dhgrp": GROUPS}.get(word, ())
        old = kind.startswith("phase1") and self.config.tunnel(vdom, kind, name, "ike-version") != "2"
        return values != [] and set(values) <= {one for one in takes if not (old and "-prf" in one)}

    def versions(self) -> tuple[str, ...]:
        """Those of TLS that its door speaks now."""
        return tuple((self.config.get("system/global", VERSIONS) or str(GLOBAL[VERSIONS])).split())

    def shown(self) -> str:
        """What its HTTPS serves, PEM, "" = a certificate of its own."""
        with self.lock:
            if not self.fault("stale"):
                self.served = self.certificates.served(self.config.get("system/global", BOUND))
            return self.served

    def certify(self, how: Callable[[dict[str, Any]], int], said: dict[str, Any]) -> int:
        """An error, 0 = it was done, and is a change as any other."""
        if not (error := how(said)):
            self.keep("running", self.config.text)
            self._changed(mode=False)
        return error

    def _fits(self, word: str, value: str) -> bool:
        if word == BOUND:
            return value == GLOBAL[BOUND] or self.certificates.usable(value)
        if word == VERSIONS:
            return value != "" and set(value.split()) <= {"tlsv1-1", "tlsv1-2", "tlsv1-3"}
        if word in self._words():
            return set(value.split()) <= set(LISTS[self._words()[word]][0]) and value != ""
        return value in MODES if word == "cfg-save" else word != "cfg-revert-timeout" or int(value) >= 10

    def _changed(self, mode: bool) -> None:
        """Whether a change of the mode itself is saved is not documented, so a device here is of either kind."""
        now = self.config.get("system/global", "cfg-save") or "automatic"
        if now == "automatic" or (mode and self.facts.get("arming") == "saved" and not self.clock):
            self._save()
        elif now == "revert" and not self.clock:
            wait = float(self.config.get("system/global", "cfg-revert-timeout") or 600) * self.second
            self.clock = threading.Timer(wait, self.restart)
            self.clock.daemon = True
            self.clock.start()

    def restart(self) -> None:
        """All is forgotten but what is saved."""
        with self.lock:
            os.execv(self.argv[0], self.argv)


DEVICE = FortiGate
