"""Saved configurations of Cisco IOS and IOS-XE: what they say, where it stands, what they do not say, and what is no such configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.defaults import ios
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding, Unparsable
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.unit.conftest import CORPUS, FIXTURES, TODAY, policy_of, requirements

START = datetime(2026, 11, 1, tzinfo=UTC)
NEW, OLD = (FIXTURES / "appliances" / name for name in ("ios-26.cfg", "ios-17.cfg"))


def endpoints(raw: bytes) -> dict[str, Endpoint]:
    return {one.id: one for one in read(snapshot_of(raw, "f", "h", ""))}


def said(path: Path) -> dict[str, dict[str, tuple[tuple[str, ...], str]]]:
    return {
        id_: {aspect: (setting.values, str(setting.origin)) for aspect, setting in one.settings.items()}
        for id_, one in endpoints(path.read_bytes()).items()
    }


def findings(path: Path) -> dict[tuple[str, str], Finding]:
    policy = policy_of(str(FIXTURES / "appliances/policy.yml"))
    found = assess(tuple(endpoints(path.read_bytes()).values()), lambda one: requirements(policy, one.protocol), TODAY)
    return {(one.endpoint, one.aspect): one for one in found}


def test_a_configuration_with_ml_kem_is_read_with_the_line_of_each_value() -> None:
    assert said(NEW) == {
        "ios ssh": {
            "key_exchange": (("mlkem768x25519-sha256", "curve25519-sha256"), "f:55"),
            "cipher": (("aes256-gcm@openssh.com", "aes256-ctr"), "f:54"),
            "mac": (("hmac-sha2-512-etm@openssh.com",), "f:53"),
            "host_key": (("rsa-sha2-512",), "f:56"),
        },
        "ios https": {"version": (("TLSv1.3",), "f:50"), "cipher": (("tls13-aes256-gcm-sha384",), "f:51")},
        "ios ikev2 proposal HYBRID": {
            "cipher": (("aes-gcm-256",), "f:14"),
            "prf": (("sha384",), "f:15"),
            "version": (("IKEv2",), "f:13"),
            "key_exchange": (("group 20 pqc mlkem768", "group 21 pqc mlkem768", "group 20", "group 21"), "f:17"),
            "ppk": (("mode=required",), "f:28"),
        },
        "ios ipsec profile TUNNEL": {"cipher": (("esp-gcm 256",), "f:32"), "key_exchange": (("group20",), "f:37")},
        "ios map MAP 10 ipsec-isakmp": {"cipher": (("esp-aes 256",), "f:34"), "mac": (("esp-sha-hmac",), "f:34")},
    }


def test_an_older_release_is_read_as_well() -> None:
    assert said(OLD) == {
        "ios ssh": {
            "key_exchange": (("ecdh-sha2-nistp384", "diffie-hellman-group14-sha1"), "f:17"),
            "cipher": (ios.CIPHERS, f"default of IOS-XE 17.9, per {ios.GUIDE.format('9300', '17.9')}"),
        },
        "ios https": {},
        "ios ikev2 proposal OLD": {
            "cipher": (("aes-cbc-256", "3des"), "f:6"),
            "mac": (("sha256", "md5"), "f:7"),
            "version": (("IKEv2",), "f:5"),
            "key_exchange": (("group 14", "group 2"), "f:8"),
            "ppk": (("mode=off",), "f:5"),
        },
        "ios isakmp policy 10": {
            "cipher": (("3des",), "f:10"),
            "mac": (("md5",), "f:11"),
            "key_exchange": (("group 2",), "f:13"),
            "version": (("IKEv1",), "f:9"),
        },
    }
    assert endpoints(OLD.read_bytes())["ios https"].addresses == (("*", 8443),)


@pytest.mark.parametrize("path", [NEW, OLD], ids=lambda path: path.stem)
def test_every_value_is_an_algorithm_of_the_catalogue(path: Path) -> None:
    for one in endpoints(path.read_bytes()).values():
        for aspect, setting in one.settings.items():
            assert [value for value in setting.values if aspect != "ppk" and not find(one.protocol, aspect, value)] == []


def test_the_same_policy_judges_a_device() -> None:
    new, old = findings(NEW), findings(OLD)
    assert new["ios ssh", "key_exchange"].state == "compliant"
    assert new["ios ikev2 proposal HYBRID", "key_exchange"].state == "compliant"
    lacking = old["ios ssh", "key_exchange"]
    assert (lacking.state, lacking.remedy, lacking.origin) == ("missing", "needs IOS-XE ≥ 26.1.1, or a gateway in front of it", "f:17")
    assert old["ios ikev2 proposal OLD", "key_exchange"].remedy == lacking.remedy
    assert old["ios isakmp policy 10", "cipher"].state == "forbidden"


def test_a_line_that_is_absent_is_unknown_and_never_a_pass() -> None:
    assert findings(OLD)["ios ssh", "mac"].state == "unknown"
    assert any("`ip ssh server algorithm mac`" in note and "IOS-XE 17.9" in note for note in endpoints(OLD.read_bytes())["ios ssh"].notes)


def test_no_secret_is_kept() -> None:
    for path in (NEW, OLD):
        (file,) = snapshot_of(path.read_bytes(), "f", "h", "").files.values()
        assert "CANARY" in path.read_text(encoding="utf-8")
        assert "CANARY" not in str(file.text)
        assert str(file.text).count("\n") == path.read_text(encoding="utf-8").count("\n")


def test_telnet_alone_is_no_ssh() -> None:
    assert "ios ssh" not in endpoints(b"version 15.2\nline vty 0 4\n transport input telnet\nend\n")


WHOLE = NEW.read_bytes()
CASES = {
    "UTF-16": (WHOLE.decode().encode("utf-16"), "NUL at byte"),
    "HTML": (b"<!DOCTYPE html><p>version 17.9</p>\n", "HTML"),
    "nothing": (b"", "empty"),
    "prose": (b"Dear colleague,\nplease look at this router.\n", "no configuration that is recognised"),
    "truncated": (WHOLE[: WHOLE.index(b"end\nedge1#")], "cut off"),
    "truncated in a banner": (WHOLE[: WHOLE.index(b"^C\nip http")], "no end"),
    "prose before it": (b"Here is the router of the branch:\n" + WHOLE, "no command of IOS"),
    "prose in it": (WHOLE.replace(b"ip http secure-server", b"The next line is new.\nip http secure-server"), "no command of IOS"),
    "prose behind it": (WHOLE + b"\nRegards\n", "no command of IOS"),
    "a pager": (WHOLE.replace(b"ip http secure", b" --More-- ip http secure", 1), "pager"),
    "two devices": (WHOLE + OLD.read_bytes(), "a second `version`"),
    "two vendors": (WHOLE + b"config system global\n    set hostname x\nend\n", "looks like"),
    "another vendor": (b"feature nxapi\nhostname a\n", "Cisco NX-OS, which is not read yet"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_whole_configuration_of_one_device_is_refused(case: str) -> None:
    raw, why = CASES[case]
    with pytest.raises(Unparsable, match=why) as told:
        snapshot_of(raw, "f", "h", "")
    assert told.value.where.startswith("f")


def test_the_configurations_of_the_corpus_are_read_or_refused_by_name() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside this checkout: 11 configurations of Cisco not read")
    seen, refused = {}, {}
    for path in sorted((CORPUS / "cisco-ios").iterdir()):
        try:
            seen[path.name] = endpoints(path.read_bytes())
        except Unparsable as error:
            refused[path.name] = error.message
    (name,) = seen
    assert "lhr-border-02" in name
    assert set(seen[name]) == {
        "ios ssh",
        "ios isakmp policy 200",
        "ios isakmp policy 201",
        "ios ipsec profile ipsec-vpn-ba2e34a8-0",
        "ios ipsec profile ipsec-vpn-ba2e34a8-1",
    }
    assert seen[name]["ios isakmp policy 200"].settings["key_exchange"].values == ("group 2",)
    assert seen[name]["ios ipsec profile ipsec-vpn-ba2e34a8-0"].settings["mac"].values == ("esp-sha-hmac",)
    assert len(refused) >= 10


def hexadecimal(der: bytes) -> str:
    """As IOS prints a certificate: eight words a line, and `quit` behind them."""
    words = [der.hex().upper()[at : at + 8] for at in range(0, len(der) * 2, 8)]
    return "".join(f"  {' '.join(words[at : at + 8])} \n" for at in range(0, len(words), 8)) + "  \tquit\n"


def test_the_certificate_of_https_is_that_of_its_trustpoint_and_not_the_authoritys() -> None:
    mine, authority = (certificate(name) for name in ("edge1.example.org", "authority"))
    text = (
        "version 17.9\n"
        "crypto pki certificate chain TP\n"
        f" certificate 1A\n{hexadecimal(mine)}"
        f" certificate ca 01\n{hexadecimal(authority)}"
        "ip http secure-server\n"
        "ip http secure-trustpoint TP\n"
        "end\n"
    )
    (found,) = endpoints(text.encode())["ios https"].certificates
    assert (found.subject, found.key, found.path) == ("CN=edge1.example.org", "ECDSA-P256", "f:3")


def certificate(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key()).serial_number(1)
    return made.not_valid_before(START).not_valid_after(START + timedelta(days=90)).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
