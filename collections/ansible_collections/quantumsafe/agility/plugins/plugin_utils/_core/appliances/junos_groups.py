"""Configuration groups of Junos: what `apply-groups` takes over, for statements that are kept.

What stands at the place itself outweighs a group, the first group outweighs the next; lists add up.  `<*>` in a group stands for names that are
there.  A group that applies under a condition (`when`) counts: what is allowed sometimes is allowed.  `groups junos-defaults` is on the device alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..documents.statements import Document, Statement
from .kept import cut, patterns

Words = tuple[str, ...]


def inherited(document: Document, listed: tuple[str, ...]) -> tuple[Statement, ...]:
    """The statements without those of groups, and behind them what groups bring to them."""
    own = [one for one in document.statements if one.words[0] != "groups"]
    applied = [(one.words[:at], one.words[at + 1]) for one in own if (at := _place(one.words, "apply-groups")) >= 0]
    if not applied:
        return tuple(own)
    groups: dict[str, list[Statement]] = {}
    for one in document.statements:
        if one.words[0] == "groups" and one.words[2:]:
            groups.setdefault(one.words[1], []).append(Statement(one.words[2:], one.line))
    spared = {(one.words[:at], one.words[at + 1]) for one in own if (at := _place(one.words, "apply-groups-except")) >= 0}
    wanted = patterns(listed)
    taken = {kept[0][:-1] for one in own if (kept := cut(one.words, wanted)) and kept[1]}
    found = list(own)
    for place, name in sorted(applied, key=lambda pair: -len(pair[0])):
        for one in groups.get(name, ()):
            for words in _concrete(one.words, place, own):
                kept = cut(words, wanted)
                if not kept or kept[0][:-1] in taken or any(words[: len(at)] == at for at, other in spared if other == name):
                    continue
                if kept[1]:
                    taken.add(kept[0][:-1])
                found.append(Statement(words, one.line))
    return tuple(found)


def _place(words: Words, word: str) -> int:
    return len(words) - 2 if len(words) > 1 and words[-2] == word else -1


def _concrete(words: Words, place: Words, own: list[Statement]) -> Iterator[Words]:
    """The statement of a group as it stands at a place: once, or for each name that its wildcards fit."""
    if len(words) <= len(place) or not all(_fits(pattern, word) for pattern, word in zip(words, place, strict=False)):
        return
    words = (*place, *words[len(place) :])
    last = max((at for at, word in enumerate(words) if _wild(word)), default=-1)
    if last < 0:
        yield words
        return
    heads = {one.words[: last + 1] for one in own if len(one.words) > last}
    for head in sorted(heads):
        if all(_fits(pattern, word) for pattern, word in zip(words, head, strict=False)):
            yield (*head, *words[last + 1 :])


def _wild(word: str) -> bool:
    return word[:1] == "<" and word[-1:] == ">"


def _fits(pattern: str, word: str) -> bool:
    return fnmatchcase(word, pattern[1:-1]) if _wild(pattern) else pattern == word
