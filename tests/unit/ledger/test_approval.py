"""An approval allows one plan until a moment, by the key of somebody who may approve and did not plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.approval import KIND, Approval, owners, refusal
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.canonical import digest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.seal import sealed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.signing import public_of

from .test_chain import KEYS, OTHERS

PLAN = digest(b"the plan")
PLANNER = sealed("quantumsafe.agility plan", b"the plan", KEYS, ())
APPROVERS = tuple(public_of(key.public_key()) for key in OTHERS)
EVERYBODY = (*APPROVERS, *(public_of(key.public_key()) for key in KEYS))
SAID = Approval("alice", PLAN, "2026-11-27T13:00:00Z", "2026-11-28T06:00:00Z")
NOW = datetime(2026, 11, 28, 5, 59, 59, tzinfo=UTC)
LATE = datetime(2026, 11, 28, 6, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "keys", "approvers", "now", "why"),
    [
        (SAID, OTHERS, APPROVERS, NOW, ""),
        (SAID, OTHERS, APPROVERS, LATE, "it expired at 2026-11-28T06:00:00Z"),
        (replace(SAID, plan=digest(b"another")), OTHERS, APPROVERS, NOW, "it approves another plan"),
        (SAID, OTHERS, EVERYBODY[2:], NOW, "no pinned Ed25519 nor ML-DSA-65 key has signed it"),
        (SAID, OTHERS[:1], APPROVERS, NOW, "no pinned ML-DSA-65 key has signed it"),
        (SAID, KEYS, EVERYBODY, NOW, "the planner's own key"),  # also where the planner is among those who may approve
        (SAID, (KEYS[0], OTHERS[1]), EVERYBODY, NOW, "the planner's own key"),
        (replace(SAID, until="tomorrow"), OTHERS, APPROVERS, NOW, "damaged"),
    ],
)
def test_it_allows_the_plan_or_says_why_not(said: Approval, keys: tuple, approvers: tuple, now: datetime, why: str) -> None:
    found = refusal(said.text, sealed(KIND, said.text, keys, ()).text, PLAN, PLANNER.text, approvers, now)
    assert why in found and bool(found) == bool(why)


def test_a_later_end_written_into_it_is_found() -> None:
    seal = sealed(KIND, SAID.text, OTHERS, ()).text
    longer = replace(SAID, until="2027-11-28T06:00:00Z")
    assert "changed after it was signed" in refusal(longer.text, seal, PLAN, PLANNER.text, APPROVERS, NOW)


def test_the_signature_of_a_plan_is_no_approval() -> None:
    passed = sealed("quantumsafe.agility plan", SAID.text, OTHERS, ()).text
    assert "another kind of text" in refusal(SAID.text, passed, PLAN, PLANNER.text, APPROVERS, NOW)


def test_without_the_signature_of_the_plan_nobody_can_tell_who_planned() -> None:
    assert "damaged" in refusal(SAID.text, sealed(KIND, SAID.text, OTHERS, ()).text, PLAN, b"", APPROVERS, NOW)


@pytest.mark.parametrize(
    ("aspects", "named", "others", "keys"),
    [
        (("cipher", "key_exchange"), {}, (), {}),
        (("cipher", "key_exchange"), {}, ("anyone",), {("anyone",): ()}),
        ((), {}, ("anyone",), {("anyone",): ()}),
        (("cipher", "key_exchange"), {"key_exchange": ("tls",)}, ("anyone",), {("anyone",): ("cipher",), ("tls",): ("key_exchange",)}),
        (("cipher", "key_exchange"), {"key_exchange": ("tls",), "cipher": ("tls",)}, (), {("tls",): ("cipher", "key_exchange")}),
        (("key_exchange",), {"key_exchange": ("tls",), "cipher": ("other",)}, (), {("tls",): ("key_exchange",)}),
        ((), {"key_exchange": ("tls",)}, ("anyone",), {}),  # what changes nothing needs no owner
    ],
)
def test_each_owner_of_what_changes_is_to_be_asked(aspects: tuple, named: dict, others: tuple, keys: dict) -> None:
    assert owners(aspects, named, others) == keys


@pytest.mark.parametrize(
    ("named", "why"),
    [({"cipher": ("tls",)}, "nobody is named who may approve a change of key_exchange"), ({"key-exchange": ("tls",)}, "called key-exchange")],
)
def test_an_aspect_without_an_owner_and_one_that_does_not_exist_are_refused(named: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        owners(("key_exchange",), named, ())
