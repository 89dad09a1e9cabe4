# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a second host in the same task, for what two hosts do together.

Its connection is made of its own variables, as Ansible makes it for a task of its own (TaskExecutor._get_connection, _set_connection_options).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import become_loader, connection_loader

from ._core.model import Problem
from ._run import Run


def other(run: Run, host: str, spec: Mapping[str, Any]) -> Run:
    """The same task on another host of the inventory.  Raises Problem for one that is not in it."""
    hosts = run.vars.get("hostvars", {})
    if host not in hosts or host == run.host:
        raise Problem(f"{host or 'the other end'} is no other host of this inventory", "agility_link_peer", "nothing was changed")
    return Run(_action(run.action, host, hosts[host]), hosts[host], run.verb, spec)


def _action(mine: ActionBase, host: str, said: Mapping[str, Any]) -> ActionBase:
    task: Any = mine._task
    context: Any = copy(mine._play_context)
    context.remote_addr = str(said.get("ansible_host", host))
    kind = str(said.get("ansible_connection", task.connection))
    connection: Any = connection_loader.get(kind, context, new_stdin=None)
    if connection is None:
        raise Problem(f"there is no connection plugin {kind}", host, "set ansible_connection; nothing was changed")
    keywords = {name: value for name, value in task.dump_attrs().items() if name != "retries"} | {"timeout": context.timeout}
    if context.password:
        keywords["password"] = context.password
    _set(connection, "connection", said, keywords)
    _set(connection._shell, "shell", said, keywords)
    if boolean(said.get("ansible_become", task.become or False)):
        plugin: Any = become_loader.get(str(said.get("ansible_become_method", task.become_method)))
        connection.set_become_plugin(plugin)
        _set(plugin, "become", said, keywords | ({"become_pass": context.become_pass} if context.become_pass else {}))
    action = copy(mine)
    action._play_context, action._connection = context, connection
    return action


def _set(plugin: Any, kind: str, said: Mapping[str, Any], keywords: Mapping[str, Any]) -> None:
    names = C.config.get_plugin_vars(kind, plugin._load_name)
    plugin.set_options(task_keys=dict(keywords), var_options={name: said[name] for name in names if name in said})
