"""The emulated Juniper Junos device: one shared candidate, the exclusive lock, a history of commits, and `commit confirmed`.

From public documentation and transcripts: `commit check` confirms what waits, whoever says it; a plain `commit` makes active whatever else is in the shared
candidate; an exclusive session is refused while there are edits in it, and its own go when it ends, also with the connection; `rollback pending` below the
newest commit is there while the timer runs, `commit confirmed, rollback in` stays for good; the rollback itself is a commit of root.
What a restart does in that time was in no source: here it goes back, as RFC 6241 (8.4.1) asks of confirmed commits.
"""

from __future__ import annotations

import json
import re
import ssl
import tempfile
from pathlib import Path

from device import DAY, Device
from https import certificate, door
from junos_config import HTTPS, Config
from junos_pki import Store
from shell import Terminal
from statements import grouped, words

UNKNOWN = "                    ^\nunknown command.\n"
SYNTAX = "                    ^\nsyntax error.\n"
COMMENT = r'(?: comment (?:"([^"]*)"|(\S+)))?'
CHANGED = "The configuration has been changed but not committed\n"
LOAD = "load complete\n"


class Shell(Terminal):
    more = "---(more)---"
    welcome = "--- JUNOS emulated\n"
    exclusive = False

    @property
    def prompt(self) -> str:
        name = f"{self.user}@{self.device.config.value('system host-name')}"
        if not self.configuring:
            return f"{name}> "
        waits = f"# commit confirmed will be rolled back in {-(-self.device.left // 60)} minutes\n" if self.device.timer else ""
        return f"\n{waits}[edit]\n{name}# "

    def leaves(self, command: str) -> bool:
        return command in ("exit", "quit") and not self.configuring

    def gone(self) -> None:
        self.device.editors.pop(self, None)
        if self.exclusive:
            self.device.discard()

    async def do(self, command: str) -> str:
        command, *pipes = (part.strip() for part in command.split("|"))
        if not command:
            return ""
        said = await (self._configure(command, pipes) if self.configuring else self._operate(command, pipes))
        if "no-more" in pipes:
            self.write(said)
            return ""
        return said

    async def _operate(self, command: str, pipes: list[str]) -> str:
        if found := re.fullmatch(r"set cli screen-(length|width) (\d+)", command):
            self.length = int(found[2]) if found[1] == "length" else self.length
            return f"Screen {found[1]} set to {found[2]}\n"
        if command in ("set cli timestamp disable", "set cli complete-on-space off"):
            return ""
        if command.startswith("show "):
            said = self.device.show(command.removeprefix("show "), "display set" in pipes)
            return UNKNOWN if said is None else str(said)
        if command.startswith(("request security pki ", "clear security pki ", "start shell command ")):
            return str(self.device.pki.does(command) or UNKNOWN)
        if command in ("configure", "edit", "configure exclusive"):
            return self._enter(command.endswith("exclusive"))
        return UNKNOWN

    def _enter(self, exclusive: bool) -> str:
        others = self.device.others(self)
        if exclusive and (self.device.holder or self.device.changed):
            locked = self.device.holder is not None
            return others + (
                "error: configuration database locked by:\n" + self.device.locks() if locked else "error: configuration database modified\n"
            )
        self.configuring, self.exclusive = True, exclusive
        self.device.editors[self] = None
        self.device.lines = 0
        head = "warning: uncommitted changes will be discarded on exit\n" if exclusive else ""
        return head + "Entering configuration mode\n" + others + (CHANGED if self.device.changed else "")

    async def _leave(self) -> str:
        if self.device.changed:
            what = "Discard uncommitted changes?" if self.exclusive else "Exit with uncommitted changes?"
            if not await self.asks(f"{CHANGED}{what} [yes,no] (yes) "):
                return ""
        self.gone()
        self.configuring = self.exclusive = False
        return "Exiting configuration mode\n"

    async def _configure(self, command: str, pipes: list[str]) -> str:
        device = self.device
        if command in ("exit", "quit", "exit configuration-mode"):
            return await self._leave()
        if command.startswith("run "):
            return await self._operate(command.removeprefix("run "), pipes)
        looks = {"top": lambda: "", "status": lambda: device.others(None), "show": lambda: self._show(pipes)}
        if command in looks:
            return str(looks[command]())
        return self._changes(command) if device.holder in (None, self) else "error: configuration database locked by:\n" + str(device.locks())

    def _show(self, pipes: list[str]) -> str:
        device = self.device
        if "compare" in pipes:
            return str(device.compare())
        return str(device.candidate.text if "display set" in pipes else device.candidate.braces())

    def _changes(self, command: str) -> str:
        device = self.device
        if found := re.fullmatch(r"rollback (\d+)", command):
            return str(device.rollback(int(found[1])))
        if command.startswith("commit"):
            return self._commit(command)
        verb, *rest = words(command.replace("[", " [ ").replace("]", " ] "))
        return str(device.edit(verb, rest)) if verb in ("set", "delete") else UNKNOWN

    def _commit(self, command: str) -> str:
        device = self.device
        quits = command.endswith(" and-quit")
        command = command.removesuffix(" and-quit")
        if command == "commit check":
            return str(device.check())
        if found := re.fullmatch(rf"commit confirmed(?: (\d+))?{COMMENT}", command):
            said = device.commit(self.user, found[2] or found[3] or "", int(found[1] or 10))
        elif found := re.fullmatch(rf"commit{COMMENT}", command):
            said = device.commit(self.user, found[1] or found[2] or "")
        else:
            return SYNTAX
        if quits and "commit complete" in said:
            self.gone()
            self.configuring = self.exclusive = False
            return f"{said}Exiting configuration mode\n"
        return str(said)


