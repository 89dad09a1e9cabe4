"""Whom a host trusts: what is asked (agent/anchors.sh), and its answer.  Pure."""

from __future__ import annotations

from .answer import heard
from .script import Look, Message, Words, script_of


def compose_trusts(anchor: str, folders: Words, look: Look, nonce: str) -> Message:
    """Whether the host trusts that anchor (PEM), which files of these folders its store lacks, and what else is to be seen."""
    return script_of(nonce, [look, ("ca_untaken", *folders), ("ca_trusts", anchor)])


def parse_trusts(output: str, nonce: str) -> tuple[str, ...]:
    """For each anchor that was asked for: "" = the host trusts it, else what its openssl says.  Raises NoAnswer."""
    said = (rest.partition(" ") for letter, rest, dummy in heard(output, nonce) if letter == "V")
    return tuple("" if word == "yes" else words.strip() or "it is not trusted" for word, dummy, words in said)


def parse_untaken(output: str, nonce: str) -> tuple[str, ...]:
    """The files that the host's store lacks."""
    return tuple(rest for letter, rest, dummy in heard(output, nonce) if letter == "Y")
