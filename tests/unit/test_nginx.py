"""nginx: effective values per socket, the traps, and edits."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE

from .conftest import captured, files_of

MAIN = "/etc/nginx/nginx.conf"
HYBRID = Wanted(("X25519MLKEM768", "X25519"), (0, 1))


def modern(text: str, version: str = "1.26.3") -> Snapshot:
    return files_of(
        {MAIN: text},
        **{
            "nginx-V": Answer((), 0, err=f"nginx version: nginx/{version}\nbuilt with OpenSSL 3.5.7 9 Jun 2026\n--conf-path={MAIN} "),
            "openssl": Answer((), 0, "OpenSSL 3.5.7 9 Jun 2026 (Library: OpenSSL 3.5.7 9 Jun 2026)"),
            "groups": Answer((), 0, "secp256r1:x25519:X25519MLKEM768"),
        },
    )


def written(snapshot: Snapshot, **wishes: Wanted) -> str:
    (change,) = SERVICE.write(snapshot, {id_.replace("_", " ", 1): {"key_exchange": wanted} for id_, wanted in wishes.items()})
    after = lines.apply(snapshot.files[change.path].text or "", change.edits)
    assert change.after == lines.sha256(after)
    return after


def endpoint(snapshot: Snapshot, id_: str = "nginx *:443"):
    return next(e for e in SERVICE.read(snapshot) if e.id == id_)


def test_the_default_server_decides_the_groups_for_every_name_of_a_socket() -> None:
    text = "http { server { listen 443 ssl; ssl_ecdh_curve X25519; }\n server { listen 443 ssl; server_name b; ssl_ecdh_curve X25519MLKEM768; } }\n"
    found = endpoint(modern(text))
    assert found.settings["key_exchange"].values == ("X25519",)
    assert any(f"ssl_ecdh_curve at {MAIN}:2 is ignored" in note for note in found.notes)


def test_default_server_beats_reading_order() -> None:
    text = "http { server { listen 443 ssl; ssl_ecdh_curve X25519; }\n server { listen 443 ssl default_server; ssl_ecdh_curve prime256v1; } }\n"
    assert endpoint(modern(text)).settings["key_exchange"].values == ("prime256v1",)


def test_protocols_of_other_servers_count_only_from_1_29_2_on() -> None:
    text = "http { server { listen 443 ssl; ssl_protocols TLSv1.3; } server { listen 443 ssl; server_name b; ssl_protocols TLSv1.2; } }\n"
    assert endpoint(modern(text)).settings["version"].values == ("TLSv1.3",)
    assert endpoint(modern(text, "1.29.2")).settings["version"].values == ("TLSv1.2", "TLSv1.3")


def test_without_a_directive_the_library_decides_and_prefers_strictly() -> None:
    setting = endpoint(modern("http { server { listen 443 ssl; } }\n")).settings["key_exchange"]
    assert setting.values[0] == "X25519MLKEM768"
    assert setting.tiers[0] < setting.tiers[1]
    assert "OpenSSL 3.5.7" in str(setting.origin)


def test_a_flat_list_is_one_tier_and_slashes_are_several() -> None:
    flat = endpoint(modern("http { ssl_ecdh_curve X25519MLKEM768:X25519; server { listen 443 ssl; } }\n")).settings["key_exchange"]
    assert flat.tiers == (0, 0)
    steps = endpoint(modern("http { ssl_ecdh_curve X25519MLKEM768/X25519:P-256; server { listen 443 ssl; } }\n")).settings["key_exchange"]
    assert steps.tiers == (0, 1, 1)


def test_a_lower_level_conf_command_hides_all_inherited_ones() -> None:
    text = "http { ssl_conf_command Groups X25519; server { listen 443 ssl; ssl_conf_command Options PrioritizeChaCha; } }\n"
    assert endpoint(modern(text)).settings["key_exchange"].values[0] == "X25519MLKEM768"


def test_sockets_of_the_captured_host() -> None:
    found = {e.id: e for e in SERVICE.read(captured("web-include"))}
    assert set(found) == {"nginx *:443", "nginx *:8443"}
    assert {c.key for c in found["nginx *:443"].certificates} >= {"ECDSA-P256", "RSA-2048"}
    assert found["nginx *:8443"].settings["key_exchange"].values == ("prime256v1",)


def test_capability_is_that_of_the_library_that_runs() -> None:
    old = endpoint(captured("web-old")).capabilities["key_exchange"]
    assert "X25519MLKEM768" not in (old.names or ())
    assert old.library == "OpenSSL 3.0.22"
    assert "X25519MLKEM768" in (endpoint(captured("web-new")).capabilities["key_exchange"].names or ())


def test_another_openssl_command_makes_the_capability_unknown() -> None:
    snapshot = modern("http { server { listen 443 ssl; } }\n")
    other = files_of({MAIN: "http { server { listen 443 ssl; } }\n"}, **{**snapshot.answers, "openssl": Answer((), 0, "OpenSSL 3.0.1 1 Jan 2022")})
    assert endpoint(other).capabilities["key_exchange"].names is None
    with pytest.raises(Inexpressible, match="unknown"):
        written(other, **{"nginx_*:443": HYBRID})


def test_only_the_argument_is_replaced() -> None:
    text = "http {\r\n\tssl_ecdh_curve   X25519 ; # mine\r\n server { listen 443 ssl; }\r\n}"
    assert written(modern(text), **{"nginx_*:443": HYBRID}) == text.replace("X25519 ;", "X25519MLKEM768/X25519 ;")


def test_without_a_line_one_is_added_to_the_only_server() -> None:
    text = "http {\n  server {\n    listen 443 ssl;\n    return 200;\n  }\n}\n"
    assert written(modern(text), **{"nginx_*:443": HYBRID}) == text.replace("ssl;\n", "ssl;\n    ssl_ecdh_curve X25519MLKEM768/X25519;\n")


def test_without_a_line_many_sockets_get_one_in_the_http_block() -> None:
    text = "http {\n  ssl_protocols TLSv1.3;\n  server { listen 443 ssl; }\n  server { listen 8443 ssl; }\n}\n"
    after = written(modern(text), **{"nginx_*:443": HYBRID, "nginx_*:8443": HYBRID})
    assert after == text.replace("TLSv1.3;\n", "TLSv1.3;\n  ssl_ecdh_curve X25519MLKEM768/X25519;\n")


def test_a_shared_directive_is_edited_once_when_all_wish_the_same() -> None:
    text = "http { ssl_ecdh_curve X25519;\n server { listen 443 ssl; } server { listen 8443 ssl; } }\n"
    assert written(modern(text), **{"nginx_*:443": HYBRID, "nginx_*:8443": HYBRID}).count("MLKEM768") == 1


def test_a_shared_directive_is_overridden_where_only_one_socket_wishes_it() -> None:
    text = "http {\n  ssl_ecdh_curve X25519;\n  server { listen 443 ssl; }\n  server {\n    listen 8443 ssl;\n  }\n}\n"
    after = written(modern(text), **{"nginx_*:8443": HYBRID})
    assert "  ssl_ecdh_curve X25519;\n" in after
    assert "    listen 8443 ssl;\n    ssl_ecdh_curve X25519MLKEM768/X25519;\n" in after


@pytest.mark.parametrize("names", [(), ("SecP384r1MLKEM1024",)])
def test_what_nginx_would_not_start_with_is_never_written(names: tuple[str, ...]) -> None:
    with pytest.raises(Inexpressible):
        written(modern("http { server { listen 443 ssl; } }\n"), **{"nginx_*:443": Wanted(names)})


def test_a_symbolic_link_stays_and_its_target_is_changed() -> None:
    changes = SERVICE.write(captured("web-new"), {"nginx *:443": {"key_exchange": HYBRID}})
    assert [change.path for change in changes] == ["/etc/nginx/sites-available/site"]


def test_a_certificate_that_was_not_seen_is_asked_for() -> None:
    assert SERVICE.missing(modern("http { server { listen 443 ssl; ssl_certificate x.crt; } }\n")) == ("/etc/nginx/x.crt",)
