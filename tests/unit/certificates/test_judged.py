"""What the baseline certificates@1 says of certificates and keys as an inventory finds them: public and private PKI are kept apart."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.held import Block, Inventory, Shown, Told
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.inventory import Uses, inventory
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.subjects import subjects
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from .ca import make_key

DAY = date(2026, 11, 27)
SERVER, SIGNER = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING
PATH = "/etc/tls/server.crt"


class Made:
    """A certificate with its key.  Without a parent it is self-signed."""

    def __init__(
        self, name: str, kind: str = "ECDSA-P256", start: str = "2026-11-01", days: int = 40, parent: Made | None = None, ca: bool = False, **how: Any
    ) -> None:
        self.name, self.key = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), make_key(kind)
        begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(parent.name if parent else self.name).serial_number(7)
        builder = builder.public_key(self.key.public_key()).not_valid_before(begin).not_valid_after(begin + timedelta(days=days, seconds=-1))
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        elif how.get("san", True):
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.test")]), False)
        if uses := how.get("uses", () if ca else (SERVER,)):
            builder = builder.add_extension(x509.ExtendedKeyUsage(uses), False)
        words = how.get("usage", {"key_cert_sign"} if ca else {"digital_signature"})
        names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
        builder = builder.add_extension(x509.KeyUsage(**{n: n in words for n in names}, encipher_only=False, decipher_only=False), True)
        if how.get("crl"):
            points = [x509.DistributionPoint([x509.UniformResourceIdentifier("http://a.test/crl")], None, None, None)]
            builder = builder.add_extension(x509.CRLDistributionPoints(points), False)
        own = parent.key if parent else self.key
        scheme = type(own).__name__
        digest = how.get("digest", hashes.SHA256()) if "ED25519" not in scheme.upper() and "MLDSA" not in scheme.upper() else None
        self.raw = builder.sign(own, digest)

    @property
    def der(self) -> str:
        return base64.b64encode(self.raw.public_bytes(Encoding.DER)).decode()

    @property
    def public(self) -> str:
        return base64.b64encode(self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


ROOT = Made("root", ca=True, days=4000)
MIDDLE = Made("middle", ca=True, days=2000, parent=ROOT)


def file(*made: Made, path: str = PATH, trusted: bool | None = None) -> Told:
    return Told(path, 900, "0644", "root", "root", "ab" * 32, tuple(one.der for one in made), trusted=trusted)


def seen(*files: Told) -> Inventory:
    return inventory(Shown({one.path: one for one in files}), Uses({}, {}))


def judged(*files: Told, aspect: str = "certificate", path: str = PATH, policy: str = "certificates@1", pki: str = "", day: date = DAY) -> Finding:
    compiled = load(policy, lambda name: "")
    found = assess(subjects(seen(*files), {}, pki), lambda e: resolve(compiled, target_of("h", (), e), day), day)
    return next(one for one in found if (one.endpoint, one.aspect) == (path, aspect))


def private(made: Made, **how: Any) -> Finding:
    return judged(file(made, ROOT, **{key: value for key, value in how.items() if key == "trusted"}))


def test_a_certificate_of_the_house_is_good_however_long_it_lives() -> None:
    finding = private(Made("a", days=3000, parent=ROOT))
    assert (finding.state, finding.severity) == ("compliant", "none")
    assert "pki=private" in finding.actual and "chain=complete" in finding.actual
    assert not finding.rule.startswith("cab-"), "a rule of others is not named as the reason"


@pytest.mark.parametrize(
    ("start", "days", "state"),
    [
        ("2026-03-14", 398, "compliant"),
        ("2026-03-14", 399, "forbidden"),
        ("2026-03-15", 200, "compliant"),
        ("2026-03-15", 201, "forbidden"),
        ("2027-03-14", 200, "compliant"),
        ("2027-03-15", 100, "compliant"),
        ("2027-03-15", 101, "forbidden"),
        ("2029-03-14", 100, "compliant"),
        ("2029-03-15", 47, "compliant"),
        ("2029-03-15", 48, "forbidden"),
    ],
)
def test_the_lifetime_of_a_public_certificate_is_that_of_the_day_on_which_it_was_issued(start: str, days: int, state: str) -> None:
    made = Made("a", start=start, days=days, parent=ROOT, crl=True)
    finding = judged(file(made, trusted=True), day=date.fromisoformat(start) + timedelta(days=1))
    assert finding.state == state, finding.message
    assert "pki=public" in finding.actual
    assert state == "compliant" or finding.rule == "cab-lifetime"


def test_where_nobody_knows_who_issued_it_the_rule_is_unknown_unless_the_zone_says() -> None:
    made = Made("a", days=800, parent=ROOT)
    finding = judged(file(made))
    assert finding.state == "unknown" and "pki is unknown, so whether cab-lifetime is meant" in finding.message
    assert "cab-lifetime" not in judged(file(made), pki="private").message
    assert "lifetime is 800d" in judged(file(made), pki="public").message


def test_an_anchor_that_was_added_here_makes_no_public_pki() -> None:
    anchor = file(ROOT, path="/usr/local/share/ca-certificates/root.crt", trusted=True)
    assert "pki=private" in judged(file(Made("a", days=800, parent=ROOT), trusted=True), anchor).actual


@pytest.mark.parametrize(
    ("how", "rule", "said"),
    [
        ({"start": "2025-01-01"}, "certificate-valid", "valid is expired"),
        ({"start": "2027-01-01"}, "certificate-valid", "valid is not-yet"),
        ({"kind": "RSA-1024"}, "certificate-key", "key is RSA-1024"),
        ({"digest": hashes.SHA224()}, "certificate-digest", "digest is sha224"),
        ({"san": False}, "certificate-names", "san is absent"),
        ({"usage": {"key_encipherment"}}, "certificate-usage", "usage is no-digital-signature"),
        ({"usage": {"digital_signature", "key_cert_sign"}}, "certificate-usage", "usage is signs-certificates-and-is-no-ca"),
        ({"kind": "ML-DSA-65", "usage": {"digital_signature", "key_encipherment"}}, "certificate-usage", "enciphers-with-a-signature-key"),
    ],
)
def test_each_thing_that_is_wrong_is_named_with_its_rule(how: dict[str, Any], rule: str, said: str) -> None:
    finding = private(Made("a", parent=ROOT, **how))
    assert (finding.state, finding.severity, finding.rule) == ("forbidden", "high", rule)
    assert said in finding.message and PATH in finding.message


def test_names_and_chains_are_asked_of_servers_only() -> None:
    finding = private(Made("a", san=False, uses=(SIGNER,), parent=ROOT))
    assert finding.state == "compliant", finding.message
    assert seen(file(Made("a", uses=(SIGNER,)))).items[0].roles[:1] == ("code-signing",)


def test_the_signature_of_a_root_is_nobody_s_business_and_that_of_an_intermediate_is() -> None:
    old = Made("old", ca=True, days=4000, digest=hashes.SHA224())
    assert judged(file(old)).state == "compliant"
    below = Made("below", ca=True, parent=old, digest=hashes.SHA224())
    assert judged(file(Made("a", parent=below), below, old)).rule == "certificate-digest"


@pytest.mark.parametrize(
    ("order", "chain"),
    [
        ((0, 1, 2), "complete"),
        ((0, 1), "complete"),
        ((0, 2, 1), "unordered"),
        ((0, 1, 3), "foreign"),
        ((0,), "incomplete"),
    ],
)
def test_a_chain_is_complete_in_the_order_of_tls(order: tuple[int, ...], chain: str) -> None:
    among = (Made("a", parent=MIDDLE), MIDDLE, ROOT, Made("other", ca=True))
    elsewhere = (file(ROOT, path="/etc/ssl/root.pem"), file(MIDDLE, path="/etc/ssl/middle.pem"))
    finding = judged(file(*(among[i] for i in order)), *elsewhere)
    assert f"chain={chain}" in finding.actual
    assert (finding.state == "compliant") is (chain == "complete")


def test_an_issuer_of_the_right_name_and_the_wrong_key_is_none() -> None:
    twin = Made("root", ca=True)
    assert "chain=foreign" in judged(file(Made("a", parent=ROOT), twin), pki="private").actual


def test_a_public_certificate_says_how_it_is_revoked_unless_it_is_short_lived() -> None:
    assert judged(file(Made("a", parent=ROOT), trusted=True)).rule == "cab-revocation"
    assert judged(file(Made("a", parent=ROOT, days=7, start="2026-11-25"), trusted=True)).state == "compliant"
    assert judged(file(Made("a", parent=ROOT, crl=True), trusted=True)).state == "compliant"


def test_post_quantum_keys_are_asked_for_where_somebody_issues_them_and_nowhere_else() -> None:
    text = """policy: {name: t, version: "1"}
