"""The PPKs that the charon of a host has loaded, by name, and what its connections ask for: agent/ppk.sh.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Answer, Problem
from ..services.strongswan_vici import events
from .answer import heard
from .script import Message, script_of


@dataclass(frozen=True, slots=True)
class Loaded:
    """names: of the sections ("ppk-site-1"); id, required: of the connection."""

    names: frozenset[str]
    id: str
    required: bool


def compose_loaded(nonce: str) -> Message:
    return script_of(nonce, [("ca_ppk_loaded",)])


def parse_loaded(output: str, nonce: str, host: str, connection: str) -> Loaded:
    """Raises NoAnswer; Problem where charon has no such connection."""
    said = {letter: content for letter, dummy, content in heard(output, nonce, host)}
    found = events(Answer((), 0, "\n".join(said.get("M", ())))).get(connection)
    if not found:
        raise Problem(f"charon has not loaded the connection {connection}", host, "look at swanctl --list-conns")
    values = found[0].values
    return Loaded(frozenset(filter(None, said.get("K", ()))), values.get("ppk_id", ""), values.get("ppk_required") == "yes")
