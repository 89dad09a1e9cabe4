"""What the readers of all platforms share: a device as a tree of statements, and endpoints from tables of where each aspect stands.

Everything is as configured: nothing was asked of the device.  An absent line means the default of a release: what defaults/ has a source for is
documented; all else is absent, which is unknown and never a pass, and a note names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..algorithms.lookup import all_of
from ..algorithms.spelled import unchecked
from ..credentials import Certificate
from ..documents.indent import Command
from ..documents.statements import Document, Parse, Statement, commands
from ..model import Capability, Endpoint, Evidence, Origin, Protocol, Setting, Unparsable
from .defaults import default_of, documented
from .kept import Node

IKE = (("*", 500),)
EXCHANGES = frozenset({"ssh key_exchange", "ikev2 key_exchange", "esp key_exchange"})
SSH_LISTS = frozenset(f"ssh {aspect}" for aspect in ("key_exchange", "cipher", "mac", "host_key", "user_key"))
AEAD = ("gcm", "ccm", "poly1305")
# What a terminal prints around what was asked for: its prompt, and the command behind it.
_PROMPT = r"[\w.@:~/-]+(?: \([\w./-]+\))? ?[#>%$]"
_SHOW = r"show (?:configuration|full-configuration|running-config|config)\b.*"
ECHO = re.compile(rf"{_PROMPT}(?: ?(?:sh|show|cli|exit|quit|terminal|configure|set cli)\b.*| ?)|\{{\w+(?::\w+)?\}}|\[edit[^\]\n]*\]|{_SHOW}")
_ECHOED = re.compile(rf"^(?:{ECHO.pattern})(?=\r?$)", re.MULTILINE)
PAGER = re.compile(r"^ *(?:--+ ?\(?more|<--- More --->|lines \d+-\d+)", re.MULTILINE | re.IGNORECASE)
Aspects = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What a source tells of releases up to one: what none of its words says, they do not have.  aspects: "protocol aspect"."""

    upto: tuple[int, ...]
    source: str
    aspects: frozenset[str]


def train(number: str) -> tuple[int, ...]:
    """1.4.0-epa3 → (1, 4, 0); () when nobody knows."""
    found = re.match(r"\d+(?:\.\d+)*", number)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def alone(text: str, document: Document, save: str) -> None:
    """Raises Unparsable (file:line) for what is neither a statement nor what a terminal prints around it."""
    if found := PAGER.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unparsable("the pager stopped here, and its prompt is in the text", f"{document.path}:{line}", save)
    for line, said in document.around:
        if not ECHO.fullmatch(said):
            raise Unparsable("a line that is no statement", f"{document.path}:{line}", save)


def without_echo(text: str) -> str:
    """A text for grammars that know no lines of their own for it; line numbers stay true."""
    return _ECHOED.sub("", text)


def whole(text: str, braces: Parse) -> tuple[Statement, ...]:
    """The statements that a device shows, between braces or as `set` commands; () for what is cut off, or holds something else."""
    try:
        document = (commands if text.lstrip().startswith("set ") else braces)(text, "")
    except Unparsable:
        return ()
    return () if document.around else document.statements


def only(statements: Iterable[Statement], said: str, path: str) -> str:
    """The one value that stands behind a path of words, "" without any.  Raises Unparsable for two."""
    words = tuple(said.split())
    size = len(words)
    return once((one.words[size] for one in statements if one.words[:size] == words and len(one.words) > size), f"`{said}`", path)


def flat(command: Command, above: tuple[str, ...] = ()) -> Iterator[Statement]:
    """A command and what belongs to it, each with its whole path."""
    words = (*above, *command.words)
    yield Statement(words, command.line, len(above))
    for one in command.body:
        yield from flat(one, words)


