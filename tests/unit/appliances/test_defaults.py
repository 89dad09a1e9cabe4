"""What an absent line means: release by release, with its source; and that nobody writes what is not known."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.spelled import spellings
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import APPLIANCES, read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.defaults import TABLES, default_of, ios, vyos
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.defaults.row import Default, Release, number
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding, Inexpressible, Plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import Survey
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._devices import plan_of

from tests.unit.conftest import FIXTURES, TODAY, TOP, policy_of, requirements

ROWS = [(name, row) for name, rows in TABLES.items() for row in rows]
VYOS = """\
service {
    https {
    }
    ssh {
        port "22"
    }
}
vpn {
    ipsec {
        esp-group E {
            proposal 1 {
            }
            proposal 2 {
                encryption "aes256gcm128"
            }
        }
        ike-group I {
            proposal 1 {
                hash "sha256"
            }
        }
    }
}

// vyos-config-version: "bgp@5:ssh@2"
// Release version: RELEASE
"""
IOS = "version RELEASE\nhostname r1\nline vty 0 4\n transport input ssh\nend\n"
FORTIOS = """\
#config-version=FGT60F-RELEASE-FW-build2573-240201:opmode=0:vdom=0:user=admin
config system global
    set hostname "gate"
    set strong-crypto enable
end
config vpn ipsec phase1-interface
    edit "a"
        set proposal aes256-sha256
    next
