"""What is written of the tunnels and the HTTPS of a FortiGate: the new in front of the old, then without it; the words are of Fortinet's schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.fortios_live import API
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.lists import changed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.lines import split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Snapshot, Wanted

HEAD = "#config-version=FGVM64-{}-FW-build2795-250523:opmode=0:vdom=0:user=netops\n"
ONE, TWO = "fortios phase1-interface t", "fortios phase2-interface t 2"
HTTPS = "config system global\n    set admin-https-ssl-versions tlsv1-1 tlsv1-2\nend\n"


def config(
    release: str = "7.6.4", proposal: str = "3des-sha1", groups: str = "14", more: str = "", ike: str = "2", second: str = "3des-sha1"
) -> Snapshot:
    text = f"""config vpn ipsec phase1-interface
    edit "t"
        set ike-version {ike}
        set proposal {proposal}
{f"        set dhgrp {groups}" if groups else ""}
{more}
    next
end
config vpn ipsec phase2-interface
    edit "t 2"
        set phase1name "t"
        set proposal {second}
        set dhgrp 14
    next
end
"""
    return snapshot_of((HEAD.format(release) + HTTPS + text).encode(), "running-config", "fg1", "")


def endpoint(snapshot: Snapshot, id_: str = ONE) -> Endpoint:
    (found,) = (one for one in read(snapshot) if one.id == id_)
    return found


def sent(snapshot: Snapshot, narrow: bool = False, id_: str = ONE, **wanted: str) -> dict[str, dict[str, str]]:
    """Path → body, of what brings it about; what takes it back has the same lists."""
    wishes = {id_: {aspect: Wanted(tuple(names.split(", "))) for aspect, names in wanted.items()}}
    (change,) = (API.contract if narrow else API.write)(snapshot, wishes)
    (file,) = snapshot.files.values()
    old, new = changed(split(file.text or ""), change.edits)
    there, back = ({one.path: json.loads(one.body) for one in API.put(*pair)} for pair in ((new, old), (old, new)))
    assert {path: set(body) for path, body in there.items()} == {path: set(body) for path, body in back.items()}
    assert all(one.method == "PUT" for one in API.put(new, old))
    return {path.removeprefix("/api/v2/cmdb/"): body for path, body in there.items()}


PHASE = "vpn.ipsec/phase1-interface/t"


@pytest.mark.parametrize(
    ("proposal", "wanted", "after"),
    [
        ("3des-sha1", {"cipher": "aes256gcm"}, "aes256gcm-prfsha384 3des-sha1"),
        ("3des-sha256", {"cipher": "aes256gcm, 3des"}, "aes256gcm-prfsha256 3des-sha256"),
        ("3des-md5 3des-sha512", {"cipher": "aes256"}, "aes256-sha512 3des-md5 3des-sha512"),
        ("aes256-sha1", {"mac": "sha384"}, "aes256-sha384 aes256-sha1"),
        ("aes256-sha1 aes128gcm-prfsha1", {"mac": "sha384"}, "aes256-sha384 aes256-sha1 aes128gcm-prfsha1"),
        ("aes256-sha1 aes256gcm-prfsha1", {"prf": "prfsha512"}, "aes256gcm-prfsha512 aes256-sha1 aes256gcm-prfsha1"),
        ("3des-sha1", {"cipher": "aes256", "mac": "sha256"}, "aes256-sha256 3des-sha1"),
    ],
)
def test_a_new_proposal_stands_in_front_and_none_goes(proposal: str, wanted: dict[str, str], after: str) -> None:
    assert sent(config(proposal=proposal), **wanted) == {PHASE: {"proposal": after}}


@pytest.mark.parametrize(("second", "after"), [("3des-sha1", "aes256gcm 3des-sha1"), ("aes256-null", "aes256gcm aes256-null")])
def test_a_proposal_of_a_child_that_authenticates_by_itself_says_no_more(second: str, after: str) -> None:
    assert sent(config(second=second), id_=TWO, cipher="aes256gcm") == {"vpn.ipsec/phase2-interface/t%202": {"proposal": after}}


@pytest.mark.parametrize(
    ("release", "groups", "more", "wanted", "body"),
    [
        ("7.4.8", "14 5", "", "dhgrp 20, dhgrp 14", {"dhgrp": "20 14 5"}),
        ("7.6.4", "14", "", "dhgrp 20 addke 36, dhgrp 20", {"dhgrp": "20 14", "addke1": "36 0"}),
        ("7.6.4", "20", "", "dhgrp 20 addke 36", {"addke1": "36 0"}),
        ("7.6.7", "20", "", "dhgrp 20 addke ml-kem-768", {"addke1": "ml-kem-768 none"}),
        ("7.6.4", "14 20", "        set addke1 1080", "dhgrp 20 addke 37", {"dhgrp": "20 14", "addke1": "37 1080"}),
        ("7.6.4", "14", "        set addke1 36", "dhgrp 20, dhgrp 20 addke 36", {"dhgrp": "20 14"}),
        ("7.6.5", "", "", "dhgrp 20 addke 36", {"addke1": "36 0"}),
    ],
)
def test_an_exchange_stands_in_front_and_none_goes(release: str, groups: str, more: str, wanted: str, body: dict[str, str]) -> None:
    assert sent(config(release, groups=groups, more=more), key_exchange=wanted) == {PHASE: body}


@pytest.mark.parametrize(
    ("snapshot", "wanted", "body"),
    [
        (config(proposal="aes256gcm-prfsha384 3des-sha1"), {"cipher": "aes256gcm"}, {"proposal": "aes256gcm-prfsha384"}),
        (config(proposal="aes256-sha256 aes256-md5 aes256gcm-prfsha1"), {"mac": "sha256", "prf": "prfsha384"}, {"proposal": "aes256-sha256"}),
        (config(groups="20 14 5"), {"key_exchange": "dhgrp 20, dhgrp 14"}, {"dhgrp": "20 14"}),
        (
            config(groups="20 14", more="        set addke1 36 1080 0"),
            {"key_exchange": "dhgrp 20 addke 36, dhgrp 20"},
            {"dhgrp": "20", "addke1": "36 0"},
        ),
        (config(groups="20 14", more="        set addke1 36 0"), {"key_exchange": "dhgrp 20 addke 36"}, {"dhgrp": "20", "addke1": "36"}),
        (config("7.6.5", groups="", more="        set addke1 36 0"), {"key_exchange": "dhgrp 20 addke 36"}, {"addke1": "36"}),
    ],
)
def test_what_is_not_wanted_is_left_out_and_nothing_is_added(snapshot: Snapshot, wanted: dict[str, str], body: dict[str, str]) -> None:
    assert sent(snapshot, narrow=True, **wanted) == {PHASE: body}


@pytest.mark.parametrize("wanted", [{"cipher": "aes256gcm"}, {"key_exchange": "dhgrp 20"}])
def test_a_list_is_never_empty(wanted: dict[str, str]) -> None:
    with pytest.raises(Inexpressible, match="nothing would be left of"):
        sent(config(), narrow=True, **wanted)


@pytest.mark.parametrize(
    ("snapshot", "wanted", "why"),
    [
        (config("7.6.4", groups=""), {"key_exchange": "dhgrp 20"}, "no line says `dhgrp`"),
        (config(more="        set addke1 1080"), {"key_exchange": "dhgrp 20"}, "its addke1 asks for one"),
        (config(), {"cipher": "aria256gcm"}, "is no proposal of FortiOS that a source tells"),
        (config("8.0.0"), {"cipher": "aes256gcm"}, "is no release whose tables are known here"),
    ],
)
def test_what_cannot_be_said_is_not_written(snapshot: Snapshot, wanted: dict[str, str], why: str) -> None:
    with pytest.raises(Inexpressible, match=why):
        sent(snapshot, **wanted)


@pytest.mark.parametrize("name", ["a ; b", "a / b"])
def test_a_name_that_cannot_be_told_from_what_stands_around_it_is_not_written(name: str) -> None:
    text = f'config vpn ipsec phase1-interface\n    edit "{name}"\n        set proposal 3des-sha1\n    next\nend\n'
    snapshot = snapshot_of((HEAD.format("7.4.8") + text).encode(), "running-config", "fg1", "")
    with pytest.raises(Inexpressible, match="give it another name"):
        sent(snapshot, id_=f"fortios phase1-interface {name}", cipher="aes256gcm")


@pytest.mark.parametrize(
    ("release", "ike", "words"),
    [
        ("7.4.8", "2", ()),
        ("7.6.0", "2", ()),
        ("7.6.4", "2", ("dhgrp 20 addke 36",)),
        ("7.6.7", "2", ("dhgrp 20 addke ml-kem-768",)),
        ("7.6.4", "1", ()),
    ],
)
def test_an_additional_exchange_counts_from_the_release_on_that_has_it_and_in_its_words(release: str, ike: str, words: tuple[str, ...]) -> None:
    seen = config(release, ike=ike)
    for id_ in (ONE, TWO):
        names = endpoint(seen, id_).capabilities["key_exchange"].names or ()
        assert tuple(name for name in names if name.startswith("dhgrp 20 addke") and "768" in name.replace("36", "768")) == words
        assert ("dhgrp 20" in names) == (ike == "2" or id_ == ONE)


@pytest.mark.parametrize(("ike", "mode", "free"), [("1", "main", True), ("1", "aggressive", False), ("2", "aggressive", True)])
def test_a_group_that_ikev1_cannot_agree_on_is_not_put_in_front_of_another(ike: str, mode: str, free: bool) -> None:
    can = endpoint(config(ike=ike, more=f"        set mode {mode}")).capabilities["key_exchange"]
    assert ("dhgrp 20" in (can.names or ()), "dhgrp 14" in (can.names or ()), "RFC 2409" in can.source) == (free, True, not free)


def test_a_cipher_that_authenticates_is_no_word_of_ikev1_but_of_its_children() -> None:
    for ike, known in (("1", False), ("2", True)):
        seen = config(ike=ike)
        assert ("aes256gcm" in (endpoint(seen).capabilities["cipher"].names or ())) == known
        assert "aes256gcm" in (endpoint(seen, TWO).capabilities["cipher"].names or ())


@pytest.mark.parametrize(
    ("proposal", "wished", "short"),
    [
        ("3des-sha1", {"cipher": ("aes256gcm",), "mac": ("sha256",)}, {"cipher"}),
        ("aes256gcm-prfsha384 3des-sha1", {"cipher": ("aes256gcm",), "mac": ("sha256",)}, set()),
        ("3des-sha1", {"cipher": ("aes256",), "mac": ("sha256",)}, {"cipher", "mac"}),
        ("aes256-sha1 aes128gcm-prfsha1", {"cipher": ("aes256",), "mac": ("sha256",)}, {"mac"}),
        ("aes256-sha1", {"mac": ("sha256",)}, {"mac"}),
    ],
)
def test_what_is_missing_is_told_and_a_sealed_proposal_misses_no_mac(proposal: str, wished: Any, short: set[str]) -> None:
    assert API.short(endpoint(config(proposal=proposal)), wished) == short


def test_https_is_written_as_a_whole_and_last() -> None:
    seen = config()
    assert endpoint(seen, "fortios https").capabilities["version"].names == ("tlsv1-1", "tlsv1-2", "tlsv1-3")
    assert sent(seen, id_="fortios https", version="tlsv1-2, tlsv1-3") == {"system/global": {"admin-https-ssl-versions": "tlsv1-2 tlsv1-3"}}
    new = ("system global admin-https-ssl-versions tlsv1-3", "vpn ipsec phase1-interface t dhgrp 20")
    assert [one.path.rpartition("/")[2] for one in API.put(new, ())] == ["t", "global"]


def test_an_object_is_written_in_its_own_vdom() -> None:
    new = tuple(f'vdom {vdom} vpn ipsec phase1 "a b/c" dhgrp 20' for vdom in ("root", '"d e"'))
    assert [one.path for one in API.put(new, ())] == [
        "/api/v2/cmdb/vpn.ipsec/phase1/a%20b%2Fc?vdom=root",
        "/api/v2/cmdb/vpn.ipsec/phase1/a%20b%2Fc?vdom=d%20e",
    ]


def test_a_default_that_no_backup_names_is_told_by_the_table() -> None:
    held = json.dumps({"results": {"admin-https-ssl-versions": "tlsv1-2 tlsv1-3"}})
    text = API.text(HEAD.format("7.4.8") + "config system global\n    set hostname fg1\nend\n", (held,), "7.4.8")
    assert endpoint(snapshot_of(text.encode(), "running-config", "fg1", ""), "fortios https").settings["version"].values == ("tlsv1-2", "tlsv1-3")
