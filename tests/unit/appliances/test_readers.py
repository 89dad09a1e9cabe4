"""Saved configurations of Junos, VyOS, FortiOS, EOS, ASA, PAN-OS, RouterOS and BIG-IP: what they say, where it stands, what they do not say, and what is no such configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.offline import from_path
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import CORPUS, FIXTURES, TODAY, policy_of, requirements

FOLDER = FIXTURES / "appliances"
NAMES = (
    "junos-24.conf",
    "junos.set",
    "vyos-2026.boot",
    "vyos.set",
    "fortios-76.conf",
    "eos-430.cfg",
    "asa-916.cfg",
    "panos-111.xml",
    "routeros-721.rsc",
    "f5-171.conf",
)


def snapshot(raw: bytes | str) -> Snapshot:
    return snapshot_of(raw.encode() if isinstance(raw, str) else raw, "f", "h", "")


def endpoints(raw: bytes | str) -> dict[str, Endpoint]:
    return {one.id: one for one in read(snapshot(raw))}


def said(raw: bytes | str) -> dict[str, dict[str, str]]:
    """endpoint → aspect → its values and where they stand."""
    return {
        id_: {aspect: f"{' '.join(setting.values)} @{setting.origin.line}" for aspect, setting in one.settings.items()}
        for id_, one in endpoints(raw).items()
    }


def fixture(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def findings(raw: bytes | str) -> dict[tuple[str, str], Finding]:
    policy = policy_of(str(FOLDER / "policy.yml"))
    found = assess(tuple(endpoints(raw).values()), lambda one: requirements(policy, one.protocol), TODAY)
    return {(one.endpoint, one.aspect): one for one in found}


def notes(raw: bytes | str, id_: str) -> str:
    return "\n".join(endpoints(raw)[id_].notes)


SAID = {
    "junos-24.conf": {
        "junos ssh": {
            "key_exchange": "curve25519-sha256 ecdh-sha2-nistp384 @30",
            "cipher": "aes256-gcm@openssh.com aes256-ctr @28",
            "mac": "hmac-sha2-512-etm@openssh.com @29",
        },
        "junos web-management": {},
        "junos ssl termination front": {"version": "tls12 @47"},
        "junos ike proposal STRONG": {
            "key_exchange": "group20 @57",
            "cipher": "aes-256-cbc @58",
            "mac": "sha-384 @9",
            "version": "v2-only @81",
            "ppk": "mode=enabled @79",
        },
        "junos ike proposal OLD": {
            "key_exchange": "group2 @66",
            "cipher": "3des-cbc @68",
            "mac": "md5 @67",
            "version": "v2-only @81",
            "ppk": "mode=enabled @79",
        },
        "junos ike policy PRESET": {"ppk": "mode=off @71"},
        "junos ipsec policy TUNNEL": {
            "cipher": "aes-256-gcm aes-128-cbc @88",
            "mac": "hmac-sha-256-128 @92",
            "key_exchange": "group20 @97",
        },
    },
    "junos.set": {
        "junos ssh": {"key_exchange": "group-exchange-sha2 dh-group1-sha1 @5"},
        "junos ike proposal P1": {"key_exchange": "group14 @8", "cipher": "aes-256-cbc @9", "mac": "sha-256 @10", "ppk": "mode=off @14"},
        "junos ipsec proposal P2": {"cipher": "3des-cbc @15"},
    },
    "vyos-2026.boot": {
        "vyos ssh": {
            "key_exchange": "curve25519-sha256 @20",
            "cipher": "aes256-gcm@openssh.com aes256-ctr @18",
            "mac": "hmac-sha2-512-etm@openssh.com @21",
        },
        "vyos https": {"version": "1.3 @15"},
        "vyos ike-group BRANCH": {
            "key_exchange": "dh-group 20 dh-group 2 @66",
            "cipher": "aes256 3des @67",
            "mac": "sha384 md5 @68",
            "version": "ikev2 @64",
            "ppk": "mode=off @86",
        },
        "vyos ike-group QUANTUM": {
            "key_exchange": "dh-group 34 @79",
            "cipher": "aes256gcm128 @80",
            "prf": "prfsha384 @81",
            "version": "ikev2 @77",
            "ppk": "mode=required @89",
        },
        "vyos esp-group CHILD": {"cipher": "aes256gcm128 @52", "key_exchange": "dh-group20 @50"},
        "vyos esp-group LOOSE": {"cipher": "aes128 @59", "mac": "sha1 @60", "key_exchange": "enable @57"},
    },
    "vyos.set": {
        "vyos ssh": {"cipher": "aes128-cbc @2"},
        "vyos ike-group I": {"key_exchange": "dh-group 14 @9", "cipher": "aes256 @10", "mac": "sha256 @11", "ppk": "mode=off @12"},
        "vyos esp-group E": {"cipher": "aes256 @7", "mac": "sha256 @8"},
    },
    "fortios-76.conf": {
        "fortios ssh": {
            "key_exchange": "curve25519-sha256@libssh.org diffie-hellman-group14-sha1 @12",
            "cipher": "aes256-gcm@openssh.com @13",
            "mac": "hmac-sha2-512-etm@openssh.com @14",
        },
        "fortios https": {"version": "tlsv1-3 @6", "cipher": "TLS-AES-256-GCM-SHA384 @7"},
        "fortios ssl vpn": {"version": "tls1-2 tls1-3 @47"},
        "fortios phase1-interface quantum": {
            "cipher": "aes256gcm aes256 @55",
            "prf": "prfsha384 @55",
            "mac": "sha384 @55",
            "version": "ike-version 2 @54",
            "key_exchange": "dhgrp 20 addke 36 dhgrp 21 addke 36 @57",
            "ppk": "mode=required @58",
        },
        "fortios phase1-interface old": {"cipher": "3des @65", "mac": "md5 @65", "key_exchange": "dhgrp 2 @66", "ppk": "mode=off @63"},
        "fortios phase2-interface quantum": {"cipher": "aes256gcm @73", "key_exchange": "dhgrp 20 addke 36 dhgrp 20 @75"},
        "fortios phase2-interface old": {"cipher": "3des null @79", "mac": "md5 sha1 @79"},
    },
    "eos-430.cfg": {
        "eos ssh": {
            "key_exchange": "ecdh-sha2-nistp521 @17",
            "cipher": "aes256-gcm@openssh.com aes256-ctr @16",
            "mac": "hmac-sha2-512-etm@openssh.com @18",
            "host_key": "ecdsa-nistp521 @19",
        },
        "eos https": {"version": "1.2 @23", "cipher": "ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-SHA384 @24"},
        "eos ssl profile OLD": {"version": "1.0 1.1 @27"},
        "eos ike policy IKE": {"cipher": "aes256 @31", "mac": "sha256 @32", "key_exchange": "dh-group 20 @33"},
        "eos ike policy SILENT": {},
        "eos sa policy SA": {"cipher": "aes256gcm128 @37", "key_exchange": "dh-group 14 @38"},
        "eos sa policy NOTHING": {"cipher": "null @40", "mac": "sha1 @41"},
    },
    "asa-916.cfg": {
        "asa ssh": {"key_exchange": "dh-group14-sha256 @37", "cipher": "aes256-gcm@openssh.com aes256-ctr @35"},
        "asa ssl": {"version": "tlsv1.2 @39", "cipher": "ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES128-GCM-SHA256 @40"},
        "asa ikev2 policy 1": {"key_exchange": "group 21 group 20 @25", "cipher": "aes-gcm-256 @23", "prf": "sha384 @26", "version": "IKEv2 @22"},
        "asa ikev1 policy 10": {"key_exchange": "group 2 @32", "cipher": "3des @30", "mac": "md5 @31", "version": "IKEv1 @28"},
        "asa map OUTSIDE 1": {"cipher": "aes-gcm-256 @12", "key_exchange": "group20 @16"},
        "asa map OUTSIDE 2": {"cipher": "esp-3des @10", "mac": "esp-md5-hmac @10"},
    },
    "panos-111.xml": {
        "panos ssh": {},
        "panos https": {"version": "tls1-2 tls1-3 @14"},
        "panos ike-crypto-profile strong": {
            "key_exchange": "group20 @36",
            "cipher": "aes-256-cbc 3des @29",
            "mac": "sha384 @33",
            "version": "ikev2 @65",
        },
        "panos ipsec-crypto-profile child": {"cipher": "aes-256-gcm @44", "key_exchange": "group20 @50"},
    },
}
SAID["routeros-721.rsc"] = {
    "routeros ssh": {"host_key": "ed25519 @22"},
    "routeros www-ssl": {"version": "only-1.2 @20"},
    "routeros ipsec profile default": {
        "key_exchange": "modp2048 modp1024 @6",
        "cipher": "aes-128 3des @6",
        "version": "IKEv2 @11",
        "ppk": "mode=off @6",
    },
    "routeros ipsec profile strong": {
        "key_exchange": "ecp384 @7",
        "cipher": "aes-256 @7",
        "mac": "sha384 @7",
        "prf": "sha384 @7",
        "version": "IKEv2 @10",
        "ppk": "mode=enabled @7",
    },
    "routeros ipsec proposal default": {"key_exchange": "ecp384 @13", "cipher": "aes-256-gcm @13"},
}
_STRONG = {
    "version": "TLSv1.2 TLSv1.3 @50",
    "cipher": "TLS13-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 @29",
    "key_exchange": "P384 P256 @30",
}
SAID["f5-171.conf"] = {
    "f5 ssh": {"key_exchange": "ecdh-sha2-nistp384 diffie-hellman-group14-sha1 @19", "cipher": "aes256-gcm@openssh.com aes256-ctr @18"},
    "f5 https": {"version": "TLSv1.1 TLSv1.2 @26", "cipher": "ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES128-GCM-SHA256 @25"},
    "f5 client-ssl /Common/base": _STRONG,
    "f5 client-ssl /Common/child": _STRONG,
    "f5 client-ssl /Common/factory": {},
    "f5 server-ssl /Common/inside": {"version": "SSLv3 TLSv1 TLSv1.1 TLSv1.2 @68", "cipher": "ECDHE-RSA-AES128-SHA AES128-SHA @66"},
    "f5 ike-peer /Common/branch": {"key_exchange": "modp1024 @94", "cipher": "3des @92", "mac": "md5 @93", "version": "v1 @97"},
    "f5 ike-peer /Common/hq": {
        "key_exchange": "ecp384 @102",
        "cipher": "aes256 @100",
        "mac": "sha384 @101",
        "prf": "sha384 @103",
        "version": "v2 @105",
    },
    "f5 ipsec-policy /Common/gcm": {"cipher": "aes-gcm256 @109"},
    "f5 ipsec-policy /Common/old": {"key_exchange": "modp1024 @115", "cipher": "3des @114", "mac": "sha1 @113"},
}
STRANGE = {"enable", "null"}  # words that name no algorithm, told in notes


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_is_read_with_the_line_of_each_value(name: str) -> None:
    assert said(fixture(name)) == SAID[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_an_algorithm_of_the_catalogue(name: str) -> None:
    for one in endpoints(fixture(name)).values():
        for aspect, setting in one.settings.items():
            assert [v for v in setting.values if aspect != "ppk" and v not in STRANGE and not find(one.protocol, aspect, v)] == [], one.id


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_kept_and_lines_stay_where_they_are(name: str) -> None:
    whole = fixture(name).decode()
    (file,) = snapshot(whole).files.values()
    assert "CANARY" in whole
    assert "CANARY" not in str(file.text)
    assert "FAKE" not in str(file.text)
    assert str(file.text).count("\n") == whole.count("\n")


@pytest.mark.parametrize("name", NAMES)
def test_windows_line_ends_change_nothing(name: str) -> None:
    assert said(fixture(name).replace(b"\n", b"\r\n")) == SAID[name]


def test_the_release_is_that_of_the_text_or_unknown() -> None:
    told = {name: snapshot(fixture(name)).facts["os_PRETTY_NAME"] for name in NAMES}
    assert told == {
        "junos-24.conf": "Junos 24.4R1.9",
        "junos.set": "Junos 20.4R3.8",
        "vyos-2026.boot": "VyOS 2026.07.01-0020-rolling",
        "vyos.set": "VyOS",
        "fortios-76.conf": "FortiOS 7.6.4",
        "eos-430.cfg": "Arista EOS 4.30.1F",
        "asa-916.cfg": "Cisco ASA 9.16(4)",
        "panos-111.xml": "PAN-OS 11.1.4",
        "routeros-721.rsc": "RouterOS 7.21",
        "f5-171.conf": "BIG-IP 17.1.1",
    }
    assert endpoints(fixture("vyos.set"))["vyos ssh"].version == "VyOS (release unknown)"


def test_the_same_policy_judges_every_platform() -> None:
    junos, forti, vyos = (findings(fixture(name)) for name in ("junos-24.conf", "fortios-76.conf", "vyos-2026.boot"))
    assert forti["fortios phase1-interface quantum", "key_exchange"].state == "compliant"
    assert forti["fortios phase1-interface old", "cipher"].state == "missing"  # what 7.6 has instead is known, and can be put in front of it
    assert forti["fortios phase1-interface old", "key_exchange"].origin == "f:66"
    assert junos["junos ike proposal OLD", "cipher"].state == "missing"  # what 24.4 has instead is known, and can be put in front of it
    assert junos["junos ssh", "key_exchange"].state == "missing"
    assert vyos["vyos ike-group BRANCH", "cipher"].state == "forbidden"


def test_an_older_release_of_fortios_is_known_to_lack_ml_kem_and_what_brings_it_is_said() -> None:
    older = fixture("fortios-76.conf").replace(b"-7.6.4-", b"-7.4.8-").replace(b"        set addke1 36\n", b"", 1)
    found = findings(older)["fortios phase1-interface quantum", "key_exchange"]
    assert (found.state, found.remedy) == ("missing", "needs FortiOS ≥ 7.6.1, or a gateway in front of it")


def test_a_line_that_is_absent_is_unknown_and_never_a_pass() -> None:
    assert {findings(fixture("vyos.set"))["vyos ssh", aspect].state for aspect in ("key_exchange", "mac")} == {"unknown"}
    assert "`key-exchange`, `mac`" in notes(fixture("vyos.set"), "vyos ssh")
    assert "show full-configuration" in notes(fixture("fortios-76.conf"), "fortios phase1-interface old")
    assert {findings(fixture("eos-430.cfg"))["eos ike policy SILENT", aspect].state for aspect in ("key_exchange", "cipher")} == {"unknown"}


def test_a_default_counts_in_the_release_that_documents_it_and_in_no_other() -> None:
    text = "#config-version=FGVM64-{}-FW-build1-1:opmode=0\nconfig vpn ipsec phase1-interface\n    edit a\n        set proposal aes256-sha256\n    next\nend\n"
    text += "config vpn ipsec phase2-interface\n    edit b\n        set proposal aes256gcm\n    next\nend\n"
    known, unknown = (endpoints(text.format(release))["fortios phase1-interface a"] for release in ("8.0.0", "7.0.5"))
    child = endpoints(text.format("8.0.0"))["fortios phase2-interface b"].settings["key_exchange"]
    assert (child.values, "phase2-interface" in str(child.origin)) == (("dhgrp 20",), True)
    assert known.settings["key_exchange"].values == ("dhgrp 20",)
    assert "CLI Reference" in str(known.settings["key_exchange"].origin)
    assert "key_exchange" not in unknown.settings


@pytest.mark.parametrize("none", ["0", "none"])
def test_an_additional_exchange_that_a_peer_may_leave_out_leaves_the_classical_one(none: str) -> None:
    text = fixture("fortios-76.conf").replace(b"        set addke1 0 36\n", f"        set addke1 {none} ml-kem-768\n        set addke2 37\n".encode())
    found = endpoints(text)["fortios phase2-interface quantum"]
    assert found.settings["key_exchange"].values == ("dhgrp 20 addke ml-kem-768", "dhgrp 20")
    assert "may be left out" in "".join(found.notes)
    assert "addke2" in "".join(found.notes)


# ---------------------------------------------------------------- traps of one platform


def test_a_group_of_junos_is_taken_over_where_it_is_applied_and_outweighed_by_what_stands_there() -> None:
    head = (
        "set version 24.4R1.9\nset groups ALL system services ssh ciphers 3des-cbc\nset groups ALL system services ssh key-exchange dh-group1-sha1\n"
    )
    body = "set groups ALL security ike proposal <P*> dh-group group1\nset security ike proposal P1 encryption-algorithm aes-256-cbc\n"
    body += "set security ike proposal P2 dh-group group20\nset security ike proposal Q encryption-algorithm aes-256-cbc\n"
    assert "junos ssh" not in endpoints(head + body)
    found = said(head + body + "set apply-groups ALL\nset system services ssh ciphers aes256-ctr\n")
    assert found["junos ssh"] == {"cipher": "3des-cbc aes256-ctr @2", "key_exchange": "dh-group1-sha1 @3"}
    assert found["junos ike proposal P1"]["key_exchange"] == "group1 @4"
    assert found["junos ike proposal P2"]["key_exchange"] == "group20 @6"
    assert "key_exchange" not in found["junos ike proposal Q"]


def test_a_text_that_begins_with_the_role_of_a_junos_device_is_no_saved_snapshot(tmp_path: Path) -> None:
    saved = tmp_path / "srx2.set"
    saved.write_bytes(b"{primary:node0}\n" + fixture("junos.set"))
    assert {one.id for one in read(from_path(tmp_path, "srx2", "", {}))} == set(SAID["junos.set"])


def test_a_proposal_set_of_junos_is_unknown_by_name() -> None:
    assert "proposal-set basic" in notes(fixture("junos-24.conf"), "junos ike policy PRESET")
    assert findings(fixture("junos-24.conf"))["junos ike policy PRESET", "cipher"].state == "unknown"


def test_tunnels_of_a_services_card_and_of_a_tenant_are_read_as_well() -> None:
    place = "set {0} ike proposal P dh-group group2\nset {0} ipsec proposal Q encryption-algorithm des-cbc\n"
    found = said("set version 20.4R3.8\n" + place.format("services ipsec-vpn") + place.format("tenants red security"))
    assert {id_: aspects["key_exchange"] for id_, aspects in found.items() if "ike" in id_} == {
        "junos services ike proposal P": "group2 @2",
        "junos red ike proposal P": "group2 @4",
    }
    assert {"junos services ipsec proposal Q", "junos red ipsec proposal Q"} <= set(found)


def test_a_proposal_that_one_gateway_uses_without_a_ppk_has_none() -> None:
    text = fixture("junos.set").decode() + "set security ike gateway OTHER ike-policy POL\nset security ike gateway OTHER ppk-profile q\n"
    assert said(text)["junos ike proposal P1"]["ppk"] == "mode=off @14"


def test_vdoms_of_fortios_are_read_each_for_itself() -> None:
    phase = "config vpn ipsec phase1-interface\nedit t\nset proposal des-md5\nset dhgrp {}\nnext\nend\n"
    text = "config vdom\nedit root\nnext\nedit red\nnext\nend\nconfig global\nconfig system global\nset hostname x\nend\nend\n"
    text += "".join(f"config vdom\nedit {name}\n{phase.format(group)}next\nend\n" for name, group in (("root", 14), ("red", 5)))
    found = said(text)
    assert found["fortios root phase1-interface t"]["key_exchange"] == "dhgrp 14 @17"
    assert found["fortios red phase1-interface t"]["key_exchange"] == "dhgrp 5 @27"
    assert snapshot(text).facts["hostname"] == "x"


def test_management_of_fortios_counts_where_an_interface_allows_it() -> None:
    text = fixture("fortios-76.conf").replace(b"allowaccess ping https ssh", b"allowaccess ping https")
    assert "fortios ssh" not in endpoints(text)
    assert "fortios https" in endpoints(text)


def test_a_pasted_certificate_of_eos_is_no_configuration_and_its_key_is_not_kept() -> None:
    pasted = "   protocol https certificate\n-----BEGIN CERTIFICATE-----\nx\nEOF\n-----BEGIN PRIVATE KEY-----\nCANARY-key\nEOF\n   no shutdown\n"
    text = fixture("eos-430.cfg").decode().replace("   no shutdown\n", pasted)
    assert "eos https" in endpoints(text)
    assert "CANARY" not in str(next(iter(snapshot(text).files.values())).text)


def test_a_script_of_big_ip_is_no_configuration_and_one_that_does_not_end_was_cut_off() -> None:
    text = fixture("f5-171.conf").decode()
    head, tail = text.split("ltm rule ")
    assert not any("FAKE" in id_ for id_ in endpoints(text))
    with pytest.raises(Unparsable, match="the script of line 70 has no end"):
        snapshot(head + "ltm rule " + tail.partition("ltm virtual")[0].rstrip().removesuffix("}"))
    with pytest.raises(Unparsable, match="the quote that begins here has no end"):
        snapshot(text.partition("MACs")[0])


def test_of_a_profile_of_big_ip_what_its_group_or_its_parent_says_counts_and_is_unknown_where_that_is_elsewhere() -> None:
    text = fixture("f5-171.conf").decode()
    without = text.replace("ltm cipher rule /Common/groups", "ltm cipher rule /Common/others")
    assert said(without)["f5 client-ssl /Common/child"] == {"version": _STRONG["version"]}
    assert "the rules of cipher-group /Common/strong are not in this text" in notes(without, "f5 client-ssl /Common/child")
    assert "that of /Common/clientssl, which is not in this text" in notes(text, "f5 client-ssl /Common/child")
    taken = text.replace("ciphers ECDHE-RSA-AES128-SHA:AES128-SHA", "ciphers ECDHE-RSA-AES128-SHA:!SSLv3:!TLSv1:!TLSv1_1")
    assert said(taken)["f5 server-ssl /Common/inside"]["version"] == "TLSv1.2 @68"


def test_a_list_of_sshd_on_big_ip_that_only_changes_the_default_is_unknown() -> None:
    assert "it changes a list that is not written down here" in notes(fixture("f5-171.conf"), "f5 ssh")
    assert findings(fixture("f5-171.conf"))["f5 ssh", "mac"].state == "unknown"
    off = fixture("f5-171.conf").replace(b"inactivity-timeout 900", b"login disabled")
    assert "f5 ssh" not in endpoints(off)


# ---------------------------------------------------------------- what is refused


@given(name=st.sampled_from(NAMES), places=st.lists(st.tuples(st.integers(0, 120), st.sampled_from(["line", "word", "twice", "empty"])), max_size=6))
def test_whatever_is_missing_or_said_twice_is_read_or_refused_and_keeps_no_secret(name: str, places: list[tuple[int, str]]) -> None:
    lines = fixture(name).decode().splitlines(keepends=True)
    for place, how in places:
        at = place % len(lines)
        body = lines[at].rstrip("\n")
        lines[at] = {"line": "", "word": f"{body.rpartition(' ')[0]}\n", "twice": lines[at] * 2, "empty": "\n"}[how]
    try:
        found = snapshot("".join(lines))
    except Unparsable as error:
        assert error.where.startswith("f")
        return
    assert all(setting.values for one in read(found) for setting in one.settings.values())
    assert not any("CANARY" in str(file.text) for file in found.files.values())


PROSE = b"Dear colleague, please look at this device:\n"


@pytest.mark.parametrize("name", NAMES)
def test_utf_16_html_prose_pagers_and_two_devices_in_one_file_are_refused(name: str) -> None:
    whole = fixture(name)
    middle = whole.index(b"\n", len(whole) // 2) + 1
    other = fixture(NAMES[(NAMES.index(name) + 2) % len(NAMES)])
    cases = {
        "NUL at byte": whole.decode().encode("utf-16"),
        "HTML": b"<!DOCTYPE html><pre>\n" + whole,
        "no .*(?:statement|command)|ends with neither|no XML|recognised": PROSE + whole,
        "no .*(?:statement|command)|ends with neither|pager|no XML": whole[:middle] + b"--More--\n" + whole[middle:],
        "looks like": whole + other,
    }
    for why, raw in cases.items():
        with pytest.raises(Unparsable, match=why) as told:
            snapshot(raw)
        assert told.value.where.startswith("f"), why


@pytest.mark.parametrize("name", ["junos-24.conf", "vyos-2026.boot", "fortios-76.conf", "eos-430.cfg", "asa-916.cfg", "panos-111.xml", "f5-171.conf"])
def test_a_text_that_was_cut_off_is_refused_wherever_it_was_cut(name: str) -> None:
    """At each line: read is only what was whole before, and never without the line that closes it."""
    lines = fixture(name).decode().splitlines(keepends=True)
    whole = set(SAID[name])
    for size in range(len(lines) // 2, len(lines) - 1):
        try:
            found = set(endpoints("".join(lines[:size])))
        except Unparsable as error:
            assert error.where.startswith("f")
            continue
        assert found <= whole
        assert name not in ("eos-430.cfg", "asa-916.cfg", "panos-111.xml")


@pytest.mark.parametrize("name", NAMES)
def test_another_vendor_in_the_same_file_is_told_by_name(name: str) -> None:
    with pytest.raises(Unparsable, match="looks like"):
        snapshot(fixture(name) + fixture("ios-17.cfg"))


def test_a_relative_with_the_same_grammar_is_refused_by_name() -> None:
    switch = fixture("fortios-76.conf").replace(b"FGVM64-7.6.4", b"S108DV-3.6.2")
    edge = fixture("vyos-2026.boot").replace(b"// Release version: 2026.07.01-0020-rolling", b"/* Release version: v2.0.9.5371153 */")
    for raw, why in ((switch, "S108DV, which is another product"), (edge, "EdgeOS")):
        with pytest.raises(Unparsable, match=why):
            snapshot(raw)


def test_the_configurations_of_the_corpus_are_read_or_refused_by_name() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside this checkout: 55 configurations of Arista, Juniper and VyOS not read")
    seen: dict[str, dict[str, Endpoint]] = {}
    refused: dict[str, str] = {}
    for path in sorted(path for folder in ("arista-eos", "juniper-junos", "vyos") for path in (CORPUS / folder).iterdir()):
        try:
            seen[name_of(path)] = endpoints(path.read_bytes())
        except Unparsable as error:
            refused[name_of(path)] = error.message
    assert len(seen) >= 44
    assert all("cut off" in why or "recognised" in why for why in refused.values()), refused
    assert sorted({name.split("/")[0] for name in refused}) == ["arista-eos"]
    assert {one.settings["key_exchange"].values for one in seen["vyos/bgp-azure-ipsec-gateway"].values() if one.protocol == "ikev2"} == {
        ("dh-group 2",)
    }
    assert seen["juniper-junos/ike-proposal"]["junos ike proposal proposal1"].settings["cipher"].values == ("3des-cbc",)
    assert seen["arista-eos/site1-wan1.cfg"]["eos sa policy CP-SA-POLICY"].settings["cipher"].values == ("aes256gcm128",)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name.rsplit('__', 1)[-1]}"
