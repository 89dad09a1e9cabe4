"""agent/anchors.sh, and the part of services.sh that makes a trust store anew, both ways; a store of its own stands in for the host's."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.anchors import STORES, anchor, ends_at, placed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.hierarchy import certify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, Identity, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.trust import compose_trusts, parse_trusts, parse_untaken

from ...emulators import pem
from ..certificates.ca import make_key
from .agent_host import DIGEST, NONCE, Host

KEY = make_key("ECDSA-P256")
ROOT, OTHER = (certify(name, KEY, 99, datetime.now(UTC), 1) for name in ("Test root", "Other root"))
UPDATE = """#!/bin/sh
cd {store} && cat {etc}/*.crt >bundle.new 2>/dev/null; mv bundle.new bundle
for f in {etc}/*.crt; do [ ! -f "$f" ] || ln -sf "$f" "{store}/${{f##*/}}.pem"; done
[ ! -e {root}/update-fails ]
"""


@pytest.fixture
def store(any_host: Host) -> Path:
    """What `update` makes of the anchors in etc, and what openssl takes for the host's store."""
    folder = any_host.root / "store"
    folder.mkdir()
    any_host._program("update", UPDATE.format(store=folder, etc=any_host.etc, root=any_host.root))
    openssl = next(path for path in os.environ["PATH"].split(":") if (Path(path) / "openssl").exists()) + "/openssl"
    any_host._program("openssl", f'#!/bin/sh\ncase $1 in verify) shift; set -- verify -CAfile {folder}/bundle "$@" ;; esac\nexec {openssl} "$@"\n')
    any_host.write("other.crt", pem(OTHER))
    (folder / "bundle").write_text(pem(OTHER))
    return folder


def asked(host: Host) -> tuple[tuple[str, ...], tuple[str, ...]]:
    said = host.send(compose_trusts(pem(ROOT), (str(host.etc), "/nowhere"), script.Look({}), NONCE))
    return parse_trusts(said, NONCE), parse_untaken(said, NONCE)


def apply(host: Host, store: Path) -> answer.TransactionReport:
    change = Change(str(host.etc / "ours.crt"), "", (Edit(1, 0, (pem(ROOT),)),))
    refresh = Activation("ca-certificates", ("update", str(store)), (), ("test", "-d", str(host.etc)), "refresh")
    transaction = script.Transaction("t-1", 60, Identity(), "a test", (change,), (refresh,), DIGEST)
    return host.ask(script.compose_apply(transaction, {}, NONCE), answer.parse_transaction)


def test_what_the_store_holds_and_what_lies_there_half_done_are_told_apart(any_host: Host, store: Path) -> None:
    (why,), untaken = asked(any_host)
    assert "self" in why and "signed certificate" in why and untaken == ()
    any_host.write("ours.crt", pem(ROOT))
    assert asked(any_host)[1] == (str(any_host.etc / "ours.crt"),)
    (store / "bundle").write_text(pem(OTHER, ROOT))
    assert asked(any_host) == (("",), ())


def test_a_store_is_made_anew_with_a_change_and_again_when_it_goes_back(any_host: Host, store: Path) -> None:
    before = (store / "bundle").read_bytes()
    assert apply(any_host, store).state == "RELOADED"
    assert asked(any_host) == (("",), ()) and (store / "ours.crt.pem").exists()
    assert any_host.revert().state == "REVERTED"
    assert (store / "bundle").read_bytes() == before
    assert sorted(path.name for path in store.iterdir()) == ["bundle", "other.crt.pem"], "no link that leads nowhere"


def test_a_program_that_fails_takes_the_change_back(any_host: Host, store: Path) -> None:
    (any_host.root / "update-fails").touch()
    report = apply(any_host, store)
    assert report.state in ("REVERTED", "REVERT_FAILED") and not (any_host.etc / "ours.crt").exists()


@pytest.mark.parametrize("systemd", [False, True])
def test_a_boot_makes_the_store_anew_too_for_no_daemon_would(any_host: Host, store: Path, systemd: bool) -> None:
    before = (store / "bundle").read_bytes()
    assert apply(any_host, store).state == "RELOADED"
    any_host.end()  # the watcher would see another boot, too
    (any_host.state / "tx/t-1/boot").write_text("another boot\n")
    if systemd:
        (any_host.root / "no-systemd").mkdir()
    any_host.send(f"sh {any_host.state}/tx/t-1/agent.sh boot\n")
    assert any_host.status().state == "REVERTED"
    assert (store / "bundle").read_bytes() == before and not (store / "ours.crt.pem").is_symlink()


def test_a_host_without_openssl_says_so(any_host: Host, store: Path) -> None:
    text = any_host.place(compose_trusts(pem(ROOT), (), script.Look({}), NONCE)).replace("command -v openssl", "command -v no-openssl")
    assert parse_trusts(any_host.send(text), NONCE) == ("openssl is not there",)


# -- what is an anchor, and who needs it


def test_an_anchor_is_one_root_and_has_the_same_name_everywhere() -> None:
    one = anchor(pem(ROOT), "x")
    assert one.name.startswith("test-root-") and one.name == anchor(pem(ROOT), "y").name != anchor(pem(OTHER), "x").name
    server = certify("Server", KEY, 9, datetime.now(UTC), 1)
    for text, words in ((pem(ROOT, OTHER), "it holds 2 certificates"), ("", "cannot be read"), (pem(server)[:-99], "cut off")):
        with pytest.raises(Problem, match=words):
            anchor(text, "x")


def test_what_ends_at_an_anchor_is_known_by_name_also_when_its_middle_is_missing() -> None:
    assert ends_at(pem(ROOT), ROOT) and not ends_at(pem(OTHER), ROOT) and not ends_at("nothing", ROOT)
    assert placed({"/a": "broken", "/b": pem(OTHER), "/c": pem(ROOT)}, ROOT) == "/c" and placed({}, ROOT) == ""


def test_each_store_says_how_it_is_made_anew() -> None:
    assert STORES["ca-certificates"].activation("x").units == ("update-ca-certificates", "/etc/ssl/certs")
    assert STORES["ca-trust"].activation("x").units == ("update-ca-trust",)
