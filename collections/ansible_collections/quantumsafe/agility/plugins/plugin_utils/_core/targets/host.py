"""Carries one script to a host over Ansible's connection, and its answer back.

A script goes on the standard input of /bin/sh (one round trip, also without pipelining).  Some routes lose standard input and still
return 0 (the podman connection) or cannot give a terminal with it (password doas, requiretty): when the answer lacks its markers the
same script is sent once more as a file.  Sending twice is safe, every verb of the agent is idempotent per transaction.
Source: reference tried on ansible-core 2.19 and 2.21; see docs/architecture.md, "Routes".
"""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ..model import Problem
from .answer import NoAnswer
from .data import as_data
from .installed import command, complaint
from .script import Message

T = TypeVar("T")

# What a second connection proves, by connection plugin; everything else only proves that a command still runs.
FRESH_PROOF = {"ssh": "fresh connection", "local": "loopback"}


# Connections that take no standard input, and say so with an error instead of losing it.
NO_INPUT = ("paramiko", "paramiko_ssh")

SHELL = "/bin/sh -s"  # what reads a script

# Seconds for one answer unless the caller says otherwise: a host is looked at with commands that end within 20 s each.
PATIENCE = 180


class _Expired(BaseException):
    """Our alarm.  No Exception: ssh's retries would swallow that and wait again."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise _Expired here after that time.  An alarm that ran before (a task's timeout) goes on with what it had left."""

    def ring(*dummy: object) -> None:
        raise _Expired

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 5)  # again, should cleaning up block as well
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)


class Unreachable(Problem):
    """The connection itself failed.  Once a transaction is armed this is a result, not an accident."""


@dataclass(slots=True)
class Channel:
    """One way to a host.  route: "stdin" or "file"; trips counts what was sent; stderr is the last call's (ssh -v speaks there).

    installed: no script is sent, but data to the agent that is installed there; Ansible's become is left out, for sudo runs that alone.
    """

    action: ActionBase
    route: str = "stdin"
    installed: bool = False
    trips: int = 0
    stderr: str = ""

    @property
    def transport(self) -> str:
        """The short name of the connection plugin, e.g. "ssh", "local", "podman"."""
        return str(self.action._connection.transport).rsplit(".", 1)[-1]

    @property
    def is_device(self) -> bool:
        """Whether it leads to the terminal or the API of a network device, where no script runs."""
        return self.transport in ("network_cli", "httpapi")

    def ask(self, compose: Callable[[str], Message], parse: Callable[[str, str], T], within: float = PATIENCE) -> T:
        """Send compose(nonce), return parse(output, nonce), within so many seconds: a dead shared connection would hold us for ever.

        Raises NoAnswer when neither route brought a whole answer, Unreachable when the connection failed or kept silent.
        """
        try:
            with _alarm(within):
                return self._ask(compose, parse)
        except _Expired:
            raise Unreachable(f"no answer within {within:g} s", remedy="check the network; a shared connection may be dead") from None

    def _ask(self, compose: Callable[[str], Message], parse: Callable[[str, str], T]) -> T:
        nonce = secrets.token_hex(8)
        message = compose(nonce)
        script = as_data(message) if self.installed else str(message)
        try:
            try:
                return parse(self._send(script), nonce)
            except NoAnswer as lost:
                if self.route == "file":
                    raise
                try:
                    answer = parse(self._send_file(script), nonce)
                except NoAnswer:
                    raise lost from None
                self.route = "file"
                return answer
        except AnsibleConnectionFailure as error:
            raise Unreachable(str(error.message or error).strip(), remedy="check the address, the key and the network") from error

    def _send(self, script: str) -> str:
        if self.route == "file" or self.transport in NO_INPUT:
            return self._send_file(script)
        return self._run(command() if self.installed else SHELL, script)

    def _run(self, words: str, stdin: str | None) -> str:
        self.trips += 1
        data = stdin.encode("utf-8", "surrogateescape") if stdin is not None else None
        # /bin/sh needs no other /bin/sh around it, nor `sleep 0` behind it: an answer without its end is noticed here.  Who names another
        # shell (ansible_shell_executable) has it around.
        plain = words == SHELL and self.action._play_context.executable == "/bin/sh"
        shell = False if plain else None
        result: dict[str, Any] = self.action._low_level_execute_command(words, in_data=data, sudoable=not self.installed, executable=shell)
        self.stderr = result.get("stderr", "")
        if result.get("rc") == 255 and not result.get("stdout"):
            raise AnsibleConnectionFailure(self.stderr or "the connection ended without an answer")
        output = str(result.get("stdout", ""))
        if self.installed and (why := complaint(output)):
            raise why
        return output

    def _send_file(self, script: str) -> str:
        folder = self.action._make_tmp_path()
        try:
            path = self.action._connection._shell.join_path(folder, "agent.sh")
            self.action._transfer_data(path, script)
            if self.installed:
                return self._run(command(path), None)
            self.action._fixup_perms2((folder, path), execute=False)
            return self._run(f"/bin/sh {path}", None)
        finally:
            self.action._remove_tmp_path(folder, force=True)

    @contextmanager
    def fresh(self, options: str = "") -> Iterator[Channel]:
        """The same way over a connection that shares nothing with the old one (no multiplexing master, a new login).

        options: further ones of ssh, which beat what the inventory says.
        """
        old = self.action._connection
        self.action._connection = _new_connection(old, self.action._play_context, options)
        fresh = Channel(self.action, self.route, self.installed)
        try:
            yield fresh
        finally:
            self.trips += fresh.trips
            self.action._connection = old

    def proof(self) -> str:
        """What a call over fresh() proves: it goes into the evidence."""
        return FRESH_PROOF.get(self.transport, "exec-only")


def _new_connection(old: Any, play_context: Any, options: str = "") -> Any:
    # One of Ansible's own by its short name: under its full one its documentation would be read again, which took 25 ms.  Some still name new_stdin.
    new = connection_loader.get(old.ansible_name.removeprefix("ansible.builtin."), play_context, new_stdin=None)
    new.set_options(direct=old.get_options())
    if new.transport == "ssh":
        # Before ssh_args: in OpenSSH the first value of an option wins.  -v names the negotiated algorithms on stderr.
        new.set_option(
            "ssh_args", f"-v {options} -o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 {old.get_option('ssh_args') or ''}"
        )
    if old.become:
        new.set_become_plugin(old.become)
    return new


def close_shared(action: ActionBase) -> None:
    """End the multiplexing master, so that the next task logs in anew.  Failing to is not worth failing for."""
    try:
        action._connection.reset()
    except (AnsibleConnectionFailure, AttributeError, OSError) as error:
        Display().vvv(f"quantumsafe.agility: could not reset the connection: {error}")
