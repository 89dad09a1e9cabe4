"""A seal vouches for one text of one kind, by every algorithm that is pinned, and for nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.seal import read_seal, sealed, unsound
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.signing import public_of

from .test_chain import KEYS, OTHERS, PINNED

TEXT = b"the plan\n"
GOOD = sealed("plan", TEXT, KEYS, ())
STRANGERS = tuple(public_of(key.public_key()) for key in OTHERS)
ONE = sealed("plan", TEXT, KEYS[:1], ("ML-DSA-65: too old",))


@pytest.mark.parametrize(
    ("kind", "text", "seal", "pinned", "why"),
    [
        ("plan", TEXT, GOOD.text, PINNED, ""),
        ("plan", TEXT, GOOD.text, PINNED[:1], ""),
        ("plan", TEXT, GOOD.text, (*PINNED, *STRANGERS), ""),  # one key of each algorithm is enough
        ("plan", b"the plan", GOOD.text, PINNED, "it was changed after it was signed"),
        ("approval", TEXT, GOOD.text, PINNED, "another kind of text: plan"),
        ("plan", TEXT, GOOD.text, STRANGERS, "no pinned Ed25519 nor ML-DSA-65 key has signed it"),
        ("plan", TEXT, GOOD.text, (), "no key is known here"),
        ("plan", TEXT, ONE.text, PINNED, "no pinned ML-DSA-65 key has signed it (it says: ML-DSA-65: too old)"),
        ("plan", TEXT, ONE.text, PINNED[:1], ""),
        ("plan", TEXT, sealed("plan", TEXT, KEYS[:1], ("ML-DSA-65: quite old",)).text.replace(b"quite", b"never"), PINNED[:1], "signature is forged"),
        ("plan", TEXT, GOOD.text + b"\n", PINNED, "damaged"),
        ("plan", TEXT, b"", PINNED, "damaged"),
        ("plan", TEXT, b"[1]", PINNED, "damaged"),
    ],
)
def test_it_vouches_or_says_why_not(kind: str, text: bytes, seal: bytes, pinned: tuple, why: str) -> None:
    found = unsound(kind, text, seal, pinned)
    assert why in found and bool(found) == bool(why)


def test_what_is_read_is_what_was_written() -> None:
    assert read_seal(GOOD.text) == GOOD
