"""What is sent to an agent that is installed on the host: the same calls as in a script, but as data, which it checks.  Pure.

A line "crypto-agility NONCE DIGEST", a line a call with \\002 between its words, a line "end NONCE": what was cut off on its way does nothing.
DIGEST is that of the agent which these calls are meant for; another one refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Problem
from ..services import SERVICES
from .installed import REFUSED, REMEDY, digest
from .script import Build, Call, Look, Message, Words

BETWEEN = "\2"


def as_data(message: Message) -> str:
    """Raises Problem for what an installed agent does not do."""
    calls = [BETWEEN.join(_word(word) for word in words) for call in message.calls for words in _rows(call)]
    return "\n".join([f"crypto-agility {message.nonce} {digest()}", *calls, f"end {message.nonce}", ""])


def _rows(call: Call) -> Iterator[Words]:
    if isinstance(call, Look):
        yield _look(call)
    elif isinstance(call, Build):
        yield from _steps(call)
    elif call[0] in REFUSED:
        raise Problem(f"the installed agent {REFUSED[call[0]]}", remedy=REMEDY)
    else:
        yield call


def _look(look: Look) -> Words:
    """By name: the agent knows itself what each service asks for.  In a second look only the words to follow count."""
    whole = all(collect == SERVICES[name].collect for name, collect in look.requests.items())
    return ("ca_look", "all" if whole else "more", ",".join(look.requests) or "-", *look.extra)


def _steps(build: Build) -> Iterator[Words]:
    if build.key:
        raise Problem("the installed agent makes no keys and places none", remedy=REMEDY)
    for name, *words in build.steps:
        if name == "ca_keep":
            yield ("ca_step", str(build.number), "keep", *words)
        elif words[0] != "%s":
            raise Problem("the installed agent writes texts alone", remedy=REMEDY)
        else:
            for line in re.findall(r"[^\n]*\n|[^\n]+", words[-1]):
                yield ("ca_step", str(build.number), "line" if line.endswith("\n") else "part", f":{line.removesuffix(chr(10))}")


def _word(word: str) -> str:
    if not word or re.search(r"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]", word):
        raise Problem(f"{word!r} cannot be sent to the installed agent", remedy=REMEDY)
    return word
