"""A policy file and everything it extends → one Policy, or every error at once with file and line.

Reading is a function that is handed in, so this stays pure.  Only this module needs YAML and the schema: workers read the compiled form.
"""

from __future__ import annotations

import difflib
import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..model import Problem
from . import yaml_lines
from .checked import mistakes
from .merge import merge
from .model import Policy
from .page import Page
from .plain import digest_of
from .sections import read as read_sections

HERE = Path(__file__).parent
BASELINES = HERE / "baselines"
SCHEMA = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
TELL = 50  # mistakes; who has more begins with these
FILES = 100  # in one policy

Read = Callable[[str], str]


class PolicyError(Problem):
    """One or more mistakes in a policy; nothing was touched."""


@lru_cache(maxsize=1)
def baselines() -> tuple[str, ...]:
    """Names of the shipped baselines, e.g. "hybrid-transition@1"."""
    return tuple(sorted(path.stem for path in BASELINES.glob("*.yml")))


def _shipped(name: str) -> str:
    """The baseline that is probably meant.  An edition is never guessed: the newest of today is another one after the next upgrade."""
    editions = [one for one in baselines() if one.partition("@")[0] == name]
    alike = editions or difflib.get_close_matches(name, baselines(), n=3)
    return f"did you mean {' or '.join(alike)}?" if alike else f"shipped baselines: {', '.join(baselines())}"


def load(path: str, read: Read) -> Policy:
    """The policy at `path`: a file, or the name of a shipped baseline.  Raises PolicyError with all mistakes that were found."""
    loader = _Loader(read, posixpath.dirname(path))
    root = loader.visit(path)
    policy = None
    if not loader.errors:
        decided = loader.decided(root)
        withs = {id_: loader.by_depth(other, decided[where]) for where in loader.below(root) for id_, other in loader.found[where].withs}
        policy = merge(loader.by_depth(root), loader.errors, withs)
    if policy is None or loader.errors:
        raise refusal(loader.errors)
    return replace(policy, digest=digest_of(policy))


def refusal(errors: list[str]) -> PolicyError:
    """All mistakes as one error, each once, the first TELL of them."""
    told = list(dict.fromkeys(errors))
    more = [f"and {len(told) - TELL} more"] if len(told) > TELL else []
    return PolicyError("\n  ".join([*told[:TELL], *more]), "", "mend the policy; no host was touched")


@dataclass(frozen=True, slots=True)
class _Part:
    """One file, where the files are that it extends, and (override, file) for those that its overrides take rules from.

    enforce: what its organisation enforces of it, and of all that it extends, although it does not bind by itself.
    """

    policy: Policy
    enforce: frozenset[str]
    extends: tuple[str, ...]
    withs: tuple[tuple[str, str], ...]


