"""The agent's texts, and of them what some calls need: a script carries no more.  Pure but for reading its own files once.

A paragraph of agent/*.sh is one function, or a few lines that belong together; it is needed when something that is needed mentions what it
defines.  Comments stay here.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

AGENT = Path(__file__).parent / "agent"
COLLECT = (AGENT / "collect.sh").read_text(encoding="utf-8")
TRANSACTION = COLLECT + "".join(
    (AGENT / f"{name}.sh").read_text(encoding="utf-8")
    for name in (
        *("journal", "report", "many", "swap", "units", "services", "triggers", "transaction", "ending", "history", "retired"),
        *("keys", "tokens", "escrow", "webroot", "anchors", "clients", "hostkeys", "sealed", "psk", "tunnels", "ppk", "packets"),
    )
)
_NAME, _FUNCTION, _VARIABLE = re.compile(r"ca_\w+"), re.compile(r"(ca_\w+)\(\)"), re.compile(r"^(ca_\w+)=", re.MULTILINE)


def _paragraphs() -> tuple[str, ...]:
    lines = "\n".join(line for line in TRANSACTION.split("\n") if not line.lstrip().startswith("#"))
    return tuple(f"{found}\n" for paragraph in lines.split("\n\n") if (found := paragraph.strip("\n")))


_PARAGRAPHS = _paragraphs()
_NAMES = tuple(frozenset(_NAME.findall(paragraph)) for paragraph in _PARAGRAPHS)
_HOMES = {name: at for at, paragraph in enumerate(_PARAGRAPHS) for found in (_FUNCTION, _VARIABLE) for name in found.findall(paragraph)}


def needed(body: str) -> str:
    """What the calls in this text need, in the order of the files."""
    return _with(frozenset(_HOMES.keys() & _NAME.findall(body)))


@functools.cache
def _with(names: frozenset[str]) -> str:
    found: set[int] = set()
    while names:
        new = {_HOMES[name] for name in names} - found
        found |= new
        names = frozenset(name for at in new for name in _NAMES[at] if name in _HOMES)
    return "".join(_PARAGRAPHS[at] for at in sorted(found))
