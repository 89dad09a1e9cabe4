"""Conditional blocks of HAProxy's configuration: .if, .elif, .else, .endif.  What nobody can decide from here is None, and no guess.

Source: configuration manual, 2.4 "Conditional blocks" (2.4 and later).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..model import Unparsable

Version = tuple[int, ...]
Decision = bool | None

_CALL = re.compile(r"(\w+)\(([^()\"'\\]*)\)")
_FEATURE = re.compile(r"([+-])([A-Z0-9_]+)")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is known of the binary: its version, its library's, and its features as `haproxy -vv` lists them."""

    version: Version = ()
    library: Version = ()
    features: str = ""

    def begin(self, path: str) -> Block:
        return Block(self, path)

    def decide(self, text: str) -> Decision:
        """One term, negated or not; more than one is not decided."""
        text = text.strip()
        if text.startswith("!"):
            said = self.decide(text[1:])
            return None if said is None else not said
        if text.isdigit() or not text:
            return bool(text) and int(text) != 0
        call = _CALL.fullmatch(text)
        return self._call(call[1], [part.strip() for part in call[2].split(",")]) if call else None

    def _call(self, name: str, arguments: list[str]) -> Decision:
        first, number = arguments[0], tuple(int(part) for part in _NUMBERS.findall(arguments[0]))
        known = {sign[2]: sign[1] == "+" for sign in _FEATURE.finditer(self.features)}
        functions: dict[str, Callable[[], Decision]] = {
            "feature": lambda: known.get(first) if known else None,
            "version_atleast": lambda: _at_least(self.version, number),
            "version_before": lambda: _not(_at_least(self.version, number)),
            "openssl_version_atleast": lambda: _at_least(self.library, number),
            "openssl_version_before": lambda: _not(_at_least(self.library, number)),
            "streq": lambda: arguments[0] == arguments[-1] if "$" not in "".join(arguments) else None,
            "strneq": lambda: arguments[0] != arguments[-1] if "$" not in "".join(arguments) else None,
        }
        return functions[name]() if name in functions else None


def _at_least(mine: Version, other: Version) -> Decision:
    return mine >= other if mine and other else None


def _not(said: Decision) -> Decision:
    return None if said is None else not said


@dataclass(slots=True)
class Block:
    """Where one file stands within its blocks: for each open one what it lets through, whether a branch of it was taken, and its words."""

    conditions: Conditions
    path: str
    open: list[tuple[Decision, Decision, str]] = field(default_factory=list)

    @property
    def on(self) -> Decision:
        """Whether lines count here; False outweighs what is not known."""
        said = [now for now, dummy, words in self.open]
        return False if False in said else None if None in said else True

    @property
    def said(self) -> str:
        return next((f'"{words}"' for now, dummy, words in self.open if now is None), "")

    def directive(self, name: str, argument: str, line: int) -> None:
        """.if and its like; others (.notice, .alert, .diag, .warning) say something to people only."""
        if name == ".if":
            said = self.conditions.decide(argument)
            self.open.append((said, said, argument))
        elif name in (".elif", ".else", ".endif") and not self.open:
            raise Unparsable(f"{name} without an .if", f"{self.path}:{line}", "run `haproxy -c -f` on it")
        elif name == ".endif":
            self.open.pop()
        elif name in (".elif", ".else"):
            dummy, taken, words = self.open.pop()
            said = _not(taken) if name == ".else" else _and(_not(taken), self.conditions.decide(argument))
            self.open.append((said, _or(taken, said), argument or words))

    def end(self) -> None:
        if self.open:
            raise Unparsable(f".if {self.open[-1][2]} has no .endif", self.path, "run `haproxy -c -f` on it")


def _and(one: Decision, other: Decision) -> Decision:
    return False if False in (one, other) else None if None in (one, other) else True


def _or(one: Decision, other: Decision) -> Decision:
    return True if True in (one, other) else None if None in (one, other) else False