rules:
  - id: pq
    match: {protocol: tls}
    aspect: signature
    allow: {construction: [post-quantum]}
    pki: {public: classical, private: any}
    source: {doc: x, force: requirement}
    verified: 2026-11-23
stages: [{aspect: signature, stage: require}]
"""
    from ansible_collections.quantumsafe.agility.plugins.plugin_utils._holding import _asked

    compiled = load("p.yml", {"p.yml": text}.__getitem__)

    def state(*files: Told) -> str:
        found = subjects(seen(*files), {}, "")
        return next(iter(assess(found, lambda e: _asked(resolve(compiled, target_of("h", (), e), DAY), e), DAY))).state

    assert state(file(Made("a", parent=ROOT), trusted=True)) == "unsatisfiable", "no public authority has them"
    assert state(file(Made("a", parent=ROOT), ROOT)) == "forbidden"
    assert state(file(Made("a", "ML-DSA-65", parent=ROOT), ROOT)) == "compliant"


KEY = Made("key")


def key(mode: str, made: Made = KEY, **how: Any) -> Told:
    return Told("/etc/tls/server.key", 200, mode, "root", "root", "cd" * 32, blocks=(Block("PRIVATE KEY", **how),), public=made.public)


@pytest.mark.parametrize(
    ("mode", "state", "said"),
    [
        ("0600", "compliant", "readable=owner"),
        ("0400", "compliant", "writable=nobody"),
        ("0640", "compliant", "readable=group"),
        ("0644", "forbidden", "readable is others"),
        ("0604", "forbidden", "readable is others"),
        ("0660", "forbidden", "writable is group"),
    ],
)
def test_a_key_that_others_can_read_or_change_is_forbidden(mode: str, state: str, said: str) -> None:
    finding = judged(key(mode), aspect="private_key", path="/etc/tls/server.key")
    assert finding.state == state and said in f"{finding.message} {finding.actual}".replace("'", "")


def test_a_weak_key_is_found_without_its_certificate() -> None:
    finding = judged(key("0600", Made("weak", "RSA-1024")), aspect="private_key", path="/etc/tls/server.key")
    assert (finding.state, finding.rule) == ("forbidden", "key-kind")


def test_a_key_that_is_locked_is_unknown_and_no_pass() -> None:
    locked = replace(key("0600", state="encrypted"), public="")
    assert judged(locked, aspect="private_key", path="/etc/tls/server.key").state == "unknown"


def test_what_a_file_ends_in_the_middle_of_is_unknown_and_no_pass() -> None:
    cut = Told(PATH, 300, "0644", "root", "root", "ab" * 32, blocks=(Block("CERTIFICATE", "unfinished"),))
    assert judged(cut).state == "unknown"
    assert seen(cut).items[0].problem == "1 of its blocks never end"


def test_a_subject_of_hostile_bytes_is_text() -> None:
    made = Made("two\nlines \x1b[31m\u202e")
    item = seen(file(made)).items[0]
    assert item.certificates[0].subject == "CN=two\nlines \x1b[31m\u202e", "as it is; whoever shows it makes one line of it"


def test_a_device_certificate_is_seen_by_its_use() -> None:
    item = seen(file(Made("device", uses=(ObjectIdentifier("1.3.6.1.5.5.7.3.14"),)))).items[0]
    assert "device" in item.roles


def test_an_audit_asks_no_listening_endpoint_for_a_private_key() -> None:
    compiled = load("certificates@1", lambda name: "")
    nginx = Endpoint("nginx *:443", "nginx", "tls", "openssl", (("*", 443),), "nginx 1.26.3", {}, {})
    found = assess((nginx,), lambda e: resolve(compiled, target_of("h", (), e), DAY), DAY)
    assert [finding.aspect for finding in found] == ["certificate"]


def test_a_condition_belongs_to_what_is_required() -> None:
    rule = 'policy: {name: t, version: "1"}\nrules:\n  - id: a\n    aspect: cipher\n    allow: {aead: "true"}\n    when: {pki: public}\n'
    with pytest.raises(PolicyError, match="rule a: when belongs to require"):
        load("p.yml", {"p.yml": f"{rule}    source: {{doc: x, force: draft}}\n"}.__getitem__)