end
"""
JUNOS = "version RELEASE;\nsystem {\n    host-name edge;\n    services {\n        ssh;\n    }\n}\n"
EOS = "! device: edge (DCS-7050, EOS-RELEASE)\nhostname edge\nmanagement ssh\n   idle-timeout 60\nend\n"
TEXTS = {"vyos": VYOS, "ios": IOS, "fortios": FORTIOS, "junos": JUNOS, "eos": EOS}


def endpoints(platform: str, release: str) -> dict[str, Endpoint]:
    text = TEXTS[platform].replace("RELEASE", release)
    return {one.id: one for one in read(snapshot_of(text.encode(), "f", "h", ""))}


@pytest.mark.parametrize(
    ("said", "release"),
    [
        # Cisco: a running configuration, show version, old trains
        ("17.9", (17, 9)),
        ("17.12.4", (17, 12, 4)),
        ("17.09.04a", (17, 9, 4)),
        ("17.16.1a", (17, 16, 1)),
        ("16.12.05b", (16, 12, 5)),
        ("15.2", (15, 2)),
        ("9.16(4)", (9, 16, 4)),
        # Juniper
        ("21.4R3", (21, 4, 3)),
        ("21.4R3-S5.4", (21, 4, 3)),
        ("24.4R1.9", (24, 4, 1)),
        ("12.1X47-D10.4", ()),
        ("15.1X53-D592", ()),
        ("22.2R1-EVO", ()),
        ("22.2R1-S1.3-EVO", ()),
        # Arista, Fortinet, Palo Alto, MikroTik
        ("4.30.1F", (4, 30, 1)),
        ("4.28.10.1M", (4, 28, 10)),
        ("7.4.3", (7, 4, 3)),
        ("v7.6.5", (7, 6, 5)),
        ("11.1.4", (11, 1, 4)),
        ("7.21", (7, 21)),
        ("7.15rc3", ()),
        # VyOS
        ("1.4.0", (1, 4, 0)),
        ("1.4.0-epa3", (1, 4, 0)),
        ("1.3.0-rc6", ()),
        ("1.3-beta-202112090443", ()),
        ("1.4-rolling-202304300317", (1, 4, 20230430)),
        ("1.5-rolling-202410240007", (1, 5, 20241024)),
        ("1.5-stream-2025-Q1", ()),
        ("2026.07.01-0020-rolling", ()),
        ("999.202107021104", (999, 202107021104)),
        ("", ()),
        ("(release unknown)", ()),
    ],
)
def test_a_release_is_counted_as_its_vendor_writes_it(said: str, release: Release) -> None:
    assert number(said) == release


@pytest.mark.parametrize(
    ("platform", "shown", "release"),
    [
        (
            "ios",
            "Cisco IOS XE Software, Version 17.09.04a\nCisco IOS Software [Cupertino], Catalyst L3 Switch Software, Version 17.9.4a, RELEASE SOFTWARE (fc3)\n",
            (17, 9, 4),
        ),
        ("junos", "Hostname: edge\nModel: srx300\nJunos: 21.4R3-S5.4\nJUNOS Software Release [21.4R3-S5.4]\n", (21, 4, 3)),
        ("junos", "Hostname: edge\nModel: ptx10001-36mr\nJunos: 22.2R1-EVO\n", ()),
        ("eos", "Arista DCS-7050SX3-48YC8-F\nSerial number:       JPE1\nSoftware image version: 4.30.1F\n", (4, 30, 1)),
        ("vyos", "Version:          VyOS 1.4.0-epa3\nRelease train:    sagitta\n", (1, 4, 0)),
        ("vyos", "Version:          VyOS 1.5-rolling-202410240007\n", (1, 5, 20241024)),
        ("fortios", '{"http_method": "GET", "version": "v7.4.3", "serial": "FGT60F", "build": 2573}', (7, 4, 3)),
    ],
)
def test_the_release_that_a_live_device_shows_is_counted(platform: str, shown: str, release: Release) -> None:
    way = APPLIANCES[platform].changes
    assert way
    assert number(way.identify(shown)[0]) == release


@pytest.mark.parametrize(
    ("first", "last", "said", "counts"),
    [
        ((17, 9), (17, 9), "17.9", True),
        ((17, 9), (17, 9), "17.09.04a", True),
        ((17, 9), (17, 9), "17.10", False),
        ((17, 9), (17, 9), "17", False),
        ((1, 4, 0), (1, 4, 99), "1.4.1", True),
        ((1, 4, 0), (1, 4, 99), "1.4", False),
        ((1, 4, 0), (1, 4, 99), "1.4-rolling-202304300317", False),
        ((22, 3, 1), (24, 2), "24.2R2", True),
        ((22, 3, 1), (24, 2), "22.2R3", False),
        ((22, 3, 1), (24, 2), "24.4R1.9", False),
    ],
)
def test_a_row_counts_from_its_first_release_to_its_last(first: Release, last: Release, said: str, counts: bool) -> None:
    assert Default("ssh", "mac", first, last, ("x",), "a source").counts(number(said)) is counts


# platform, release as it stands in a text, endpoint, aspect → values; () = unknown
ABSENT: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    ("vyos", "1.3.8", "vyos ssh", "key_exchange", vyos.OPENSSH_79["key_exchange"]),
    ("vyos", "1.3.8", "vyos ssh", "user_key", ()),
    ("vyos", "1.3.8", "vyos https", "version", ("1.2", "1.3")),
    ("vyos", "1.3.6", "vyos ike-group I", "key_exchange", ("dh-group 2",)),
    ("vyos", "1.3.6", "vyos ike-group I", "version", ()),
    ("vyos", "1.4.0", "vyos ssh", "key_exchange", vyos.OPENSSH_92["key_exchange"]),
    ("vyos", "1.4.0-epa3", "vyos ssh", "cipher", vyos.OPENSSH_92["cipher"]),
    ("vyos", "1.4.0", "vyos ssh", "user_key", vyos.OPENSSH_92["user_key"]),
    ("vyos", "1.4.0", "vyos ike-group I", "version", ("ikev1", "ikev2")),
    ("vyos", "1.4.0", "vyos ike-group I", "cipher", ("aes128",)),
    ("vyos", "1.4.0", "vyos ike-group I", "mac", ("sha256",)),
    ("vyos", "1.4.0", "vyos esp-group E", "cipher", ("aes128", "aes256gcm128")),
    ("vyos", "1.4.0", "vyos esp-group E", "mac", ("sha1",)),
    ("vyos", "1.4.0", "vyos esp-group E", "key_exchange", ()),
    ("vyos", "1.5-rolling-202410240007", "vyos ssh", "mac", vyos.OPENSSH_92["mac"]),
    ("vyos", "1.5-rolling-202512240007", "vyos ssh", "mac", ()),
    ("vyos", "1.2.9", "vyos ssh", "mac", ()),
    ("vyos", "1.3.0", "vyos ssh", "mac", ()),
    ("vyos", "1.3.8", "vyos ike-group I", "key_exchange", ()),
    ("vyos", "1.4.1", "vyos ssh", "mac", ()),
    ("vyos", "1.5.0", "vyos ssh", "mac", ()),
    ("vyos", "2026.07.01-0020-rolling", "vyos ike-group I", "key_exchange", ()),
    ("ios", "17.3", "ios ssh", "cipher", ("aes128-gcm", "aes256-gcm", "aes128-ctr", "aes192-ctr", "aes256-ctr")),
    ("ios", "17.9", "ios ssh", "cipher", ios.CIPHERS),
    ("ios", "17.9", "ios ssh", "mac", ()),
    ("ios", "17.9", "ios ssh", "key_exchange", ()),
    ("ios", "17.11", "ios ssh", "mac", ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")),
    ("ios", "17.12", "ios ssh", "mac", ()),
    ("ios", "17.16", "ios ssh", "key_exchange", ios.EXCHANGES),
    ("ios", "17.16", "ios ssh", "user_key", ios.USER_KEYS),
    ("ios", "17.17", "ios ssh", "key_exchange", ()),
    ("ios", "26.1", "ios ssh", "key_exchange", ()),
    ("ios", "15.7", "ios ssh", "cipher", ()),
    ("fortios", "7.4.8", "fortios ssh", "cipher", ("aes256-ctr", "aes256-gcm@openssh.com")),
    ("fortios", "7.4.8", "fortios ssh", "key_exchange", ()),
    ("fortios", "7.4.3", "fortios ssh", "cipher", ()),
    ("fortios", "7.6.5", "fortios ssh", "mac", ("hmac-sha2-256", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-512-etm@openssh.com")),
    ("fortios", "7.6.5", "fortios https", "version", ("tlsv1-2", "tlsv1-3")),
    ("fortios", "7.6.5", "fortios phase1-interface a", "version", ("ike-version 1",)),
    ("fortios", "7.6.5", "fortios phase1-interface a", "key_exchange", ("dhgrp 20",)),
    ("fortios", "7.6.4", "fortios phase1-interface a", "key_exchange", ()),
    ("fortios", "8.0.0", "fortios phase1-interface a", "key_exchange", ("dhgrp 20",)),
    ("junos", "23.4R2-S3", "junos ssh", "host_key", ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ed25519", "rsa")),
    ("junos", "21.4R3", "junos ssh", "host_key", ()),
    ("junos", "23.4R2-EVO", "junos ssh", "host_key", ()),
    ("junos", "23.4R2", "junos ssh", "key_exchange", ()),
    ("eos", "4.30.1F", "eos ssh", "key_exchange", ()),
]


@pytest.mark.parametrize(("platform", "release", "id_", "aspect", "values"), ABSENT)
def test_an_absent_line_is_the_default_of_that_release_with_its_source_or_unknown(
    platform: str, release: str, id_: str, aspect: str, values: tuple[str, ...]
) -> None:
    found = endpoints(platform, release)[id_].settings.get(aspect)
    if not values:
        assert found is None
        return
    assert found
    assert found.values == values
    if (id_, aspect) != ("vyos ike-group I", "mac"):  # which a line says
        assert found.evidence == "documented"
        assert re.match(rf"default of \S+ {re.escape(release)}, per \S", str(found.origin))


@pytest.mark.parametrize(
    ("platform", "release", "id_", "why"),
    [
        ("ios", "17.9", "ios ssh", "contradict each other"),
        ("junos", "23.4R2", "junos ssh", "no source was found that lists them"),
        ("eos", "4.30.1F", "eos ssh", "no source was found that lists it"),
        ("vyos", "1.4.0", "vyos esp-group E", "the first dh-group of the IKE group"),
        ("ios", "17.12", "ios ssh", "is not known here"),
    ],
)
def test_what_is_not_known_says_why(platform: str, release: str, id_: str, why: str) -> None:
    assert why in " ".join(endpoints(platform, release)[id_].notes)


@pytest.mark.parametrize("platform", ["vyos", "fortios", "eos"])
def test_a_text_that_does_not_name_its_release_has_no_defaults(platform: str) -> None:
    lines = TEXTS[platform].splitlines(keepends=True)
    text = "".join(line for line in lines if "RELEASE" not in line)
    for one in read(snapshot_of(text.encode(), "f", "h", "")):
        assert [setting for setting in one.settings.values() if setting.evidence == "documented"] == []


def test_without_strong_crypto_the_defaults_of_fortios_are_not_those_that_are_written_down() -> None:
    text = FORTIOS.replace("strong-crypto enable", "strong-crypto disable").replace("RELEASE", "7.6.5")
    found = {one.id: one for one in read(snapshot_of(text.encode(), "f", "h", ""))}
    assert found["fortios ssh"].settings == {}
    assert "version" not in found["fortios https"].settings


# ---------------------------------------------------------------- the table


def test_no_two_rows_speak_of_the_same_release() -> None:
    for (one, a), (other, b) in combinations(ROWS, 2):
        same = (one, a.place, a.aspect) == (other, b.place, b.aspect)
        assert not (same and a.first <= b.last and b.first <= a.last), (a, b)


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda value: value if isinstance(value, str) else f"{value.place} {value.aspect} {value.first}")
def test_every_row_is_in_the_words_of_the_catalogue_and_names_its_source(name: str, row: Default) -> None:
    assert row.source
    assert row.first[:2] <= row.last[:2]
    protocol = {"ssh": "ssh", "https": "tls", "ike": "ikev2", "phase1-interface": "ikev2", "esp": "esp", "phase2-interface": "esp"}[row.place]
    listed = {word for group in spellings() if group.implementation == name and group.use == (protocol, row.aspect) for word in group.unlisted}
    strange = {value for value in row.values if not find(protocol, row.aspect, value)}
    assert strange <= listed | {"x509v3-ssh-rsa"}  # that is a kind of certificate, of which the catalogue has no row: unknown, never a pass


def test_what_debian_12_itself_shows_is_what_is_written_down_for_vyos() -> None:
    """`sshd -T` of OpenSSH 9.2 on bookworm, where nobody has changed the keys."""
    shown = json.dumps(json.loads((FIXTURES / "snapshots/web-old.json").read_text(encoding="utf-8")))
    keys = re.search(r"\\nhostkeyalgorithms ([^\\]*)\\n", shown)
    assert keys
    assert tuple(keys[1].split(",")) == vyos.OPENSSH_92["host_key"]


def test_the_table_of_the_page_is_that_of_the_code() -> None:
    """Renew it with: python tests/tools/defaults.py"""
    spec = importlib.util.spec_from_file_location("defaults_tool", TOP / "tests/tools/defaults.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = (TOP / "docs/appliances.md").read_text(encoding="utf-8")
    assert tool.page(page) == page
    assert set(TABLES) <= set(APPLIANCES)


# ---------------------------------------------------------------- judged, shown, written

POLICY = """\
policy: {name: lists, version: "1"}
rules:
  - id: kex-ssh
    match: {protocol: ssh}
    aspect: key_exchange
    allow: {construction: [CONSTRUCTION], classical_bits: ">=128", status: [current]}
    source: {doc: a test, section: "1", force: requirement}
    verified: 2026-11-27
  - id: mac-ssh
    match: {protocol: ssh}
    aspect: mac
    allow: {name: [hmac-sha2-512-etm@openssh.com, hmac-sha2-256-etm@openssh.com]}
    source: {doc: a test, section: "1", force: requirement}
    verified: 2026-11-27
