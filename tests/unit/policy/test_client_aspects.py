"""Client certificates in the policy language: what a server takes, whom it trusts, and what a client shows, each an aspect of its own."""

from __future__ import annotations

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Finding
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of

from tests.fixtures.nginx.load import captured
from tests.unit.services.test_nginx_clients import LEG, NGINX, host

from ..conftest import TODAY
from .texts import HEAD, RULES, of, rule

POLICY = of(
    HEAD
    + RULES
    + rule(id="taken", aspect="client_signature", allow="{construction: [post-quantum]}")
    + rule(id="anchors", aspect="client_trust", allow="{construction: [post-quantum]}")
    + rule(id="shown", aspect="client_certificate", match="{protocol: tls, role: client}", allow="{construction: [post-quantum]}")
    + rule(id="asked", aspect="client_authentication", allow=None, require="{verify: [required]}")
    + "stages: [{stage: require}]\n"
)
ASKS = "http { server { listen 443 ssl; ssl_verify_client %s; ssl_client_certificate /tls/old.pem; } }"


def found(text: str) -> dict[str, Finding]:
    return judged(host(text))


def judged(snapshot):
    findings = assess(NGINX.read(snapshot), lambda e: resolve(POLICY, target_of("h", (), e), TODAY), TODAY)
    return {f.aspect: f for f in findings}


def test_classical_anchors_and_schemes_of_a_server_that_asks_are_findings_with_their_place() -> None:
    findings = found(ASKS % "optional")
    assert {aspect: f.state for aspect, f in findings.items()} == {
        "client_signature": "forbidden",
        "client_trust": "forbidden",
        "client_authentication": "forbidden",
    }
    assert findings["client_authentication"].message == "/etc/nginx/nginx.conf:2: verify is optional, not required (asked)"
    assert findings["client_trust"].actual == ("ECDSA-P256",)


def test_what_a_server_does_not_ask_is_not_judged_and_a_socket_that_lets_everybody_in_is() -> None:
    assert {aspect: f.state for aspect, f in judged(captured("web-new")).items()} == {"client_authentication": "forbidden"}


def test_of_a_client_leg_only_what_it_shows_is_judged() -> None:
    assert {aspect: f.actual for aspect, f in found(LEG).items()} == {"client_certificate": ("ECDSA-P256",)}
