"""Cipher suites of nginx, from what is written to what a peer can get, and from a wish to the line that says it."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE

from tests.fixtures.nginx.load import applied, captured, file, one, written

AES256, CHACHA, AES128 = MODERN = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
RSA256, RSA128 = "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"
BOTH = "ssl_protocols TLSv1.2 TLSv1.3;"
MAIN = "/etc/nginx/nginx.conf"


def endpoint(snapshot: Snapshot) -> Endpoint:
    return SERVICE.read(snapshot)[0]


def old(snapshot: Snapshot) -> list[str]:
    return [name for name in endpoint(snapshot).settings["cipher"].values if name not in MODERN]


def server(text: str, http: str = BOTH, like: str = "web-new", nginx: str = "") -> Snapshot:
    return one(f"    {http}\n    server {{\n        listen 443 ssl;\n        {text}\n    }}", like, nginx)


def change(snapshot: Snapshot, *names: str, ids: tuple[str, ...] = ("nginx *:443",), **more: Wanted) -> list[str]:
    """The lines taken away and added for a wish for these suites."""
    changes = SERVICE.write(snapshot, {id_: {"cipher": Wanted(names), **more} for id_ in ids})
    after = applied(snapshot, changes)
    pairs = ((snapshot.files[path].text or "", after.files[path].text or "") for path in sorted(snapshot.files))
    found = (line for was, now in pairs for line in difflib.unified_diff(lines.split(was), lines.split(now), n=0))
    return [line[0] + line[1:].strip() for line in found if not line.startswith(("---", "+++", "@@"))]


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("like", "count"), [("web-new", 38), ("web-old", 42), ("web-legacy", 42)]
)  # `openssl ciphers -s 'HIGH:!aNULL:!MD5'` there, less DHE
def test_nginxs_own_list_is_what_this_library_makes_of_it(like: str, count: int) -> None:
    setting = endpoint(server("", like=like)).settings["cipher"]
    assert (len(setting.values), setting.values[:3], setting.evidence) == (count + 3, MODERN, "effective")
    assert str(setting.origin).startswith("default of nginx 1.")
    assert not any(name.startswith(("DHE", "PSK", "SRP", "ADH", "RSA-PSK")) for name in setting.values)


def test_an_expression_is_worked_out_where_it_stands() -> None:
    setting = endpoint(server("ssl_ciphers ECDHE+AESGCM:!ECDSA;")).settings["cipher"]
    assert setting.values == (*MODERN, RSA256, RSA128)
    assert str(setting.origin) == f"{MAIN}:6"


def test_dhe_counts_only_with_ssl_dhparam_and_a_list_that_names_it_is_told() -> None:
    text = f"ssl_ciphers DHE-RSA-AES128-GCM-SHA256:{RSA128};"
    assert old(server(text)) == [RSA128]
    assert any("lists DHE-RSA-AES128-GCM-SHA256, which cannot come about here" in note for note in endpoint(server(text)).notes)
    assert old(server(text, f"{BOTH} ssl_dhparam dh.pem;")) == ["DHE-RSA-AES128-GCM-SHA256", RSA128]


def test_at_security_level_0_anonymous_suites_come_about() -> None:
    assert "AECDH-AES256-SHA" in old(server("ssl_ciphers ALL:@SECLEVEL=0;"))
    assert "AECDH-AES256-SHA" not in old(server("ssl_ciphers ALL;"))


def test_a_level_that_ssl_ciphers_set_stays_when_cipherstring_replaces_the_list() -> None:
    text = "ssl_ciphers HIGH:@SECLEVEL=3; ssl_conf_command CipherString ECDHE-RSA-AES128-SHA:AES128-SHA;"
    assert old(server(text)) == ["ECDHE-RSA-AES128-SHA"], "level 3 wants forward secrecy"


def test_level_4_bars_128_bits_in_tls_1_3_too() -> None:
    assert endpoint(server("ssl_ciphers ECDHE+AESGCM:@SECLEVEL=4;")).settings["cipher"].values[:3] == (
        AES256,
        CHACHA,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    )


def test_tls_1_2_brought_suites_that_1_1_cannot_use() -> None:
    assert old(server("ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA;", "ssl_protocols TLSv1.1;")) == ["ECDHE-RSA-AES128-SHA"]


def test_what_a_second_server_takes_is_offered_on_the_socket() -> None:
    first = f"server {{ listen 443 ssl; ssl_ciphers {RSA256}; }}"
    host = one(f"{BOTH} {first} server {{ listen 443 ssl; server_name b; ssl_ciphers AES128-SHA; }}")
    assert old(host) == [RSA256, "AES128-SHA"]
    assert any("server b has ssl_ciphers of its own" in note for note in endpoint(host).notes)


def test_words_that_nobody_knows_are_told() -> None:
    assert (
        f"ssl_ciphers at {MAIN}:6: OpenSSL 3.5.7 knows no EXPORT, aNUL and ignores that" in endpoint(server("ssl_ciphers HIGH:!EXPORT:!aNUL;")).notes
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ssl_ciphers NOSUCH;", "is nothing that OpenSSL 3.5.7 takes"),
        ("ssl_ciphers HIGH:@BOGUS;", "is nothing that OpenSSL 3.5.7 takes"),
        ("ssl_ciphers TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:AES128-SHA;", "as IANA does"),
        ("ssl_ciphers PROFILE=SYSTEM;", "follows the system's crypto policy"),
    ],
)
def test_what_cannot_be_worked_out_is_unknown_and_says_why(text: str, why: str) -> None:
    found = endpoint(server(text))
    assert "cipher" not in found.settings
    assert any(why in note and f"{MAIN}:6" in note for note in found.notes)


def test_profile_system_is_the_list_of_the_crypto_policy() -> None:
    policy = "/etc/crypto-policies/back-ends/opensslcnf.config"
    host = server("ssl_ciphers PROFILE=SYSTEM:!AES128;")
    host = replace(host, files={**host.files, policy: file(policy, "CipherString = @SECLEVEL=2:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA\n")})
    assert old(host) == ["ECDHE-RSA-AES256-SHA"]


def test_without_the_librarys_answer_a_plain_list_is_configured_and_an_expression_unknown() -> None:
    def offline(text: str) -> Endpoint:
        host = server(text)
        return endpoint(replace(host, answers={name: replace(a, rc=None, out="", problem="not run: offline") for name, a in host.answers.items()}))

    plain = offline(f"ssl_ciphers {RSA256};").settings["cipher"]
    assert (plain.values[-1], plain.evidence) == (RSA256, "configured")
    unknown = offline("ssl_ciphers HIGH;")
    assert "cipher" not in unknown.settings and any("cannot be worked out" in note for note in unknown.notes)
    assert unknown.capabilities["cipher"].names is None


# ---------------------------------------------------------------- writing


def test_an_expression_becomes_a_list_of_names_in_the_order_of_the_wish() -> None:
    assert change(server("ssl_ciphers HIGH:!aNULL;"), *MODERN, RSA256, RSA128) == [
        "-ssl_ciphers HIGH:!aNULL;",
        f"+ssl_ciphers {RSA256}:{RSA128};",
    ]


def test_the_security_level_stays_what_it_was() -> None:
    """@SECLEVEL decides about certificates and versions too, which nobody wished to change."""
    assert change(server("ssl_ciphers 'DEFAULT:@SECLEVEL=0';"), *MODERN, RSA256)[1] == f"+ssl_ciphers '{RSA256}:@SECLEVEL=0';"


@pytest.mark.parametrize(
    ("http", "text", "where"),
    [
        (BOTH, "", f"+ssl_ciphers {RSA256};"),
        (f"{BOTH}\n    ssl_ciphers HIGH;", "", f"+ssl_ciphers {RSA256};"),
        (BOTH, "ssl_conf_command CipherString HIGH;", f"+ssl_conf_command CipherString {RSA256};"),
    ],
)
def test_what_governs_is_what_gets_edited(http: str, text: str, where: str) -> None:
    assert change(server(text, http), *MODERN, RSA256)[-1] == where


def test_suites_of_tls_1_3_are_a_command_and_only_when_they_differ() -> None:
    assert change(server(f"ssl_ciphers {RSA256};"), AES256, RSA256) == [f"+ssl_conf_command Ciphersuites {AES256};"]
    assert change(server(f"ssl_ciphers {RSA256};"), AES128, CHACHA, AES256, RSA256) == []
    assert change(server(f"ssl_ciphers {RSA256}; ssl_conf_command Ciphersuites {AES256}:{CHACHA};"), AES256, RSA256)[1].endswith(
        f"Ciphersuites {AES256};"
    )


def test_when_nobody_sets_it_and_all_wish_the_same_one_line_in_http_is_enough() -> None:
    host = one(f"    {BOTH}\n    server {{ listen 443 ssl; }}\n    server {{ listen 444 ssl; }}")
    assert change(host, AES256, RSA256, ids=("nginx *:443", "nginx *:444")) == [
        f"+ssl_ciphers {RSA256};",
        f"+ssl_conf_command Ciphersuites {AES256};",
    ]


def test_each_server_of_a_socket_keeps_its_own_share() -> None:
    """No server gets a suite that only another one took."""
    host = one(
        f"{BOTH}\nserver {{ listen 443 ssl;\n ssl_ciphers {RSA256}:AES128-SHA;\n}}\nserver {{ listen 443 ssl;\n ssl_ciphers {RSA128}:AES256-SHA;\n}}"
        f"\nserver {{ listen 443 ssl;\n ssl_ciphers {RSA128};\n}}\nserver {{ listen 443 ssl;\n ssl_ciphers AES128-SHA;\n}}"
    )
    assert [line for line in change(host, *MODERN, RSA256, RSA128) if line.startswith("+ssl_ciphers")] == [
        *(f"+ssl_ciphers {RSA256};", f"+ssl_ciphers {RSA128};"),
        f"+ssl_ciphers {RSA256}:{RSA128};",
    ], "the third is left alone, the last would have nothing"


@pytest.mark.parametrize("http", [BOTH, f"{BOTH} ssl_ciphers HIGH;"])
def test_a_server_on_two_sockets_is_not_changed_for_one_of_them(http: str) -> None:
    host = one(f"{http}\nserver {{\n listen 443 ssl;\n listen [::]:443 ssl;\n}}")
    with pytest.raises(Inexpressible, match=r"cipher of nginx \[::\]:443, which shall stay"):
        change(host, *MODERN, RSA256)


def test_a_suite_that_only_one_server_can_take_stays_with_it() -> None:
    dh = "DHE-RSA-AES256-GCM-SHA384"
    first = f"server {{ listen 443 ssl;\n ssl_dhparam dh.pem;\n ssl_ciphers {dh}:AES128-SHA;\n}}"
    host = one(f"{BOTH}\n{first}\nserver {{ listen 443 ssl;\n ssl_ciphers {RSA256}:AES128-SHA;\n}}")
    assert [line for line in change(host, *MODERN, RSA256, dh) if line.startswith("+")] == [f"+ssl_ciphers {dh};", f"+ssl_ciphers {RSA256};"]


def test_when_one_server_cannot_be_worked_out_nothing_is_written() -> None:
    with pytest.raises(Inexpressible, match="as IANA does"):
        change(server("ssl_ciphers TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;"), *MODERN, RSA256)


def test_a_server_with_commands_of_its_own_gets_its_own_command() -> None:
    host = server("ssl_conf_command Options PrioritizeChaCha;", f"{BOTH}\n    ssl_conf_command Ciphersuites {AES128};\n    ssl_ciphers {RSA256};")
    assert change(host, AES256, RSA256) == [f"+ssl_conf_command Ciphersuites {AES256};"]


def test_a_command_goes_beside_those_of_http_because_in_the_server_it_would_hide_them() -> None:
    host = server("", f"{BOTH}\n    ssl_ciphers {RSA256};\n    ssl_conf_command Options PrioritizeChaCha;")
    assert change(host, AES256, RSA256) == [f"+ssl_conf_command Ciphersuites {AES256};"]
    after = applied(host, SERVICE.write(host, {"nginx *:443": {"cipher": Wanted((AES256, RSA256))}})).files[MAIN].text or ""
    assert after.index("Ciphersuites") < after.index("server {")


def test_a_command_that_would_hide_others_is_refused() -> None:
    http = f"{BOTH} ssl_ciphers {RSA256}; ssl_conf_command Options PrioritizeChaCha;"
    host = one(f"{http}\nserver {{ listen 443 ssl; }}\nserver {{ listen 444 ssl; }}")
    with pytest.raises(Inexpressible, match="would switch off the one at") as caught:
        change(host, AES256, RSA256)
    assert caught.value.where == f"{MAIN}:3"


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ((*MODERN, RSA256, "ECDHE-RSA-NOSUCH"), "does not do ECDHE-RSA-NOSUCH"),
        ((*MODERN, RSA256, "PSK-AES128-GCM-SHA256"), "does not do PSK-AES128-GCM-SHA256"),
        ((*MODERN, RSA256, "DHE-RSA-AES256-GCM-SHA384"), "does not do DHE-RSA-AES256-GCM-SHA384"),
        (MODERN, "no suite of TLS 1.2 and before would be left"),
        ((RSA256,), "no suite of TLS 1.3 would be left"),
        ((), "no suite of TLS 1.3 would be left"),
    ],
)
def test_what_would_not_work_is_refused(names: tuple[str, ...], why: str) -> None:
    with pytest.raises(Inexpressible, match=why):
        change(server("ssl_ciphers HIGH;"), *names)


def test_before_1_19_4_suites_of_tls_1_3_cannot_be_said() -> None:
    with pytest.raises(Inexpressible, match=r"cannot be set before nginx 1\.19\.4"):
        change(server("", like="web-legacy"), AES256, RSA256)
    assert change(server("", like="web-legacy"), *MODERN, RSA256) == [f"+ssl_ciphers {RSA256};"]


def test_a_snippet_of_two_sockets_is_not_changed_for_one_of_them() -> None:
    block = " server {{\n  listen {} ssl;\n  include tls.conf;\n }}\n"
    files = {MAIN: f"http {{\n{BOTH}\n{block.format(443)}{block.format(444)}}}\n", "/etc/nginx/tls.conf": "ssl_ciphers HIGH;\n"}
    with pytest.raises(Inexpressible, match="different values"):
        change(written(files), *MODERN, RSA256)
    assert change(written(files), *MODERN, RSA256, ids=("nginx *:443", "nginx *:444")) == ["-ssl_ciphers HIGH;", f"+ssl_ciphers {RSA256};"]


def test_a_second_write_changes_nothing() -> None:
    host = captured("web-include")
    wishes = {e.id: {"cipher": Wanted((AES256, *((RSA256,) if "TLSv1.2" in e.settings["version"].values else ())))} for e in SERVICE.read(host)}
    after = applied(host, SERVICE.write(host, wishes))
    assert SERVICE.write(after, wishes) == ()