SPELLED = {
    "dh-group14-sha1": ("diffie-hellman-group14-sha1",),
    "dh-group1-sha1": ("diffie-hellman-group1-sha1",),
    "group-exchange-sha2": ("diffie-hellman-group-exchange-sha256",),
    "group-exchange-sha1": ("diffie-hellman-group-exchange-sha1",),
    "rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    "ed25519": ("ssh-ed25519",),
    "ecdsa": ("ecdsa-sha2-nistp256",),
}


class Junos(Device):
    shell, CONFIG = Shell, Config
    ASYNCSSH = SPELLED

    def __init__(self, folder: Path) -> None:
        self.editors: dict[Shell, None] = {}
        self.pki, self.served = Store(folder), ""
        super().__init__(folder)
        self.candidate = Config(self.config.text)
        self.keep("candidate", self.config.text)
        path = folder / "history.json"  # the newest commit first: how it came about, and what ran then
        self.history: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        if not self.history:
            self._enters("root", "other", "", "", self.config.text)
        if (folder / "pending.json").is_file():
            self._back()
            (folder / "pending.json").unlink()

    def opens(self, port: int, *more: int) -> tuple[int, ...]:
        """HTTPS where a line says on which port."""
        if where := self.config.value(f"{HTTPS} port"):
            door(int(where), self.tls)
        return ()

    def tls(self) -> ssl.SSLContext:
        """With the certificate that it is told of at that moment; its own where it is told of that, or holds no such one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if not self.fault("stale"):
            self.served = self.pki.pair(self.config.value(f"{HTTPS} pki-local-certificate"))
        own = certificate(self, "edge1")
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".pem") as kept:
            kept.write(self.served)
            kept.flush()
            context.load_cert_chain(kept.name if self.served else own)
        return context

    @property
    def before(self) -> str:
        return self.read("confirmed") if self.timer else self.startup

    # ------------------------------------------------------------ the candidate

    @property
    def changed(self) -> bool:
        return self.candidate.said != self.config.said

    @property
    def holder(self) -> Shell | None:
        """Who has the lock."""
        return next((one for one in self.editors if one.exclusive), None)

    def others(self, but: Shell | None) -> str:
        rows = [
            f"  {one.user} terminal pts/{at} (pid {1000 + at}) on since {DAY} UTC\n      {'exclusive' if one.exclusive else '[edit]'}\n"
            for at, one in enumerate(self.editors)
            if one is not but
        ]
        return "".join(("Users currently editing the configuration:\n", *rows)) if rows else ""

    def locks(self) -> str:
        return f"  {self.holder.user} terminal pts/0 (pid 1000) on since {DAY} UTC\n      exclusive\n" if self.holder else ""

    def discard(self) -> None:
        self._candidate(self.config.text)

    def _candidate(self, text: str) -> None:
        self.candidate = Config(text)
        self.keep("candidate", text)

    def edit(self, verb: str, rest: list[str]) -> str:
        if self.rejects() or not rest:
            return SYNTAX
        if "[" in rest:
            at = rest.index("[")
            each = [(*rest[:at], one) for one in rest[at + 1 : rest.index("]")]]
        else:
            each = [tuple(rest)]
        if verb == "delete":
            gone = [self.candidate.delete(one) for one in each]
            self.keep("candidate", self.candidate.text)
            return "" if all(gone) else "warning: statement not found\n"
        if not all(self.candidate.takes(one) for one in each):
            return SYNTAX
        for one in each:
            self.candidate.set(one)
        self.keep("candidate", self.candidate.text)
        return ""

    def compare(self) -> str:
        out = []
        for above, rows in grouped(self.config.diff(self.candidate)).items():
            out += [f"[edit{''.join(f' {word}' for word in above)}]\n", *(f"{sign}    {said};\n" for sign, said in rows)]
        return "".join(out)

    # ------------------------------------------------------------ commits

    def check(self) -> str:
        """It confirms what waits, whoever says it."""
        if why := self.candidate.wrong():
            return str(why)
        if self.timer and not self.fault("ignore_confirm"):
            self.disarm()
        return "configuration check succeeds\n"

    def commit(self, user: str, comment: str, minutes: int = 0) -> str:
        if self.fault("archive_full"):
            return "error: could not save to juniper.save+\nerror: commit failed: (No space left on device)\n"
        if why := self.candidate.wrong():
            return str(why)
        if self.timer and not minutes and self.fault("ignore_confirm"):
            return "commit complete\n"
        if self.timer:
            self.disarm()
        else:
            self.keep("confirmed", self.config.text)  # a second one that waits delays the way back to before the first
        how = f"commit confirmed, rollback in {minutes}mins" if minutes else ""
        self._enters(user, "cli", how, comment, self.candidate.text)
        self._runs(self.candidate.text)
        if not minutes:
            return "commit complete\n"
        self.arm(minutes, user, "confirmed")
        return f"commit confirmed will be automatically rolled back in {minutes} minutes unless confirmed\ncommit complete\n"

    def _enters(self, user: str, via: str, how: str, comment: str, text: str) -> None:
        self.history = [{"user": user, "via": via, "how": how, "comment": comment, "text": text}, *self.history][:50]
        self.keep("history.json", json.dumps(self.history))

    def _runs(self, text: str) -> None:
        """A commit is what starts as well."""
        self.take(text)
        self.keep("startup", text)
        self._candidate(text)

    def _back(self) -> None:
        text = self.read("confirmed")
        self._enters("root", "other", "", "", text)
        self._runs(text)

    def revert(self) -> None:
        self.disarm()
        self._back()
        self.announce(
            "Broadcast Message from root@edge1\n        (no tty) at 10:00 UTC...\n\nCommit was not confirmed; automatic rollback complete.\n\n"
        )

    def rollback(self, number: int) -> str:
        if number >= len(self.history):
            return f"error: rollback {number}: no such configuration\n"
        self._candidate(self.history[number]["text"])
        return LOAD

    # ------------------------------------------------------------ show

    def show(self, text: str, as_set: bool) -> str | None:
        """None = no such command."""
        table = {
            "configuration": lambda: (
                self.config.text if as_set else f"## Last commit: {DAY} UTC by {self.history[0]['user']}\n{self.config.braces()}"
            ),
            "version": lambda: f"Hostname: {self.config.value('system host-name')}\nModel: vsrx\nJunos: {self.facts['release']}\n",
            "chassis hardware": self._hardware,
            "system commit": self._commits,
            "security pki local-certificate detail": self.pki.detail,
            "security pki certificate-request": self.pki.requests,
        }
        return table[text]() if text in table else None

    def _hardware(self) -> str:
        row = f"Chassis                                {self.facts['serial']:18}VSRX\n"
        return f"Hardware inventory:\nItem             Version  Part number  Serial number     Description\n{row}"

    def _commits(self) -> str:
        out = []
        for at, one in enumerate(self.history):
            out.append(f"{at:<4}{DAY} UTC by {one['user']} via {one['via']} {one['how']}".rstrip() + "\n")
            out += [f"    {one['comment']}\n"] if one["comment"] else []
            out += ["    rollback pending\n"] if at == 0 and self.timer else []
        return "".join(out)


DEVICE = Junos
