"""A session with the REST API of a network device, by the httpapi of ansible.netcommon, loaded by its name: who uses it in an inventory has it.

As cli.py, it is driven here and not through Ansible's persistent process, which logs in again by itself and keeps its session over tasks.
Traps of httpapi with the plugin of fortinet.fortios, each seen at the emulator:
- whatever goes wrong there is a bare Exception, the cause among its arguments;
- to close is to log out, which waits for a device that has gone until its timeout.
"""

from __future__ import annotations

from ..appliances.appliance import Request
from .host import Unreachable
from .login import Login

NAME = "httpapi"
JSON = {"Content-Type": "application/json"}


class Session(Login):
    """One session with it; the requests by which the plugin itself logs in and out are not counted."""

    def open(self) -> Session:
        """A new login, whatever was there before.  Raises Unreachable."""
        self.close()
        connection = self._made()
        try:
            connection._connect()
        except Exception as error:
            raise Unreachable(_text(error) or "no login", remedy="check the address, the account, its certificate and the network") from error
        self._connection = connection
        return self

    def ask(self, request: Request) -> tuple[int, str]:
        """(status, answer).  Raises Unreachable when there is none, or not to its end."""
        connection = self._connection or self.open()._connection
        self.asked += 1
        try:
            status, said = connection.httpapi.send_request(url=request.path, data=request.body, method=request.method, headers=dict(JSON))
        except Exception as error:
            self._connection = None
            raise Unreachable(f"no answer to {request.method} {request.path}: {_text(error)}", remedy="check the network") from error
        return int(status), str(said)


def _text(error: BaseException) -> str:
    cause = next((one for one in reversed(error.args) if isinstance(one, BaseException)), None)
    return _text(cause) if cause else str(getattr(error, "message", "") or error)