stages: [{aspect: key_exchange, stage: require}, {aspect: mac, stage: require}]
"""


def judged(tmp_path: Path, platform: str, release: str, construction: str = "classical, hybrid") -> dict[str, Finding]:
    found = findings(tmp_path, platform, release, construction)
    return {one.aspect: one for one in found if one.protocol == "ssh"}


def findings(tmp_path: Path, platform: str, release: str, construction: str) -> tuple[Finding, ...]:
    policy = policy_in(tmp_path, construction)
    return assess(tuple(endpoints(platform, release).values()), lambda one: requirements(policy, one.protocol), TODAY)


def policy_in(tmp_path: Path, construction: str) -> Policy:
    (tmp_path / "policy.yml").write_text(POLICY.replace("CONSTRUCTION", construction), encoding="utf-8")
    return policy_of(str(tmp_path / "policy.yml"))


def planned(tmp_path: Path, platform: str, release: str, construction: str = "classical, hybrid", text: str = "") -> Plan:
    seen = snapshot_of((text or TEXTS[platform].replace("RELEASE", release)).encode(), "f", "h", "")
    seen = replace(seen, facts={"release": release, **seen.facts})  # which a live device tells
    found = read(seen)
    policy = policy_in(tmp_path, construction)
    asked = {one.id: requirements(policy, one.protocol) for one in found}
    return plan_of(Survey(seen, found), asked, "", TODAY, lambda: None)


def written(plan: Plan) -> str:
    return "".join(line for change in plan.changes for edit in change.edits for line in edit.insert)


def test_a_finding_on_a_default_says_how_it_is_known_and_a_report_shows_it(tmp_path: Path) -> None:
    found = judged(tmp_path, "vyos", "1.4.0")["mac"]
    assert (found.state, found.evidence) == ("forbidden", "documented")
    assert found.origin.startswith("default of VyOS 1.4.0, per vyos-1x 1.4.0")
    shown = audit_table([HostResult("edge", "audit", "ok", findings=(_plain(found),))], width=400)
    assert "default of VyOS 1.4.0, per vyos-1x 1.4.0" in shown


def _plain(found: Finding) -> dict[str, object]:
    names = ("endpoint", "aspect", "state", "message", "origin", "remedy", "actual")
    return {name: getattr(found, name) for name in names}


def test_a_plan_writes_the_line_where_the_default_does_not_satisfy_the_policy(tmp_path: Path) -> None:
    said = written(planned(tmp_path, "vyos", "1.4.0"))
    assert "service ssh mac hmac-sha2-512-etm@openssh.com\n" in said
    assert "hmac-sha1" not in said
    said = written(planned(tmp_path, "ios", "17.16"))
    assert said.startswith("ip ssh server algorithm kex ")
    assert "diffie-hellman-group14-sha256" not in said


def test_a_plan_writes_no_line_that_would_take_away_what_has_no_word(tmp_path: Path) -> None:
    """sshd of VyOS 1.4 does sntrup761 by default, and VyOS has no word for it."""
    found = judged(tmp_path, "vyos", "1.4.0")["key_exchange"]
    assert (found.state, found.remedy) == ("unsatisfiable", "leave the default, or no longer allow it")
    for construction in ("classical", "hybrid", "classical, hybrid"):
        assert "key-exchange" not in written(planned(tmp_path, "vyos", "1.4.0", construction))


@pytest.mark.parametrize(
    ("platform", "release"),
    [("vyos", "1.5.0"), ("vyos", "1.4-rolling-202304300317"), ("ios", "17.12"), ("ios", "26.1"), ("junos", "23.4R2"), ("eos", "4.30.1F")],
)
def test_what_is_not_known_is_unknown_and_not_written(tmp_path: Path, platform: str, release: str) -> None:
    assert {one.state for one in judged(tmp_path, platform, release).values()} == {"unknown"}
    assert planned(tmp_path, platform, release).changes == ()


def test_a_default_whose_words_are_not_known_is_judged_and_not_written(tmp_path: Path) -> None:
    """What an IOS-XE before 26.1 can say of MACs is in no source."""
    said = written(planned(tmp_path, "ios", "17.16"))
    assert judged(tmp_path, "ios", "17.16")["mac"].state == "compliant"
    assert "algorithm mac" not in said


def test_a_release_whose_commands_nobody_has_read_is_refused_although_its_defaults_are_known(tmp_path: Path) -> None:
    assert default_of("vyos", "1.3.8", "ssh", "mac")
    with pytest.raises(Inexpressible, match="no release whose commands are known"):
        planned(tmp_path, "vyos", "1.3.8")


NAMELESS = {
    "vyos": "set service ssh mac 'hmac-sha1'\nset system host-name 'r'\n",
    "junos": "system {\n    host-name edge;\n    services {\n        ssh {\n            macs hmac-sha1;\n        }\n    }\n}\n",
    "eos": "hostname edge\nmanagement ssh\n   mac hmac-sha1\nend\n",
}


@pytest.mark.parametrize("platform", sorted(NAMELESS))
def test_where_the_release_is_not_known_nothing_is_written_not_even_a_line_that_is_there(tmp_path: Path, platform: str) -> None:
    plan = planned(tmp_path, platform, "", text=NAMELESS[platform])
    assert plan.changes == ()
    assert "(release unknown), for its commands are not known here" in " ".join(plan.warnings)
