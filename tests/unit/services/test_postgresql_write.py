"""services/postgresql_write.py: the fewest line edits, where they go, and what cannot be said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.postgresql import SERVICE

from tests.fixtures.postgresql.load import SITE, applied, captured, file, having

HYBRID = Wanted(("X25519MLKEM768", "X25519", "prime256v1"), (0, 1, 1))
ONE = "postgresql 18/main"


def written(snapshot: Snapshot, **wanted: Wanted) -> list[str]:
    """The lines that are new, of the one file that changes; what is read from the result was proved by write()."""
    (endpoint,) = SERVICE.read(snapshot)
    changes = SERVICE.write(snapshot, {endpoint.id: wanted})
    (change,) = changes
    before = next(one.text or "" for one in snapshot.files.values() if one.path == change.path)
    after = lines.apply(before, change.edits)
    now = {aspect: setting.values for aspect, setting in SERVICE.read(applied(snapshot, changes))[0].settings.items()}
    assert all(set(now[aspect]) == set(to.names) for aspect, to in wanted.items())
    return [line for line in after.splitlines() if line not in before.splitlines()]


# ---------------------------------------------------------------- where it goes


def test_a_new_setting_stands_behind_the_last_line_about_tls() -> None:
    snapshot = captured("svc-next")
    (change,) = SERVICE.write(snapshot, {ONE: {"key_exchange": HYBRID}})
    assert change.path == SITE.format(18)
    assert [(e.line, e.delete, e.insert) for e in change.edits] == [(5, 0, ("ssl_groups = 'X25519MLKEM768/X25519:prime256v1'\n",))]


def test_the_line_that_governs_is_changed_in_its_dress() -> None:
    snapshot = having("svc-next", site_more="  SSL_GROUPS   X25519  # ours\r\n")
    assert written(snapshot, key_exchange=HYBRID) == ["  SSL_GROUPS   'X25519MLKEM768/X25519:prime256v1'  # ours"]


def test_the_line_of_the_old_name_is_changed_where_it_governs() -> None:
    snapshot = having("svc-next", site_more="ssl_ecdh_curve = 'X448'\n")
    assert written(snapshot, key_exchange=HYBRID) == ["ssl_ecdh_curve = 'X25519MLKEM768/X25519:prime256v1'"]


def test_an_unfinished_last_line_is_ended_first() -> None:
    snapshot = having("svc-next", site_more="ssl_crl_file = ''")
    assert written(snapshot, key_exchange=HYBRID) == ["ssl_groups = 'X25519MLKEM768/X25519:prime256v1'"]
    both = having("svc-next", site_more="ssl_min_protocol_version = 'TLSv1.2'")
    new = written(both, key_exchange=HYBRID, version=Wanted(("TLSv1.3",)), cipher=Wanted(("TLS_AES_256_GCM_SHA384",)))
    assert sorted(new) == [
        "ssl_groups = 'X25519MLKEM768/X25519:prime256v1'",
        "ssl_min_protocol_version = 'TLSv1.3'",
        "ssl_tls13_ciphers = 'TLS_AES_256_GCM_SHA384'",
    ]


def test_a_line_with_a_secret_stays_untouched() -> None:
    snapshot = having("svc-next", site_more="ssl_passphrase_command = [redacted]\n")
    assert written(snapshot, key_exchange=HYBRID) == ["ssl_groups = 'X25519MLKEM768/X25519:prime256v1'"]


# ---------------------------------------------------------------- versions and ciphers


def test_versions_are_a_range_and_only_the_end_that_moves_is_written() -> None:
    assert written(captured("svc-new"), version=Wanted(("TLSv1.3",)), cipher=Wanted(MODERN)) == ["ssl_min_protocol_version = 'TLSv1.3'"]
    capped = having("svc-new", site_more="ssl_max_protocol_version = 'TLSv1.2'\n")
    assert written(capped, version=Wanted(("TLSv1.2", "TLSv1.3"))) == ["ssl_max_protocol_version = ''"]


MODERN = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")


def test_old_suites_are_written_by_name_and_a_security_level_stays() -> None:
    plain = Wanted((*MODERN, "ECDHE-ECDSA-AES256-GCM-SHA384"))
    assert written(captured("svc-new"), cipher=plain) == ["ssl_ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384'"]
    snapshot = having("svc-new", site_more="ssl_ciphers = 'HIGH:@SECLEVEL=2'\n")
    assert written(snapshot, cipher=plain) == ["ssl_ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384:@SECLEVEL=2'"]


# ---------------------------------------------------------------- what cannot be said


@pytest.mark.parametrize(
    ("host", "texts", "wanted", "why"),
    [
        ("svc-next", {"auto_more": "ssl_groups = 'X25519'\n"}, {"key_exchange": HYBRID}, "auto.conf:3: ssl_groups was set with ALTER SYSTEM.*RESET"),
        ("svc-new", {}, {"key_exchange": HYBRID}, "PostgreSQL 17.12 does not know X25519MLKEM768.*upgrade to PostgreSQL 18"),
        ("svc-new", {}, {"key_exchange": Wanted(("prime256v1", "secp384r1"), (0, 0))}, "takes one curve"),
        ("svc-next", {}, {"key_exchange": Wanted(())}, "an empty list"),
        ("svc-next", {}, {"key_exchange": Wanted(("Kyber",), (0,))}, "does not know Kyber"),
        ("svc-new", {}, {"version": Wanted(("TLSv1.1", "TLSv1.3"))}, "no range"),
        ("svc-new", {}, {"version": Wanted(("SSLv3", "TLSv1"))}, "no range"),
        ("svc-new", {}, {"cipher": Wanted(("TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"))}, "no setting for the suites of TLS 1.3"),
        ("svc-new", {}, {"cipher": Wanted(MODERN)}, "no suite of TLS 1.2 and before would be left"),
        ("svc-new", {}, {"signature": Wanted(("ML-DSA-65",))}, "does not write signature"),
    ],
)
def test_what_cannot_be_said_is_said_by_name(host: str, texts: dict[str, str], wanted: dict[str, Wanted], why: str) -> None:
    snapshot = having(host, **texts)
    (endpoint,) = SERVICE.read(snapshot)
    with pytest.raises(Inexpressible, match=why):
        SERVICE.write(snapshot, {endpoint.id: wanted})


def test_what_the_command_line_says_is_left_to_who_wrote_it() -> None:
    snapshot = having("svc-next", ("option -D", "option -c ssl_groups=X25519\noption -D"))
    with pytest.raises(Inexpressible, match="given on the command line"):
        SERVICE.write(snapshot, {ONE: {"key_exchange": HYBRID}})


def test_clusters_that_share_a_line_cannot_differ() -> None:
    one, other = captured("svc-next"), captured("svc-next")
    out = other.answers["postgresql-servers"].out
    server, dummy, rest = out.partition("openssl ")
    second = server.replace("18/main", "18/more").replace("18-main", "18-more")
    main = one.files["/etc/postgresql/18/main/postgresql.conf"]
    shared = "ssl = on\ninclude '/etc/pg/tls.conf'\n"
    files = {
        **one.files,
        **{
            f"/etc/postgresql/18/{name}/postgresql.conf": file(f"/etc/postgresql/18/{name}/postgresql.conf", shared, main)
            for name in ("main", "more")
        },
        **{
            f"/var/lib/postgresql/18/{name}/postgresql.auto.conf": file(f"/var/lib/postgresql/18/{name}/postgresql.auto.conf", "")
            for name in ("main", "more")
        },
        "/etc/pg/tls.conf": file("/etc/pg/tls.conf", "ssl_groups = 'X25519'\n"),
    }
    answers = {**one.answers, "postgresql-servers": replace(other.answers["postgresql-servers"], out=server + second + "openssl " + rest)}
    snapshot = replace(one, files=files, answers=answers)
    assert [e.id for e in SERVICE.read(snapshot)] == [ONE, "postgresql 18/more"]
    with pytest.raises(Inexpressible, match=r"tls.conf:1: .*clusters that share this line"):
        SERVICE.write(snapshot, {ONE: {"key_exchange": HYBRID}, "postgresql 18/more": {"key_exchange": Wanted(("X448",), (0,))}})
    with pytest.raises(Inexpressible, match="which shall stay, would change too"):
        SERVICE.write(snapshot, {ONE: {"key_exchange": HYBRID}})
    (change,) = SERVICE.write(snapshot, {ONE: {"key_exchange": HYBRID}, "postgresql 18/more": {"key_exchange": HYBRID}})
    assert change.path == "/etc/pg/tls.conf" and len(change.edits) == 1
    assert SERVICE.activation(snapshot, SERVICE.read(snapshot)).units == ("postgresql.service",)


# ---------------------------------------------------------------- activation


def test_the_unit_that_runs_is_reloaded_and_the_configuration_is_tried_before() -> None:
    snapshot = captured("svc-next")
    found = SERVICE.activation(snapshot, SERVICE.read(snapshot))
    assert (found.units[0], found.action, found.ports) == ("postgresql@18-main.service", "reload", (5432,))
    assert "-C" in found.check[2] and "shared_memory_size" in found.check[2] and "\n" not in "".join(found.check)
    assert "-c config_file=/etc/postgresql/18/main/postgresql.conf -c hba_file=/etc/postgresql/18/main/pg_hba.conf" in found.check[2]


def test_paths_in_the_data_directory_are_told_whole() -> None:
    snapshot = having("svc-next", site="listen_addresses = '*'\nssl = on\nssl_ca_file = 'root.crt'\n", main="include_dir 'conf.d'\n")
    check = SERVICE.activation(snapshot, SERVICE.read(snapshot)).check[2]
    for name, path in (("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key"), ("ssl_ca_file", "root.crt")):
        assert f"-c {name}=/var/lib/postgresql/18/main/{path}" in check


# ---------------------------------------------------------------- certificates

NEW = Pair("/etc/postgresql/tls/new.crt", "/etc/postgresql/tls/new.key")


def test_the_pair_is_switched_line_by_line() -> None:
    assert SERVICE.servings and SERVICE.rebind
    snapshot = captured("svc-new")
    (serving,) = SERVICE.servings(snapshot)
    (binding,) = serving.bindings
    assert (binding.pair, binding.fixed) == (Pair("/etc/postgresql/tls/server.crt", "/etc/postgresql/tls/server.key"), "")
    assert str(binding.origin) == "/etc/postgresql/17/main/conf.d/site.conf:3"
    changes = SERVICE.rebind(snapshot, {binding.origin: (NEW,)})
    assert [e.insert for e in changes[0].edits] == [(f"ssl_cert_file = '{NEW.certificate}'\n",), (f"ssl_key_file = '{NEW.key}'\n",)]
    assert SERVICE.servings(applied(snapshot, changes))[0].bindings[0].pair == NEW


def test_a_second_pair_is_impossible_and_said_so() -> None:
    assert SERVICE.servings and SERVICE.rebind
    snapshot = captured("svc-new")
    (serving,) = SERVICE.servings(snapshot)
    assert "one certificate" in serving.alone
    with pytest.raises(Inexpressible, match="one certificate"):
        SERVICE.rebind(snapshot, {serving.bindings[0].origin: (serving.bindings[0].pair, NEW)})


def test_a_pair_in_the_data_directory_is_fixed() -> None:
    assert SERVICE.servings
    snapshot = having("svc-next", site="listen_addresses = '*'\nssl = on\n", main="include_dir 'conf.d'\n")
    (binding,) = SERVICE.servings(snapshot)[0].bindings
    assert binding.pair.key == "/var/lib/postgresql/18/main/server.key" and "a folder of their own" in binding.fixed