def once(values: Iterable[str], what: str, path: str) -> str:
    """The only one of them, "" without any.  Raises Unparsable for two: that is two devices."""
    found = list(dict.fromkeys(values))
    if len(found) > 1:
        raise Unparsable(f"a second {what} ({found[1]} beside {found[0]}): two configurations in one file", path, "keep one device in one file")
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Device:
    """product: how its words are spelled.  release: "23.4R1", "" = unknown.  whole: the command that shows defaults, too, "" without one."""

    product: str
    system: str
    release: str
    path: str
    whole: str = ""
    known: Known | None = None

    @property
    def version(self) -> str:
        return f"{self.system} {self.release or '(release unknown)'}"

    def origin(self, node: Node) -> Origin:
        return Origin(self.path, node.line)

    def setting(self, values: Iterable[str], node: Node) -> Setting:
        return Setting(tuple(dict.fromkeys(values)), self.origin(node), "configured")

    def said(self, node: Node, aspects: Aspects) -> dict[str, Setting]:
        """The aspects that stand below a node.  Of a table `dh-group {}` is the word `dh-group` whose values are spelled with it."""
        out = {}
        for aspect, spelled in aspects.items():
            words = spelled.replace(" {}", "").split()
            if (found := node.at(*words)) and (values := found.words()):
                out[aspect] = self.setting((f"{words[-1]} {value}" if "{}" in spelled else value for value in values), found)
        return out

    def filled(self, settings: Mapping[str, Setting], expected: Iterable[str], place: str) -> dict[str, Setting]:
        """With the defaults of this release in a place of its table, where no line says anything."""
        out = dict(settings)
        for aspect in expected:  # the cipher stands before the MAC, which a sealed one does not need
            need = aspect not in out and not (aspect == "mac" and "cipher" in out and sealed(out["cipher"].values))
            if need and (found := documented(self.product, self.version, self.release, place, aspect)):
                out[aspect] = found
        return out

    def endpoint(
        self,
        id_: str,
        protocol: Protocol,
        settings: Mapping[str, Setting],
        expected: Aspects,
        notes: Iterable[str] = (),
        addresses: tuple[tuple[str, int], ...] = IKE,
        certificates: tuple[Certificate, ...] = (),
        place: str = "",
    ) -> Endpoint:
        """expected: the aspects that a line should say, and which.  place: where their defaults are written down, "" = nowhere."""
        settings = self.filled(settings, expected, place)
        alone_enough = "cipher" in settings and sealed(settings["cipher"].values)
        absent = [aspect for aspect in expected if aspect not in settings and not (aspect == "mac" and alone_enough)]
        silent = [f"`{expected[aspect].replace(' {}', '')}`" for aspect in absent]
        told = [*notes]
        if silent:
            more = f"; `{self.whole}` tells it" if self.whole else ""
            why = dict.fromkeys(f"; {row.source}" for one in absent if (row := default_of(self.product, self.release, place, one)))
            told.append(f"no line says {', '.join(silent)}: what {self.version} does then is not known here{more}{''.join(why)}")
        can = {aspect: self.can(protocol, aspect) for aspect in dict.fromkeys(("key_exchange", *settings))}
        return Endpoint(
            f"{self.product} {id_}", self.product, protocol, self.product, addresses, self.version, settings, can, certificates, tuple(told)
        )

    def can(self, protocol: Protocol, aspect: str) -> Capability:
        """Quantum-safe words count from the release on that is written down; no other word is.  What nobody has checked is not written."""
        mine = train(self.release)
        known = self.known
        if not mine or not known or mine > known.upto or f"{protocol} {aspect}" not in known.aspects:
            return Capability(None, self.version, self.version)
        rows = [a for a in all_of(protocol, aspect) if self.product in a.names]
        doubtful = unchecked(self.product, (protocol, aspect))
        names = [
            name
            for a in rows
            if not a.quantum_category or train(a.since.get(self.system, "999")) <= mine
            for name in a.names[self.product]
            if not name.isdigit() and name not in doubtful
        ]
        return Capability(tuple(names), known.source, self.version, order="set" if protocol == "ssh" else "list")


def sealed(ciphers: Iterable[str]) -> bool:
    """Whether they all authenticate what they encrypt, and so need no MAC."""
    words = tuple(ciphers)
    return bool(words) and all(any(mode in word for mode in AEAD) for word in words)


def together(each: list[dict[str, Setting]]) -> dict[str, Setting]:
    """What several proposals say; an aspect on which one of them is silent is not known."""
    out = {}
    for aspect in dict.fromkeys(aspect for one in each for aspect in one):
        said = [one[aspect] for one in each if aspect in one]
        silent = [one for one in each if aspect not in one and not (aspect == "mac" and "cipher" in one and sealed(one["cipher"].values))]
        if not silent:
            known: Evidence = "documented" if any(one.evidence == "documented" for one in said) else "configured"
            out[aspect] = Setting(tuple(dict.fromkeys(value for one in said for value in one.values)), said[0].origin, known)
    return out


def weakest(modes: Iterable[str]) -> str:
    """Of those who use a proposal the least: what is only sometimes required is not required."""
    found = set(modes)
    return next((mode for mode in ("off", "enabled", "required") if mode in found), "off")


def port(values: Iterable[str], default: int) -> int:
    return next((int(value) for value in values if value.isdigit()), default)
