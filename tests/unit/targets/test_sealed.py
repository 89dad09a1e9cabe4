"""agent/sealed.sh: a key that two ends share is made on one host, sealed for the other, and put into a file there."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.keyed import Keyed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.sealed import (
    Receiver,
    Sealed,
    compose_make,
    compose_receiver,
    compose_take,
    parse_make,
    parse_receiver,
    parse_take,
)

from .agent_host import NONCE, Host, sha256

SALT = "00112233"
OLD = "T2xkT2xkT2xkT2xkT2xkT2xkT2xkT2xkT2xkT2xkT2w="
PEER = "cGVlcnBlZXJwZWVycGVlcnBlZXJwZWVycGVlcnBlZXI="
CONF = f"[Interface]\nPrivateKey = x\n\n[Peer]\n# the branch\nPublicKey = {PEER}\nPresharedKey = {OLD}\nAllowedIPs = 10.0.0.2/32\n"


def waiting(host: Host, id_: str) -> Path:
    return host.state / "keys" / id_ / "1.key"


def receiver(host: Host, id_: str) -> Receiver:
    return parse_receiver(host.send(compose_receiver(id_, NONCE)), NONCE, "h")


def made(host: Host, id_: str, to: Receiver) -> Sealed:
    return parse_make(host.send(compose_make(id_, SALT, to, NONCE)), NONCE, "h")


def taken(host: Host, id_: str, sealed: Sealed) -> str:
    return parse_take(host.send(compose_take(id_, SALT, sealed, NONCE)), NONCE, "h")


def test_a_key_arrives_at_the_other_end_and_only_its_ciphertext_and_a_digest_travel(any_host: Host) -> None:
    to = receiver(any_host, "b")
    output = any_host.send(compose_make("a", SALT, to, NONCE))
    sealed = parse_make(output, NONCE, "h")
    assert taken(any_host, "b", sealed) == sealed.digest
    key = waiting(any_host, "a").read_text().strip()
    assert waiting(any_host, "b").read_text().strip() == key and len(base64.b64decode(key)) == 32
    assert key not in answer.body(output, NONCE) + sealed.text
    assert waiting(any_host, "b").stat().st_mode & 0o777 == 0o600
    assert made(any_host, "a", to).digest == sealed.digest, "sent twice it makes no second key"
    any_host.send(script.compose_drop_keys("b", NONCE))
    assert not waiting(any_host, "b").parent.exists()


def test_two_keys_are_two_keys(host: Host) -> None:
    to = receiver(host, "b")
    assert made(host, "a", to).digest != made(host, "c", to).digest


def test_what_was_changed_on_its_way_does_not_open(host: Host) -> None:
    sealed = made(host, "a", receiver(host, "b"))
    head, body, tail = sealed.text.partition("-----\n")[0], *sealed.text.partition("-----\n")[2].split("-----END", 1)
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1  # the end is the tag of GCM
    other = f"{head}-----\n{base64.encodebytes(bytes(raw)).decode()}-----END{tail}"
    with pytest.raises(Problem, match="openssl cms says"):
        taken(host, "b", replace(sealed, text=other))
    assert not waiting(host, "b").exists()


def test_it_takes_the_place_of_the_old_one_and_the_way_back_restores_the_very_file(any_host: Host) -> None:
    path = any_host.write("wg0.conf", CONF)
    path.chmod(0o600)
    inode, before = path.stat().st_ino, sha256(path)
    made(any_host, "t-1", receiver(any_host, "b"))
    key = waiting(any_host, "t-1").read_text()
    report = any_host.apply(Keyed(str(path), before, 7, 1, "PresharedKey = "))
    assert report.state == "RELOADED", report
    assert path.read_text() == CONF.replace(f"{OLD}\n", key) and path.stat().st_mode & 0o777 == 0o600
    any_host.revert()
    assert (path.stat().st_ino, sha256(path)) == (inode, before) and not waiting(any_host, "t-1").exists()


def test_a_key_is_written_into_no_file_that_everybody_reads(host: Host) -> None:
    path = host.write("wg0.conf", CONF)
    path.chmod(0o644)
    made(host, "t-1", receiver(host, "b"))
    report = host.apply(Keyed(str(path), sha256(path), 7, 1, "PresharedKey = "))
    assert report.state == "REFUSED" and path.read_text() == CONF


def test_a_file_that_was_not_there_is_made_for_nobody_but_its_owner_and_goes_with_the_way_back(any_host: Host) -> None:
    path = any_host.etc / "new.conf"
    made(any_host, "t-1", receiver(any_host, "b"))
    key = waiting(any_host, "t-1").read_text()
    report = any_host.apply(Keyed(str(path), "", 1, 0, "secrets {\n  ppk-x {\n    secret = 0s", behind="  }\n}\n"))
    assert report.state == "RELOADED", report
    assert path.read_text() == f"secrets {{\n  ppk-x {{\n    secret = 0s{key}  }}\n}}\n" and path.stat().st_mode & 0o777 == 0o600
    any_host.revert()
    assert not path.exists()
