"""A terminal of a network device, by the network_cli of ansible.netcommon, loaded by its name: who uses it in an inventory has it.

It is driven here, not through Ansible's persistent process: that one logs in again by itself when a connection was lost, and keeps its login over
tasks, so nobody could tell an old connection from a new one.  Traps of network_cli, each seen at the emulator:
- its SSH plugins share one login a process and address (SSH_CONNECTION_CACHE), so a second one would not be new;
- a connection that ends in the middle of a reply gives None, which it returns as the text "None";
- it searches replies for its own list of errors, so that a description with "not found" in it ends the reading of a configuration;
- what a device says by itself, as its timer does, ends with a prompt, and is taken for the answer to the next command.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.connection import ConnectionError as PersistentError

from ..appliances.keeping import END
from ..model import Problem
from .host import Unreachable
from .login import Login

NAME = "network_cli"
QUESTIONS = 12  # of one command, at most
STALE = 5  # replies that may have come by themselves before the one that was asked for


class Rejected(Problem):
    """The device is there, but does not take a command."""


class Terminal(Login):
    """One login to its command line."""

    @property
    def user(self) -> str:
        return str(self._options.get("remote_user") or "")

    @property
    def port(self) -> int:
        return int(self._options.get("port") or 22)

    def open(self) -> Terminal:
        """A new login, whatever was there before.  Raises Unreachable."""
        self.close()
        connection = self._made()
        connection.set_option("network_cli_retries", 0)  # a lock-out does not go away, and the clock of the device runs
        inner = connection.ssh_type_conn
        getattr(sys.modules[type(inner).__module__], "SSH_CONNECTION_CACHE", {}).clear()
        try:
            connection._connect()
        except (AnsibleError, PersistentError, OSError, EOFError, AttributeError) as error:
            raise Unreachable(_text(error) or "no login", remedy="check the address, the account and the network") from error
        connection._terminal.terminal_stderr_re = []
        self._connection = connection
        return self

    def ask(self, command: str, question: str = "", answer: str = "") -> str:
        """What the device says to it.  Raises Unreachable when it does not, or not to its end.

        question: a regular expression of what it may ask before it does it, and what is said to that.
        """
        connection = self._connection or self.open()._connection
        self.asked += 1
        try:
            _drain(connection)
            asks: dict[str, list[bytes]] = {"prompt": [question.encode()], "answer": [answer.encode()]} if question else {}
            said = connection.send(command=command.encode(), **asks)
            for dummy in range(STALE):
                if _answers(connection, command):
                    break
                said = _text(connection.receive(command.encode()))
        except (AnsibleError, PersistentError, OSError, EOFError, AttributeError) as error:
            self.close()
            raise Unreachable(f"no answer to `{command}`: {_text(error)}", remedy="check the network") from error
        if getattr(connection._ssh_shell, "closed", False) or said == "None":
            self.close()
            raise Unreachable(f"the connection ended before the answer to `{command}`", remedy="check the network")
        return str(said).replace("\r\n", "\n").replace("\r", "")

    def talk(self, command: str, asks: str, replies: Sequence[tuple[str, str]] = ()) -> str:
        """All that the device says to a command that may ask things.  Raises Unreachable, and Rejected for what it asks that nobody answers.

        asks: how what it asks ends; replies: (what was heard until then, what is said), both regular expressions.
        """
        connection = self._connection or self.open()._connection
        known, questions = connection._terminal.terminal_stdout_re, re.compile(asks.encode())
        connection._terminal.terminal_stdout_re = [*known, questions]
        heard, says = "", command
        try:
            _drain(connection)
            for dummy in range(QUESTIONS):
                self.asked += 1
                said = _text(_sent(connection, says.replace("\n", "\r").encode()))
                if getattr(connection._ssh_shell, "closed", False) or said == "None":
                    raise Unreachable("the connection ended")
                heard = f"{heard}\n{said}".replace("\r", "")
                if connection._matched_pattern != questions.pattern:
                    return heard
                answer = next((answer for question, answer in replies if re.search(question, heard, re.DOTALL)), None)
                if answer is None:
                    break
                says = answer
        except (AnsibleError, PersistentError, OSError, EOFError, AttributeError, Unreachable) as error:
            self.close()
            raise Unreachable(f"no answer to `{command}`: {_text(error)}", remedy="check the network") from error
        finally:
            connection._terminal.terminal_stdout_re = known
        self.close()  # with what it asks still open
        raise Rejected(f"`{command}` asks what is not known here: {heard.strip()[-200:]}")

    def negotiated(self) -> dict[str, str]:
        """What this very login agreed on, where its library tells."""
        shell: Any = getattr(self._connection, "_ssh_shell", None)
        transport = shell.get_transport() if hasattr(shell, "get_transport") else None
        names = {"key_exchange": getattr(getattr(transport, "kex_engine", None), "name", ""), "cipher": getattr(transport, "local_cipher", "")}
        return {key: str(name) for key, name in {**names, "mac": getattr(transport, "local_mac", "")}.items() if name}


def _sent(connection: Any, says: bytes) -> Any:
    """What comes to it.  network_cli ends all that it sends by a new line, which behind a paste that has ended would be a command."""
    if not says.endswith(END.encode()):
        return connection.send(command=says, strip_prompt=False)
    connection._ssh_shell.sendall(says)
    return connection.receive(says, strip_prompt=False)


def _drain(connection: Any) -> None:
    """What came by itself since the last answer."""
    shell = connection._ssh_shell
    while hasattr(shell, "recv_ready") and shell.recv_ready() and shell.recv(65536):
        pass


def _answers(connection: Any, command: str) -> bool:
    """Whether the reply begins with our own command, as a terminal repeats it; libssh keeps only its last piece, so there nobody knows."""
    if connection.ssh_type != "paramiko":
        return True
    heard = re.sub(rb"\s+", b" ", connection._last_response or b"")
    return command.encode() in heard


def _text(error: object) -> str:
    said = getattr(error, "message", None) or (error if isinstance(error, bytes) else str(error))
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
