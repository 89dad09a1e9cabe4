"""What a live FortiGate says by its API; the answers are of public documentation and of the emulator."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import api, live, read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.fortios_live import API
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Unparsable, Wanted

BACKUP = """\
#config-version=FGVM64-7.4.8-FW-build2795-250523:opmode=0:vdom=0:user={user}
#conf_file_ver={number}
#private-encryption-key=CANARY{number}
config system global
    set hostname "fg1"{mode}
end
config system admin
    edit "netops"
        set password ENC CANARY{number}+/==
    next
end
config vpn certificate local
    edit "web"
        set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----
CANARY{number}
-----END ENCRYPTED PRIVATE KEY-----
"
    next
end
"""
MODE = "\n    set cfg-save revert\n    set cfg-revert-timeout 60"
LISTS = {"ssh-kex-algo": "ecdh-sha2-nistp384 diffie-hellman-group14-sha1", "ssh-enc-algo": "aes256-gcm@openssh.com", "ssh-hsk-key": "no list"}
MAC = "config system ssh-config\n    set ssh-mac-algo hmac-sha2-512\nend\n"


def backup(number: int = 1, mode: str = "", user: str = "netops") -> str:
    return BACKUP.format(number=number, mode=mode, user=user)


def told(results: object, status: str = "success") -> str:
    return json.dumps({"status": status, "results": results, "serial": "FGVM01", "version": "v7.4.8"})


def test_a_device_says_which_it_is() -> None:
    assert API.identify(told({})) == ("7.4.8", "FGVM01")
    assert API.identify("<html>") == ("", "")


def test_a_platform_with_an_api_is_found_by_the_name_that_ansible_has_for_it() -> None:
    found = api("fortinet.fortios.fortios")
    assert found is not None
    assert found.name == "fortios"
    assert live("fortinet.fortios.fortios") is None


@pytest.mark.parametrize(
    ("release", "method", "lists"),
    [
        ("6.4.16", "GET", None),
        ("7.0.1", "POST", None),
        ("7.2.11", "POST", "/api/v2/cmdb/system/global"),
        ("7.4.3", "POST", "/api/v2/cmdb/system/global"),
        ("7.4.4", "POST", "/api/v2/cmdb/system/ssh-config"),
        ("7.6.4", "POST", "/api/v2/cmdb/system/ssh-config"),
        ("8.0.0", "POST", None),
        ("", "GET", None),
    ],
)
def test_each_release_is_asked_in_its_own_way(release: str, method: str, lists: str | None) -> None:
    assert (API.backup(release).method, API.backup(release).path) == (method, "/api/v2/monitor/system/config/backup?scope=global")
    assert API.lists(release) == (Request("GET", lists) if lists else None)


def test_what_is_secret_and_what_differs_by_itself_is_gone_and_lines_stay_where_they_are() -> None:
    one, other = (API.text(backup(number, user=user), (told(LISTS),), "7.4.8") for number, user in ((1, "netops"), (2, "other")))
    assert one == other
    assert "CANARY" not in one
    assert one.splitlines()[4] == '    set hostname "fg1"'
    assert one.splitlines().index("config vpn certificate local") == backup().splitlines().index("config vpn certificate local")


def test_lists_that_a_backup_leaves_out_stand_at_its_end() -> None:
    text = API.text(backup() + MAC, (told({**LISTS, "ssh-mac-algo": "hmac-sha2-512"}),), "7.4.8")
    assert text.count("ssh-mac-algo") == 1
    kept = snapshot_of(text.encode(), "running-config", "fg1", "").files["running-config"].text or ""
    assert [line for line in kept.splitlines() if "kex" in line] == [
        "system ssh-config ssh-kex-algo ecdh-sha2-nistp384 ; system ssh-config ssh-kex-algo diffie-hellman-group14-sha1"
    ]


def test_the_mode_and_the_lists_are_no_change_of_somebody_else() -> None:
    before = API.others(API.text(backup(), (told(LISTS),), "7.4.8"), ())
    armed = API.others(API.text(backup(2, MODE) + MAC, (told(LISTS),), "7.4.8"), ())
    assert before == armed
    assert before != API.others(API.text(backup().replace("fg1", "fg2"), (told(LISTS),), "7.4.8"), ())


def test_half_a_backup_is_refused() -> None:
    with pytest.raises(Unparsable, match="is never closed"):
        API.others(API.text(backup()[:-5], (told(LISTS),), "7.4.8").partition("config system ssh-config")[0], ())


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (200, told({}), ""),
        (200, "#config-version=…", ""),
        (200, told({}, "error"), "it says 200"),
        (403, "{}", "its access profile forbids that (403)"),
        (500, '{"status": "error", "error": -651, "cli_error": "CANARY"}', "it says 500, error -651"),
        (401, "<html>", "it says 401"),
    ],
)
def test_what_was_not_done_is_told_without_what_was_sent(status: int, said: str, why: str) -> None:
    assert API.refused(status, said) == why


def test_how_changes_are_saved_is_read_and_not_guessed() -> None:
    assert API.saving(told({"cfg-save": "automatic", "cfg-revert-timeout": 600})) == ("automatic", 600)
    assert API.saving(told([{"cfg-save": "revert", "cfg-revert-timeout": 60}])) == ("revert", 60)
    assert API.saving(told({"cfg-save": "automatic"})) == API.saving("") == ("", 0)


def test_all_lists_are_written_in_one_request_and_a_list_is_the_same_in_any_order() -> None:
    lines = ("system ssh-config ssh-kex-algo a", "system ssh-config ssh-kex-algo b", "system ssh-config ssh-mac-algo c")
    assert API.put(lines, ()) == (Request("PUT", "/api/v2/cmdb/system/ssh-config", '{"ssh-kex-algo": "a b", "ssh-mac-algo": "c"}'),)
    shown = "config system ssh-config\n    set ssh-kex-algo b a\n{}end\n"
    assert API.holds(shown.format("    set ssh-mac-algo c\n"), lines, ())
    assert not API.holds(shown.format("    set ssh-mac-algo c d\n"), lines, ())
    assert not API.holds(shown.format(""), lines, ())


def test_a_timer_is_never_shorter_than_the_device_takes() -> None:
    assert json.loads(API.arm(5).body) == {"cfg-save": "revert", "cfg-revert-timeout": 10}


@pytest.mark.parametrize(
    ("release", "more", "why"),
    [
        ("8.0.0", "", "FortiOS 8.0.0 is no release whose tables are known here"),
        ("7.0.1", "", "FortiOS 7.0.1 is no release whose tables are known here"),
        ("7.4.8", "config system ha\n    set mode a-p\nend\n", "it is one of a cluster"),
    ],
)
def test_what_is_not_known_and_a_cluster_are_not_written(release: str, more: str, why: str) -> None:
    snapshot = snapshot_of((backup() + MAC + more).replace("7.4.8", release).encode(), "running-config", "fg1", "")
    with pytest.raises(Inexpressible, match=why):
        API.write(snapshot, {"fortios ssh": {"mac": Wanted(("hmac-sha2-512-etm@openssh.com",))}})


@pytest.mark.parametrize(("release", "known"), [("7.2.11", False), ("7.4.8", True)])
def test_a_word_counts_from_the_release_on_that_has_it(release: str, known: bool) -> None:
    snapshot = snapshot_of((backup() + MAC).replace("7.4.8", release).encode(), "running-config", "fg1", "")
    (server,) = [one for one in read(snapshot) if one.id == "fortios ssh"]
    names = server.capabilities["key_exchange"].names or ()
    assert ("diffie-hellman-group16-sha512" in names, "ecdh-sha2-nistp384" in names) == (known, True)
