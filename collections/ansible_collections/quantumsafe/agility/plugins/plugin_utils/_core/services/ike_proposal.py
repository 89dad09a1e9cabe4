"""A proposal of IPsec, whichever daemon wrote it: words by what they are, and the exchanges that can come out of one.

What is agreed on is one word of each kind, so each combination is an exchange of its own, the first one first.  Words are spelled as the daemon
spells them; what both ends of a tunnel are compared by (`told`) is spelled as strongSwan does, whoever wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Literal

from ..algorithms.lookup import find, spelling

Kind = Literal["cipher", "mac", "prf", "key_exchange"]
KINDS: tuple[Kind, ...] = ("key_exchange", "cipher", "mac", "prf")
NONE = "none"


@dataclass(frozen=True, slots=True)
class Proposal:
    """form: how its daemon writes an additional exchange.  additional: number of the round → those of it, NONE among them where it is optional.
    strange: words that the catalogue does not know.  default: it stands for what the daemon takes by itself."""

    form: str
    key_exchange: tuple[str, ...] = ()
    cipher: tuple[str, ...] = ()
    mac: tuple[str, ...] = ()
    prf: tuple[str, ...] = ()
    additional: tuple[tuple[int, tuple[str, ...]], ...] = ()
    strange: tuple[str, ...] = ()
    default: bool = False

    def of(self, kind: Kind) -> tuple[str, ...]:
        return {"cipher": self.cipher, "mac": self.mac, "prf": self.prf, "key_exchange": self.key_exchange}[kind]

    def having(self, kind: Kind, *names: str) -> Proposal:
        """With these behind those that are there."""
        now = (*self.of(kind), *names)
        if kind == "key_exchange":
            return replace(self, key_exchange=now)
        if kind == "cipher":
            return replace(self, cipher=now)
        return replace(self, mac=now) if kind == "mac" else replace(self, prf=now)

    def over(self, groups: tuple[str, ...]) -> Proposal:
        """With these, where it says no group of its own."""
        return self if self.key_exchange else self.having("key_exchange", *groups)

    @property
    def exchanges(self) -> tuple[str, ...]:
        """Every combination, as the catalogue writes it ("x25519-ke1_mlkem768")."""
        bases = tuple(name for name in self.key_exchange if name != NONE)
        rounds = [[(number, name) for name in names] for number, names in self.additional]
        return tuple(
            str(base) + "".join(self.form.format(number, name) for number, name in more if name != NONE) for base, *more in product(bases, *rounds)
        )

    @property
    def told(self) -> str:
        """For who compares both ends: "key_exchange=x25519 cipher=aes256gcm16 ke1=mlkem768,none"."""
        kinds = [(str(kind), [keyword(kind, name) for name in self.of(kind)]) for kind in KINDS]
        kinds += [(f"ke{number}", [keyword("key_exchange", name) for name in names]) for number, names in self.additional]
        return " ".join(f"{kind}={','.join(names)}" for kind, names in kinds if names)

    @property
    def always(self) -> bool:
        """Whether there is an exchange of its own each time; ESP may do without."""
        return bool(self.key_exchange) and NONE not in self.key_exchange

    @property
    def optional(self) -> bool:
        """Whether a peer may leave an additional exchange out."""
        return any(NONE in names for dummy, names in self.additional)


@lru_cache(maxsize=256)
def untold(text: str) -> Proposal:
    """What `told` says of a proposal, as one of strongSwan."""
    made, rounds = Proposal("-ke{}_{}"), list[tuple[int, tuple[str, ...]]]()
    for word, dummy, names in (word.partition("=") for word in text.split()):
        kind = next((kind for kind in KINDS if kind == word), None)
        if kind:
            made = made.having(kind, *names.split(","))
        else:
            rounds.append((int(word.removeprefix("ke")), tuple(names.split(","))))
    return replace(made, additional=tuple(rounds))


@lru_cache(maxsize=512)
def keyword(kind: str, name: str) -> str:
    """What strongSwan calls the same; the name itself where it has no word for it."""
    found = find("esp" if kind == "cipher" else "ikev2", kind, name)
    return next(iter(spelling(found, "strongswan", None)), name) if found else name


def split(text: str) -> tuple[str, ...]:
    """The proposals of a setting."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))
