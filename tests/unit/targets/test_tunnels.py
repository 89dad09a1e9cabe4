"""agent/tunnels.sh: what is asked of swanctl, word for word, under every shell, and what comes back."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.tunnels import VERBS, compose_tunnels, parse_tunnels

from .agent_host import NONCE, Host

SWAN, PLUTO, STROKE = (VERBS[name] for name in ("strongswan", "libreswan", "strongswan-legacy"))
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
    verbs = [
        SWAN.start("-x; reboot", "n'e $(t)"),
        SWAN.rekey("ike", "s", "7"),
        SWAN.rekey("child", "s", "8"),
        SWAN.renew("s", "9"),
        SWAN.end("s", "3"),
        SWAN.end_child("s", "4"),
    ]
    whys, listed = any_host.ask(compose_tunnels(verbs, NONCE), parse_tunnels)
    assert (any_host.root / "asked").read_text().splitlines() == [
        "<--initiate><--ike><-x; reboot><--child><n'e $(t)><--timeout><20>",
        "<--rekey><--ike-id><7>",
        "<--rekey><--child-id><8>",
        "<--rekey><--ike-id><9><--reauth>",
        "<--terminate><--ike-id><3><--timeout><10>",
        "<--terminate><--child-id><4><--timeout><10>",
        "<--list-sas><--raw>",
    ]
    assert whys == ("initiate failed: CHILD_SA 'n'e $(t)' not found", "", "", "", *["initiate failed: CHILD_SA '10' not found"] * 2)
    assert listed.strip().splitlines() == ["list-sa event {site {uniqueid=1}}", "list-sas reply {}"]


def test_a_host_without_swanctl_says_so(host: Host) -> None:
    if not host.send("command -v swanctl\n"):
        whys, listed = host.ask(compose_tunnels([SWAN.end("s", "1")], NONCE), parse_tunnels)
        assert whys[0] and listed.strip() == ""


def test_the_agent_of_least_privilege_ends_no_tunnel() -> None:
    with pytest.raises(Problem, match="moves no tunnels"):
        as_data(compose_tunnels([SWAN.end("s", "1")], NONCE))


PLUTO_SAYS = """#!/bin/sh
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
    path.write_text(PLUTO_SAYS.format(log=any_host.root / "asked"))
    path.chmod(0o755)
    verbs = [PLUTO.start("n'e $(t)", "x"), PLUTO.rekey("child", "n'e $(t)", "2"), PLUTO.rekey("ike", "site", "2"), PLUTO.end("site", "4")]
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
        as_data(compose_tunnels([PLUTO.end("site", "1")], NONCE, "libreswan"))


STROKE_SAYS = """#!/bin/sh
for word; do printf '<%s>' "$word"; done >>{log}
echo >>{log}
case $1 in
  statusall) printf 'Connections:\\nSecurity Associations (0 total, 0 connecting):\\n  none\\n' ;;
  up)
    case $2 in
      site) printf 'IKE_SA site[2] established\\n'; echo "connection 'site' established successfully" ;;
      *) echo 'received AUTHENTICATION_FAILED notify error'; echo "establishing connection '$2' failed" ;;
    esac ;;
  *) echo 'done' ;;
esac
"""


def test_names_and_numbers_reach_stroke_as_they_are(any_host: Host) -> None:
    """It always ends with 0: what it says decides."""
    path = any_host.root / "bin" / "ipsec"
    path.write_text(STROKE_SAYS.format(log=any_host.root / "asked"))
    path.chmod(0o755)
    named = "n'e $(t)"
    verbs = [STROKE.start("site", "esp"), STROKE.start(named, "esp"), STROKE.rekey("ike", named, "3"), STROKE.rekey("child", "site", "4")]
    verbs += [STROKE.renew("site", "3"), STROKE.end(named, "5"), STROKE.end_child(named, "6")]
    whys, listed = any_host.ask(compose_tunnels(verbs, NONCE, "strongswan-legacy"), parse_tunnels)
    assert (any_host.root / "asked").read_text().splitlines() == [
        "<up><site>",
        f"<up><{named}>",
        f"<stroke><rekey><{named}[3]>",
        "<stroke><rekey><site{4}>",
        "<down><site[3]>",
        "<up><site>",
        f"<down><{named}[5]>",
        f"<down><{named}{{6}}>",
        "<statusall>",
    ]
    assert whys == ("", "received AUTHENTICATION_FAILED notify error", "", "", "", "", "")
    assert listed.splitlines()[1].startswith("Security Associations (")
    with pytest.raises(Problem, match="moves no tunnels"):
        as_data(compose_tunnels([STROKE.end("site", "1")], NONCE, "strongswan-legacy"))
