"""What a back end makes of an order: a tuple, a list, or a set.  Where the peer decides, what is preferred is only offered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.explain import explain, lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from ..conftest import TODAY, captured, requirements, with_files
from .texts import HEAD, of

PREFER = of(HEAD + "extends: [hybrid-transition@1]\nstages: [{stage: prefer}]\n")
SITE = "/etc/nginx/sites-enabled/site"


@pytest.mark.parametrize(
    ("host", "service", "aspect", "order"),
    [
        ("web-new", "openssh", "key_exchange", "set"),
        ("web-new", "openssh", "cipher", "set"),
        ("web-new", "nginx", "key_exchange", "tuple"),
        ("web-old", "nginx", "key_exchange", "list"),
        ("web-new", "nginx", "cipher", "list"),
        ("web-new", "nginx", "version", "set"),
    ],
)
def test_the_back_end_says_what_the_daemon_makes_of_an_order(host: str, service: str, aspect: str, order: str) -> None:
    for endpoint in SERVICES[service].read(captured(host)):
        assert endpoint.capabilities[aspect].order == order


def test_ciphers_are_a_set_unless_every_server_of_the_socket_prefers_its_own() -> None:
    seen = captured("web-new")
    text = (seen.files[SITE].text or "").replace("ssl_prefer_server_ciphers on", "ssl_prefer_server_ciphers off")
    (endpoint,) = SERVICES["nginx"].read(with_files(seen, **{SITE: text}))
    assert endpoint.capabilities["cipher"].order == "set"


def planned(host: str, service: str) -> list[str]:
    snapshot, mine = captured(host), {service: SERVICES[service]}
    found = mine[service].read(snapshot)
    plan = make_plan(snapshot, mine, found, {e.id: requirements(PREFER, e.protocol) for e in found}, "d", TODAY, lambda: None)
    return [reason for reason in plan.reasons if "key_exchange" in reason]


def test_a_plan_says_what_becomes_of_the_order_that_it_writes() -> None:
    (offered,), (decided,) = planned("web-new", "openssh"), planned("web-new", "nginx")
    assert "(kex-ssh, prefer: offered, for the peer's order decides)" in offered
    assert "(kex-tls, prefer)" in decided


def test_what_is_preferred_is_reported_as_offered_where_the_peer_decides_and_only_there() -> None:
    found = {}
    for host, service in (("web-new", "openssh"), ("web-new", "nginx")):
        for e in SERVICES[service].read(captured(host)):
            good = {**e.settings, "key_exchange": replace(e.settings["key_exchange"], values=ALL[service], tiers=tuple(range(len(ALL[service]))))}
            (f,) = [f for f in assess((replace(e, settings=good),), lambda e: requirements(PREFER, e.protocol), TODAY) if f.aspect == "key_exchange"]
            found[service] = f
    assert {f.state for f in found.values()} == {"compliant"}
    assert (found["openssh"].evidence, found["nginx"].evidence) == ("offered", "effective")
    assert found["openssh"].message.startswith("offered; the peer's order decides")


ALL = {"openssh": ("mlkem768x25519-sha256", "curve25519-sha256"), "nginx": ("X25519MLKEM768", "X25519")}


def test_explain_says_what_the_order_becomes_here() -> None:
    (endpoint,) = SERVICES["openssh"].read(captured("web-new"))
    said = explain(PREFER, Target("web-new", (), "ssh", "server", "openssh"), TODAY, endpoint)
    assert said["key_exchange"]["order_here"] == "set"
    assert "    order: a set here, for the peer's order decides" in lines(said, "t")


def test_nothing_is_said_of_an_order_that_nobody_asked_about() -> None:
    assert Capability(None, "told").order == ""
