"""agent/ppk.sh: what charon says of its PPKs, and that no secret is among it."""

from __future__ import annotations

from functools import partial

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.ppk import Loaded, compose_loaded, parse_loaded

from .agent_host import NONCE, Host

SAYS = """#!/bin/sh
for word; do printf '<%s>' "$word"; done >>{log}
case $1 in
  --load-creds)
    printf "loaded certificate from '/etc/swanctl/x509/a.pem'\\nloaded ike secret 'ike-site'\\nloaded ppk secret 'ppk-old'\\nloaded ppk secret 'ppk-site-1a2b3c'\\n"
    echo 'ignoring unsupported secret CANARY' >&2 ;;
  --list-conns)
    echo 'list-conn event {{site {{local_addrs=[10.0.0.1] version=IKEv2 ppk_id=site-1a2b3c ppk_required=yes local-1 {{class=pre-shared key}}}}}}'
    echo 'list-conn event {{plain {{local_addrs=[10.0.0.1] version=IKEv2}}}}'
    echo 'list-conns reply {{}}' ;;
esac
"""


@pytest.fixture
def charon(any_host: Host) -> Host:
    any_host._program("swanctl", SAYS.format(log=any_host.root / "asked"))
    return any_host


def loaded(host: Host, connection: str) -> Loaded:
    return host.ask(compose_loaded(NONCE), partial(parse_loaded, host="h", connection=connection))


def test_it_tells_the_names_of_the_secrets_and_what_each_connection_asks_for(charon: Host) -> None:
    names = frozenset({"ppk-old", "ppk-site-1a2b3c"})
    assert loaded(charon, "site") == Loaded(names, "site-1a2b3c", True)
    assert loaded(charon, "plain") == Loaded(names, "", False)
    assert (charon.root / "asked").read_text().startswith("<--load-creds><--noprompt><--list-conns><--raw>")
    assert "CANARY" not in answer.body(charon.send(compose_loaded(NONCE)), NONCE)


def test_a_connection_that_charon_has_not_loaded_is_said(charon: Host) -> None:
    with pytest.raises(Problem, match="has not loaded the connection other"):
        loaded(charon, "other")


def test_the_agent_of_least_privilege_loads_no_keys() -> None:
    with pytest.raises(Problem, match="moves no tunnels"):
        as_data(compose_loaded(NONCE))
