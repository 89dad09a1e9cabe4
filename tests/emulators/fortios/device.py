"""The emulated device without its doors: what runs, what is saved, the tables that can be asked for, the clock of `cfg-save revert`, and faults.

A folder holds `device.json` (what it is), `saved`, and, for whoever looks, `running`; `faults.json` is read at each request.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from config import GLOBAL, LISTS, MODES, OLDER, Config


class Device:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = json.loads((folder / "device.json").read_text(encoding="utf-8"))
        self.second = float(self.facts.get("second", 1))  # how long one of its seconds takes here
        self.lock = threading.RLock()
        self.config = Config(self.saved)
        self.clock: threading.Timer | None = None
        self.told = 0
        self._write("running", self.config.text)

    # ------------------------------------------------------------ faults

    def fault(self, name: str) -> Any:
        """drop_at, power_at: [request or pattern, "before" or "after"]; reject: pattern of a request; slow: seconds; ignore_save, refuse_save;
        deaf (no login while what runs is not what is saved)."""
        path = self.folder / "faults.json"
        return json.loads(path.read_text(encoding="utf-8")).get(name) if path.is_file() else None

    def strikes(self, name: str, request: str, when: str) -> bool:
        """Whether that fault comes at this moment, once."""
        wanted = self.fault(name)
        if not wanted or not fnmatchcase(request, wanted[0]) or wanted[1] != when:
            return False
        (self.folder / "faults.json").write_text("{}", encoding="utf-8")
        return True

    def power(self, request: str, when: str) -> None:
        if self.strikes("power_at", request, when):
            os._exit(9)

    @property
    def deaf(self) -> bool:
        return bool(self.fault("deaf")) and self.config.text != self.saved

    # ------------------------------------------------------------ configurations

    @property
    def saved(self) -> str:
        return (self.folder / "saved").read_text(encoding="utf-8")

    def _write(self, name: str, text: str) -> None:
        whole = self.folder / f"{name}.new"
        whole.write_text(text, encoding="utf-8")
        whole.rename(self.folder / name)

    def listens(self, port: int) -> None:
        """Where its SSH server is, as whoever set it up has written down."""
        self.config.put("system/global", "admin-ssh-port", str(port), "22")
        self._write("running", self.config.text)
        self._keep()

    def save(self) -> bool:
        if self.fault("refuse_save"):
            return False
        if not self.fault("ignore_save"):
            self._keep()
        return True

    def _keep(self) -> None:
        self._write("saved", self.config.text)
        if self.clock:
            self.clock.cancel()
            self.clock = None

    def backup(self) -> str:
        """What is secret is encrypted anew each time, and so is the number of the file."""
        self.told += 1
        head = f"#config-version=FGVM64-{self.facts['release']}-FW-build2662-240514:opmode=0:vdom=0:user=netops\n#conf_file_ver={self.told}\n"
        body = self.config.text.replace("CANARY", f"CANARY{secrets.token_hex(4)}")
        return f"{head}#buildno=2662\n#private-encryption-key=CANARY{self.told}\n{body}"

    # ------------------------------------------------------------ tables

    @property
    def table(self) -> str:
        """Where the lists of its SSH server stand."""
        return "system/ssh-config" if tuple(int(part) for part in self.facts["release"].split(".")) >= (7, 4, 4) else "system/global"

    def _words(self) -> dict[str, str]:
        older = OLDER if self.table == "system/global" else {}
        return {older.get(word, word): word for word in LISTS}

    def show(self, table: str) -> dict[str, object] | None:
        """None = there is no such table."""
        if table not in ("system/global", self.table):
            return None
        own = GLOBAL if table == "system/global" else {}
        shown: dict[str, object] = {word: type(default)(self.config.get(table, word) or default) for word, default in own.items()}
        return {**shown, **({word: " ".join(self.algorithms(word)) for word in self._words()} if table == self.table else {})}

    def algorithms(self, word: str) -> tuple[str, ...]:
        return tuple(self.config.get(self.table, word).split()) or LISTS[self._words()[word]][1]

    def ssh(self) -> dict[str, tuple[str, ...]]:
        return {word: self.algorithms(shown) for shown, word in self._words().items()}

    def put(self, table: str, values: dict[str, object]) -> bool:
        """Whether it was taken: all of it, or nothing."""
        shown = self.show(table)
        if shown is None or not values or any(word not in shown or not self._fits(word, str(value)) for word, value in values.items()):
            return False
        for word, value in values.items():
            default = " ".join(LISTS[self._words()[word]][1]) if word in self._words() else str(GLOBAL[word])
            self.config.put(table, word, str(value), default)
        self._write("running", self.config.text)
        self._changed("cfg-save" in values)
        return True

    def _fits(self, word: str, value: str) -> bool:
        if word in self._words():
            return set(value.split()) <= set(LISTS[self._words()[word]][0]) and value != ""
        return value in MODES if word == "cfg-save" else word != "cfg-revert-timeout" or int(value) >= 10

    def _changed(self, mode: bool) -> None:
        """Whether a change of the mode itself is saved is not documented, so a device here is of either kind."""
        now = self.config.get("system/global", "cfg-save") or "automatic"
        if now == "automatic" or (mode and self.facts.get("arming") == "saved" and not self.clock):
            self._keep()
        elif now == "revert" and not self.clock:
            wait = float(self.config.get("system/global", "cfg-revert-timeout") or 600) * self.second
            self.clock = threading.Timer(wait, self.restart)
            self.clock.daemon = True
            self.clock.start()

    def restart(self) -> None:
        """All is forgotten but what is saved."""
        with self.lock:
            os.execv(sys.executable, [sys.executable, *self.facts["argv"]])
