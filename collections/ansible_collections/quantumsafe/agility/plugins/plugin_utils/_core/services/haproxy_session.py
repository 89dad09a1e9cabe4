"""How sessions of a HAProxy bind are resumed, as facts: early_data, psk_ke, ticket_key_age, reload.

reload=keeps: sessions of before can still be resumed after a reload, which is a new process with a new cache and new keys for tickets unless
tls-ticket-keys names a file of them (tried on 3.0.11 with TLS 1.2 and 1.3).  psk_ke: HAProxy never sets SSL_OP_ALLOW_NO_DHE_KEX.
Sources: configuration manual, 5.1 "allow-0rtt", "no-tls-tickets", "tls-ticket-keys"; management guide, 4 "Stopping and restarting".
"""

from __future__ import annotations

from ..model import Origin, Setting
from .haproxy_binds import Bind
from .haproxy_lists import Entry


def session(bind: Bind, entries: tuple[Entry, ...], default: Origin) -> Setting:
    early = bind.own("allow-0rtt")
    listed = next((entry for entry in entries if entry.option("allow-0rtt") is not None), None)
    off = bind.own("no-tls-tickets", "tls-tickets") or bind.default("no-tls-tickets", "tls-tickets")
    off = off if off and off.name == "no-tls-tickets" else None
    keys = None if off else bind.own("tls-ticket-keys")
    facts = [f"early_data={'allowed' if early or listed else 'never'}", "psk_ke=never"]
    if off:
        facts.append("ticket_key_age=0d")  # no tickets, no key of theirs
    facts.append(f"reload={'keeps' if keys else 'clears'}")
    origins = [early and early.line.origin, listed and listed.origin, off and off.line.origin, keys and keys.line.origin]
    return Setting(tuple(facts), next((origin for origin in origins if origin), default))
