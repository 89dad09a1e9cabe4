"""Which layer is to blame, as a truth table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.pilot.layers import LOST, RULES, Evidence, layer_of

FINE = Evidence(agreed=False)


@pytest.mark.parametrize(
    ("seen", "layer", "said"),
    [
        (Evidence(can=False, agreed=False), "library", "no hybrid group"),
        (Evidence(can=False, hybrid="timed-out", at_home=None), "library", "no hybrid group"),
        (Evidence(hybrid="timed-out", at_home=True), "middlebox", "on the host itself the hybrid works"),
        (Evidence(hybrid="reset", at_home=True), "middlebox", "drops large ClientHellos"),
        (Evidence(hybrid="closed", at_home=None), "middlebox", "could not try it on itself"),
        (Evidence(hybrid="timed-out", at_home=False), "terminator", "not even on the host itself"),
        (Evidence(hybrid="timed-out", classical="timed-out", at_home=True), "middlebox", "lets nothing through"),
        (Evidence(hybrid="connection-refused", classical="connection-refused", at_home=True), "middlebox", "lets nothing through"),
        (Evidence(hybrid="connection-refused", classical="connection-refused", at_home=False), "terminator", "nobody gets a handshake"),
        (Evidence(hybrid="timed-out", classical="timed-out", at_home=None), "terminator", "nobody gets a handshake"),
        (Evidence(status="out-of-window", agreed=False), "unknown", "was not tried"),
        (Evidence(status="unreachable"), "unknown", "was not tried"),
        (Evidence(status="", can=None), "unknown", "was not tried"),
        (Evidence(status="reverted", agreed=False), "terminator", "did not stay"),
        (Evidence(status="failed"), "terminator", "did not stay"),
        (Evidence(status="reverted", hybrid="timed-out", at_home=True), "middlebox", "drops large"),
        (Evidence(classical="refused"), "client", "know no hybrid are refused"),
        (Evidence(classical="alert"), "client", "know no hybrid are refused"),
        (Evidence(hybrid="alert"), "terminator", "ends the handshakes of hybrid clients"),
        (Evidence(hybrid="refused"), "terminator", "ends the handshakes of hybrid clients"),
        (Evidence(agreed=False, offers=False), "terminator", "offers no hybrid"),
        (Evidence(agreed=False, offers=True), "terminator", "get a classical exchange"),
        (Evidence(agreed=False, can=None, offers=None), "terminator", "get a classical exchange"),
        (Evidence(failed=frozenset({"issuance", "latency"})), "PKI", "issued"),
        (Evidence(failed=frozenset({"certificate"})), "PKI", "trust"),
        (Evidence(failed=frozenset({"rollback", "cpu"})), "terminator", "way back"),
        (Evidence(failed=frozenset({"logging"})), "terminator", "log"),
        (Evidence(failed=frozenset({"cpu", "latency"})), "library", "processor time"),
        (Evidence(failed=frozenset({"latency"})), "terminator", "longer"),
        (Evidence(), "unknown", "nothing that was seen"),
    ],
)
def test_what_was_seen_names_one_layer(seen: Evidence, layer: str, said: str) -> None:
    found, why = layer_of(seen)
    assert found == layer
    assert said in why


def test_every_row_of_the_table_decides_something() -> None:
    """Each is the first that fits for some evidence: none is hidden behind another."""
    ways = ("", "refused", "connection-refused", *LOST)
    grid = [
        Evidence(status, can, offers, classical, hybrid, agreed, at_home, frozenset(failed))
        for status in ("changed", "reverted", "paused")
        for can in (True, False)
        for offers in (True, False)
        for classical in ways
        for hybrid in ways
        for agreed in (True, False)
        for at_home in (True, False, None)
        for failed in ((), ("issuance",), ("certificate",), ("rollback",), ("logging",), ("cpu",), ("latency",))
    ]
    decided = {layer_of(one) for one in grid}
    assert {(layer, why) for layer, why, dummy in RULES} <= decided


def test_a_fault_that_was_there_before_hides_no_lack_of_the_library() -> None:
    assert layer_of(replace(FINE, can=False, status="failed", failed=frozenset({"logging"})))[0] == "library"
