"""What a terminal and an API session of a network device have in common: a connection of ansible.netcommon that is opened here, each time anew."""

from __future__ import annotations

from typing import Any

from ansible.plugins.loader import connection_loader


class Login:
    """One login.  asked counts our questions; what the plugin itself says to log in is not ours."""

    def __init__(self, like: Any) -> None:
        """like: a connection that Ansible has made and never opened."""
        self._like, self._options = like, like.get_options()
        self._connection: Any = None
        self.asked = 0

    @property
    def system(self) -> str:
        return str(self._like._network_os or "")

    def option(self, name: str) -> Any:
        """As the inventory has it."""
        return self._options.get(name)

    def _made(self) -> Any:
        """A connection that shares nothing with those before it, not opened yet."""
        connection: Any = connection_loader.get(self._like.ansible_name, self._like._play_context, "/dev/null")
        connection._connected, connection._socket_path = False, None  # it takes a persistent process of its address for itself
        connection.set_options(direct=self._options)
        return connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception:  # it has gone, and so has its login; httpapi raises nothing narrower
                return
