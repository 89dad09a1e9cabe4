"""agent/ppk.sh: what charon says of its PPKs, and that no secret is among it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.ppk import (
    Loaded,
    compose_kept,
    compose_loaded,
    compose_taken,
    parse_kept,
    parse_loaded,
    parse_taken,
)

from tests.fixtures.libreswan.load import text

from .agent_host import NONCE, Host, sha256

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
    for message in (compose_loaded(NONCE), compose_kept("/etc/ipsec.secrets", NONCE), compose_taken(NONCE)):
        with pytest.raises(Problem, match="moves no tunnels"):
            as_data(message)


# ---------------------------------------------------------------- libreswan

MAIN = """# a comment: PPKS "not this" CANARY
include ipsec.d/*.secrets
@a @b : PSK "CANARY : PPKS 'CANARY'"
include {etc}/more.secrets
"""
HAND = """10.0.0.1 10.0.0.2: PPKS "hand" "CANARY"
@a
\t@b : ppks 'split'

# between
  0sCANARY
: PPKS "a b CANARY" CANARY
user : XAUTH "CANARY"
"""
OURS = """# made by quantumsafe.agility, in place of hand
"@a" "@b" : PPKS "site-1" 0sCANARY
# made by quantumsafe.agility, in place of 
"@a" "@b" : PPKS "site-2" 0sCANARY
"""


@pytest.fixture
def pluto(any_host: Host) -> Host:
    (any_host.etc / "ipsec.d").mkdir()
    for name, said in {"ipsec.secrets": MAIN.format(etc=any_host.etc), "ipsec.d/hand.secrets": HAND, "more.secrets": OURS}.items():
        (any_host.etc / name).write_text(said)
        (any_host.etc / name).chmod(0o600)
    return any_host


def test_it_tells_where_the_ppks_of_pluto_stand_and_no_secret(pluto: Host) -> None:
    main = str(pluto.etc / "ipsec.secrets")
    found = pluto.ask(compose_kept(main, NONCE), partial(parse_kept, host="h"))
    hand, ours = str(pluto.etc / "ipsec.d/hand.secrets"), str(pluto.etc / "more.secrets")
    assert [(path, count, file.mode, file.sha256) for path, (file, count) in found.files.items()] == [
        (path, count, "600", sha256(Path(path))) for path, count in ((main, 4), (hand, 8), (ours, 4))
    ]
    assert found.includes == (f"{pluto.etc}/ipsec.d/*.secrets", ours)
    assert [(one.file.path, one.ids, one.line, one.count, one.replaces) for one in found.secrets] == [
        (hand, ("hand",), 1, 1, None),
        (hand, ("split",), 2, 5, None),
        (hand, ("?",), 7, 1, None),
        (ours, ("site-1",), 1, 2, "hand"),
        (ours, ("site-2",), 3, 2, ""),
    ]
    assert "CANARY" not in answer.body(pluto.send(compose_kept(main, NONCE)), NONCE)


def test_files_that_include_one_another_and_one_that_is_not_there_come_to_an_end(pluto: Host) -> None:
    (pluto.etc / "more.secrets").write_text(f"include {pluto.etc}/ipsec.secrets\n")
    assert len(pluto.ask(compose_kept(str(pluto.etc / "ipsec.secrets"), NONCE), partial(parse_kept, host="h")).files) == 3
    with pytest.raises(Problem, match="file of secrets is not there"):
        pluto.ask(compose_kept(str(pluto.etc / "none"), NONCE), partial(parse_kept, host="h"))


def test_pluto_tells_which_files_it_took_and_what_it_cannot_read(pluto: Host) -> None:
    said = text("ppk-5.2.txt").partition("what it says\n")[2]
    pluto._program("ipsec", f"#!/bin/sh\n[ \"$*\" = rereadsecrets ] || exit 9\ncat <<'END'\n{said}END\n")
    taken, wrong = pluto.ask(compose_taken(NONCE), partial(parse_taken, host="h"))
    assert taken == {"/etc/ipsec.secrets", *(f"/etc/ipsec.d/{name}.secrets" for name in ("ppk", "site", "z"))}
    assert wrong == ("/etc/ipsec.d/z.secrets:1", "/etc/ipsec.d/z.secrets:2")
    assert "0sZZ" not in answer.body(pluto.send(compose_taken(NONCE)), NONCE), "it repeats what it cannot read"
