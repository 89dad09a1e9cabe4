"""What a rule selects: a predicate over attributes of algorithms."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..algorithms.lookup import Algorithm

_COMPARISON = re.compile(r"(>=|<=|>|<|=)?(\d+)")
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}


@dataclass(frozen=True, slots=True)
class Select:
    """A predicate over attributes of algorithms: lists are alternatives, numbers are compared (">=128"), booleans must agree.

    parts: ("any", names) = one of these is in it; ("all", names) = it is made of nothing else.  What has no parts has itself.
    """

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    parts: tuple[str, tuple[str, ...]] | None = None

    def matches(self, algorithm: Algorithm) -> bool:
        """Whether every stated attribute holds."""
        return (
            all(_word(algorithm, key) in values for key, values in self.words.items())
            and all(_holds(getattr(algorithm, key), text) for key, text in self.numbers.items())
            and all(getattr(algorithm, key) is value for key, value in self.flags.items())
            and (self.parts is None or _composed(algorithm, *self.parts))
        )


def _composed(algorithm: Algorithm, quantifier: str, names: tuple[str, ...]) -> bool:
    made_of = {part.lower() for part in algorithm.parts or (algorithm.id,)}
    wanted = {name.lower() for name in names}
    return bool(made_of & wanted) if quantifier == "any" else made_of <= wanted


def _word(algorithm: Algorithm, key: str) -> str:
    return algorithm.id if key == "name" else str(getattr(algorithm, key))


@lru_cache(maxsize=4096)  # a policy has few comparisons, and asks each of every algorithm
def _holds(value: int, text: str) -> bool:
    match = _COMPARISON.fullmatch(text)
    if not match:
        raise ValueError(f"not a comparison: {text}")
    return bool(_COMPARE[match[1] or "="](value, int(match[2])))
