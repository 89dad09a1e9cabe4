"""certificates/token.py and rotate.py: keys in a token are read without what opens it, and new ones are named there."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.rotate import Rotation, Terms, rotation
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.token import Token, described, in_token, named, new_uri, token
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Binding, Certificate, Pair, Serving
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Origin, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.redact import redact

from .test_rotate import TODAY

EDGE = Token("edge", "/etc/hsm/pin")


@pytest.mark.parametrize(
    ("reference", "uri"),
    [
        ("store:pkcs11:token=edge;object=www;type=private?pin-source=file:/etc/pin", "pkcs11:token=edge;object=www;type=private"),
        ("engine:pkcs11:pkcs11:token=edge;object=www;pin-value=1234", "pkcs11:token=edge;object=www"),
        ("engine:pkcs11:slot_0-id_1", "engine:pkcs11:slot_0-id_1"),
    ],
)
def test_a_reference_is_told_without_what_opens_the_token(reference: str, uri: str) -> None:
    assert in_token(reference) and named(reference) == uri


def test_a_file_and_another_engine_are_no_token() -> None:
    assert not any(map(in_token, ("/etc/pkcs11:x", "engine:other:k", "data:x", "tls/a.key")))


def test_object_and_token_are_said_in_words() -> None:
    assert described("pkcs11:token=edge%20one;object=www") == "key www in token edge one"


@pytest.mark.parametrize(("label", "pin"), [("", ""), ("x" * 33, ""), ("edge", "1234"), ("edge", "/etc/pin;object=x"), ("edge", "etc/pin")])
def test_a_pin_is_a_file_of_the_host_and_never_repeated(label: str, pin: str) -> None:
    with pytest.raises(Problem) as caught:
        token(label, pin)
    assert not pin or pin not in str(caught.value)


def test_a_new_key_has_a_name_of_its_own_whoever_was_there_before() -> None:
    first = new_uri(EDGE, "/tls/www.lab.test.crt", "ECDSA-P256", "abc123")
    assert first == "pkcs11:token=edge;object=www-lab-test-ecdsa-p256-abc123;type=private?pin-source=file:/etc/hsm/pin"
    second = new_uri(EDGE, "/tls/www.lab.test.ecdsa-p256-abc123.crt", "RSA-2048", "def456")
    assert ";object=www-lab-test-rsa-2048-def456;" in second


def rotated(binding: Binding, where: Token | None = EDGE, until: str = "2028-01-01") -> Rotation:
    one = Certificate("/tls/s.crt", key="ECDSA-P256", not_after=until, names=("a.test",))
    return rotation((Serving("nginx", ("nginx *:443",), ("a.test",), (binding,)),), {one.path: one}, Terms((), (), 16, TODAY, "abc123", token=where))


def bound(key: str, token: str = "store:") -> Binding:
    return Binding(Pair("/tls/s.crt", key), Origin("/etc/nginx/x", 1), token=token)


def test_a_key_in_a_file_moves_into_the_token_once() -> None:
    found = rotated(bound("/tls/s.key"))
    assert "its key is in a file, not in token edge" in found.reasons[0]
    (order,) = found.orders
    assert order.new == Pair("/tls/s.ecdsa-p256-abc123.crt", f"store:{new_uri(EDGE, '/tls/s.crt', 'ECDSA-P256', 'abc123')}")
    assert rotated(bound(order.new.key)) == Rotation()


def test_the_old_key_stays_in_its_token_and_that_is_said() -> None:
    (reason,) = rotated(bound("store:pkcs11:token=edge;object=old?pin-source=file:/p"), until="2027-01-01").reasons
    assert reason.endswith("key old in token edge stays there") and "/p" not in reason


def test_what_cannot_be_in_a_token_is_said_and_left() -> None:
    found = rotated(bound("/tls/s.key", token=""), until="2027-01-01")
    assert not found.orders and "this nginx takes no key from a token" in found.left[0]
    assert rotated(bound("/tls/s.key", token="")) == Rotation(), "it is not due for it"
    found = rotated(bound("store:pkcs11:token=edge;object=old"), None, "2027-01-01")
    assert not found.orders and "agility_key_store does not say pkcs11" in found.left[0]


def test_the_label_of_a_token_is_shown_and_a_pin_is_not() -> None:
    line = 'ssl_certificate_key "store:pkcs11:token=edge;object=www?pin-source=file:/p&pin-value=4711";\n'
    assert redact(line) == 'ssl_certificate_key "store:pkcs11:token=edge;object=www?pin-source=file:/p&pin-value= [redacted]";\n'
    assert "s3cret" not in redact("key = pkcs11:object=x token=s3cret\n")
