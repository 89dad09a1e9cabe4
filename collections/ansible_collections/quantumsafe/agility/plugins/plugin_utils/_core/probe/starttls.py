"""What is spoken before a TLS handshake where a protocol begins without: a row for each, named as `openssl s_client -starttls` does.

PostgreSQL: "SSL Session Encryption" and "Message Formats" (SSLRequest); one byte answers, and an error is a message that begins with E.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .failure import Said
from .link import Link

MOST = 4096  # bytes of one answer


@dataclass(frozen=True, slots=True)
class Step:
    """Send this, read until the answer is whole; what does not match `good` then is a server that speaks no TLS there."""

    send: bytes
    whole: re.Pattern[bytes]
    good: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Prelude:
    """look: where the server says why it did not take new settings up."""

    steps: tuple[Step, ...]
    look: str = ""


PRELUDES: Mapping[str, Prelude] = {
    "postgres": Prelude(
        (Step(bytes.fromhex("00000008 04d2162f"), re.compile(rb"[^E]|E.{5,}", re.DOTALL), re.compile(rb"S")),),
        "when a reload finds bad TLS settings PostgreSQL keeps those of before: see its log for `SSL configuration was not reloaded`",
    ),
}


def begin(link: Link, name: str) -> None:
    """Raises Said when the server does not go on to TLS, and what the link raises."""
    for step in PRELUDES[name].steps if name else ():
        link.send(step.send)
        answer = b""
        while not step.whole.fullmatch(answer):
            if len(answer) >= MOST:
                raise ValueError("an endless answer")
            answer += link.read(1)  # no byte more: behind it begins what is not ours
        if not step.good.fullmatch(answer):
            raise Said("no-tls", answer.decode("ascii", "replace").strip())
