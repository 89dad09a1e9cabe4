"""What it means when a handshake fails.  A server that refuses is an answer; everything else must not be taken for one."""

from __future__ import annotations

import socket
import struct

# kind → what it means and what to do
MEANING = {
    "refused": "the server refused the offer",
    "alert": "the server ended the handshake, but not because of the offer",
    "connection-refused": "nothing listens there, or a firewall rejects it",
    "timed-out": "no answer in time: a firewall, a server that stalls, or a middlebox that drops large ClientHellos",
    "reset": "the connection was reset: a middlebox, or a server that gave up",
    "closed": "the server closed the connection without a word",
    "no-name": "the name has no address here: correct it, or set agility_probe_address",
    "no-route": "no way to that address",
    "penalty": "sshd penalises this address for earlier connections (PerSourcePenalties); wait ten minutes, or exempt the controller",
    "busy": "sshd has too many logins pending (MaxStartups); try again",
    "no-tls": "the server speaks its protocol there, but no TLS: it is off, or its settings were not taken up",
    "protocol": "the answer is not of this protocol",
}

# RFC 9846 §6.2: the alerts with which a server says that it cannot agree.  All others say something else, above all that our hello was wrong.
REFUSALS = (40, 70, 71)
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    40: "handshake_failure",
    42: "bad_certificate",
    47: "illegal_parameter",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    90: "user_canceled",
    109: "missing_extension",
    112: "unrecognized_name: it knows no such server name, ask with another one",
    120: "no_application_protocol",
}


class Alert(Exception):
    """The server ended the handshake, in TLS."""

    def __init__(self, code: int) -> None:
        super().__init__(ALERTS.get(code, f"alert {code}"))
        self.refusal = code in REFUSALS


class Said(Exception):
    """The server ended it, in its own protocol, and said why.  kind: of MEANING, or "" for another reason."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


# what a probe catches: everything that a server or the network can do to it
FAILURES = (OSError, EOFError, ValueError, struct.error, IndexError, Alert, Said)


def describe(error: BaseException) -> str:
    """kind and meaning of a failure, e.g. "timed-out: no answer in time …"."""
    kind = _kind(error)
    words = str(error) if kind in ("refused", "alert", "penalty", "busy", "no-name", "no-route", "no-tls", "protocol") else ""
    return f"{kind}: {MEANING[kind]}" + (f" ({words})" if words else "")


def _kind(error: BaseException) -> str:
    if isinstance(error, Alert):
        return "refused" if error.refusal else "alert"
    if isinstance(error, Said):
        return error.kind
    for kind, types in (
        ("connection-refused", ConnectionRefusedError),
        ("timed-out", TimeoutError),
        ("reset", (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)),
        ("closed", EOFError),
        ("no-name", socket.gaierror),
        ("no-route", OSError),
    ):
        if isinstance(error, types):
            return kind
    return "protocol"
