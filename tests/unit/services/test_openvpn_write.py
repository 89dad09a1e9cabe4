"""services/openvpn.py: one end is changed only where the other end finds what it finds today; the line that governs, and no other."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Inexpressible, Origin, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openvpn import SERVICE

from tests.fixtures.tunnels.load import SERVER, captured, edited, having, text_of

SERVER_ID, CLIENT_ID = "openvpn server/site.conf", "openvpn client/site.conf"
HYBRID = "X25519MLKEM768"
PREFERRED = Wanted((HYBRID, "X25519", "prime256v1"), (0, 1, 1))


def change(snapshot: Snapshot, id_: str, **wanted: Wanted) -> Change:
    (made,) = SERVICE.write(snapshot, {id_: wanted})
    return made


def server(*more: str, **said: tuple[str, str]) -> Snapshot:
    return having("tun-a", {SERVER: text_of("tun-a", SERVER) + "".join(f"{line}\n" for line in more)}, **said)


def test_the_line_that_governs_is_changed_and_no_other() -> None:
    made = change(captured("tun-a"), SERVER_ID, key_exchange=PREFERRED)
    before = text_of("tun-a", SERVER)
    assert edited(captured("tun-a"), made) == before.replace("tls-groups X25519:prime256v1", f"tls-groups {HYBRID}/X25519:prime256v1")
    assert [(edit.line, edit.delete) for edit in made.edits] == [(12, 1)] and made.after
    assert (made.path, made.mode) == (SERVER, "0644")


def test_a_line_that_nobody_wrote_stands_behind_the_last_one_about_tls_and_no_secret_travels() -> None:
    snapshot = captured("tun-b")
    now = SERVICE.read(snapshot)[0].settings["key_exchange"]
    flat = Wanted(("SecP384r1MLKEM1024", *now.values), (0, *(tier + 1 for tier in now.tiers)))
    made = change(snapshot, CLIENT_ID, key_exchange=flat)
    lines = edited(snapshot, made).splitlines()
    at = lines.index("tls-version-min 1.2")
    assert lines[at + 1].startswith(f"tls-groups SecP384r1MLKEM1024/{HYBRID}/X25519:prime256v1/")
    assert made.after == "" and "redacted" not in "".join(line for edit in made.edits for line in edit.insert)


def test_a_file_without_a_last_line_end_and_one_with_crlf_keep_their_form() -> None:
    bare = having("tun-a", {SERVER: "tls-server\r\ndev tun\r\nverb 3"})
    now = SERVICE.read(bare)[0].settings["key_exchange"]
    made = change(bare, SERVER_ID, key_exchange=Wanted(("MLKEM1024", *now.values), (0, *(tier + 1 for tier in now.tiers))))
    assert edited(bare, made).startswith("tls-server\r\ndev tun\r\nverb 3\r\ntls-groups MLKEM1024/") and edited(bare, made).endswith("\r\n")


@pytest.mark.parametrize(
    ("aspect", "wanted"),
    [
        ("key_exchange", Wanted((HYBRID,), (0,))),
        ("key_exchange", Wanted((HYBRID, "X25519"), (0, 1))),
        ("version", Wanted(("TLSv1.3",))),
        ("cipher", Wanted(("AES-256-GCM",))),
    ],
)
def test_what_would_take_something_from_the_other_end_is_refused_by_name(aspect: str, wanted: Wanted) -> None:
    with pytest.raises(Inexpressible, match=r"on one end alone may end the tunnel.*migrate_links"):
        SERVICE.write(captured("tun-a"), {SERVER_ID: {aspect: wanted}})


def test_another_cipher_and_another_version_are_added() -> None:
    ciphers = Wanted(("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-192-GCM"))
    made = change(captured("tun-a"), SERVER_ID, cipher=ciphers)
    assert "data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305:AES-192-GCM\n" in edited(captured("tun-a"), made)
    capped = server("tls-version-max 1.2")
    assert "tls-version-max 1.3\n" in edited(capped, change(capped, SERVER_ID, version=Wanted(("TLSv1.2", "TLSv1.3"))))


def test_what_the_command_line_governs_is_left_by_name() -> None:
    given = ("option config\tsite.conf", "option config\tsite.conf\noption tls-groups\tX25519:prime256v1")
    with pytest.raises(Inexpressible, match="given on the command line"):
        SERVICE.write(server(openvpn_servers=given), {SERVER_ID: {"key_exchange": PREFERRED}})


def test_a_name_that_the_library_lacks_and_a_release_without_the_option_are_refused() -> None:
    with pytest.raises(Inexpressible, match="does not know Nonsense"):
        SERVICE.write(captured("tun-a"), {SERVER_ID: {"key_exchange": Wanted(("Nonsense", "X25519", "prime256v1"), (0, 1, 1))}})
    old = server(openvpn_version=("OpenVPN 2.6.14", "OpenVPN 2.4.7"))
    with pytest.raises(Inexpressible, match=r"came with 2\.5"):
        SERVICE.write(old, {SERVER_ID: {"key_exchange": PREFERRED}})


def test_a_line_longer_than_openvpn_reads_is_not_written() -> None:
    long = server("tls-groups X25519:prime256v1" + " " * 210)
    names = ("SecP384r1MLKEM1024", HYBRID, "SecP256r1MLKEM768", "MLKEM1024", "MLKEM768", "MLKEM512", "X25519", "prime256v1", "ffdhe8192", "ffdhe6144")
    names = (*names, "ffdhe4096", "ffdhe3072", "ffdhe2048", "secp384r1", "secp521r1", "X448", "brainpoolP256r1tls13", "brainpoolP384r1tls13")
    with pytest.raises(Inexpressible, match="255 characters"):
        SERVICE.write(long, {SERVER_ID: {"key_exchange": Wanted((*names, "brainpoolP512r1tls13"), (0,) * 19)}})


def test_it_is_restarted_as_the_unit_that_runs_it_and_tried_before() -> None:
    snapshot = captured("tun-a")
    found = SERVICE.activation(snapshot, SERVICE.read(snapshot))
    assert (found.units, found.action, found.ports) == (("openvpn-server@site.service",), "restart", ())
    assert "check /usr/sbin/openvpn /etc/openvpn/server/site.conf /etc/openvpn/server" in found.check[-1]


def test_what_a_restart_does_is_said_before_it_is_written() -> None:
    assert SERVICE.warns
    (told,) = SERVICE.warns(captured("tun-a"), {SERVER_ID: {"key_exchange": PREFERRED}})
    assert "its sessions end; its peers come back at once" in told
    assert "it connects anew by itself" in "".join(SERVICE.warns(captured("tun-b"), {CLIENT_ID: {"key_exchange": PREFERRED}}))
    assert SERVICE.warns(captured("tun-a"), {}) == ()


def test_several_that_run_are_refused_by_name() -> None:
    other = "/etc/openvpn/server/other.conf"
    out = captured("tun-a").answers["openvpn-servers"].out
    both = (out, f"{out}\nserver /usr/sbin/openvpn\t/etc/openvpn/server\nunit openvpn-server@other.service\noption config\tother.conf\n")
    snapshot = having("tun-a", {other: text_of("tun-a", SERVER)}, openvpn_servers=both)
    with pytest.raises(Inexpressible, match=r"several OpenVPN run.*server/other\.conf, server/site\.conf"):
        SERVICE.activation(snapshot, SERVICE.read(snapshot))


def test_a_new_pair_is_named_in_both_lines() -> None:
    snapshot = captured("tun-a")
    assert SERVICE.rebind
    (made,) = SERVICE.rebind(snapshot, {Origin(SERVER, 8): (Pair("/etc/openvpn/tls/n.crt", "/etc/openvpn/tls/n.key"),)})
    assert "cert /etc/openvpn/tls/n.crt   # renewed by hand\nkey /etc/openvpn/tls/n.key\n" in edited(snapshot, made)
    with pytest.raises(Inexpressible, match="one certificate"):
        SERVICE.rebind(snapshot, {Origin(SERVER, 8): (Pair("a", "b"), Pair("c", "d"))})
