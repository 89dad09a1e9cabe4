"""Every name that captured binaries print has a row."""

from __future__ import annotations

import pytest

from ...printed import ASKED, unknown
from ..conftest import FIXTURES

ANSWERS = sorted((FIXTURES / "algorithms").glob("*/*.txt"))


def test_every_question_was_answered_by_somebody() -> None:
    assert {path.stem for path in ANSWERS} == {*ASKED, "swanctl-list-algs"}


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_every_name_that_is_printed_is_known(path) -> None:
    assert unknown(path.stem, path.read_text(encoding="utf-8")) == []


def test_a_name_that_nobody_knows_is_listed() -> None:
    assert unknown("ssh-Q-kex", "curve25519-sha256\nfrodokem976x448-sha512\n") == ["frodokem976x448-sha512"]
    assert unknown("openssl-list-kem-algorithms", "  { 1.2.3, HQC-192, hqc192 } @ default\n") == ["HQC-192"]
    assert unknown("swanctl-list-algs", "ke:\n  CURVE_25519[openssl]\n  FRODO_AES_L3[frodo]\nrng:\n  RNG_WEAK[rdrand]\n") == [
        "ke: FRODO_AES_L3[frodo]"
    ]
