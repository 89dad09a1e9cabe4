"""What the schema offers, a policy can say: every protocol and aspect that has algorithms takes a rule."""

from __future__ import annotations

import json
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL, find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import HERE, PolicyError, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve

SCHEMA = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))["$defs"]
STATED = ("certificate", "private_key", "session", "ppk", "psk", "fips", "client_authentication")
DAY = date(2026, 11, 26)
USES = sorted({(a.protocol, a.aspect) for a in ALL if a.protocol != "x509" and a.aspect not in STATED})


def policy(protocol: str, aspect: str, body: str):
    match = f"match: {{protocol: {protocol}}}, " if protocol else ""
    rule = f"{{id: r, {match}aspect: {aspect}, {body}, source: {{doc: d, force: recommendation}}}}"
    return load("p.yml", lambda _: f'policy: {{name: t, version: "1"}}\nrules:\n  - {rule}\n')


def verdict(protocol: str, aspect: str, allow: str, name: str) -> str:
    requirement = resolve(policy(protocol, aspect, f"allow: {allow}"), Target("h", (), protocol), DAY)[aspect]
    algorithm = find(protocol, aspect, name)
    assert algorithm, name
    return judge(requirement, algorithm, DAY).kind


def test_every_protocol_of_the_schema_has_algorithms() -> None:
    assert {protocol for protocol, _ in USES} == set(SCHEMA["protocol"]["enum"])


def test_every_aspect_of_the_schema_has_algorithms_or_is_stated() -> None:
    assert {aspect for _, aspect in USES} == set(SCHEMA["aspect"]["enum"]) - set(STATED)


@pytest.mark.parametrize(("protocol", "aspect"), USES)
def test_a_rule_for_it_compiles(protocol: str, aspect: str) -> None:
    assert policy(protocol, aspect, "allow: {status: [current, legacy, obsolete, experimental, broken]}").rules


@pytest.mark.parametrize("aspect", ["hash", "prf", "cipher", "mac", "signature", "key_exchange"])
def test_a_rule_for_all_protocols_compiles(aspect: str) -> None:
    assert policy("", aspect, "allow: {status: current}").rules


@pytest.mark.parametrize(("protocol", "aspect"), [("ikev2", "ppk"), ("wireguard", "psk"), ("openvpn", "psk")])
def test_a_shared_secret_is_stated(protocol: str, aspect: str) -> None:
    assert policy(protocol, aspect, "require: {mode: required}").rules
    with pytest.raises(PolicyError, match="say require instead"):
        policy(protocol, aspect, "allow: {status: current}")


@pytest.mark.parametrize(
    ("protocol", "aspect", "allow", "name", "kind"),
    [
        ("ikev2", "key_exchange", "{construction: [hybrid]}", "ecp384-ke1_mlkem1024", "allowed"),
        ("ikev2", "key_exchange", "{construction: [hybrid]}", "ecp384", "forbidden"),
        ("ikev2", "key_exchange", '{quantum_category: ">=5"}', "CURVE_25519+ML_KEM_768", "forbidden"),
        ("ikev2", "cipher", '{aead: true, key_bits: ">=256"}', "aes256gcm16", "allowed"),
        ("ikev2", "cipher", '{aead: true, key_bits: ">=256"}', "aes256", "forbidden"),
        ("ikev2", "prf", "{name: [prfsha384]}", "PRF_HMAC_SHA2_384", "allowed"),
        ("ikev2", "hash", '{classical_bits: ">=128"}', "sha1", "forbidden"),
        ("esp", "cipher", "{name: [aes256gcm16]}", "ENCR_AES_GCM_16-256", "allowed"),
        ("esp", "key_exchange", "{construction: [hybrid, post-quantum]}", "mlkem768", "allowed"),
        ("wireguard", "key_exchange", "{construction: [psk-augmented]}", "Noise_IKpsk2_25519", "forbidden"),
        ("wireguard", "key_exchange", "{construction: [psk-augmented]}", "PresharedKey", "allowed"),
        ("wireguard", "hash", "{status: current}", "BLAKE2s", "allowed"),
        ("openvpn", "cipher", "{aead: true}", "BF-CBC", "forbidden"),
        ("openvpn", "key_exchange", "{construction: [hybrid]}", "X25519MLKEM768", "allowed"),
        ("tls", "hash", '{classical_bits: ">=128"}', "SHA-384", "allowed"),
    ],
)
def test_a_rule_selects_what_it_says(protocol: str, aspect: str, allow: str, name: str, kind: str) -> None:
    assert verdict(protocol, aspect, allow, name) == kind


def test_no_rule_on_hybrids_lets_a_shared_secret_pass_as_one() -> None:
    for protocol, aspect in (("wireguard", "key_exchange"), ("openvpn", "psk"), ("ikev2", "ppk")):
        assert [a.id for a in ALL if (a.protocol, a.aspect) == (protocol, aspect) and (a.construction == "hybrid" and protocol != "openvpn")] == []


def test_one_line_retires_it_in_every_protocol() -> None:
    text = 'policy: {name: t, version: "1"}\nalgorithms: {MLKEM768: {state: retired, from: 2026-01-01}}\n'
    assert {"MLKEM768", "ML_KEM_768", "id-alg-ml-kem-768"} <= set(load("p.yml", lambda _: text).algorithms)
