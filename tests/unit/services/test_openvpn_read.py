"""services/openvpn.py: what is effective on each connection, from where, and what its log tells of handshakes."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openvpn import SERVICE

from tests.fixtures.tunnels.load import CLIENT, SERVER, captured, having, text_of

TLS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def only(snapshot: Snapshot) -> Endpoint:
    (found,) = SERVICE.read(snapshot)
    return found


def notes(snapshot: Snapshot) -> str:
    return "\n".join(only(snapshot).notes)


def server(*more: str, **said: tuple[str, str]) -> Snapshot:
    return having("tun-a", {SERVER: text_of("tun-a", SERVER) + "".join(f"{line}\n" for line in more)}, **said)


def of_version(version: str, *more: str) -> Snapshot:
    return server(*more, openvpn_version=("OpenVPN 2.6.14", f"OpenVPN {version}"))


# ---------------------------------------------------------------- captured hosts


def test_a_server_shows_its_lists_and_where_they_stand() -> None:
    found = only(captured("tun-a"))
    assert (found.id, found.role, found.transport, found.addresses) == ("openvpn server/site.conf", "server", "udp", (("*", 1194),))
    assert found.settings["key_exchange"].values == ("X25519", "prime256v1") and str(found.settings["key_exchange"].origin) == f"{SERVER}:12"
    assert found.settings["key_exchange"].evidence == "effective"
    assert found.settings["cipher"].values == ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305")
    assert found.settings["version"].values == TLS[2:]
    assert found.settings["psk"].values == ("mode=required", "kind=tls-crypt")
    assert found.settings["mac"].values == ("SHA256",), "tls-crypt brings its own, and no cipher needs another"
    assert [c.path for c in found.certificates] == ["/etc/openvpn/tls/server.crt"] and found.settings["signature"].values == ("ECDSA-P256",)


def test_a_client_takes_its_librarys_list_and_its_certificate_stands_in_its_file() -> None:
    found = only(captured("tun-b"))
    assert (found.role, found.addresses, found.version) == ("client", (), "OpenVPN 2.7.8")
    groups = found.settings["key_exchange"]
    assert (groups.values[0], groups.tiers[:3], str(groups.origin)) == ("X25519MLKEM768", (0, 1, 1), "default of OpenVPN 2.7.8 with OpenSSL 3.6.5")
    (certificate,) = found.certificates
    assert certificate.path.startswith(f"{CLIENT}:") and certificate.subject == "CN=tun-b,O=Quantumsafe lab"


def test_the_log_tells_what_was_agreed_on() -> None:
    for host in ("tun-a", "tun-b"):
        assert "handshakes in its log since it started: 1 × TLSv1.3 TLS_AES_256_GCM_SHA384 with" in notes(captured(host))


LOG = "TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 256 bits ECprime256v1, signature: ecdsa-with-SHA256"


@pytest.mark.parametrize(
    ("line", "group"),
    [
        (f"3 {LOG}, peer temporary key: 253 bits X25519", "3 × TLSv1.3 TLS_AES_256_GCM_SHA384 with X25519"),
        (f"2 {LOG}, peer temporary key: 768 bits X25519MLKEM768", "2 × TLSv1.3 TLS_AES_256_GCM_SHA384 with X25519MLKEM768"),
        (f"1 {LOG}, peer signing digest/type: x ECDSA, key agreement: X25519MLKEM768", "1 × TLSv1.3 TLS_AES_256_GCM_SHA384 with X25519MLKEM768"),
        (f"1 {LOG}", "1 × TLSv1.3 TLS_AES_256_GCM_SHA384 with an exchange that this release does not name in its log"),
    ],
)
def test_each_release_names_the_group_in_its_own_way_or_not_at_all(line: str, group: str) -> None:
    out = captured("tun-a").answers["openvpn-servers"].out
    was = next(one for one in out.splitlines() if one.startswith("handshake "))
    assert group in notes(server(openvpn_servers=(was, f"handshake {line}")))


# ---------------------------------------------------------------- which line counts


def test_the_last_line_of_a_name_counts_and_the_command_line_in_its_place() -> None:
    assert only(server("tls-groups X448")).settings["key_exchange"].values == ("X448",)
    ahead = ("option config\tsite.conf", "option tls-groups\tX448\noption config\tsite.conf")
    assert only(server(openvpn_servers=ahead)).settings["key_exchange"].values == ("X25519", "prime256v1")
    behind = ("option config\tsite.conf", "option config\tsite.conf\noption tls-groups\tX448")
    found = only(server(openvpn_servers=behind)).settings["key_exchange"]
    assert (found.values, str(found.origin)) == (("X448",), "command line of /usr/sbin/openvpn")


def test_another_file_is_read_in_the_place_of_its_line() -> None:
    more = "/etc/openvpn/server/more.inc"
    snapshot = having(
        "tun-a", {SERVER: f"{text_of('tun-a', SERVER)}config more.inc\ntls-version-min 1.3\n", more: "tls-groups X448\ntls-version-min 1.0\n"}
    )
    found = only(snapshot).settings
    assert (str(found["key_exchange"].origin), found["version"].values) == (f"{more}:1", TLS[3:])


def test_a_file_that_is_named_and_was_not_seen_is_asked_for_and_stops_the_host() -> None:
    snapshot = server("config more.inc")
    assert SERVICE.missing(snapshot) == ("/etc/openvpn/server/more.inc",)
    with pytest.raises(Unparsable, match=r"more\.inc was not seen"):
        SERVICE.read(snapshot)


def test_one_look_is_enough_for_what_lies_where_distributions_put_it() -> None:
    assert SERVICE.missing(captured("tun-a")) == SERVICE.missing(captured("tun-b")) == ()


def test_a_file_that_nothing_runs_with_is_known_as_configured_only() -> None:
    out = captured("tun-a").answers["openvpn-servers"].out
    found = only(server(openvpn_servers=(out, "")))
    assert found.settings["key_exchange"].evidence == "configured" and "no process was seen to run with it" in found.notes


def test_a_file_that_was_changed_since_the_start_is_not_in_effect() -> None:
    found = only(server(openvpn_servers=("option config\tsite.conf", "option config\tsite.conf\nchanged")))
    assert found.settings["key_exchange"].evidence == "configured" and "counts after a restart" in "".join(found.notes)


# ---------------------------------------------------------------- defaults of releases


@pytest.mark.parametrize(
    ("version", "more", "ciphers"),
    [
        ("2.6.14", (), ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305")),
        ("2.5.1", (), ("AES-256-GCM", "AES-128-GCM")),
        ("2.4.7", ("cipher AES-256-CBC",), ("AES-256-GCM", "AES-128-GCM", "AES-256-CBC")),
        ("2.5.1", ("cipher aes-256-cbc",), ("AES-256-GCM", "AES-128-GCM", "AES-256-CBC")),
        ("2.6.14", ("cipher AES-256-CBC",), ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305")),
        ("2.5.1", ("cipher AES-256-CBC", "ncp-disable"), ("AES-256-CBC",)),
        ("2.3.18", (), ("BF-CBC",)),
        ("2.6.14", ("data-ciphers-fallback BF-CBC",), ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "BF-CBC")),
        ("2.6.14", ("data-ciphers AES-256-GCM:?NONSENSE-GCM",), ("AES-256-GCM",)),
        ("2.7.8", ("data-ciphers DEFAULT:AES-256-CBC",), ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC")),
    ],
)
def test_the_ciphers_of_the_data_channel_are_those_of_the_release(version: str, more: tuple[str, ...], ciphers: tuple[str, ...]) -> None:
    text = "".join(line for line in text_of("tun-a", SERVER).splitlines(True) if not line.startswith("data-ciphers"))
    snapshot = having("tun-a", {SERVER: text + "".join(f"{line}\n" for line in more)}, openvpn_version=("OpenVPN 2.6.14", f"OpenVPN {version}"))
    assert only(snapshot).settings["cipher"].values == ciphers


@pytest.mark.parametrize(
    ("version", "more", "spoken"),
    [
        ("2.6.14", (), TLS[2:]),
        ("2.6.14", ("tls-version-min 1.3",), TLS[3:]),
        ("2.6.14", ("tls-version-min 1.0", "tls-version-max 1.2"), TLS[:3]),
        ("2.6.14", ("tls-version-min 1.2 or-highest",), TLS[2:]),
        ("2.5.1", (), None),
        ("2.5.1", ("tls-version-min 1.2",), TLS[2:]),
    ],
)
def test_the_versions_of_tls_are_unknown_where_an_old_release_leaves_them_to_its_library(version: str, more: tuple[str, ...], spoken: object) -> None:
    found = only(of_version(version, *more)).settings.get("version")
    assert (found.values if found else None) == spoken


def test_an_unknown_release_has_no_defaults_that_we_know() -> None:
    snapshot = server(openvpn_version=("OpenVPN 2.6.14", "SomethingElse"))
    found = only(snapshot)
    assert found.version == "OpenVPN of unknown version" and "cipher" not in found.settings and "version" not in found.settings


def test_another_library_than_openssls_is_not_spoken_for() -> None:
    snapshot = server(openvpn_version=("OpenSSL 3.5.9", "mbed TLS 3.6.4"))
    assert "key_exchange" not in only(snapshot).settings and only(snapshot).capabilities["key_exchange"].names is None


@pytest.mark.parametrize(
    ("more", "mac", "kind"),
    [
        (("tls-auth ta.key 0",), ("SHA1",), "tls-auth"),
        (("tls-auth ta.key 0", "auth SHA512"), ("SHA512",), "tls-auth"),
        (("data-ciphers AES-256-GCM:AES-256-CBC", "auth sha256"), ("SHA256",), "tls-crypt"),
        (("tls-crypt-v2 v2.key",), ("SHA256",), "tls-crypt-v2"),
    ],
)
def test_a_digest_is_shown_where_it_protects_something(more: tuple[str, ...], mac: tuple[str, ...], kind: str) -> None:
    found = only(server(*more)).settings
    assert (found["mac"].values, found["psk"].values[1]) == (mac, f"kind={kind}")


def test_a_static_key_is_no_exchange_and_never_passes_for_one() -> None:
    found = only(having("tun-a", {SERVER: "dev tun\nsecret [redacted]\n"}))
    assert "key_exchange" not in found.settings and "a static key and no exchange at all" in "".join(found.notes)


def test_traps_are_told() -> None:
    assert f"{SERVER}:19: ecdh-curve is ignored with OpenSSL 3.5.9" in notes(server("ecdh-curve secp384r1"))
    text = text_of("tun-b", CLIENT).replace("remote-cert-tls server\n", "")
    assert "say remote-cert-tls server" in notes(having("tun-b", {CLIENT: text}))


def test_what_openvpn_refuses_stops_the_host_with_its_line() -> None:
    with pytest.raises(Unparsable) as told:
        SERVICE.read(server("<ca>"))
    assert told.value.where == f"{SERVER}:19"


# ---------------------------------------------------------------- certificates


def test_a_server_says_where_its_pair_lies_and_a_client_says_nothing() -> None:
    assert SERVICE.servings and SERVICE.servings(captured("tun-b")) == ()
    (serving,) = SERVICE.servings(captured("tun-a"))
    (binding,) = serving.bindings
    assert (binding.pair.certificate, binding.pair.key) == ("/etc/openvpn/tls/server.crt", "/etc/openvpn/tls/server.key")
    assert (str(binding.origin), binding.fixed) == (f"{SERVER}:8", "") and "one certificate" in serving.alone


def test_a_pair_inside_the_configuration_stays() -> None:
    text = text_of("tun-a", SERVER).replace("key /etc/openvpn/tls/server.key", "<key>\n[redacted]\n</key>")
    assert SERVICE.servings
    (serving,) = SERVICE.servings(having("tun-a", {SERVER: text}))
    assert "files of their own" in serving.bindings[0].fixed
