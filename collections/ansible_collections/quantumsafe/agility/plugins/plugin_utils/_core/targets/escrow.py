"""What is sent to have new keys put into escrow, and what comes back: ciphertext.  The other side of agent/escrow.sh.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..certificates.escrow import Recipient
from .answer import heard
from .script import Words


@dataclass(frozen=True, slots=True)
class Sealed:
    """kem: what carries the outer secret; sealed: the key under both layers; base64.  error: why there is none."""

    kem: str = ""
    sealed: str = ""
    error: str = ""


def escrow_calls(id_: str, to: Mapping[int, Recipient]) -> tuple[Words, ...]:
    """To be asked behind the keys.  to: number of a key → for whom."""
    return tuple(("ca_escrow", id_, str(number), one.certificate, one.kem) for number, one in to.items())


def parse_escrow(output: str, nonce: str) -> Mapping[int, Sealed]:
    """By the number of the key.  Raises NoAnswer."""
    out = {}
    for letter, rest, content in heard(output, nonce):
        if letter == "Q":
            words = {key: value for key, dummy, value in (line.partition(" ") for line in content)}
            whole = words.get("kem") and words.get("sealed")
            out[int(rest)] = Sealed(words["kem"], words["sealed"]) if whole else Sealed(error=words.get("error") or "the host said nothing of it")
    return out
