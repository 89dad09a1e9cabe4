"""agent/services.sh, ca_update: strongSwan takes up its ipsec.conf and answers nothing, so its list and its log are asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script

from .agent_host import NONCE, Host, replace_line

# A starter that loads each line of its file as a connection, unless it holds a word that charon does not know; a line BROKEN is none to it.
IPSEC = """#!/bin/sh
echo "$*" >>{root}/asked
case $1 in
  statusall)
    echo 'Connections:'
    sed 's/^\\([a-z]*\\) .*/        \\1:  10.0.0.1...10.0.0.2  IKEv2/' {root}/loaded
    echo 'Security Associations (1 up, 0 connecting):'
    echo '        gone[1]: ESTABLISHED 2 minutes ago, 10.0.0.1[a]...10.0.0.2[b]'
    ;;
  update)
    [ ! -e {root}/no-starter ] || {{ echo 'Updating strongSwan IPsec failed: starter is not running' >&2; exit 7; }}
    if grep -q BROKEN {root}/etc/ipsec.conf; then
      echo '/etc/ipsec.conf:1: syntax error, unexpected STRING' >>{root}/log
      echo "can't reload config file due to errors -- keeping old one" >>{root}/log
      exit 0
    fi
    grep -v unknown {root}/etc/ipsec.conf >{root}/loaded
    echo "15[CFG] added configuration 'road'" >>{root}/log
    ! grep -q unknown {root}/etc/ipsec.conf || {{
      echo "13[CFG] algorithm 'unknown' not recognized" >>{root}/log
      echo "13[CFG] skipped invalid proposal string: unknown" >>{root}/log
    }}
    ;;
esac
"""
JOURNAL = """#!/bin/sh
case $* in
  *--show-cursor*) : >{root}/log; echo '-- cursor: s=1;i=2' ;;
  *'-t charon -t ipsec_starter --after-cursor=s=1;i=2'*) cat {root}/log ;;
esac
"""


def strongswan(host: Host) -> Path:
    for name, text in (("ipsec", IPSEC), ("journalctl", JOURNAL)):
        path = host.root / "bin" / name
        path.write_text(text.format(root=host.root))
        path.chmod(0o755)
    conf = host.write("ipsec.conf", "site x25519\nroad x25519\n")
    (host.root / "loaded").write_text(conf.read_text())
    return conf


def updated(host: Host, conf: Path, line: str, id_: str = "t-1") -> answer.TransactionReport:
    update = Activation("strongswan-legacy", ("strongswan-starter.service",), (), ("true",), "update:site,road")
    asked = replace(host.transaction(replace_line(conf, 1, f"{line}\n"), id_=id_), activations=(update,))
    return host.ask(script.compose_apply(asked, {}, NONCE), answer.parse_transaction)


def test_a_file_is_taken_up_and_one_that_charon_refuses_is_taken_back(any_host: Host) -> None:
    conf = strongswan(any_host)
    assert updated(any_host, conf, "site mlkem768,x25519").state == "RELOADED"
    assert (any_host.root / "loaded").read_text() == "site mlkem768,x25519\nroad x25519\n"
    assert any_host.confirm().state == "CLEANED"
    refused = updated(any_host, conf, "site unknown", "t-2")
    assert refused.state == "REVERTED"
    assert "charon has not loaded site after ipsec update: 13[CFG] algorithm 'unknown' not recognized" in refused.message
    assert conf.read_text() == (any_host.root / "loaded").read_text() == "site mlkem768,x25519\nroad x25519\n"


def test_what_starter_cannot_read_is_taken_back_with_its_words(host: Host) -> None:
    conf = strongswan(host)
    refused = updated(host, conf, "BROKEN")
    assert (refused.state, conf.read_text()) == ("REVERTED", "site x25519\nroad x25519\n")
    assert "starter cannot read ipsec.conf: /etc/ipsec.conf:1: syntax error, unexpected STRING" in refused.message


def test_without_a_starter_nothing_stays_changed(host: Host) -> None:
    conf = strongswan(host)
    (host.root / "no-starter").touch()
    refused = updated(host, conf, "site mlkem768,x25519")
    assert conf.read_text() == "site x25519\nroad x25519\n"
    assert "ipsec update says: Updating strongSwan IPsec failed: starter is not running" in refused.message
