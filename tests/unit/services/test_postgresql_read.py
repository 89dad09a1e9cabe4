"""services/postgresql.py: what is effective on each cluster with TLS, and from where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.postgresql import SERVICE

from tests.fixtures.postgresql.load import captured, file, having

HYBRID = "X25519MLKEM768"


def only(snapshot: Snapshot) -> Endpoint:
    (found,) = SERVICE.read(snapshot)
    return found


def notes(snapshot: Snapshot) -> str:
    return "\n".join(only(snapshot).notes)


# ---------------------------------------------------------------- captured hosts


def test_17_shows_its_cluster_with_what_is_built_in() -> None:
    found = only(captured("svc-new"))
    assert (found.id, found.addresses, found.version, found.starttls) == ("postgresql 17/main", (("*", 5432),), "PostgreSQL 17.12", "postgres")
    assert found.settings["key_exchange"].values == ("prime256v1",)
    assert str(found.settings["key_exchange"].origin) == "default of PostgreSQL 17.12 with OpenSSL 3.5.9"
    assert found.settings["version"].values == ("TLSv1.2", "TLSv1.3")
    assert found.settings["cipher"].values[:4] == (
        *("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    )
    assert found.settings["fips"].values == ("mode=off",)
    assert found.settings["session"].values == ("early_data=never", "psk_ke=never", "ticket_key_age=0d", "reload=clears")
    assert [c.key for c in found.certificates] == ["ECDSA-P256"] and found.settings["signature"].values == ("ECDSA-P256",)
    assert found.notes == ()


def test_one_look_is_enough() -> None:
    assert SERVICE.missing(captured("svc-new")) == SERVICE.missing(captured("svc-next")) == ()


def test_17_takes_one_curve_and_18_what_its_library_has() -> None:
    old, new = (only(captured(host)).capabilities["key_exchange"] for host in ("svc-new", "svc-next"))
    assert (old.names, old.most, old.library) == (("prime256v1", "secp384r1", "secp521r1"), 1, "PostgreSQL 17.12")
    assert new.names and HYBRID in new.names and (new.most, new.library, new.order) == (0, "OpenSSL 3.6.5", "tuple")


def test_18_shows_the_list_that_is_built_in() -> None:
    found = only(captured("svc-next")).settings["key_exchange"]
    assert (found.values, found.tiers) == (("X25519", "prime256v1"), (0, 0))


# ---------------------------------------------------------------- which line counts


def test_the_last_line_wins_wherever_an_include_put_it() -> None:
    snapshot = having("svc-next", main_more="ssl_groups = 'X448'\n", site_more=f"SSL_Groups '{HYBRID}/X25519'\nssl_min_protocol_version = tlsv1.3\n")
    found = only(snapshot).settings
    assert found["key_exchange"].values == ("X448",), "conf.d is included above that line"
    assert str(found["key_exchange"].origin).startswith("/etc/postgresql/18/main/postgresql.conf:")
    assert (found["version"].values, str(found["version"].origin)) == (("TLSv1.3",), "/etc/postgresql/18/main/conf.d/site.conf:6")


def test_what_alter_system_set_wins_over_every_file() -> None:
    snapshot = having("svc-next", main_more="ssl_groups = 'X448'\n", auto_more="ssl_groups = 'prime256v1'\n")
    assert str(only(snapshot).settings["key_exchange"].origin) == "/var/lib/postgresql/18/main/postgresql.auto.conf:3"


def test_the_command_line_wins_over_alter_system() -> None:
    said = ("option -D", "option -c ssl-groups=secp521r1\noption -p 5433\noption -D")
    found = only(having("svc-next", said, auto_more="ssl_groups = 'prime256v1'\n"))
    assert found.settings["key_exchange"].values == ("secp521r1",) and found.addresses == (("*", 5433),)
    assert "command line" in str(found.settings["key_exchange"].origin)


def test_18_knows_the_old_name_of_its_list_and_the_later_of_both_counts() -> None:
    first = having("svc-next", site_more="ssl_ecdh_curve = 'X448'\nssl_groups = 'X25519'\n")
    last = having("svc-next", site_more="ssl_groups = 'X25519'\nssl_ecdh_curve = 'X448'\n")
    assert [only(one).settings["key_exchange"].values for one in (first, last)] == [("X25519",), ("X448",)]


def test_an_include_that_is_not_there_is_asked_for_and_then_stops_by_name() -> None:
    snapshot = having("svc-next", site_more="include 'more.cnf'\ninclude_if_exists = 'perhaps.cnf'\ninclude_dir 'more'\n")
    folder = "/etc/postgresql/18/main/conf.d"
    assert SERVICE.missing(snapshot) == (f"{folder}/more.cnf", f"{folder}/more/*.conf", f"{folder}/perhaps.cnf")
    with pytest.raises(Unparsable, match=r"more.cnf was not seen.*"):
        SERVICE.read(snapshot)
    there = replace(snapshot, files={**snapshot.files, f"{folder}/more.cnf": file(f"{folder}/more.cnf", "ssl_groups = X448\n")})
    assert only(there).settings["key_exchange"].values == ("X448",)


def test_includes_that_go_round_stop_by_name() -> None:
    with pytest.raises(Unparsable, match="circle"):
        SERVICE.read(having("svc-next", site_more="include '../postgresql.conf'\n"))


def test_a_line_that_the_server_refuses_stops_with_its_place() -> None:
    with pytest.raises(Unparsable, match=r"conf.d/site.conf:5: a line that is no"):
        SERVICE.read(having("svc-next", site_more="ssl_groups\n"))


# ---------------------------------------------------------------- clusters


def test_without_tls_or_without_an_address_there_is_no_endpoint() -> None:
    assert SERVICE.read(having("svc-next", site_more="ssl = off\n")) == ()
    assert SERVICE.read(having("svc-next", site_more="listen_addresses = ''\n")) == ()


def test_addresses_are_those_of_the_list() -> None:
    assert only(having("svc-next", site_more="listen_addresses = '10.0.0.1, ::1'\nport = 6432\n")).addresses == (("10.0.0.1", 6432), ("::1", 6432))


def test_several_clusters_are_told_apart_and_one_that_does_not_run_says_so() -> None:
    one, other = captured("svc-new"), captured("svc-next")
    both = replace(one, files={**other.files, **one.files})
    first, second = SERVICE.read(both)
    assert (first.id, second.id) == ("postgresql 17/main", "postgresql 18/main")
    assert second.version == "PostgreSQL 18" and any("no server was seen to run" in note for note in second.notes)
    assert second.capabilities["key_exchange"].names is None, "nobody knows with which library it would run"


def test_a_cluster_of_red_hat_is_called_after_its_data() -> None:
    snapshot, data = captured("svc-next"), "/var/lib/pgsql/18/data"
    main = snapshot.files["/etc/postgresql/18/main/conf.d/site.conf"].text or ""
    files = {
        f"{data}/postgresql.conf": file(f"{data}/postgresql.conf", main),
        f"{data}/postgresql.auto.conf": file(f"{data}/postgresql.auto.conf", ""),
    }
    out = (
        snapshot.answers["postgresql-servers"].out.replace("/var/lib/postgresql/18/main", data).replace("option -c config_file=/etc", "option -c x=")
    )
    answers = {**snapshot.answers, "postgresql-servers": replace(snapshot.answers["postgresql-servers"], out=out)}
    found = only(replace(snapshot, files=files, answers=answers))
    assert (found.id, found.version) == (f"postgresql {data}", "PostgreSQL 18.6")


def test_a_cluster_whose_main_file_lies_elsewhere_is_called_after_its_data_too() -> None:
    """As Alpine has it."""
    snapshot, path = captured("svc-next"), "/etc/postgresql/postgresql.conf"
    site = snapshot.files["/etc/postgresql/18/main/conf.d/site.conf"].text or ""
    moved = having("svc-next", ("config_file=/etc/postgresql/18/main/", "config_file=/etc/postgresql/"))
    files = {name: one for name, one in snapshot.files.items() if not name.startswith("/etc/postgresql/18")}
    found = only(replace(moved, files={**files, path: file(path, site)}))
    assert found.id == "postgresql /var/lib/postgresql/18/main"


def test_a_main_file_that_was_not_seen_is_asked_for_and_then_stops() -> None:
    snapshot = having("svc-next", ("config_file=/etc/postgresql/18/main/", "config_file=/srv/pg/"))
    assert "/srv/pg/postgresql.conf" in SERVICE.missing(snapshot)
    with pytest.raises(Unparsable, match=r"/srv/pg/postgresql.conf was not seen"):
        SERVICE.read(snapshot)


def test_no_postgresql_no_endpoint() -> None:
    assert SERVICE.read(replace(captured("svc-new"), files={}, answers={})) == ()


# ---------------------------------------------------------------- what nobody knows


def test_a_library_of_its_own_is_not_spoken_for() -> None:
    found = only(having("svc-next", ("library /usr/lib", "library /opt/pg/lib")))
    assert found.capabilities["key_exchange"].names is None and "of its own" in found.capabilities["key_exchange"].source
    assert "cipher" not in found.settings and any("cannot be worked out" in note for note in found.notes)


def test_without_the_file_of_alter_system_that_is_said() -> None:
    snapshot = captured("svc-new")
    assert "what ALTER SYSTEM set" in notes(replace(snapshot, files={p: f for p, f in snapshot.files.items() if "auto.conf" not in p}))


# ---------------------------------------------------------------- traps


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("host all all 10.0.0.0/8 scram-sha-256", True),
        ("hostnossl all all 0.0.0.0/0 md5", True),
        ("hostssl all all 0.0.0.0/0 scram-sha-256", False),
        ("host all all 10.0.0.0/8 reject", False),
        ("host all all 10.0.0.0 255.0.0.0 reject", False),
        ("host all all 127.0.0.1/32 trust", False),
        ("local all all peer", False),
        ("host secret [redacted]", False),
        ("# host all all 0.0.0.0/0 trust", False),
    ],
)
def test_a_rule_that_lets_clients_in_without_tls_is_noted(line: str, said: bool) -> None:
    assert ("lets clients in without TLS" in notes(having("svc-new", hba=f"{line}\n"))) is said


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("600 postgres postgres", False),
        ("400 postgres postgres", False),
        ("640 postgres postgres", True),
        ("640 root ssl-cert", False),
        ("644 root root", True),
        ("660 root root", True),
    ],
)
def test_a_key_that_the_server_refuses_is_noted(mode: str, said: bool) -> None:
    snapshot = having("svc-new", ("key 600 postgres postgres", f"key {mode}"))
    assert ("every reload refuse it" in notes(snapshot)) is said


def test_a_passphrase_that_a_reload_does_not_ask_for_is_noted() -> None:
    one = "ssl_passphrase_command = 'x'\n"
    assert "a reload keeps the TLS of before" in notes(having("svc-new", site_more=one))
    assert notes(having("svc-new", site_more=f"{one}ssl_passphrase_command_supports_reload = on\n")) == ""


def test_a_program_that_was_replaced_is_noted() -> None:
    assert "restart it" in notes(having("svc-new", ("bin/postgres\t", "bin/postgres (deleted)\t")))


# ---------------------------------------------------------------- ciphers


def test_ciphers_are_what_the_expression_means_and_of_tls_1_3_what_18_sets() -> None:
    snapshot = having("svc-next", site_more="ssl_ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384'\nssl_tls13_ciphers = 'TLS_AES_256_GCM_SHA384'\n")
    assert only(snapshot).settings["cipher"].values == ("TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384")
    only_new = having("svc-next", site_more="ssl_min_protocol_version = 'TLSv1.3'\n")
    assert all(name.startswith("TLS_") for name in only(only_new).settings["cipher"].values)


def test_names_of_iana_are_not_guessed() -> None:
    snapshot = having("svc-next", site_more="ssl_ciphers = 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:HIGH'\n")
    assert "cipher" not in only(snapshot).settings
    assert "names suites as IANA does" in notes(snapshot)


def test_whose_order_counts_is_told() -> None:
    assert only(captured("svc-next")).capabilities["cipher"].order == "list"
    assert only(having("svc-next", site_more="ssl_prefer_server_ciphers = off\n")).capabilities["cipher"].order == "set"
