"""How sessions of an nginx socket are resumed, as facts: early_data, psk_ke, ticket_key_age, reload.

reload=keeps: sessions of before can still be resumed after a reload, because the key of their tickets or the cache outlives it.  Tried on 1.26.3
with TLS 1.2 and 1.3: ssl_session_ticket_key and ssl_session_cache shared keep them (the latter without tickets, too); nothing else does.

Sources: ngx_http_ssl_module (ssl_early_data, ssl_session_tickets), SSL_CTX_set_options(3): SSL_OP_ALLOW_NO_DHE_KEX is off unless it is asked
for, SSL_CONF_cmd(3): Options AllowNoDHEKEX.  A fact that the configuration does not tell is left out, so it stays unknown.
"""

from __future__ import annotations

from ..model import Origin, Setting
from .nginx_config import Node
from .nginx_sockets import Server, Socket


def session(socket: Socket, default: Origin) -> Setting:
    """The worst over the servers of the socket: a peer may ask for any of their names."""
    early = [node for server in socket.servers for node in server.governing("ssl_early_data")[-1:] if node.args == ("on",)]
    lax = [node for server in socket.servers if (node := _without_exchange(server))]
    facts = [f"early_data={'allowed' if early else 'never'}", f"psk_ke={'allowed' if lax else 'never'}"]
    tickets = [server.governing("ssl_session_tickets")[-1:] for server in socket.servers]
    off = [node for found in tickets for node in found if node.args == ("off",)]
    if len(off) == len(socket.servers):
        facts.append("ticket_key_age=0d")  # no tickets, no key of theirs
    kept = [node for server in socket.servers if (node := _outliving(server))]
    facts.append(f"reload={'keeps' if kept else 'clears'}")
    origin = next((node.origin for node in (*early, *lax, *off, *kept)), default)
    return Setting(tuple(facts), origin)


def _outliving(server: Server) -> Node | None:
    """What makes sessions outlive a reload."""
    caches = server.governing("ssl_session_cache")[-1:]
    keys = server.governing("ssl_session_ticket_key") if not _off(server) else ()
    return next((node for node in (*keys, *caches) if node in keys or any(word.startswith("shared:") for word in node.args)), None)


def _off(server: Server) -> bool:
    return [node.args for node in server.governing("ssl_session_tickets")[-1:]] == [("off",)]


def _without_exchange(server: Server) -> Node | None:
    command = server.command("options")
    words = [word.strip().lower() for word in command.args[-1].split(",")] if command else []
    return command if command and ("allownodhekex" in words or "+allownodhekex" in words) else None
