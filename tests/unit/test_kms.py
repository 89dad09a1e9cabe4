"""The keys of a transit engine, read over TLS from an emulator whose answers have the shapes of the documentation of Vault and OpenBao."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.kms import quantum, remarks
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.transit import key, users
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import kms_table
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._kms import keys
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._web import Web

from ..emulators import TOKEN, Pki, serving

TODAY = date(2026, 11, 27)


def said(type_: str, *uses: str, made: Any = "2026-11-17T10:00:00.5Z", **more: Any) -> dict[str, Any]:
    one = {"creation_time": made, "name": type_, "public_key": "…"} if isinstance(made, str) else made
    can = {f"supports_{use}": use in uses for use in ("encryption", "decryption", "signing", "derivation")}
    return {
        "type": type_,
        "keys": {"1": one},
        "latest_version": 1,
        "exportable": False,
        "auto_rotate_period": 0,
        "deletion_allowed": False,
        **can,
        **more,
    }


KEYS = {
    "archive": said("rsa-3072", "encryption", "signing"),
    "code": said("ecdsa-p384", "signing", exportable=True),
    "disk": said("aes256-gcm96", "encryption", made=1767225600, auto_rotate_period=90 * 86400),
    "next": said("ml-dsa", "signing", parameter_set="65"),
    "both": said("hybrid", "signing", parameter_set="65", hybrid_key_type_pqc="ml-dsa", hybrid_key_type_ec="ecdsa-p256"),
    "odd/name ?": said("aes128-gcm96", "encryption"),
    "other": said("managed_key", made={"creation_time": None}),
}
POLICIES = {
    "app": 'path "transit/encrypt/archive" { capabilities = ["update"] }',
    "ops": '# path "transit/sign/code" { capabilities = ["update"] }\npath "transit/+/disk" {\n  capabilities = ["create", "update"]\n}',
    "all": 'path "transit/*" { capabilities = ["read", "update"] }\npath "transit/sign/code" { capabilities = ["deny"] }',
    "none": 'path "transit/keys/archive" { capabilities = ["read"] }',
}


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path, transit=dict(KEYS), policies=dict(POLICIES))


@pytest.fixture
def web(pki: Pki) -> Iterator[Web]:
    with serving(pki) as address:
        yield Web(f"{address}/v1/transit", str(pki.folder / "tls.pem"), ("", ""), {"X-Vault-Token": TOKEN}, (TOKEN,))


def test_every_key_is_named_by_the_house_and_weighed(pki: Pki, web: Web) -> None:
    found = {one.name: one for one in keys(web, TODAY)}
    assert {name: (one.kind, quantum(one)) for name, one in found.items()} == {
        "archive": ("RSA-3072", "vulnerable"),
        "code": ("ECDSA-P384", "vulnerable"),
        "disk": ("AES-256-GCM", "symmetric"),
        "next": ("ML-DSA-65", "safe"),
        "both": ("ML-DSA-65 + ECDSA-P256", "safe"),
        "odd/name ?": ("AES-128-GCM", "symmetric"),
        "other": ("managed_key", "unknown"),
    }
    assert (found["disk"].made, found["disk"].age, found["disk"].rotates) == ("2026-01-01", 330, 90)
    assert (found["code"].made, found["code"].age, found["other"].age) == ("2026-11-17", 10, None)
    assert found["archive"].uses == ("encrypt", "sign") and found["other"].uses == ()
    assert found["code"].loose and "it can be taken out in the clear" in remarks(found["code"])
    assert {line.split()[0] for line in pki.seen} == {"GET"}, "it only looks"


def test_users_are_the_policies_that_grant_a_use(web: Web) -> None:
    found = {one.name: one.users for one in keys(web, TODAY)}
    assert found["archive"] == ("all", "app") and found["disk"] == ("all", "ops")
    assert users({"x": POLICIES["ops"]}, "transit", "code") == (), "a comment grants nothing"
    assert users({"x": 'path "transit/sign/code*" { capabilities = ["update"] }'}, "transit", "code-2") == ("x",)
    assert users({"x": 'path "transit2/sign/code" { capabilities = ["update"] }'}, "transit", "code") == ()


def test_a_token_that_may_not_see_policies_still_sees_keys(pki: Pki, web: Web) -> None:
    pki.forbidden = ("sys/policies",)
    assert {one.users for one in keys(web, TODAY)} == {None}


def test_an_engine_without_keys_has_none(pki: Pki, web: Web) -> None:
    pki.transit.clear()
    assert keys(web, TODAY) == []


def test_what_may_not_be_read_is_said_with_the_way_out(pki: Pki, web: Web) -> None:
    pki.forbidden = ("transit/keys",)
    with pytest.raises(Problem, match="refused with 403: the token may not look here") as caught:
        keys(web, TODAY)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b'{"data": []}', b'{"data": {"keys": "x"}}', b'{"data": {"type": 1, "keys": {}}}', b"[" * 100000]
)
def test_a_strange_answer_is_no_key(answer: bytes) -> None:
    with pytest.raises(Problem, match="no answer of a transit engine"):
        key("x", answer, "https://kms", TODAY)


@pytest.mark.parametrize("made", ["yesterday", 1e30, -1e30, None, True, [1], {"creation_time": 7e20}])
def test_an_odd_time_is_unknown_or_a_day(made: Any) -> None:
    found = key("x", json.dumps({"data": said("ed25519", "signing") | {"keys": {"1": made}}}).encode(), "https://kms", TODAY)
    assert found.age is None or found.made


def test_the_table_begins_with_what_was_encrypted_for_long_and_no_name_moves_the_cursor(web: Web) -> None:
    table = kms_table([*keys(web, TODAY), key("\x1b[2Jx", json.dumps({"data": said("hmac")}).encode(), "https://kms", TODAY)])
    assert table.splitlines()[1].startswith("archive ")
    assert "\x1b" not in table and max(map(len, table.splitlines())) <= 140
