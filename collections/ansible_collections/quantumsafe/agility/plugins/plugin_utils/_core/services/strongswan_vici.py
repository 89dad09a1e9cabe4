"""What swanctl prints: `--list-conns --raw` and `--list-sas --raw` (one event a line, nested), `--list-algs`, `--version`.

Source: vici_dumper of strongSwan: `name {key=value list=[a b] section {…}}`.  Values run to the next ` key=`, for they are not quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..model import Answer, Snapshot
from .ike_proposal import Kind, Proposal
from .strongswan_proposals import named, printed

VERSION, ALGS, CONNS, SAS = "swanctl-version", "swanctl-list-algs", "swanctl-list-conns", "swanctl-list-sas"
COMMANDS = {
    VERSION: ("swanctl", "--version"),
    ALGS: ("swanctl", "--list-algs"),
    CONNS: ("swanctl", "--list-conns", "--raw"),
    SAS: ("swanctl", "--list-sas", "--raw"),
}
_EVENT = re.compile(r"^list-(?:conn|sa) event \{(.*)\}\s*$", re.MULTILINE)
_LIST = re.compile(r"([^\s={}]+)=\[([^\]]*)\]")
_SECTION = re.compile(r"([^\s={}]+) \{")
_VALUE = re.compile(r"([^\s={}]+)=((?:(?! [^\s={}]+(?:=| \{))[^}])*)")
_ALG = re.compile(r"^ +([A-Z0-9_]+)(?:\[[\w-]+\])?$")


@dataclass(slots=True)
class Tree:
    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sections: dict[str, Tree] = field(default_factory=dict)

    def under(self, name: str) -> Mapping[str, Tree]:
        found = self.sections.get(name)
        return found.sections if found else {}


def events(answer: Answer | None) -> dict[str, list[Tree]]:
    """Name of the connection → what was said of it, once or for each of its SAs; {} when the daemon did not answer."""
    out: dict[str, list[Tree]] = {}
    for found in _EVENT.finditer(answer.out if answer and answer.ok else ""):
        tree, dummy = _tree(found[1], 0)
        for name, section in tree.sections.items():
            out.setdefault(name, []).append(section)
    return out


def _tree(text: str, at: int) -> tuple[Tree, int]:
    made = Tree()
    while at < len(text):
        if text[at] == "}":
            return made, at + 1
        if found := _LIST.match(text, at):
            made.lists[found[1]], at = tuple(found[2].split()), found.end()
        elif found := _SECTION.match(text, at):
            made.sections[found[1]], at = _tree(text, found.end())
        elif found := _VALUE.match(text, at):
            made.values[found[1]], at = found[2], found.end()
        else:
            at += 1
    return made, at


def proposals(tree: Tree, name: str) -> tuple[Proposal, ...] | None:
    """Those that the daemon has loaded; None: this version does not tell."""
    if name not in tree.sections:
        return None
    return tuple(printed(one.lists.items()) for one in tree.under(name).values())


_VERSION = re.compile(r"strongSwan (?:swanctl )?(\d[\w.]*)")


def version(snapshot: Snapshot) -> str:
    answer = snapshot.answers.get(VERSION)
    found = _VERSION.search(answer.out if answer else "")
    return found[1] if found else ""


def algorithms(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]] | None:
    """Kind ("encryption", "ke", …) → names, from the daemon itself; None when it does not answer."""
    answer = snapshot.answers.get(ALGS)
    if not answer or not answer.ok:
        return None
    out: dict[str, tuple[str, ...]] = {}
    kind = ""
    for line in answer.out.splitlines():
        if found := _ALG.match(line):
            out[kind] = (*out.get(kind, ()), found[1])
        elif line.endswith(":"):
            kind = line[:-1].strip()
    return out or None


def by_age(trees: Iterable[Tree]) -> list[Tree]:
    """SAs, the oldest first."""
    return sorted(trees, key=lambda tree: -int(tree.values.get("established") or tree.values.get("install-time") or 0))


def exchange(tree: Tree) -> str:
    """What an SA agreed on, as the catalogue writes it; "" = no exchange of its own."""
    base = tree.values.get("dh-group", "")
    more = (f"ke{n}_{named('key_exchange', name)}" for n in range(1, 8) if (name := tree.values.get(f"ake{n}", "")))
    return "-".join((named("key_exchange", base), *more)) if base else ""


def words(tree: Tree) -> tuple[tuple[str, str], ...]:
    """Its cipher, MAC and PRF, as far as it has them, in strongSwan's keywords ("aes256gcm16"); a cipher of one length is named without it."""
    said, rows = tree.values, list[tuple[str, str]]()
    if cipher := said.get("encr-alg", ""):
        sized = f"{cipher}_{said.get('encr-keysize', '')}"
        rows.append(("cipher", named("cipher", cipher) if named("cipher", sized) == sized else named("cipher", sized)))
    kinds: tuple[tuple[Kind, str], ...] = (("mac", "integ-alg"), ("prf", "prf-alg"))
    return (*rows, *((kind, named(kind, said[name])) for kind, name in kinds if said.get(name)))


def suite(tree: Tree) -> str:
    """As `swanctl --list-sas` writes it."""
    values = tree.values
    size = f"-{values['encr-keysize']}" if "encr-keysize" in values else ""
    words = [f"{values['encr-alg']}{size}" if "encr-alg" in values else ""]
    words += [values.get(name, "") for name in ("integ-alg", "prf-alg", "dh-group")]
    words += [f"KE{n}_{values[f'ake{n}']}" for n in range(1, 8) if f"ake{n}" in values]
    words += ["ESN"] if values.get("esn") else []
    words += ["PPK"] if values.get("ppk") == "yes" else []
    return "/".join(filter(None, words))
