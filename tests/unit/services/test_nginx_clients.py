"""services/nginx_clients.py: whom nginx lets in by certificate, and what it shows to others.  The default schemes are those that s_client printed."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssl import library
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssl_schemes import default_schemes, schemes
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._holding import _bound

from tests.fixtures.nginx.load import captured, written

NGINX = SERVICES["nginx"]
EC = captured("web-include").files["/etc/nginx/tls/server.crt"].text or ""
RSA = captured("web-include").files["/etc/nginx/tls/server-rsa.crt"].text or ""

# "Requested Signature Algorithms" of nginx on web-new and web-old, as openssl s_client 3.5.7 printed them over TLS 1.3
PRINTED = {
    "OpenSSL 3.5.7": "mldsa65:mldsa87:mldsa44:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:ecdsa_brainpoolP256r1tls13_sha256:"
    "ecdsa_brainpoolP384r1tls13_sha384:ecdsa_brainpoolP512r1tls13_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512",
    "OpenSSL 3.0.22": "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512:ECDSA+SHA224:RSA+SHA224",
}


def host(text: str, like: str = "web-new") -> Snapshot:
    files = {"/etc/nginx/nginx.conf": f"events {{}}\n{text}\n", "/tls/c.crt": EC, "/tls/old.pem": EC, "/tls/both.pem": EC + RSA}
    return written(files, like)


def server(directives: str, like: str = "web-new") -> Endpoint:
    return NGINX.read(host(f"http {{ server {{ listen 443 ssl; {directives} }} }}", like))[0]


def words(endpoint: Endpoint, aspect: str) -> tuple[str, ...]:
    return endpoint.settings[aspect].values


@pytest.mark.parametrize("label", PRINTED)
def test_the_default_schemes_are_those_of_a_real_certificate_request(label: str) -> None:
    found = default_schemes(library(label), ("TLSv1.3",)) or ()
    assert [one for one in schemes(PRINTED[label]) if "sha224" not in one] == list(found)


def test_a_server_that_asks_nobody_says_so_and_is_asked_nothing_more() -> None:
    found = server("ssl_certificate /tls/c.crt;")
    assert words(found, "client_authentication") == ("verify=off",)
    assert not {"client_trust", "client_signature"} & set(found.settings)


def test_both_bundles_decide_and_their_keys_are_told_with_file_and_line() -> None:
    found = server("ssl_verify_client on;\nssl_verify_depth 3; ssl_client_certificate /tls/old.pem; ssl_trusted_certificate /tls/both.pem;")
    assert words(found, "client_authentication") == ("verify=required", "depth=3")
    assert words(found, "client_trust") == ("ECDSA-P256", "RSA-2048")
    assert str(found.settings["client_trust"].origin) == "/etc/nginx/nginx.conf:3"
    assert words(found, "client_signature")[0] == "mldsa65"


def test_an_old_library_takes_no_mldsa_from_clients_and_a_command_has_the_last_word() -> None:
    asks = "ssl_verify_client on; ssl_client_certificate /tls/old.pem;"
    assert not [name for name in words(server(asks, "web-old"), "client_signature") if name.startswith("mldsa")]
    narrowed = server(f"{asks} ssl_conf_command ClientSignatureAlgorithms ?mldsa65:ECDSA+SHA256;")
    assert words(narrowed, "client_signature") == ("mldsa65", "ecdsa_secp256r1_sha256")


def test_of_two_names_the_one_that_asks_for_least_counts() -> None:
    text = "http { ssl_client_certificate /tls/old.pem; server { listen 443 ssl; server_name a; ssl_verify_client on; } server { listen 443 ssl; server_name b; ssl_verify_client optional; } }"
    (found,) = NGINX.read(host(text))
    assert words(found, "client_authentication")[0] == "verify=optional"
    assert "server a has ssl_verify_client of its own: required" in found.notes
    assert NGINX.askings and [(one.names, one.required) for one in NGINX.askings(host(text))] == [(("a",), True), (("b",), False)]


def test_a_list_of_revocations_wants_one_of_every_authority() -> None:
    text = "http { server { listen 443 ssl; ssl_verify_client on; ssl_client_certificate /tls/old.pem; ssl_crl /tls/crl.pem; } }"
    assert NGINX.askings and "ssl_crl at /etc/nginx/nginx.conf:2 wants a list of every authority" in NGINX.askings(host(text))[0].fixed


LEG = (
    "http { upstream back { server a.lab:8443; server b.lab:9443 backup; }\n"
    "proxy_ssl_certificate /tls/c.crt; proxy_ssl_certificate_key /tls/c.key;\n"
    "server { listen 80; proxy_ssl_server_name on; location / { proxy_pass https://back; } location /x { if ($a) { proxy_pass https://x.lab/y; } }\n"
    "location /v { proxy_pass https://$host; } location /p { proxy_pass http://plain; } location /g { grpc_pass grpcs://g.lab:50051; grpc_ssl_certificate /tls/old.pem; grpc_ssl_certificate_key /tls/old.pem; } } }"
)


def test_legs_are_endpoints_of_their_own_with_whom_they_go_to_and_what_they_show() -> None:
    assert NGINX.showings
    found = {one.endpoint: one for one in NGINX.showings(host(LEG))}
    assert set(found) == {"nginx → back", "nginx → x.lab", "nginx → $host", "nginx → g.lab:50051"}
    assert found["nginx → back"].peers == (("a.lab", 8443), ("b.lab", 9443)) and found["nginx → back"].name == "back"
    assert (found["nginx → x.lab"].peers, found["nginx → $host"].peers) == ((("x.lab", 443),), ())
    assert (found["nginx → g.lab:50051"].binding.form, found["nginx → g.lab:50051"].name) == ("one file", "")
    legs = {one.id: one for one in NGINX.read(host(LEG))}
    leg = legs["nginx → back"]
    assert (leg.role, leg.addresses, words(leg, "client_certificate")) == ("client", (), ("ECDSA-P256",))
    assert str(leg.settings["client_certificate"].origin) == "/etc/nginx/nginx.conf:3"
    assert leg.notes == ("whom it shows its certificate to is not verified: proxy_ssl_verify is off",)


def test_stream_shows_one_where_proxy_ssl_is_on() -> None:
    text = "stream { server { listen 1; proxy_ssl on; proxy_pass db.lab:5432; proxy_ssl_certificate /tls/c.crt; proxy_ssl_certificate_key /tls/c.key; } }"
    assert NGINX.showings and [(one.endpoint, one.peers) for one in NGINX.showings(host(text))] == [("nginx → db.lab:5432", (("db.lab", 5432),))]
    assert not NGINX.showings(host(text.replace("proxy_ssl on;", "")))


def test_a_reference_of_a_client_is_switched_where_it_stands() -> None:
    assert NGINX.showings and NGINX.rebind
    snapshot = host(LEG)
    origin = NGINX.showings(snapshot)[0].binding.origin
    (change,) = NGINX.rebind(snapshot, {origin: (Pair("/tls/new.crt", "/tls/new.key"),)})
    text = snapshot.files["/etc/nginx/nginx.conf"].text or ""
    assert lines.apply(text, change.edits) == text.replace("/tls/c.", "/tls/new.")


def test_a_key_that_is_no_file_cannot_be_switched() -> None:
    assert NGINX.showings and NGINX.rebind
    snapshot = host(LEG.replace("/tls/c.key", "store:pkcs11:token=t"))
    binding = NGINX.showings(snapshot)[0].binding
    assert "names no file" in binding.fixed
    with pytest.raises(Inexpressible, match="names no file"):
        NGINX.rebind(snapshot, {binding.origin: (Pair("/tls/new.crt", "/tls/new.key"),)})


def test_what_decides_and_what_is_shown_is_asked_for() -> None:
    text = LEG.replace("server { listen 80;", "server { listen 443 ssl; ssl_verify_client on; ssl_client_certificate /tls/more.pem;")
    assert NGINX.missing(host(text)) == ("/tls/more.pem",)


def test_the_inventory_names_who_decides_by_a_file_and_who_shows_it() -> None:
    text = LEG.replace("server { listen 80;", "server { listen 443 ssl; ssl_verify_client on; ssl_client_certificate /tls/old.pem;")
    used = {*_bound(host(text))}
    assert {("/tls/c.crt", "nginx → back"), ("/tls/c.key", "nginx → back"), ("/tls/old.pem", "nginx *:443, for clients")} <= used
