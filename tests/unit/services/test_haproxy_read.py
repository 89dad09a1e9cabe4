"""services/haproxy.py: what a HAProxy negotiates on each of its sockets, and where that is said.

The claims about what counts were tried on 3.0.11 and 3.2.26 with openssl s_client.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.haproxy.load import CFG, PEM, captured, file, one, pem, written

HAPROXY = SERVICES["haproxy"]
CORPUS = sorted((Path(__file__).parents[4] / "shared" / "corpus" / "haproxy").glob("*.cfg"))
CRT = f"crt {PEM}"


def endpoints(snapshot: Snapshot) -> dict[str, Endpoint]:
    return {endpoint.id: endpoint for endpoint in HAPROXY.read(snapshot)}


def only(text: str, **more: str) -> Endpoint:
    (endpoint,) = HAPROXY.read(one(text, **more))
    return endpoint


def said(endpoint: Endpoint, aspect: str) -> tuple[str, ...]:
    return endpoint.settings[aspect].values


def notes(endpoint: Endpoint) -> str:
    return "\n".join(endpoint.notes)


@pytest.mark.parametrize(
    ("host", "version", "library"), [("svc-new", "HAProxy 3.0.11", "OpenSSL 3.5.9"), ("svc-next", "HAProxy 3.2.26", "OpenSSL 3.6.5")]
)
def test_a_host_of_the_lab_is_read_whole(host: str, version: str, library: str) -> None:
    (endpoint,) = HAPROXY.read(captured(host))
    assert (endpoint.id, endpoint.version, endpoint.addresses) == ("haproxy *:443", version, (("*", 443),))
    assert {aspect: str(setting.origin) for aspect, setting in endpoint.settings.items() if aspect in ("version", "key_exchange", "cipher")} == {
        "version": f"{CFG}:9",
        "key_exchange": f"{CFG}:18",
        "cipher": f"{CFG}:7",
    }
    assert said(endpoint, "key_exchange") == ("X25519", "prime256v1")
    assert said(endpoint, "signature") == ("ECDSA-P256",)
    assert endpoint.capabilities["key_exchange"].library == library
    assert "X25519MLKEM768" in (endpoint.capabilities["key_exchange"].names or ())
    assert endpoint.notes == () and HAPROXY.missing(captured(host)) == ()


def test_what_nobody_sets_is_what_the_binary_does() -> None:
    endpoint = only(f"frontend f\n bind :443 ssl {CRT}\n")
    assert said(endpoint, "version") == ("TLSv1.2", "TLSv1.3")
    assert said(endpoint, "key_exchange")[0] == "X25519MLKEM768"
    assert endpoint.settings["key_exchange"].tiers[:2] == (0, 1)
    assert str(endpoint.settings["version"].origin) == "default of HAProxy 3.0.11 with OpenSSL 3.5.9"
    assert not any(name.startswith("DHE") for name in said(endpoint, "cipher"))
    assert endpoint.settings["session"].values == ("early_data=never", "psk_ke=never", "reload=clears")


def test_an_old_haproxy_lets_old_versions_through_and_makes_dhe_keys_unasked() -> None:
    endpoint = only(f"frontend f\n bind :443 ssl {CRT}\n", version="2.1.4")
    assert said(endpoint, "version") == ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
    assert any(name.startswith("DHE") for name in said(endpoint, "cipher"))


@pytest.mark.parametrize(
    ("default", "own", "versions"),
    [
        ("", "", "TLSv1.2 TLSv1.3"),
        ("ssl-min-ver TLSv1.3", "", "TLSv1.3"),
        ("ssl-min-ver TLSv1.3", "force-tlsv12", "TLSv1.2"),
        ("ssl-min-ver TLSv1.3", "no-tlsv13", "TLSv1.3"),
        ("ssl-min-ver TLSv1.3", "ssl-min-ver TLSv1.2 no-tlsv13", "TLSv1.2 TLSv1.3"),
        ("", "no-tlsv12", "TLSv1.3"),
        ("no-sslv3 no-tlsv10 no-tlsv11", "", "TLSv1.2 TLSv1.3"),
        ("", "ssl-max-ver TLSv1.1", "TLSv1.1"),
        ("", "ssl-min-ver TLSv1.0", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("ssl-max-ver TLSv1.2", "ssl-min-ver TLSv1.1", "TLSv1.1 TLSv1.2"),
    ],
)
def test_versions_follow_the_line_and_then_the_defaults(default: str, own: str, versions: str) -> None:
    top = f"global\n ssl-default-bind-options {default}\n" if default else ""
    assert said(only(f"{top}frontend f\n bind :443 ssl {CRT} {own}\n"), "version") == tuple(versions.split())


def test_a_default_counts_for_what_stands_behind_it_only() -> None:
    text = "frontend f\n bind :443 ssl {0}\nglobal\n ssl-default-bind-curves P-384\nfrontend g\n bind :444 ssl {0} ecdhe P-256\n"
    found = endpoints(one(text.format(CRT)))
    assert said(found["haproxy *:443"], "key_exchange")[0] == "X25519MLKEM768"
    assert said(found["haproxy *:444"], "key_exchange") == ("secp384r1",)
    assert f"ecdhe at {CFG}:6 is ignored: curves are set ({CFG}:4)" in notes(found["haproxy *:444"])


def test_the_last_of_two_curves_counts_and_ecdhe_where_there_are_none() -> None:
    assert said(only(f"listen l\n bind :443 ssl {CRT} curves P-256 curves X25519\n"), "key_exchange") == ("X25519",)
    assert said(only(f"listen l\n bind :443 ssl {CRT} ecdhe P-256:X25519\n"), "key_exchange") == ("prime256v1", "X25519")


def test_a_tuple_list_is_a_preference() -> None:
    setting = only(f"listen l\n bind :443 ssl {CRT} curves X25519MLKEM768/X25519:P-256\n").settings["key_exchange"]
    assert (setting.values, setting.tiers) == (("X25519MLKEM768", "X25519", "prime256v1"), (0, 1, 1))


@pytest.mark.parametrize(
    ("address", "ids"),
    [
        (":443", ["haproxy *:443"]),
        ("*:443,[::]:444", ["haproxy *:443", "haproxy :::444"]),
        (":::443", ["haproxy :::443"]),
        ("ipv6@:443", ["haproxy :::443"]),
        ("10.0.0.1:8000-8001", ["haproxy 10.0.0.1:8000", "haproxy 10.0.0.1:8001"]),
        ("/run/tls.sock", ["haproxy /run/tls.sock"]),
        ("unix@tls.sock", ["haproxy unix@tls.sock"]),
        ("abns@name", ["haproxy abns@name"]),
    ],
)
def test_every_address_of_a_bind_is_a_socket(address: str, ids: list[str]) -> None:
    assert list(endpoints(one(f"frontend f\n bind {address} ssl {CRT}\n"))) == ids


def test_two_binds_on_one_address_are_two_sockets() -> None:
    found = list(endpoints(one(f"frontend f\n bind :443 ssl {CRT}\n bind :443 ssl {CRT} thread 1\n")))
    assert found == [f"haproxy *:443 ({CFG}:2)", f"haproxy *:443 ({CFG}:3)"]


def test_an_address_that_is_none_is_told_with_its_line() -> None:
    with pytest.raises(Unparsable, match=f"{CFG}:2: bind localhost"):
        HAPROXY.read(one(f"frontend f\n bind localhost ssl {CRT}\n"))


def test_what_has_no_tls_is_no_endpoint_and_a_name_is_no_option() -> None:
    assert HAPROXY.read(one("frontend f\n bind :80 name ssl\n bind :81\nbackend b\n server s 192.0.2.1:443 ssl verify none\n")) == ()


def test_quic_is_said_not_to_be_assessed() -> None:
    found = endpoints(one(f"frontend f\n bind :443 ssl {CRT}\n bind quic4@:443 ssl {CRT}\n"))
    assert list(found) == ["haproxy *:443"]
    assert f"{CFG}:3: QUIC is not assessed" in notes(found["haproxy *:443"])


def test_files_and_folders_are_read_in_the_order_of_the_command_line() -> None:
    texts = {
        "/srv/a.cfg": "global\n ssl-default-bind-curves P-256\n",
        "/srv/conf.d/20.cfg": f"frontend f\n bind :443 ssl {CRT}\n",
        "/srv/conf.d/10.cfg": "global\n ssl-default-bind-curves P-384\n",
        "/srv/conf.d/.x.cfg": 'nonsense "\n',
        "/srv/conf.d/x.txt": 'nonsense "\n',
        PEM: pem(),
    }
    snapshot = written(texts, told=("-f", "a.cfg", "-C", "/srv", "-f", "conf.d"))
    (endpoint,) = HAPROXY.read(snapshot)
    assert said(endpoint, "key_exchange") == ("secp384r1",)
    activation = HAPROXY.activation(snapshot, (endpoint,))
    assert activation.check == ("haproxy", "-c", "-C", "/srv", "-f", "/srv/a.cfg", "-f", "/srv/conf.d") and activation.ports == (443,)


def test_a_stopped_haproxy_is_read_as_its_unit_would_start_it() -> None:
    texts = {"/etc/default/haproxy": '# x\nCONFIG="/srv/a.cfg"\nEXTRAOPTS="-f /srv/b.cfg -S /run/m.sock"\n', PEM: pem()}
    texts |= {"/srv/a.cfg": "global\n ssl-default-bind-curves P-384\n", "/srv/b.cfg": f"frontend f\n bind :443 ssl {CRT}\n", CFG: "nonsense"}
    snapshot = written(texts)
    answers = {**snapshot.answers, "haproxy-processes": Answer((), 0, "path /usr/sbin/haproxy\n")}
    snapshot = Snapshot(snapshot.host, snapshot.taken, snapshot.identity, snapshot.facts, snapshot.files, answers)
    (endpoint,) = HAPROXY.read(snapshot)
    assert said(endpoint, "key_exchange") == ("secp384r1",)


def test_a_folder_that_was_not_seen_is_asked_for() -> None:
    snapshot = written({PEM: pem()}, told=("-f", "/srv/conf.d"))
    assert HAPROXY.missing(snapshot) == ("/srv/conf.d", "/srv/conf.d/*.cfg")


def test_another_binary_or_a_second_configuration_is_not_guessed_at() -> None:
    snapshot = one(f"frontend f\n bind :443 ssl {CRT}\n")
    for line, why in (("process /opt/haproxy\t/opt/haproxy\t-f\t/x\n", "/opt/haproxy runs"), ("process =\thaproxy\t-f\t/x\n", "several HAProxy run")):
        answers = {**snapshot.answers, "haproxy-processes": Answer((), 0, line + snapshot.answers["haproxy-processes"].out)}
        other = Snapshot(snapshot.host, snapshot.taken, snapshot.identity, snapshot.facts, snapshot.files, answers)
        with pytest.raises(Unparsable, match=why):
            HAPROXY.read(other)


def test_a_variable_is_taken_from_the_configuration_the_process_or_what_stands_beside_it() -> None:
    text = 'global\n presetenv TLS_PORT 8443\nfrontend f\n bind "$ADDRESS:${TLS_PORT}" ssl ' + CRT + ' "curves" "${GROUPS-P-256}"\n'
    (endpoint,) = HAPROXY.read(one(text, environment="ADDRESS=10.0.0.9\n"))
    assert endpoint.id == "haproxy 10.0.0.9:8443" and said(endpoint, "key_exchange") == ("prime256v1",)
    with pytest.raises(Unparsable, match=r"\$ADDRESS, on which bind stands here"):
        HAPROXY.read(one(text))


def test_a_variable_that_stands_on_others_harms_only_who_needs_it() -> None:
    text = 'global\n setenv LOGIN "$STATS_LOGIN"\n setenv P 44\nfrontend f\n bind ":${P}3" ssl ' + CRT + "\n"
    assert only(text).addresses == (("*", 443),)
    with pytest.raises(Unparsable, match=r"\$LOGIN"):
        HAPROXY.read(one(text.replace("${P}", "${LOGIN}")))


def test_a_bind_whose_options_hide_behind_a_secret_is_refused() -> None:
    with pytest.raises(Unparsable, match="also holds a secret"):
        HAPROXY.read(one(f"frontend f\n bind :443 ssl {CRT} ca-sign-pass [redacted]\n"))


def test_conditional_blocks_are_decided_or_refused() -> None:
    text = "frontend f\n.if {0}\n bind :443 ssl {1}\n.else\n bind :444 ssl {1}\n.endif\n"
    for condition, port in (
        ("feature(QUIC)", 443),
        ("!feature(QUIC)", 444),
        ("version_atleast(9.0)", 444),
        ("openssl_version_atleast(3.5)", 443),
        ("0", 444),
    ):
        assert only(text.format(condition, CRT)).addresses == (("*", port),)
    with pytest.raises(Unparsable, match=r'whether bind counts here depends on "defined\(X\)"'):
        HAPROXY.read(one(text.format("defined(X)", CRT)))
    with pytest.raises(Unparsable, match=r"no \.endif"):
        HAPROXY.read(one(f".if 1\nfrontend f\n bind :443 ssl {CRT}\n"))


def test_a_certificate_is_looked_for_as_a_file_a_folder_and_a_bundle() -> None:
    snapshot = written({CFG: "global\n crt-base /srv/tls\nfrontend f\n bind :443 ssl crt a.pem\n"})
    wanted = HAPROXY.missing(snapshot)
    assert wanted == ("/srv/tls/a.pem", "/srv/tls/a.pem/*", "/srv/tls/a.pem.rsa", "/srv/tls/a.pem.dsa", "/srv/tls/a.pem.ecdsa")
    (endpoint,) = HAPROXY.read(snapshot)
    assert "signature" not in endpoint.settings and f"/srv/tls/a.pem ({CFG}:4) could not be read" in notes(endpoint)


@pytest.mark.parametrize("paths", [("/srv/a/1.pem", "/srv/a/noext"), ("/srv/a.ecdsa",), ("/srv/a",)])
def test_a_folder_and_a_bundle_are_their_files(paths: tuple[str, ...]) -> None:
    texts = (
        {path: pem() for path in paths} | {"/srv/a/.1.pem.old": "x", "/srv/a/1.pem.ocsp": "x"} if len(paths) > 1 else {path: pem() for path in paths}
    )
    (endpoint,) = HAPROXY.read(written({CFG: "frontend f\n bind :443 ssl crt /srv/a\n", **texts}))
    assert tuple(one.path for one in endpoint.certificates) == paths and endpoint.notes == ()


def test_a_crt_list_says_versions_and_suites_of_its_own_and_its_curves_do_nothing() -> None:
    entries = f"# c\n{PEM} [ssl-min-ver TLSv1.1 ciphers ECDHE-ECDSA-AES256-SHA curves P-521 allow-0rtt] a.test !b.test\n{PEM}\n"
    text = "frontend f\n bind :443 ssl crt-list /etc/haproxy/list.txt ssl-min-ver TLSv1.3 curves X25519\n"
    (endpoint,) = HAPROXY.read(written({CFG: text, PEM: pem(), "/etc/haproxy/list.txt": entries}))
    assert said(endpoint, "version") == ("TLSv1.1", "TLSv1.2", "TLSv1.3")
    assert "ECDHE-ECDSA-AES256-SHA" in said(endpoint, "cipher")
    assert said(endpoint, "key_exchange") == ("X25519",)
    assert "early_data=allowed" in said(endpoint, "session")
    assert f"curves at /etc/haproxy/list.txt:2 has no effect: the bind at {CFG}:2 governs" in notes(endpoint)
    assert endpoint.server_names == ("a.test",)


def test_tickets_and_their_keys_are_told() -> None:
    assert "ticket_key_age=0d" in said(only(f"frontend f\n bind :443 ssl {CRT} no-tls-tickets tls-ticket-keys /k\n"), "session")
    assert "reload=keeps" in said(only(f"frontend f\n bind :443 ssl {CRT} tls-ticket-keys /k\n"), "session")


def test_who_prefers_decides_what_the_order_is_worth() -> None:
    text = "global\n ssl-default-bind-options {}\nfrontend f\n bind :443 ssl " + CRT + "\n"
    assert only(text.format("no-tls-tickets")).capabilities["cipher"].order == "list"
    assert only(text.format("prefer-client-ciphers")).capabilities["cipher"].order == "set"


ROUTING = "frontend tcp\n mode tcp\n bind :8443\n{} use_backend b if {{ req.ssl_sni -i a.test }}\nfrontend f\n bind :443 ssl {}\n"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("", True),
        (" tcp-request inspect-delay 5s\n", True),
        (" tcp-request inspect-delay 50\n tcp-request content accept if { req.ssl_hello_type 1 }\n", True),
        (" tcp-request inspect-delay 5s\n tcp-request content accept if { req.ssl_hello_type 1 }\n", False),
    ],
)
def test_routing_by_a_hello_that_is_not_waited_for_is_told(rules: str, told: bool) -> None:
    assert ("spans packets" in notes(only(ROUTING.format(rules, CRT)))) is told


def test_bounds_make_single_versions_void_and_that_is_told() -> None:
    endpoint = only(f"global\n ssl-default-bind-options ssl-min-ver TLSv1.2 no-tlsv13\nfrontend f\n bind :443 ssl {CRT}\n")
    assert f"no-tlsv13 at {CFG}:2 is ignored" in notes(endpoint)


def test_a_key_never_shows_where_its_certificate_does() -> None:
    (endpoint,) = HAPROXY.read(captured("svc-new"))
    assert endpoint.certificates[0].key == "ECDSA-P256" and "PRIVATE" not in repr(endpoint)


@pytest.mark.skipif(not CORPUS, reason="the corpus of real configurations is not beside this repository")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_corpus_gives_endpoints_or_a_reason(path: Path) -> None:
    text = path.read_text()
    try:
        found = HAPROXY.read(one(text))
    except Unparsable as problem:
        assert problem.where and problem.remedy
        return
    tls = [line for line in text.splitlines() if line.split()[:1] == ["bind"] and " ssl" in line and "quic" not in line]
    assert len(found) == len(tls)


def test_no_haproxy_no_endpoint() -> None:
    assert HAPROXY.read(captured_without()) == () and HAPROXY.servings and HAPROXY.servings(captured_without()) == ()


def captured_without() -> Snapshot:
    base = captured("svc-new")
    return Snapshot(base.host, base.taken, base.identity, base.facts, {"/x": file("/x", "")}, {})


def test_the_checker_gets_the_environment_that_the_configuration_stands_on() -> None:
    plain, named = one(f"frontend f\n bind :443 ssl {CRT}\n"), one(f'frontend f\n log "$X" local0\n bind :443 ssl {CRT}\n')
    assert HAPROXY.activation(plain, ()).check == ("haproxy", "-c", "-f", CFG)
    check = HAPROXY.activation(named, ()).check
    assert check[:2] == ("sh", "-c") and "\n" not in "".join(check) and check[3:] == ("sh", "haproxy", "-c", "-f", CFG)


def test_parameters_in_a_certificate_file_make_dhe_possible() -> None:
    text = f"frontend f\n bind :443 ssl {CRT}\n"
    (endpoint,) = HAPROXY.read(written({CFG: text, PEM: pem() + "-----BEGIN DH PARAMETERS-----\n"}))
    assert any(name.startswith("DHE") for name in said(endpoint, "cipher"))


def test_certificates_of_a_frontend_are_those_of_each_of_its_binds() -> None:
    text = f"frontend f\n bind :443 ssl\n bind :444 ssl\n bind :80\n ssl-f-use {CRT} ssl-min-ver TLSv1.1\nfrontend g\n bind :445 ssl\n"
    found = endpoints(one(text))
    assert [len(endpoint.certificates) for endpoint in found.values()] == [1, 1, 0]
    assert said(found["haproxy *:444"], "version")[0] == "TLSv1.1"


@pytest.mark.parametrize(("version", "known"), [("2.6.12", True), ("3.0.11", True), ("3.0.30", False), ("3.2.25", True), ("3.2.26", False)])
def test_curves_of_a_crt_list_that_may_count_make_the_groups_unknown(version: str, known: bool) -> None:
    """Tried on 2.6.12, 3.0.11 and 3.2.26; nobody knows of a 3.0 after 3.0.11 whether it has the mending."""
    text = "frontend f\n bind :443 ssl crt-list /etc/haproxy/list.txt curves X25519\n"
    (endpoint,) = HAPROXY.read(written({CFG: text, PEM: pem(), "/etc/haproxy/list.txt": f"{PEM} [curves P-521]\n"}, version=version))
    assert ("key_exchange" in endpoint.settings) is known
    assert f"curves at /etc/haproxy/list.txt:1 {'has no effect' if known else 'count for their names'}" in notes(endpoint)
    same = written({CFG: text, PEM: pem(), "/etc/haproxy/list.txt": f"{PEM} [curves X25519]\n"}, version=version)
    assert said(HAPROXY.read(same)[0], "key_exchange") == ("X25519",)