class _Loader:
    """Reads each file once.  `found` has a file after all that it names; files stay below the folder of the first one."""

    def __init__(self, read: Read, anchor: str) -> None:
        self.read, self.anchor = read, anchor
        self.errors: list[str] = []
        self.found: dict[str, _Part] = {}

    def visit(self, name: str, base: str | None = None, cited: str = "", seen: tuple[str, ...] = ()) -> str:
        """Where this file is.  base: the file that names it, "" = a baseline, None = nobody; cited: the line there.  Mistakes go to errors."""
        try:
            text, where = self._text(name, base, cited)
            if where in seen:
                raise Problem(f"a policy extends itself ({' → '.join((*seen[seen.index(where) :], where))})", cited or where, "break the circle")
            if where in self.found:
                return where
            if len(self.found) + len(seen) >= FILES:
                raise Problem(f"more than {FILES} files in one policy", cited or where, "no policy needs that")
            data, lines = yaml_lines.load(text, where)
            wrong = mistakes(SCHEMA, data, lines, where)
        except Problem as problem:
            wrong = [str(problem)]
        if wrong:
            self.errors.extend(wrong)
            return ""
        below = "" if where.startswith("baseline ") else where
        page = Page(where, lines, self.errors, beside=lambda name, cited: self._file(name, below, cited, "write its path as this file sees it")[0])
        policy = read_sections(data, page)
        extends = tuple(self.visit(p, below, page.at("extends", i), (*seen, where)) for i, p in enumerate(data.get("extends", [])))
        withs = tuple((id_, self.visit(other, below, cited, (*seen, where))) for id_, other, cited in page.withs)
        self.found[where] = _Part(policy, frozenset(page.enforce), extends, withs)
        return where

    def _text(self, name: str, base: str | None, cited: str) -> tuple[str, str]:
        """(text, where): a baseline when one has that name, else a file relative to the one that names it."""
        if name in baselines():
            return (BASELINES / f"{name}.yml").read_text(encoding="utf-8"), f"baseline {name}"
        return self._file(name, base, cited, _shipped(name))

    def _file(self, name: str, base: str | None, cited: str, hint: str) -> tuple[str, str]:
        path = name if base is None else posixpath.normpath(posixpath.join(posixpath.dirname(base), name))
        if base is not None:
            self._stay_below(name, base, path, cited)
        try:
            return self.read(path), posixpath.normpath(path)
        except UnicodeDecodeError as error:
            line = bytes(error.object)[: error.start].count(b"\n") + 1
            raise Problem(f"not UTF-8: byte {error.object[error.start]:#04x}", f"{path}:{line}", "save it as UTF-8") from error
        except (OSError, ValueError) as error:
            raise Problem(f"cannot read {path!r}: {getattr(error, 'strerror', None) or error}", cited or path, hint) from error

    def _stay_below(self, name: str, base: str, path: str, cited: str) -> None:
        """A policy repository is one folder: whoever may edit a policy may not make it read the rest of the controller."""
        anchor = posixpath.normpath(self.anchor) if self.anchor else "."
        if base == "":
            raise Problem(f"no baseline is called {name}", cited, _shipped(name))
        inside = anchor in (".", "/") or path.startswith(anchor.rstrip("/") + "/")
        if posixpath.isabs(name) or not inside or (anchor == "." and (path == ".." or path.startswith("../"))):
            raise Problem(f"{name!r} leads out of the folder of the first policy", cited, "keep what it names in that folder or below")

    def below(self, root: str) -> list[str]:
        """Every file that is extended from here, a file before what it extends."""
        reached = {root}
        for where in reversed(self.found):
            reached |= set(self.found[where].extends) if where in reached else set()
        return [where for where in reversed(self.found) if where in reached]

    def decided(self, root: str, by_whom_extends: frozenset[str] = frozenset()) -> dict[str, frozenset[str]]:
        """What is enforced of each file: what it says itself, and what those say that extend it."""
        said = {root: self.found[root].enforce | by_whom_extends}
        for where in self.below(root):
            for parent in self.found[where].extends:
                said[parent] = said.get(parent, self.found[parent].enforce) | said[where]
        return said

    def by_depth(self, root: str, enforce: frozenset[str] = frozenset()) -> list[Policy]:
        """The most own first.  A file that is extended by two is as deep as the longer way to it, so it never outweighs one that extends it."""
        depths: Mapping[str, int] = {root: 0}
        for where in self.below(root):
            depths = {**depths, **{parent: max(depths.get(parent, 0), depths[where] + 1) for parent in self.found[where].extends}}
        decided = self.decided(root, enforce)
        return [_at_depth(self.found[where].policy, depths[where], decided[where]) for where in self.below(root)]


def _at_depth(policy: Policy, depth: int, enforce: frozenset[str]) -> Policy:
    """What a resolved policy says of its layers is kept, below the depth at which it is extended."""
    rules = (replace(r, binds=r.binds or (bool(r.source.verified) and r.source.force in enforce)) for r in policy.rules)
    policy = replace(policy, rules=tuple(rules))
    deeper: dict[str, Any] = {
        name: tuple(replace(one, depth=one.depth + depth) for one in getattr(policy, name)) for name in ("rules", "stages", "overrides")
    }
    return replace(policy, **deeper)
