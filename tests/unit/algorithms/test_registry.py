"""Our code points and OIDs are those of cryptodatahub, a registry that others maintain (MPL-2.0; a development tool, never needed at run time)."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL, all_of, find

SPEC = importlib.util.find_spec("cryptodatahub")
pytestmark = pytest.mark.skipif(SPEC is None, reason="cryptodatahub is not installed: pip install -r requirements-dev.txt")


def registry(name: str) -> dict[str, dict[str, Any]]:
    assert SPEC
    assert SPEC.origin
    return json.loads((Path(SPEC.origin).parent / f"{name}.json").read_text(encoding="utf-8"))


def folded(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def differing(rows: Iterator[tuple[str, Any, Any]]) -> list[tuple[str, Any, Any]]:
    seen = list(rows)
    assert len(seen) > 5, "nothing was compared"
    return [row for row in seen if row[1] != row[2]]


def test_groups_of_tls() -> None:
    theirs = {folded(name): row["code"] for name, row in registry("tls/named-curve").items()}
    theirs |= {f"{name}tls13": theirs[name] + 5 for name in ("brainpoolp256r1", "brainpoolp384r1", "brainpoolp512r1")}
    theirs["x25519kyber768draft00"] = theirs["x25519kyber768r3"]
    assert differing((a.id, a.code, theirs.get(folded(a.id))) for a in all_of("tls", "key_exchange")) == []


def test_suites_of_every_version() -> None:
    theirs = {row["code"]: row for row in registry("tls/cipher-suite").values()}
    rows = all_of("tls", "cipher")
    assert differing((a.id, a.names["iana"][0], theirs[a.code]["iana_name"]) for a in rows) == []
    assert differing((a.id, a.id, theirs[a.code]["openssl_name"]) for a in rows if theirs[a.code]["openssl_name"]) == []


def test_signature_schemes_of_tls() -> None:
    theirs = {row["code"]: name for name, row in registry("tls/hash-and-signature-algorithm").items()}
    ours = [a for a in all_of("tls", "signature") if a.code >= 0]

    def words(a: Any) -> str:
        name = a.names["iana"][0]
        return folded(name.replace("rsa_pkcs1", "rsa").replace("secp256r1_", "").replace("secp384r1_", "").replace("secp521r1_", ""))

    assert differing((a.id, words(a), folded(theirs.get(a.code, "?"))) for a in ours) == []


@pytest.mark.parametrize(
    ("name", "aspect"), [("ikev2-encryption-algorithm", "cipher"), ("ikev2-pseudorandom-function", "prf"), ("ikev2-integrity-algorithm", "mac")]
)
def test_transforms_of_ikev2(name: str, aspect: str) -> None:
    theirs = {key: row["code"] for key, row in registry(f"ike/{name}").items()}
    ours = [a for a in all_of("ikev2", aspect) if a.code >= 0]
    assert differing((a.id, a.code, theirs.get(a.id, theirs.get(a.id.rsplit("-", 1)[0]))) for a in ours) == []


def test_key_exchange_methods_of_ikev2() -> None:
    """ML-KEM apart: theirs still has the ids of private use from before 35, 36 and 37 were registered."""
    theirs = {row["code"]: row["names"]["STRONGSWAN"] for row in registry("ike/ikev2-diffie-hellman-group").values()}
    ours = [a for a in all_of("ikev2", "key_exchange") if a.construction == "classical"]
    assert differing((a.id, theirs[a.code] in a.names["strongswan"], True) for a in ours) == []


def test_oids_of_signatures_and_hashes() -> None:
    theirs = {row["oid"] for name in ("common/signature", "common/hash", "common/key-encapsulation-mechanism") for row in registry(name).values()}
    post_quantum = [a for a in ALL if a.protocol == "x509" and a.oid and a.construction == "post-quantum"]
    assert differing((a.id, a.oid in theirs, True) for a in post_quantum) == []
    by_name = {folded(row["name"]): row["oid"] for row in registry("common/signature").values()}
    for name in ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "ED25519", "ED448"):
        known = find("x509", "key", name)
        assert known
        assert known.oid == by_name[folded(name)]
