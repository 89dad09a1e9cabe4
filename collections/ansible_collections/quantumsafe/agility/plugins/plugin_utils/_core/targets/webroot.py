"""Answers to the challenges of an authority in a host's webroot: what is sent (agent/webroot.sh), and its answer.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import Problem
from .answer import heard
from .script import Message, _call, _id, script_of


def compose_put_tokens(id_: str, root: str, tokens: Mapping[str, str], nonce: str) -> Message:
    """id_: of these answers, not of a transaction.  tokens: name of a file → its content."""
    if not root.startswith("/") or root.strip("/.") == "" or re.search(r"[\x00-\x1f\x7f]", root):
        raise Problem(f"{root!r} is no absolute path of a folder that is served", "agility_acme_webroot", "nothing was changed")
    words = (word for pair in tokens.items() for word in pair)
    return script_of(nonce, [_call("ca_put_tokens", _id(id_), root, *words)])


def compose_drop_tokens(id_: str, nonce: str) -> Message:
    return script_of(nonce, [_call("ca_drop_tokens", _id(id_))])


def parse_tokens(output: str, nonce: str, host: str) -> None:
    """Raises NoAnswer; Problem when one could not be put or taken away."""
    for letter, dummy, content in heard(output, nonce, host):
        if letter == "W" and (failed := next((line for line in content if line.startswith("error ")), "")):
            raise Problem(failed.removeprefix("error "), host, "what was changed there was the webroot alone")
