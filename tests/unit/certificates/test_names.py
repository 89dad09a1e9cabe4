"""Which host a name of a certificate stands for."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.request import covers


@pytest.mark.parametrize(
    ("name", "address", "fits"),
    [
        ("gate.lab.test", "gate.lab.test", True),
        ("Gate.Lab.Test.", "gate.lab.TEST", True),
        ("*.lab.test", "gate.lab.test", True),
        ("*.lab.test", "a.gate.lab.test", False),
        ("*.lab.test", "lab.test", False),
        ("gate.lab.test", "other.lab.test", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("2001:db8::1", "2001:DB8:0::1", True),
        ("*.0.2.1", "192.0.2.1", False),
    ],
)
def test_a_star_is_one_whole_label_and_an_address_is_itself(name: str, address: str, fits: bool) -> None:
    assert covers(name, address) == fits
