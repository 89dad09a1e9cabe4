"""services/nginx.py: what is effective on each listening socket.  The traps marked "tried" were seen on nginx 1.22 and 1.26 with s_client."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE

from tests.fixtures.nginx.load import captured, file, one, written


def endpoint(snapshot: Snapshot, number: int = 0) -> Endpoint:
    return SERVICE.read(snapshot)[number]


def values(snapshot: Snapshot, aspect: str, number: int = 0) -> tuple[str, ...]:
    return endpoint(snapshot, number).settings[aspect].values


# ---------------------------------------------------------------- captured hosts


def test_web_new_shows_its_socket_with_origins_and_certificate() -> None:
    (found,) = SERVICE.read(captured("web-new"))
    assert (found.id, found.addresses, found.version, found.names) == ("nginx *:443", (("*", 443),), "nginx 1.26.3", "openssl")
    assert found.settings["key_exchange"].values == ("X25519", "prime256v1")
    assert str(found.settings["key_exchange"].origin) == "/etc/nginx/sites-enabled/site:10"
    assert found.settings["version"].values == ("TLSv1.2", "TLSv1.3")
    assert found.settings["cipher"].values[:4] == (
        *("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    )
    assert [c.key for c in found.certificates] == ["ECDSA-P256"]


@pytest.mark.parametrize(
    ("host", "library", "hybrid"),
    [("web-new", "OpenSSL 3.5.7", True), ("web-old", "OpenSSL 3.0.22", False), ("web-legacy", "OpenSSL 1.1.1w", False)],
)
def test_only_openssl_3_5_has_the_hybrid_and_the_binary_says_so(host: str, library: str, hybrid: bool) -> None:
    capability = endpoint(captured(host)).capabilities["key_exchange"]
    assert capability.library == library
    assert capability.names is not None and ("X25519MLKEM768" in capability.names) is hybrid
    assert {"X25519", "prime256v1", "secp384r1"} <= set(capability.names)


def test_on_web_include_the_default_server_governs_and_the_others_groups_are_noted_as_ignored() -> None:
    by_id = {found.id: found for found in SERVICE.read(captured("web-include"))}
    assert set(by_id) == {"nginx *:443", "nginx *:8443"}
    shared = by_id["nginx *:443"]
    assert shared.settings["key_exchange"].values == ("X25519", "prime256v1", "secp384r1")
    assert str(shared.settings["key_exchange"].origin).startswith("/etc/nginx/nginx.conf:")
    assert shared.settings["version"].values == ("TLSv1.2", "TLSv1.3")
    ignored = [note for note in shared.notes if "is ignored" in note]
    assert len(ignored) == 3
    assert ignored[0].startswith("ssl_ecdh_curve at /etc/nginx/sites-enabled/10-api:7 is ignored: server shop.lab.test")
    assert [c.key for c in shared.certificates] == ["ECDSA-P256", "RSA-2048"]
    assert shared.settings["signature"].values == ("ECDSA-P256", "RSA-2048")
    assert all(c.lifetime and c.lifetime > 300 for c in shared.certificates)
    assert shared.server_names == ("shop.lab.test", "web-include", "api.lab.test", "old.lab.test")


def test_on_web_include_a_socket_of_its_own_follows_its_own_server() -> None:
    admin = next(found for found in SERVICE.read(captured("web-include")) if found.id == "nginx *:8443")
    assert (admin.settings["version"].values, admin.settings["key_exchange"].values) == (("TLSv1.3",), ("prime256v1",))
    assert str(admin.settings["key_exchange"].origin) == "/etc/nginx/conf.d/20-admin.conf:5"


@pytest.mark.parametrize("host", ["web-new", "web-old", "web-legacy", "web-include"])
def test_a_captured_host_refers_to_nothing_that_is_missing(host: str) -> None:
    assert SERVICE.missing(captured(host)) == ()


# ---------------------------------------------------------------- sockets


@pytest.mark.parametrize(
    ("listen", "id_"),
    [
        ("443 ssl", "nginx *:443"),
        ("*:443 ssl", "nginx *:443"),
        ("[::]:8443 ssl http2", "nginx [::]:8443"),
        ("10.0.0.1:99 ssl", "nginx 10.0.0.1:99"),
        ("10.0.0.1 ssl", "nginx 10.0.0.1:80"),
        ("localhost:99 ssl", "nginx localhost:99"),
        ("unix:/run/x.sock ssl", "nginx unix:/run/x.sock"),
    ],
)
def test_an_endpoint_is_named_by_where_it_listens(listen: str, id_: str) -> None:
    assert endpoint(one(f"server {{ listen {listen}; }}")).id == id_


def test_a_range_of_ports_is_a_socket_each() -> None:
    assert [e.id for e in SERVICE.read(one("server { listen 8000-8002 ssl; }"))] == ["nginx *:8000", "nginx *:8001", "nginx *:8002"]


def test_a_plain_socket_is_no_endpoint() -> None:
    assert SERVICE.read(one("server { listen 80; } server { }")) == ()


def test_ssl_on_makes_every_socket_of_the_server_speak_tls() -> None:
    assert [e.id for e in SERVICE.read(one("server { ssl on; listen 443; listen [::]:443; }"))] == ["nginx *:443", "nginx [::]:443"]


def test_stream_servers_are_endpoints_too() -> None:
    text = "stream { server { listen 636 ssl; ssl_ecdh_curve X448; } }"
    assert values(written({"/etc/nginx/nginx.conf": text}), "key_exchange") == ("X448",)


def test_a_quic_listen_is_noted_and_no_tcp_socket() -> None:
    (found,) = SERVICE.read(one("server { listen 443 quic; listen 443 ssl; }"))
    assert any("QUIC is not assessed" in note for note in found.notes)


def test_a_host_without_nginx_has_no_endpoint_and_misses_nothing() -> None:
    empty = replace(one(""), files={})
    assert (SERVICE.read(empty), SERVICE.missing(empty)) == ((), ())


# ---------------------------------------------------------------- which directive governs


def test_the_default_server_governs_the_groups_of_every_name() -> None:
    """Tried: secp384r1 is refused for b.test, X25519 is taken."""
    text = "server { listen 443 ssl; ssl_ecdh_curve X25519; } server { listen 443 ssl; server_name b.test; ssl_ecdh_curve secp384r1; }"
    assert values(one(text), "key_exchange") == ("X25519",)


def test_default_server_beats_reading_order() -> None:
    text = "server { listen 443 ssl; ssl_ecdh_curve X25519; } server { listen 443 ssl default_server; ssl_ecdh_curve X448; }"
    assert values(one(text), "key_exchange") == ("X448",)


TWO_VERSIONS = "server { listen 443 ssl; ssl_protocols TLSv1.3; } server { listen 443 ssl; server_name b; ssl_protocols TLSv1.2; }"


def test_protocols_of_another_server_are_ignored_before_1_29_2() -> None:
    found = endpoint(one(TWO_VERSIONS, nginx="1.29.1"))
    assert found.settings["version"].values == ("TLSv1.3",)
    assert any(note.startswith("ssl_protocols at ") and "is ignored" in note for note in found.notes)


def test_protocols_of_another_server_count_from_1_29_2_on() -> None:
    found = endpoint(one(TWO_VERSIONS, nginx="1.29.2"))
    assert found.settings["version"].values == ("TLSv1.2", "TLSv1.3")
    assert any("server b has ssl_protocols of its own" in note for note in found.notes)


def test_two_ssl_protocols_lines_at_one_level_add_up() -> None:
    """Tried: TLSv1.2 and TLSv1.3 are both negotiated."""
    assert values(one("server { listen 443 ssl; ssl_protocols TLSv1.3; ssl_protocols TLSv1.2; }"), "version") == ("TLSv1.2", "TLSv1.3")


def test_a_servers_protocols_replace_those_of_http() -> None:
    assert values(one("ssl_protocols TLSv1.2; server { listen 443 ssl; ssl_protocols TLSv1.3; }"), "version") == ("TLSv1.3",)


@pytest.mark.parametrize(
    ("command", "left"),
    [("MinProtocol TLSv1.3", ("TLSv1.3",)), ("maxprotocol TLSv1.2", ("TLSv1.2",)), ("MinProtocol TLSv1.1", ("TLSv1.2", "TLSv1.3"))],
)
def test_min_and_max_protocol_narrow_ssl_protocols(command: str, left: tuple[str, ...]) -> None:
    """Tried: with MinProtocol TLSv1.3 a TLS 1.2 client is refused."""
    assert values(one(f"server {{ listen 443 ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_conf_command {command}; }}"), "version") == left


def test_the_command_protocol_is_not_worked_out_and_says_so() -> None:
    found = endpoint(one("server { listen 443 ssl; ssl_conf_command Protocol -TLSv1.2; }"))
    assert "version" not in found.settings
    assert any("ssl_conf_command Protocol" in note for note in found.notes)


@pytest.mark.parametrize(
    ("nginx", "versions"),
    [
        ("1.22.1", ("TLSv1", "TLSv1.1", "TLSv1.2")),
        ("1.23.4", ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
        ("1.27.3", ("TLSv1.2", "TLSv1.3")),
    ],
)
def test_the_default_versions_are_those_of_this_nginx(nginx: str, versions: tuple[str, ...]) -> None:
    setting = endpoint(one("server { listen 443 ssl; }", nginx=nginx)).settings["version"]
    assert (setting.values, str(setting.origin)) == (versions, f"default of nginx {nginx} with OpenSSL 3.5.7")


@pytest.mark.parametrize("command", ["Groups", "curves"])
def test_the_command_groups_wins_over_ssl_ecdh_curve(command: str) -> None:
    """Tried: X25519 is refused."""
    assert values(one(f"server {{ listen 443 ssl; ssl_conf_command {command} secp384r1; ssl_ecdh_curve X25519; }}"), "key_exchange") == ("secp384r1",)


def test_any_command_at_server_level_hides_those_of_http() -> None:
    text = "ssl_conf_command Groups X448; server { listen 443 ssl; ssl_ecdh_curve X25519; ssl_conf_command Options PrioritizeChaCha; }"
    assert values(one(text), "key_exchange") == ("X25519",)


# ---------------------------------------------------------------- group lists


def test_without_a_list_openssl_3_5_prefers_the_hybrid_in_tiers() -> None:
    setting = endpoint(one("server { listen 443 ssl; ssl_ecdh_curve auto; }")).settings["key_exchange"]
    assert (setting.values[:3], setting.tiers[:4]) == (("X25519MLKEM768", "X25519", "prime256v1"), (0, 1, 1, 2))


@pytest.mark.parametrize("host", ["web-old", "web-legacy"])
def test_without_a_list_older_openssl_has_one_tier_and_no_hybrid(host: str) -> None:
    setting = endpoint(one("server { listen 443 ssl; }", like=host)).settings["key_exchange"]
    assert setting.values[:5] == ("X25519", "prime256v1", "X448", "secp521r1", "secp384r1")
    assert set(setting.tiers) == {0} and "X25519MLKEM768" not in setting.values


@pytest.mark.parametrize(
    ("text", "names", "tiers"),
    [
        ("X25519MLKEM768:X25519", ("X25519MLKEM768", "X25519"), (0, 0)),
        ("X25519MLKEM768/X25519:P-256", ("X25519MLKEM768", "X25519", "prime256v1"), (0, 1, 1)),
        ("*X25519MLKEM768/?*x25519:?secp256r1", ("X25519MLKEM768", "X25519", "prime256v1"), (0, 1, 1)),
        ("?frodo976/X25519", ("X25519",), (0,)),
        ("X25519:X448:-X448", ("X25519",), (0,)),
    ],
)
def test_slashes_make_tiers_and_flags_are_understood(text: str, names: tuple[str, ...], tiers: tuple[int, ...]) -> None:
    setting = endpoint(one(f"server {{ listen 443 ssl; ssl_ecdh_curve {text}; }}")).settings["key_exchange"]
    assert (setting.values, setting.tiers) == (names, tiers)


def test_a_system_wide_crypto_policy_is_the_default_where_there_is_one() -> None:
    path = "/etc/crypto-policies/back-ends/opensslcnf.config"
    host = one("server { listen 443 ssl; }")
    host = replace(host, files={**host.files, path: file(path, "CipherString = @SECLEVEL=2\nGroups = X25519:secp256r1\n")})
    setting = endpoint(host).settings["key_exchange"]
    assert (setting.values, str(setting.origin)) == (("X25519", "prime256v1"), f"{path}:2")


# ---------------------------------------------------------------- ciphers


def test_a_socket_without_tls_1_3_uses_no_tls_1_3_suite_and_the_other_way_round() -> None:
    ciphers = "ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;"
    old = values(one(f"server {{ listen 443 ssl; ssl_protocols TLSv1.2; {ciphers} }}"), "cipher")
    new = values(
        one(f"server {{ listen 443 ssl; ssl_protocols TLSv1.3; {ciphers} ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384; }}"), "cipher"
    )
    assert (old, new) == (("ECDHE-RSA-AES128-GCM-SHA256",), ("TLS_AES_256_GCM_SHA384",))


# ---------------------------------------------------------------- what cannot be known


def test_when_the_openssl_command_is_another_version_the_capability_is_unknown() -> None:
    host = captured("web-new")
    other = Answer(("openssl", "version"), 0, "OpenSSL 3.6.0 1 Oct 2025 (Library: OpenSSL 3.6.0 1 Oct 2025)\n")
    capability = endpoint(replace(host, answers={**host.answers, "openssl": other})).capabilities["key_exchange"]
    assert capability.names is None and "3.6.0" in capability.source and "3.5.7" in capability.source


def test_the_library_that_runs_counts_not_the_one_it_was_built_with() -> None:
    host = captured("web-new")
    said = replace(
        host.answers["nginx-V"],
        err=host.answers["nginx-V"].err.replace("3.5.7 9 Jun 2026", "3.5.1 1 Jul 2025 (running with OpenSSL 3.5.7 9 Jun 2026)"),
    )
    assert endpoint(replace(host, answers={**host.answers, "nginx-V": said})).capabilities["key_exchange"].library == "OpenSSL 3.5.7"


def test_offline_the_files_speak_and_the_binary_is_unknown() -> None:
    host = captured("web-new")
    silent = {name: Answer(a.argv, None, problem="not run: offline") for name, a in host.answers.items()}
    found = endpoint(replace(host, answers=silent))
    assert found.settings["key_exchange"].values == ("X25519", "prime256v1")
    assert found.capabilities["key_exchange"].names is None


def test_includes_and_certificates_that_are_not_there_are_asked_for() -> None:
    text = "include site.d/*.conf; include conf.d/*.conf; server { listen 443 ssl; include one.conf; ssl_certificate tls/a.crt; ssl_certificate $x; }"
    assert SERVICE.missing(one(text)) == ("/etc/nginx/one.conf", "/etc/nginx/site.d/*.conf", "/etc/nginx/tls/a.crt")


def test_a_file_that_cannot_be_parsed_is_named_with_its_line() -> None:
    with pytest.raises(Unparsable) as caught:
        SERVICE.read(written({"/etc/nginx/nginx.conf": "http {\n include a.conf;\n}\n", "/etc/nginx/a.conf": "server {\n listen 443 ssl\n}\n"}))
    assert caught.value.where == "/etc/nginx/a.conf:3"


def test_a_circle_of_includes_is_refused_by_name() -> None:
    with pytest.raises(Unparsable, match="circle"):
        SERVICE.read(written({"/etc/nginx/nginx.conf": "include nginx.conf;"}))


def test_includes_are_read_in_the_order_of_glob() -> None:
    files = {
        "/etc/nginx/nginx.conf": "http { include conf.d/*.conf; }",
        "/etc/nginx/conf.d/b.conf": "server { listen 443 ssl; ssl_ecdh_curve X448; }",
        "/etc/nginx/conf.d/B.conf": "server { listen 443 ssl; ssl_ecdh_curve X25519; }",
        "/etc/nginx/conf.d/.a.conf": "server { listen 443 ssl; ssl_ecdh_curve secp384r1; }",
    }
    assert values(written(files), "key_exchange") == ("X25519",)


def test_a_reload_is_checked_by_nginx_itself() -> None:
    host = captured("web-include")
    activation = SERVICE.activation(host, SERVICE.read(host))
    assert (activation.units, activation.check, activation.action) == (("nginx.service",), ("nginx", "-t"), "reload")
    assert set(activation.ports) == {443, 8443}
