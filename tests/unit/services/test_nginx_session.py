"""services/nginx_session.py: what the configuration tells of resumed sessions, and what it does not."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.nginx.load import captured, one

SERVER = "server { listen 443 ssl; ssl_certificate /c; ssl_certificate_key /k; %s }"


def facts(*servers: str) -> set[str]:
    (endpoint,) = SERVICES["nginx"].read(one("\n".join(SERVER % text for text in servers)))
    return set(endpoint.settings["session"].values)


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        (("",), {"early_data=never", "psk_ke=never", "reload=clears"}),
        (("ssl_session_tickets off;",), {"early_data=never", "psk_ke=never", "ticket_key_age=0d", "reload=clears"}),
        (("ssl_session_tickets off;", ""), {"early_data=never", "psk_ke=never", "reload=clears"}),
        (("", "ssl_early_data on;"), {"early_data=allowed", "psk_ke=never", "reload=clears"}),
        (("ssl_conf_command Options PrioritizeChaCha,AllowNoDHEKEX;",), {"early_data=never", "psk_ke=allowed", "reload=clears"}),
        (("ssl_conf_command Options -AllowNoDHEKEX;",), {"early_data=never", "psk_ke=never", "reload=clears"}),
    ],
)
def test_the_worst_server_of_a_socket_counts_and_the_age_of_a_ticket_key_is_not_guessed(servers: tuple[str, ...], expected: set[str]) -> None:
    assert facts(*servers) == expected


@pytest.mark.parametrize(
    ("text", "reload"),
    [
        ("ssl_session_cache builtin;", "clears"),
        ("ssl_session_cache shared:S:1m;", "keeps"),
        ("ssl_session_cache shared:S:1m; ssl_session_tickets off;", "keeps"),
        ("ssl_session_ticket_key /etc/nginx/tls/ticket.key;", "keeps"),
        ("ssl_session_ticket_key /etc/nginx/tls/ticket.key; ssl_session_tickets off;", "clears"),
    ],
)
def test_it_is_recorded_whether_a_reload_ends_old_sessions(text: str, reload: str) -> None:
    assert f"reload={reload}" in facts(text)


def test_a_captured_host_says_where_it_is_written() -> None:
    (endpoint,) = SERVICES["nginx"].read(captured("web-new"))
    assert str(endpoint.settings["session"].origin).startswith("/etc/nginx/sites-enabled/site:")
