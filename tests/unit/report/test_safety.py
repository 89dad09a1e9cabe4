"""What counts as quantum-safe in the summary and the inventory: facts, never a policy's opinion of them."""

from __future__ import annotations

import csv
import io

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.inventory import inventory
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.summary import summarise
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import closing

from .results_of import HYBRID, tls


def row(result: HostResult) -> dict[str, str]:
    return next(csv.DictReader(io.StringIO(inventory((result,)))))


@pytest.mark.parametrize("state", ["compliant", "excepted", "not-applicable"])
def test_a_policy_that_is_content_with_classical_makes_nothing_quantum_safe(state: str) -> None:
    result = tls(("X25519", "prime256v1"), state=state)  # type: ignore[arg-type]
    assert summarise((result,))["endpoints"] == {"with_key_exchange": 1, "quantum_safe": 0, "unknown": 0}
    assert row(result)["quantum_safe"] == "no"
    assert row(result)["target_path"] != "done"


@pytest.mark.parametrize(
    ("result", "safe"),
    [
        (tls((HYBRID, "X25519"), (0, 1)), "yes"),
        (tls((HYBRID,)), "yes"),
        (tls((HYBRID, "X25519")), "no"),
        (tls(("X25519", HYBRID), (0, 1)), "no"),
        (tls((HYBRID,), versions=("TLSv1.2",)), "no"),
        (tls(()), "unknown"),
    ],
    ids=["hybrid first", "hybrid only", "flat list", "classical first", "TLS 1.3 off", "not readable"],
)
def test_summary_and_inventory_agree_on_what_peers_would_get(result: HostResult, safe: str) -> None:
    assert row(result)["quantum_safe"] == safe
    counts = summarise((result,))["endpoints"]
    assert (counts["quantum_safe"], counts["unknown"]) == (int(safe == "yes"), int(safe == "unknown"))


def test_an_endpoint_of_which_nothing_is_known_still_counts_and_is_named_unknown() -> None:
    shown = closing(summarise((tls(()), tls((HYBRID,), state="compliant"))), "out")
    assert "quantum-safe key exchange: 1 of 2 endpoints (1 unknown)" in shown


def test_an_endpoint_that_has_it_is_done_also_where_the_policy_says_nothing() -> None:
    silent = tls((HYBRID,))
    assert row(HostResult("h", "audit", "ok", endpoints=silent.endpoints))["target_path"] == "done"


def test_findings_are_counted_by_aspect_and_state() -> None:
    counts = summarise((tls(("X25519",)), tls((HYBRID,), state="compliant")))["findings"]["by_aspect"]
    assert counts == {"key_exchange": {"compliant": 1, "missing": 1}}
