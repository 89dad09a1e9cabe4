"""Client certificates as hosts themselves see them: what is asked (agent/clients.sh), and the answers.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .answer import heard
from .script import Message, Words, script_of

TITLES = ("400 The SSL certificate error", "400 No required SSL certificate was sent")  # of nginx, whose handshake succeeds all the same


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server said to a client.  asked: whether it asked for a certificate; status: of HTTP; refused: why it is not let in, "" = it is."""

    asked: bool
    status: str
    refused: str


def compose_admits(asked: Sequence[tuple[int, str, Words]], nonce: str) -> Message:
    """Whether a server lets a client in.  asked: (depth, the client's chain as PEM, files that the server trusts)."""
    return script_of(nonce, [("ca_admits", str(depth), chain, *files) for depth, chain, files in asked])


def parse_admits(output: str, nonce: str) -> tuple[str, ...]:
    """For each that was asked for: "" = it is let in, else what openssl says.  Raises NoAnswer."""
    said = (rest.partition(" ") for letter, rest, dummy in heard(output, nonce) if letter == "A")
    return tuple("" if word == "yes" else words.strip() or "it is not let in" for word, dummy, words in said)


def compose_greets(asked: Sequence[tuple[str, int, str, str, str]], nonce: str) -> Message:
    """A handshake from that host for each (host, port, name, certificate, key)."""
    calls = [("ca_greets", host, str(port), name, certificate, key) for host, port, name, certificate, key in asked]
    return script_of(nonce, calls)


def parse_greets(output: str, nonce: str) -> tuple[Greeting, ...]:
    """One for each that was asked for.  Raises NoAnswer."""
    return tuple(_greeting([line for line in content if line]) for letter, dummy, content in heard(output, nonce) if letter == "G")


def _greeting(lines: Sequence[str]) -> Greeting:
    asked = any(line.startswith("Requested Signature Algorithms") for line in lines)
    status = next((line.split()[1] for line in lines if line.startswith("HTTP/")), "")
    return Greeting(asked, status, _refusal(lines, status))


def _refusal(lines: Sequence[str], status: str) -> str:
    if alert := next((line for line in lines if " alert " in line and "number" in line), ""):
        return f"it answers with the alert {alert.rpartition(':')[2].strip()} ({_reason(alert)})"
    if title := next((title for title in TITLES if any(f"<title>{title}" in line for line in lines)), ""):
        return f"it answers {title}"
    if not any(line.startswith("CONNECTION ESTABLISHED") for line in lines):
        return f"no handshake: {lines[-1].strip() if lines else 'no answer'}"
    return "" if status else "nothing came back over HTTP, so nobody knows whether it was let in"


def _reason(alert: str) -> str:
    return next((word.strip() for word in alert.split(":") if " alert " in word and "number" not in word), "refused")
