"""The catalogue's own promises: one name is one thing, every fact has a source, and a composition is as strong as its parts."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.cipher_string import Suite, parse_suites
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL, Algorithm, all_of, find, named
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.rows import FILES, read
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.names import akin

from ..conftest import FIXTURES

PARTS = read("parts")
COMPOSED = [a for a in ALL if a.parts]
USES = ("tls", "ssh", "ikev2", "esp", "wireguard", "openvpn", "x509")


def of(a: Algorithm) -> str:
    return f"{a.protocol} {a.aspect} {a.id}"


def test_every_protocol_that_a_policy_can_name_has_rows() -> None:
    assert {a.protocol for a in ALL} == set(USES)


def test_an_id_is_one_row_of_its_use() -> None:
    assert [key for key, times in Counter((a.protocol, a.aspect, a.id) for a in ALL).items() if times > 1] == []


def test_a_name_is_one_algorithm_within_a_use_whoever_writes_it() -> None:
    owners = defaultdict(set)
    for a in ALL:
        for name in a.known_as:
            owners[a.protocol, a.aspect, name].add(a.id)
    assert {key: ids for key, ids in owners.items() if len(ids) > 1} == {}


def test_a_spelling_is_one_algorithm_of_its_implementation() -> None:
    owners = defaultdict(set)
    for a in ALL:
        for implementation, names in a.names.items():
            for name in names:
                owners[a.protocol, a.aspect, implementation, name].add(a.id)
    assert {key: ids for key, ids in owners.items() if len(ids) > 1} == {}


def test_a_code_point_is_one_algorithm_of_one_key_length() -> None:
    codes = Counter((a.protocol, a.aspect, a.code, a.key_bits) for a in ALL if a.code >= 0)
    assert [key for key, times in codes.items() if times > 1] == []
    oids = Counter((a.aspect, a.oid) for a in ALL if a.oid)
    assert [key for key, times in oids.items() if times > 1] == []


def test_every_row_has_a_source_and_says_what_that_document_is() -> None:
    assert [of(a) for a in ALL if not a.source or not a.standing] == []


def test_every_document_that_we_list_is_cited() -> None:
    cited = {a.source.split(";")[0] for a in ALL} | {part["source"] for part in PARTS.values()}
    assert set(read("documents")) == cited


def test_a_composition_is_as_strong_as_its_parts_say() -> None:
    for a in COMPOSED:
        facts = [PARTS[part] for part in a.parts]
        assert a.classical_bits == max(part.get("classical_bits", 0) for part in facts), of(a)
        assert a.quantum_category == max(part.get("quantum_category", 0) for part in facts), of(a)
        assert len(a.parts) == (2 if a.construction == "hybrid" else 1), of(a)


def test_a_hybrid_row_does_not_state_its_strength_a_second_time() -> None:
    groups = [group for name in FILES for group in read(name)]
    stated = [
        row["id"]
        for group in groups
        for row in group["rows"]
        if row.get("construction") == "hybrid" and {"classical_bits", "quantum_category"} & set(row)
    ]
    assert stated == []


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_as_strong_as_the_row_that_is_nothing_else(name: str) -> None:
    plain = [a for a in named(name) if not a.parts and a.construction == "classical"] + [
        a for a in ALL if a.parts == (name,) and a.construction == "post-quantum"
    ]
    for a in plain:
        assert (a.classical_bits, a.quantum_category) == (PARTS[name].get("classical_bits", 0), PARTS[name].get("quantum_category", 0)), of(a)


@pytest.mark.parametrize(
    ("name", "share"), [("X25519MLKEM768", 1216), ("SecP256r1MLKEM768", 1249), ("SecP384r1MLKEM1024", 1665), ("MLKEM512", 800), ("MLKEM1024", 1568)]
)
def test_a_share_is_as_long_as_the_registered_one(name: str, share: int) -> None:
    known = find("tls", "key_exchange", name)
    assert known
    assert known.share == share


def test_a_shared_secret_is_never_post_quantum() -> None:
    augmented = [a for a in ALL if a.construction == "psk-augmented"]
    assert {a.protocol for a in augmented} == {"ikev2", "wireguard"}
    assert [of(a) for a in augmented if a.quantum_category] == []
    assert [(a.construction, a.quantum_category) for a in all_of("openvpn", "psk")] == [("symmetric", 0)] * 4


def test_a_bare_number_names_nothing_because_every_platform_counts_otherwise() -> None:
    assert find("ikev2", "key_exchange", "34") is None
    kem = next(a for a in all_of("ikev2", "key_exchange") if a.id == "ML_KEM_768")
    assert (kem.names["vyos"], kem.names["fortios"]) == (("34", "dh-group 34"), ("36", "ml-kem-768"))


def test_retiring_one_use_of_a_name_leaves_the_others() -> None:
    assert akin("PRF_HMAC_SHA2_256") == ("PRF_HMAC_SHA2_256",)
    assert {"SHA-256", "AUTH_HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256"} <= set(akin("sha256"))


def test_what_goes_by_one_name_in_one_use_is_equally_strong() -> None:
    def kinds(a: Algorithm) -> set[tuple[str, int, int]]:
        ids = set(akin(a.id))
        return {(b.construction, b.quantum_category, b.key_bits) for b in ALL if b.id in ids and b.aspect == a.aspect}

    assert {of(a): kinds(a) for a in ALL if len(kinds(a)) > 1} == {}


# ---------------------------------------------------------------- suites of TLS 1.2, against what OpenSSL says of each

EXCHANGE = {"DH": "DHE", "ECDH": "ECDHE", "RSAPSK": "RSA-PSK", "DHEPSK": "DHE-PSK", "ECDHEPSK": "ECDHE-PSK"}
CIPHER = {
    "CHACHA20/POLY1305(256)": "CHACHA20-POLY1305",
    "None": "NULL",
    "3DES(168)": "3DES-CBC",
    "SEED(128)": "SEED-CBC",
    "RC4(128)": "RC4",
    "IDEA(128)": "IDEA-CBC",
}
MODES = {
    "AES": "AES-{}-CBC",
    "AESGCM": "AES-{}-GCM",
    "AESCCM": "AES-{}-CCM",
    "AESCCM8": "AES-{}-CCM8",
    "ARIAGCM": "ARIA-{}-GCM",
    "Camellia": "CAMELLIA-{}-CBC",
}


def suites() -> dict[str, Suite]:
    listed = [(FIXTURES / "nginx" / host / "answers" / "ciphers.out").read_text(encoding="utf-8") for host in ("web-new", "web-old", "web-legacy")]
    return {suite.name: suite for text in listed for suite in parse_suites(text)[0]}


@pytest.mark.parametrize("row", suites().values(), ids=lambda row: row.name)
def test_a_suite_is_split_as_openssl_splits_it(row: Suite) -> None:
    suite = find("tls", "cipher", row.name)
    assert suite
    assert suite.code >= 0
    assert suite.exchange == EXCHANGE.get(row.kx, row.kx)
    assert suite.authentication == {"None": "none"}.get(row.au, row.au)
    name, _, size = row.enc.rstrip(")").partition("(")
    assert suite.cipher == (CIPHER.get(row.enc) or MODES[name].format(size))
    assert suite.aead == (row.mac == "AEAD")
    assert row.mac in ("AEAD", suite.hash)


def test_a_suite_goes_by_its_registered_name_too() -> None:
    assert find("tls", "cipher", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") is find("tls", "cipher", "ECDHE-RSA-AES128-GCM-SHA256")


def test_the_rows_of_suites_are_in_the_order_of_their_names() -> None:
    names = [row[1] for row in read("tls12_suites")]
    assert names == sorted(names)
