"""What it means when a handshake fails.  A server that refuses is an answer; everything else must not be taken for one."""

from __future__ import annotations

# kind → what it means and what to do
MEANING = {
    "refused": "the server refused the offer",
    "connection-refused": "nothing listens there",
    "timed-out": "no answer in time: a firewall, or a middlebox that drops large ClientHellos",
    "reset": "the connection was reset: a middlebox, or a server that gave up",
    "closed": "the server closed the connection without a word",
    "no-route": "no way to that address",
    "penalty": "sshd penalises this address for earlier connections (PerSourcePenalties); wait, or exempt the controller",
    "protocol": "the answer is not of this protocol",
}

# RFC 9846 §6.2: alerts with which a server says that it cannot agree
REFUSALS = {40: "handshake_failure", 70: "protocol_version", 71: "insufficient_security", 47: "illegal_parameter", 109: "missing_extension"}


def describe(error: BaseException) -> str:
    """kind and meaning of a socket error, e.g. "timed-out: no answer in time …"."""
    for kind, types in (
        ("connection-refused", ConnectionRefusedError),
        ("timed-out", TimeoutError),
        ("reset", (ConnectionResetError, BrokenPipeError)),
        ("closed", EOFError),
        ("protocol", ValueError),
    ):
        if isinstance(error, types):
            return f"{kind}: {MEANING[kind]}" + (f" ({error})" if kind == "protocol" and str(error) else "")
    return f"no-route: {MEANING['no-route']} ({error})"
