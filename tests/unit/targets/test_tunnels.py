"""agent/tunnels.sh: what is asked of swanctl, word for word, under every shell, and what comes back."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.tunnels import (
    compose_tunnels,
    end,
    parse_tunnels,
    pluto_end,
    pluto_rekey,
    pluto_up,
    rekey,
    renew,
    start,
)

from .agent_host import NONCE, Host

SAYS = """#!/bin/sh
for word; do printf '<%s>' "$word"; done >>{log}
echo >>{log}
case $1 in
  --list-sas) printf 'list-sa event {{site {{uniqueid=1}}}}\\nlist-sas reply {{}}\\n' ;;
  --rekey) echo 'rekey completed successfully' ;;
  *) echo 'establishing' && echo "initiate failed: CHILD_SA '$5' not found" >&2 && exit 22 ;;
esac
"""


def swanctl(host: Host) -> None:
    path = host.root / "bin" / "swanctl"
    path.write_text(SAYS.format(log=host.root / "asked"))
    path.chmod(0o755)


def test_names_and_numbers_reach_swanctl_as_they_are(any_host: Host) -> None:
    swanctl(any_host)
    verbs = [start("-x; reboot", "n'e $(t)"), rekey("ike", "7"), rekey("child", "8"), renew("9"), end("3")]
    whys, listed = any_host.ask(compose_tunnels(verbs, NONCE), parse_tunnels)
    assert (any_host.root / "asked").read_text().splitlines() == [
        "<--initiate><--ike><-x; reboot><--child><n'e $(t)><--timeout><20>",
        "<--rekey><--ike-id><7>",
        "<--rekey><--child-id><8>",
        "<--rekey><--ike-id><9><--reauth>",
        "<--terminate><--ike-id><3><--timeout><10>",
        "<--list-sas><--raw>",
    ]
    assert whys == ("initiate failed: CHILD_SA 'n'e $(t)' not found", "", "", "", "initiate failed: CHILD_SA '10' not found")
    assert listed.strip().splitlines() == ["list-sa event {site {uniqueid=1}}", "list-sas reply {}"]


def test_a_host_without_swanctl_says_so(host: Host) -> None:
    if not host.send("command -v swanctl\n"):
        whys, listed = host.ask(compose_tunnels([end("1")], NONCE), parse_tunnels)
        assert whys[0] and listed.strip() == ""


def test_the_agent_of_least_privilege_ends_no_tunnel() -> None:
    with pytest.raises(Problem, match="moves no tunnels"):
        as_data(compose_tunnels([end("1")], NONCE))


PLUTO = """#!/bin/sh
for word; do printf '<%s>' "$word"; done >>{log}
echo >>{log}
case $1 in
  status) printf 'Total IPsec connections: loaded 1, active 1\\n' ;;
  whack) echo 'rekeyed' ;;
  down) echo 'it is not up' && exit 1 ;;
  *) echo "no connection '$2'" && exit 21 ;;
esac
"""


def test_names_and_numbers_reach_pluto_as_they_are(any_host: Host) -> None:
    path = any_host.root / "bin" / "ipsec"
    path.write_text(PLUTO.format(log=any_host.root / "asked"))
    path.chmod(0o755)
    verbs = [pluto_up("n'e $(t)"), pluto_rekey("child", "n'e $(t)"), pluto_rekey("ike", "site"), pluto_end("4")]
    whys, listed = any_host.ask(compose_tunnels(verbs, NONCE, "libreswan"), parse_tunnels)
    assert (any_host.root / "asked").read_text().splitlines() == [
        "<down><n'e $(t)>",
        "<up><n'e $(t)>",
        "<whack><--rekey-child><--name><n'e $(t)>",
        "<whack><--rekey-ike><--name><site>",
        "<whack><--deletestate><4>",
        "<status>",
    ]
    assert whys == ("no connection 'n'e $(t)'", "", "", "") and listed.startswith("Total IPsec connections")
    with pytest.raises(Problem, match="moves no tunnels"):
        as_data(compose_tunnels([pluto_end("1")], NONCE, "libreswan"))
