"""services/nginx_write.py and read_back.py: the fewest line edits that make a wish effective, or a refusal that says why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Change, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE

from tests.fixtures.nginx.load import applied, captured, file, one, written

HYBRID = Wanted(("X25519MLKEM768", "X25519", "prime256v1"), (0, 1, 1))
ONLY_13 = Wanted(("TLSv1.3",))
MAIN = "/etc/nginx/nginx.conf"


def wish(ids: tuple[str, ...] = ("nginx *:443",), **aspects: Wanted) -> dict[str, dict[str, Wanted]]:
    return {id_: dict(aspects) for id_ in ids}


def diff(snapshot: Snapshot, changes: tuple[Change, ...]) -> list[str]:
    """Lines taken away and added, over all files, as a person reads them."""
    out = []
    after = applied(snapshot, changes)
    for path in sorted(c.path for c in changes):
        old, new = (next(f.text for f in s.files.values() if f.real == path) or "" for s in (snapshot, after))
        out += [line for line in difflib.unified_diff(lines.split(old), lines.split(new), n=0) if not line.startswith(("---", "+++", "@@"))]
    return out


def effective(snapshot: Snapshot, changes: tuple[Change, ...]) -> Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    return {e.id: (e.settings["key_exchange"].values, e.settings["key_exchange"].tiers) for e in SERVICE.read(applied(snapshot, changes))}


# ---------------------------------------------------------------- captured hosts


def test_web_new_changes_one_argument_and_keeps_the_comment_and_the_link() -> None:
    host = captured("web-new")
    changes = SERVICE.write(host, wish(key_exchange=HYBRID))
    assert [c.path for c in changes] == ["/etc/nginx/sites-available/site"]
    assert diff(host, changes) == [
        "-    ssl_ecdh_curve X25519:prime256v1;   # curves, best first\n",
        "+    ssl_ecdh_curve X25519MLKEM768/X25519:prime256v1;   # curves, best first\n",
    ]
    (change,) = changes
    assert change.after == applied(host, changes).files["/etc/nginx/sites-enabled/site"].sha256


def test_web_old_gets_a_flat_list_and_no_name_that_it_does_not_know() -> None:
    host = captured("web-old")
    changes = SERVICE.write(host, wish(key_exchange=Wanted(("X25519", "secp384r1"), (0, 1))))
    assert diff(host, changes)[1] == "+\tssl_ecdh_curve X25519:secp384r1;\n"
    with pytest.raises(Inexpressible, match=r"OpenSSL 3\.0\.22 does not know X25519MLKEM768"):
        SERVICE.write(host, wish(key_exchange=HYBRID))


def test_on_web_include_the_line_in_http_serves_both_names_and_the_own_socket_its_own() -> None:
    host = captured("web-include")
    changes = SERVICE.write(host, wish(("nginx *:443", "nginx *:8443"), key_exchange=HYBRID))
    assert {c.path for c in changes} == {MAIN, "/etc/nginx/conf.d/20-admin.conf"}
    assert set(effective(host, changes).values()) == {(HYBRID.names, HYBRID.tiers)}
    assert len(diff(host, changes)) == 4


def test_two_aspects_at_once_are_two_lines_of_one_change() -> None:
    host = captured("web-legacy")
    changes = SERVICE.write(host, wish(key_exchange=Wanted(("X25519", "prime256v1")), version=Wanted(("TLSv1.3", "TLSv1.2"))))
    assert diff(host, changes) == [
        *("-    ssl_protocols TLSv1.2;\n", "-    ssl_ecdh_curve prime256v1;\n"),
        *("+    ssl_protocols TLSv1.2 TLSv1.3;\n", "+    ssl_ecdh_curve X25519:prime256v1;\n"),
    ]


# ---------------------------------------------------------------- nothing to do


@pytest.mark.parametrize("host", ["web-new", "web-old", "web-legacy", "web-include"])
def test_a_wish_for_what_is_there_changes_nothing(host: str) -> None:
    snapshot = captured(host)
    wishes = {e.id: {a: Wanted(s.values, s.tiers) for a, s in e.settings.items()} for e in SERVICE.read(snapshot)}
    assert SERVICE.write(snapshot, wishes) == ()


def test_versions_in_another_order_change_nothing() -> None:
    assert SERVICE.write(captured("web-new"), wish(version=Wanted(("TLSv1.3", "TLSv1.2"), (0, 1)))) == ()


def test_a_second_write_changes_nothing() -> None:
    host = captured("web-new")
    wishes = wish(key_exchange=HYBRID, version=ONLY_13)
    assert SERVICE.write(applied(host, SERVICE.write(host, wishes)), wishes) == ()


# ---------------------------------------------------------------- where an absent directive goes


def test_when_nobody_sets_it_and_all_sockets_wish_the_same_one_line_goes_into_http() -> None:
    host = one("    server { listen 443 ssl; }\n    server { listen 444 ssl; }\n    ssl_session_timeout 1m; # why\n")
    changes = SERVICE.write(host, wish(("nginx *:443", "nginx *:444"), key_exchange=HYBRID))
    assert diff(host, changes) == ["+    ssl_ecdh_curve X25519MLKEM768/X25519:prime256v1;\n"]
    text = applied(host, changes).files[MAIN].text or ""
    assert "1m; # why\n    ssl_ecdh_curve" in text


def test_when_sockets_wish_different_things_each_default_server_gets_its_own_line() -> None:
    host = one("ssl_ecdh_curve X448;\nserver {\n\tlisten 443 ssl;\n}\nserver {\n\tlisten 444 ssl;\n}")
    changes = SERVICE.write(host, {"nginx *:443": {"key_exchange": HYBRID}, "nginx *:444": {"key_exchange": Wanted(("X25519",))}})
    assert diff(host, changes) == ["+\tssl_ecdh_curve X25519MLKEM768/X25519:prime256v1;\n", "+\tssl_ecdh_curve X25519;\n"]


def test_a_socket_without_a_wish_keeps_the_line_that_it_inherits() -> None:
    host = one("ssl_ecdh_curve X448;\nserver {\n listen 443 ssl;\n}\nserver {\n listen 444 ssl;\n}")
    after = effective(host, SERVICE.write(host, wish(key_exchange=HYBRID)))
    assert after == {"nginx *:443": (HYBRID.names, HYBRID.tiers), "nginx *:444": (("X448",), (0,))}


def test_a_server_on_one_line_stays_on_one_line() -> None:
    host = one("server { listen 443 ssl; server_name a; }")
    changes = SERVICE.write(host, wish(version=ONLY_13))
    assert diff(host, changes)[1] == "+server { listen 443 ssl; ssl_protocols TLSv1.3; server_name a; }\n"


def test_a_new_line_never_takes_the_comment_of_the_line_before_it() -> None:
    host = one("server {\n  listen 443 ssl;  # public\n}")
    assert diff(host, SERVICE.write(host, wish(version=ONLY_13))) == ["+  ssl_protocols TLSv1.3;\n"]


def test_crlf_files_get_crlf_lines() -> None:
    host = written({MAIN: "http {\r\n server {\r\n  listen 443 ssl;\r\n }\r\n}\r\n"})
    assert diff(host, SERVICE.write(host, wish(version=ONLY_13))) == ["+  ssl_protocols TLSv1.3;\r\n"]


def test_a_new_line_ends_like_the_line_before_it_where_a_file_mixes_both() -> None:
    host = written({MAIN: "http {\n server {\n  listen 443 ssl; # c\r\n }\n}\n"})
    assert diff(host, SERVICE.write(host, wish(version=ONLY_13))) == ["+  ssl_protocols TLSv1.3;\r\n"]


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_are_kept(quote: str) -> None:
    host = one(f"server {{\n listen 443 ssl;\n ssl_ecdh_curve {quote}X25519{quote};\n}}")
    assert diff(host, SERVICE.write(host, wish(key_exchange=HYBRID)))[1] == f"+ ssl_ecdh_curve {quote}X25519MLKEM768/X25519:prime256v1{quote};\n"


def test_a_governing_command_is_what_gets_edited() -> None:
    host = one("server {\n listen 443 ssl;\n ssl_ecdh_curve X25519;\n ssl_conf_command Groups X448;\n}")
    assert diff(host, SERVICE.write(host, wish(key_exchange=HYBRID)))[1] == "+ ssl_conf_command Groups X25519MLKEM768/X25519:prime256v1;\n"


def test_from_1_29_2_on_versions_reach_every_server_of_the_socket() -> None:
    text = "server {\n listen 443 ssl;\n ssl_protocols TLSv1.2;\n}\nserver {\n listen 443 ssl;\n ssl_protocols TLSv1.1;\n}"
    changed = {version: diff(h := one(text, nginx=version), SERVICE.write(h, wish(version=ONLY_13))) for version in ("1.29.1", "1.29.2")}
    assert {version: sum(line.startswith("+") for line in found) for version, found in changed.items()} == {"1.29.1": 1, "1.29.2": 2}


# ---------------------------------------------------------------- refusals


def test_an_empty_list_is_refused_because_nginx_would_fall_back() -> None:
    with pytest.raises(Inexpressible, match="empty"):
        SERVICE.write(captured("web-new"), wish(key_exchange=Wanted(())))


def test_an_unknown_protocol_name_is_refused() -> None:
    with pytest.raises(Inexpressible, match=r"TLSv1\.4"):
        SERVICE.write(captured("web-new"), wish(version=Wanted(("TLSv1.4",))))


def test_when_the_binary_could_not_be_asked_no_group_is_written() -> None:
    host = captured("web-new")
    silent = {**host.answers, "openssl": Answer(("openssl", "version"), None, problem="not found")}
    with pytest.raises(Inexpressible, match="not found"):
        SERVICE.write(replace(host, answers=silent), wish(key_exchange=HYBRID))


def test_a_snippet_that_serves_two_sockets_is_not_changed_for_one_of_them() -> None:
    files = {
        MAIN: "http {\n server {\n  listen 443 ssl;\n  include tls.conf;\n }\n server {\n  listen 444 ssl;\n  include tls.conf;\n }\n}\n",
        "/etc/nginx/tls.conf": "ssl_ecdh_curve X25519;\n",
    }
    with pytest.raises(Inexpressible) as caught:
        SERVICE.write(written(files), wish(key_exchange=HYBRID))
    assert caught.value.where == "/etc/nginx/tls.conf:1"
    both = SERVICE.write(written(files), wish(("nginx *:443", "nginx *:444"), key_exchange=HYBRID))
    assert [c.path for c in both] == ["/etc/nginx/tls.conf"]


@pytest.mark.parametrize("http", ["", "ssl_ecdh_curve X25519;"])
def test_a_server_on_two_sockets_is_not_changed_for_one_of_them(http: str) -> None:
    host = one(f"{http}\nserver {{\n listen 443 ssl;\n listen [::]:443 ssl;\n}}\nserver {{\n listen 444 ssl;\n}}")
    with pytest.raises(Inexpressible, match=r"nginx \[::\]:443, which shall stay"):
        SERVICE.write(host, wish(key_exchange=HYBRID))


@pytest.mark.parametrize("http", ["", "ssl_ecdh_curve X25519;"])
def test_a_server_on_two_sockets_cannot_serve_two_wishes(http: str) -> None:
    host = one(f"{http}\nserver {{\n listen 443 ssl;\n listen [::]:443 ssl;\n}}\n")
    with pytest.raises(Inexpressible):
        SERVICE.write(host, {"nginx *:443": {"key_exchange": HYBRID}, "nginx [::]:443": {"key_exchange": Wanted(("X25519", "X448"))}})


def test_a_command_that_has_the_last_word_is_named_instead_of_writing_in_vain() -> None:
    host = one("server {\n listen 443 ssl;\n ssl_protocols TLSv1.2 TLSv1.3;\n ssl_conf_command MinProtocol TLSv1.3;\n}")
    with pytest.raises(Inexpressible, match="the last word") as caught:
        SERVICE.write(host, wish(version=Wanted(("TLSv1.1", "TLSv1.2", "TLSv1.3"))))
    assert caught.value.where == f"{MAIN}:6"


def test_a_line_that_also_holds_a_secret_is_not_rewritten() -> None:
    host = one("server { listen 443 ssl; set $password [redacted]; }")
    host = replace(host, files={MAIN: replace(host.files[MAIN], redacted=True)})
    with pytest.raises(Inexpressible, match="secret"):
        SERVICE.write(host, wish(version=ONLY_13))


def test_the_result_of_a_redacted_file_has_no_hash_that_would_be_wrong() -> None:
    host = one("server {\n listen 443 ssl;\n set $password [redacted];\n}")
    host = replace(host, files={MAIN: replace(host.files[MAIN], redacted=True)})
    assert [c.after for c in SERVICE.write(host, wish(version=ONLY_13))] == [""]


def test_an_included_file_that_could_not_be_read_stops_the_host() -> None:
    host = one("include a.conf;")
    host = replace(host, files={**host.files, "/etc/nginx/a.conf": replace(file("/etc/nginx/a.conf", ""), text=None, problem="permission denied")})
    with pytest.raises(Exception, match=r"a\.conf could not be read: permission denied"):
        SERVICE.write(host, wish(version=ONLY_13))
