"""TLS 1.2 suites are understood from their names, and only from names that are whole."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import find


@pytest.mark.parametrize(
    ("name", "status", "bits", "aead", "forward_secret"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256", "current", 128, True, True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", "current", 256, True, True),
        ("ECDHE-ARIA256-GCM-SHA384", "current", 256, True, True),
        ("DHE-RSA-AES256-GCM-SHA384", "legacy", 256, True, True),
        ("ECDHE-ECDSA-AES128-CCM8", "legacy", 128, True, True),
        ("ECDHE-RSA-AES256-SHA384", "legacy", 256, False, True),
        ("AES256-GCM-SHA384", "legacy", 256, True, False),
        ("PSK-AES128-CCM8", "legacy", 128, True, False),
        ("SRP-RSA-AES-256-CBC-SHA", "legacy", 256, False, False),
        ("DES-CBC3-SHA", "broken", 112, False, False),
        ("ECDHE-ECDSA-NULL-SHA", "broken", 0, False, True),
        ("AECDH-AES128-SHA", "broken", 128, False, False),
        ("ADH-AES256-GCM-SHA384", "broken", 256, True, False),
        ("EXP-EDH-RSA-DES-CBC-SHA", "broken", 56, False, True),
    ],
)
def test_a_name_tells_the_facts(name: str, status: str, bits: int, aead: bool, forward_secret: bool) -> None:
    suite = find("tls", "cipher", name)
    assert suite
    assert (suite.status, suite.key_bits, suite.aead, suite.forward_secret) == (status, bits, aead, forward_secret)


@pytest.mark.parametrize(
    "name", ["ECHDE-RSA-AES128-GCM-SHA256", "BOGUS-AES128-SHA256", "PSK-ECDSA-AES128-SHA", "AES-SHA", "AES128", "AES128-SHA256-x", "HIGH", ""]
)
def test_a_misspelt_name_is_unknown_not_another_suite(name: str) -> None:
    assert find("tls", "cipher", name) is None


def test_one_suite_is_one_algorithm_however_it_was_typed() -> None:
    assert find("tls", "cipher", "ecdhe-rsa-aes128-gcm-sha256") == find("tls", "cipher", "ECDHE-RSA-AES128-GCM-SHA256")
