"""Configurations of Junos and VyOS: statements, each a whole path of words, kept in files as `set` commands and shown as those or between braces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

_WORD = re.compile(r"""'[^']*'|"[^"]*"|[^\s'"]+""")
Tree = dict[str, Any]


def words(command: str) -> list[str]:
    return [one[1:-1] if one[0] in "'\"" else one for one in _WORD.findall(command)]


class Statements:
    """A platform says: top, the words that a statement may begin with; lists, where words are checked: those that it takes, and those that its SSH
    server does without a line; single: patterns of statements of which there is one; presence: what stays when all below it is gone; keyed: words that
    stand with their name before a brace; leaves: words before a value."""

    top: tuple[str, ...]
    lists: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    single: tuple[str, ...]
    presence: tuple[str, ...]
    keyed: tuple[str, ...]
    leaves: tuple[str, ...]
    sshd: dict[str, str]

    def __init__(self, text: str) -> None:
        self.said = [tuple(words(line)[1:]) for line in text.splitlines() if line.startswith("set ")]

    @staticmethod
    def quoted(word: str, last: bool) -> str:
        raise NotImplementedError

    @property
    def text(self) -> str:
        return "".join(f"set {self.line(one)}\n" for one in self.said)

    def line(self, one: tuple[str, ...]) -> str:
        return " ".join(self.quoted(word, at == len(one) - 1) for at, word in enumerate(one))

    def values(self, path: str) -> tuple[str, ...]:
        above = tuple(path.split())
        return tuple(one[len(above)] for one in self.said if one[: len(above)] == above and len(one) == len(above) + 1)

    def value(self, path: str) -> str:
        return next(iter(self.values(path)), "")

    def algorithms(self, word: str) -> tuple[str, ...]:
        """What the SSH server does."""
        path = self.sshd[word]
        return self.values(path) or self.lists[path][1]

    # ------------------------------------------------------------ commands

    def takes(self, one: tuple[str, ...]) -> bool:
        path = " ".join(one[:-1])
        return bool(one) and one[0] in self.top and (path not in self.lists or one[-1] in self.lists[path][0]) and " ".join(one) not in self.lists

    def set(self, one: tuple[str, ...]) -> None:
        if any(old[: len(one)] == one for old in self.said):
            return
        alone = any(fnmatchcase(" ".join(one[:-1]), pattern) for pattern in self.single)
        gone = [old for old in self.said if one[: len(old)] == old or (alone and old[:-1] == one[:-1])]
        at = min((self.said.index(old) for old in gone), default=len(self.said))
        self.said = [old for old in self.said if old not in gone]
        near = [place for place, old in enumerate(self.said, 1) if old[:-1] == one[:-1]]  # a list stays together
        self.said.insert(near[-1] if near else at, one)

    def delete(self, one: tuple[str, ...]) -> bool:
        """Whether there was anything."""
        left = [old for old in self.said if old[: len(one)] != one]
        found = len(left) != len(self.said)
        at = next((place for place, old in enumerate(self.said) if old[: len(one)] == one), 0)
        self.said = left
        above = one[:-1]
        if found and " ".join(above) in self.presence and not any(old[: len(above)] == above for old in left):
            self.said.insert(at, above)
        return found

    def diff(self, new: Statements) -> list[tuple[str, tuple[str, ...]]]:
        """("-" or "+", statement), also where only the order is another."""
        same = [one for one in self.said if one in new.said]
        if same != [one for one in new.said if one in self.said]:
            lists = {one[:-1] for one in same}
            moved = {above for above in lists if self._of(above) != new._of(above)}
            same = [one for one in same if one[:-1] not in moved]
        return [("-", one) for one in self.said if one not in same] + [("+", one) for one in new.said if one not in same]

    def _of(self, above: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [one for one in self.said if one[:-1] == above]

    # ------------------------------------------------------------ between braces

    def braces(self) -> str:
        tree: Tree = {}
        for one in self.said:
            here = tree
            for word in one:
                here = here.setdefault(word, {})
        return "".join(f"{line}\n" for line in self._block(tree, ""))

    def _block(self, tree: Tree, indent: str) -> Iterator[str]:
        for word, below in tree.items():
            if below and word in self.leaves and not any(below.values()):
                yield from (f"{indent}{line}" for line in self.leaf(word, list(below)))
            elif below and word in self.keyed:
                for name, inner in below.items():
                    yield from self._named(f"{word} {self.quoted(name, False)}", inner, indent)
            else:
                yield from self._named(word, below, indent)

    def _named(self, name: str, below: Tree, indent: str) -> Iterator[str]:
        if below:
            yield f"{indent}{name} {{"
            yield from self._block(below, f"{indent}    ")
            yield f"{indent}}}"
        else:
            yield from (f"{indent}{line}" for line in self.leaf(name, []))

    def leaf(self, name: str, values: list[str]) -> Iterable[str]:
        """The lines of a statement with its values."""
        raise NotImplementedError


def grouped(diff: list[tuple[str, tuple[str, ...]]]) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """By what it stands below."""
    out: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for sign, one in diff:
        above = one[:-2] if len(one) > 2 else ()
        out.setdefault(above, []).append((sign, " ".join(one[len(above) :])))
    return out
