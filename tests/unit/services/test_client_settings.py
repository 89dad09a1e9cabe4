"""Whom HAProxy and PostgreSQL let in by certificate, beside nginx (test_nginx_clients.py)."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.haproxy.load import CFG, PEM, pem
from tests.fixtures.haproxy.load import written as haproxy
from tests.fixtures.postgresql.load import HBA, captured, file, having

CA = "-----BEGIN CERTIFICATE-----" + pem().partition("-----BEGIN CERTIFICATE-----")[2]


def words(endpoint: Endpoint) -> dict[str, tuple[str, ...]]:
    return {aspect: setting.values for aspect, setting in endpoint.settings.items() if aspect.startswith("client_")}


def bound(options: str, before: str = "", **more: str) -> Snapshot:
    return haproxy({CFG: f"global\n {before}\nfrontend f\n bind :443 ssl crt {PEM} {options}\n", PEM: pem(), "/ca/clients.pem": CA, **more})


def test_a_bind_without_verify_asks_nobody_whatever_its_file() -> None:
    (found,) = SERVICES["haproxy"].read(bound("ca-file /ca/clients.pem"))
    assert words(found) == {"client_authentication": ("verify=off",)}


def test_a_bind_says_whom_it_lets_in_and_by_which_schemes() -> None:
    snapshot = bound("verify required ca-file clients.pem client-sigalgs mldsa65:ECDSA+SHA256", "ca-base /ca")
    (found,) = SERVICES["haproxy"].read(snapshot)
    assert words(found) == {
        "client_authentication": ("verify=required",),
        "client_trust": ("ECDSA-P256",),
        "client_signature": ("mldsa65", "ecdsa_secp256r1_sha256"),
    }
    assert str(found.settings["client_authentication"].origin) == f"{CFG}:4"
    assert SERVICES["haproxy"].missing(snapshot) == ()


def test_a_line_of_a_list_that_asks_for_less_counts_and_a_file_that_was_not_seen_is_told() -> None:
    snapshot = bound("verify required ca-file /ca/gone.pem crt-list /l", **{"/l": f"{PEM} [verify optional] b.test\n"})
    (found,) = SERVICES["haproxy"].read(snapshot)
    assert words(found)["client_authentication"] == ("verify=optional",) and "client_trust" not in words(found)
    assert "/ca/gone.pem, whose certificates decide about clients, could not be read" in found.notes
    assert SERVICES["haproxy"].missing(snapshot) == ("/ca/gone.pem",)


@pytest.mark.parametrize(
    ("options", "asks"),
    [
        ("ca-file /ca/clients.pem", ()),
        ("verify required", ()),
        ("verify required ca-file /ca/clients.pem", (("/ca/clients.pem",), True, "")),
        ("verify optional ca-file /ca/clients.pem ca-verify-file /ca/more.pem", (("/ca/clients.pem", "/ca/more.pem"), False, "")),
        ("verify required ca-file /ca/clients.pem crl-file /ca/crl", (("/ca/clients.pem",), True, f"crl-file at {CFG}:4 wants a list")),
        ("verify required ca-file @system-ca", (("@system-ca",), True, f"@system-ca at {CFG}:4 lets in whom the system trusts")),
    ],
)
def test_a_bind_can_be_moved_where_files_decide_and_nobody_elses(options: str, asks: tuple) -> None:
    found = SERVICES["haproxy"].askings(bound(options))  # type: ignore[misc]
    assert [(one.bundles, one.required) for one in found] == ([asks[:2]] if asks else [])
    assert all(one.fixed.startswith(asks[2]) and bool(one.fixed) == bool(asks[2]) and one.listens == ("*", 443) for one in found)


def test_a_line_of_a_list_that_alone_asks_makes_its_socket_one_that_asks() -> None:
    (found,) = SERVICES["haproxy"].askings(bound("crt-list /l", **{"/l": f"{PEM} [verify required ca-file /ca/clients.pem] b.test\n"}))  # type: ignore[misc]
    assert (found.bundles, found.required, str(found.origin)) == (("/ca/clients.pem",), False, "/l:1")


def cluster(hba: str, ca: str = "ssl_ca_file = '/ca/clients.pem'\n") -> Endpoint:
    snapshot = having("svc-new", hba=hba, site_more=ca)
    snapshot.files["/ca/clients.pem"] = file("/ca/clients.pem", CA)  # type: ignore[index]
    (found,) = SERVICES["postgresql"].read(snapshot)
    return found


def test_a_cluster_as_it_is_installed_asks_nobody() -> None:
    (found,) = SERVICES["postgresql"].read(captured("svc-new"))
    assert words(found) == {"client_authentication": ("verify=off",)}


@pytest.mark.parametrize(
    ("hba", "verify", "line"),
    [
        ("local all all peer\nhostssl all all 0.0.0.0/0 cert\nhostssl all all ::/0 scram-sha-256 clientcert=verify-full\n", "required", 0),
        ("hostssl all all 0.0.0.0/0 cert\nhost all all 10.0.0.0/8 scram-sha-256\n", "optional", 2),
        ("hostssl all all 10.0.0.0 255.0.0.0 cert\nhostnossl all all 0.0.0.0/0 md5\nhost all all 0.0.0.0/0 reject\n", "required", 0),
    ],
)
def test_the_first_line_that_lets_a_client_in_without_one_makes_it_optional(hba: str, verify: str, line: int) -> None:
    found = cluster(hba)
    assert words(found)["client_authentication"] == (f"verify={verify}",) and words(found)["client_trust"] == ("ECDSA-P256",)
    assert words(found)["client_signature"][0] == "mldsa65"
    origin = found.settings["client_authentication"].origin
    assert (origin.path, origin.line) == (HBA.format("17"), line)


def test_a_cluster_can_be_moved_unless_it_looks_for_revoked_certificates() -> None:
    for more, why in (("", ""), ("ssl_crl_file = '/ca/crl'\n", "the list of revoked certificates at ")):
        snapshot = having("svc-new", hba="hostssl all all 0.0.0.0/0 cert\n", site_more=f"ssl_ca_file = '/ca/clients.pem'\n{more}")
        (found,) = SERVICES["postgresql"].askings(snapshot)  # type: ignore[misc]
        assert (found.bundles, found.required, found.starttls, found.listens[1]) == (("/ca/clients.pem",), True, "postgres", 5432)
        assert found.fixed.startswith(why) and bool(found.fixed) == bool(why)
    assert SERVICES["postgresql"].askings(captured("svc-new")) == ()  # type: ignore[misc]
