"""certificates/rotate.py: which certificates are due, what takes their place, and what is left alone and said."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.rotate import Rotation, Terms, rotation
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Binding, Certificate, Form, Pair, Serving
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Origin

TODAY = date(2027, 1, 10)


def pair(name: str) -> Pair:
    return Pair(f"/tls/{name}.crt", f"/tls/{name}.key")


def binding(name: str, line: int = 1, fixed: str = "") -> Binding:
    return Binding(pair(name), Origin("/etc/nginx/x", line), fixed)


def serving(*bindings: Binding, endpoint: str = "nginx *:443", names: tuple[str, ...] = ("a.test",)) -> Serving:
    return Serving("nginx", (endpoint,), names, bindings)


def certificate(name: str, key: str = "ECDSA-P256", until: str = "2028-01-01", names: tuple[str, ...] = ("a.test",)) -> Certificate:
    return Certificate(pair(name).certificate, key=key, not_after=until, names=names)


def rotated(servings: tuple[Serving, ...], *certificates: Certificate, kinds: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Rotation:
    return rotation(servings, {one.path: one for one in certificates}, Terms(kinds, names, 16, TODAY, "abc123"))


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (certificate("s", until="2027-01-09"), "expired on 2027-01-09"),
        (certificate("s", until="2027-01-10"), "expires on 2027-01-10, within 16 days"),
        (certificate("s", until="2027-01-26"), "expires on 2027-01-26, within 16 days"),
        (Certificate("/tls/s.crt", subject="unreadable"), "missing or cannot be read"),
    ],
)
def test_what_ends_or_cannot_be_read_is_due(one: Certificate, reason: str) -> None:
    found = rotated((serving(binding("s")),), one, kinds=("ECDSA-P256",))
    assert reason in found.reasons[0]
    assert [order.kind for order in found.orders] == ["ECDSA-P256"]
    assert found.bindings == {Origin("/etc/nginx/x", 1): (pair("s.ecdsa-p256-abc123"),)}


def test_what_is_good_for_long_stays_and_nothing_is_said() -> None:
    assert rotated((serving(binding("s")),), certificate("s", until="2027-01-27")) == Rotation()


def test_a_second_kind_is_added_and_the_first_stays() -> None:
    found = rotated((serving(binding("s")),), certificate("s"), kinds=("ECDSA-P256", "ML-DSA-65"))
    assert [order.new for order in found.orders] == [pair("s.ml-dsa-65-abc123")]
    assert found.bindings == {Origin("/etc/nginx/x", 1): (pair("s"), pair("s.ml-dsa-65-abc123"))}
    assert [(one.kind, one.path) for one in found.shown] == [("ECDSA-P256", "/tls/s.crt"), ("ML-DSA-65", "/tls/s.ml-dsa-65-abc123.crt")]


def test_another_kind_takes_the_place_of_one_that_is_not_wanted() -> None:
    found = rotated((serving(binding("s")),), certificate("s", "RSA-2048"), kinds=("ML-DSA-65",))
    assert found.bindings == {Origin("/etc/nginx/x", 1): (pair("s.ml-dsa-65-abc123"),)}


def test_a_certificate_that_nothing_takes_the_place_of_stays_and_is_said() -> None:
    both = serving(binding("ec", 1), binding("rsa", 3))
    found = rotated((both,), certificate("ec"), certificate("rsa", "RSA-2048"), kinds=("ECDSA-P256",))
    assert (found.orders, found.bindings) == ((), {})
    assert found.left == ("nginx *:443: /tls/rsa.crt: its key is RSA-2048, not ECDSA-P256, but nobody says which kind of key it shall have",)


def test_a_binding_that_several_share_is_replaced_once_and_shown_to_all() -> None:
    shared = binding("s", 1)
    first, second = serving(shared, names=("a.test",)), serving(shared, binding("rsa", 9), endpoint="nginx *:8443", names=("b.test",))
    found = rotated((first, second), certificate("s", until="2027-01-11"), certificate("rsa", "RSA-2048"))
    assert len(found.orders) == 1
    assert {(one.endpoint, one.name, one.path) for one in found.shown} == {
        ("nginx *:443", "a.test", "/tls/s.ecdsa-p256-abc123.crt"),
        ("nginx *:8443", "b.test", "/tls/s.ecdsa-p256-abc123.crt"),
        ("nginx *:8443", "b.test", "/tls/rsa.crt"),
    }


def test_a_kind_that_is_added_to_a_shared_binding_is_not_added_twice() -> None:
    shared = binding("s", 1)
    found = rotated(
        (serving(shared), serving(shared, binding("rsa", 9))), certificate("s"), certificate("rsa", "RSA-3072"), kinds=("ECDSA-P256", "RSA-3072")
    )
    assert [order.kind for order in found.orders] == ["RSA-3072"], "the second list has its own"
    again = rotated((serving(shared), serving(shared)), certificate("s"), kinds=("ECDSA-P256", "ML-DSA-65"))
    assert [order.kind for order in again.orders] == ["ML-DSA-65"]


def test_the_names_are_those_asked_for_else_those_of_the_old_one_else_those_of_the_service() -> None:
    late = certificate("s", until="2027-01-11", names=("old.test",))
    assert rotated((serving(binding("s")),), late).orders[0].names == ("old.test",)
    asked = rotated((serving(binding("s")),), certificate("s"), names=("new.test",))
    assert asked.orders[0].names == ("new.test",)
    assert "it does not name new.test" in asked.reasons[0]
    assert rotated((serving(binding("s")),), certificate("s", until="2027-01-11", names=())).orders[0].names == ("a.test",)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (Binding(Pair("/etc/letsencrypt/live/a/fullchain.pem", "/k"), Origin("/x", 1)), "certbot renews it"),
        (binding("s", fixed="ssl_certificate at /x:1 names no file"), "names no file"),
    ],
)
def test_what_others_renew_or_cannot_be_switched_is_left_and_said(one: Binding, why: str) -> None:
    late = Certificate(one.pair.certificate, key="RSA-2048", not_after="2027-01-11", names=("a.test",))
    found = rotation((serving(one),), {late.path: late}, Terms((), (), 16, TODAY, "abc123"))
    assert found.orders == () and found.bindings == {}
    assert why in found.left[0]


def test_a_fleet_that_ends_on_one_day_is_due_on_several() -> None:
    def due(jitter: int) -> list[bool]:
        ends = [replace(certificate("s", until="2027-02-05"), sha256=hashlib.sha256(bytes([number])).hexdigest()) for number in range(40)]
        terms = Terms((), (), 16, TODAY, "abc123", jitter)
        return [bool(rotation((serving(binding("s")),), {one.path: one}, terms).orders) for one in ends]

    assert not any(due(0)), "26 days are left"
    assert 8 < sum(due(15)) < 32 and due(15) == due(15), "always the same ones"


def test_a_mark_of_ours_gives_way_to_the_next() -> None:
    old = "s.ml-dsa-65-0f0f0f"
    found = rotated((serving(binding(old)),), certificate(old, "ML-DSA-65", "2027-01-11"))
    assert found.orders[0].new == pair("s.ml-dsa-65-abc123")


def test_where_no_second_one_can_stand_beside_the_first_that_is_said_and_the_first_is_renewed() -> None:
    alone = Serving("postgresql", ("postgresql 17/main",), (), (binding("s"),), alone="it serves one certificate")
    fresh = rotated((alone,), certificate("s"), kinds=("ECDSA-P256", "ML-DSA-65"))
    assert fresh.orders == () and fresh.left == (
        "postgresql 17/main: it has no certificate with a key of kind ML-DSA-65, but it serves one certificate",
    )
    ending = rotated((alone,), certificate("s", until="2027-01-11"), kinds=("ECDSA-P256", "ML-DSA-65"))
    assert [order.kind for order in ending.orders] == ["ECDSA-P256"] and len(ending.left) == 1
    only = rotated((alone,), certificate("s"), kinds=("ML-DSA-65",))
    assert [order.kind for order in only.orders] == ["ML-DSA-65"] and only.left == ()


def in_one(name: str, line: int = 1, form: Form = "one file") -> Binding:
    return Binding(Pair(f"/tls/{name}.crt", f"/tls/{name}.crt"), Origin("/etc/haproxy/x", line), form=form)


def test_a_daemon_that_wants_both_in_one_file_gets_them_in_one() -> None:
    new = Pair("/tls/s.ml-dsa-65-abc123.crt", "/tls/s.ml-dsa-65-abc123.crt")
    beside_its_key = Binding(pair("s"), Origin("/etc/haproxy/x", 1), form="one file")
    for binding_ in (in_one("s"), beside_its_key):
        found = rotated((serving(binding_),), certificate("s", "RSA-2048"), kinds=("ML-DSA-65",))
        assert found.bindings == {binding_.origin: (new,)} and [(order.like, order.new) for order in found.orders] == [(binding_.pair, new)]


def test_a_file_that_is_loaded_where_it_lies_is_replaced_itself_and_a_second_one_comes_beside_it() -> None:
    binding_ = in_one("s", form="itself")
    found = rotated((serving(binding_),), certificate("s", "RSA-2048"), kinds=("ECDSA-P256", "ML-DSA-65"))
    second = Pair("/tls/s.crt.ml-dsa-65-abc123", "/tls/s.crt.ml-dsa-65-abc123")
    assert second.certificate > binding_.pair.certificate, "in a folder the first by name is what a client without a known name gets"
    assert found.bindings == {binding_.origin: (binding_.pair, second)}
    assert [(order.kind, order.new) for order in found.orders] == [("ECDSA-P256", binding_.pair), ("ML-DSA-65", second)]
    assert {(one.kind, one.path) for one in found.shown} == {("ECDSA-P256", "/tls/s.crt"), ("ML-DSA-65", second.certificate)}


def test_files_that_two_lines_name_are_made_once() -> None:
    twice = (serving(in_one("s", 1), in_one("s", 2)), serving(in_one("s", 3), endpoint="haproxy *:444"))
    found = rotated(twice, certificate("s", "RSA-2048"), kinds=("ECDSA-P256", "ML-DSA-65"))
    assert [order.kind for order in found.orders] == ["ECDSA-P256", "ML-DSA-65"]
    assert [pairs[0].certificate for pairs in found.bindings.values()] == ["/tls/s.ecdsa-p256-abc123.crt"] * 3
    assert [len(pairs) for pairs in found.bindings.values()] == [1, 2, 2]
