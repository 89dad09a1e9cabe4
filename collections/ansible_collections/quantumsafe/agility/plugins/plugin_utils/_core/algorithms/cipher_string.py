"""OpenSSL's cipher list language, worked out over the suites of one binary.

Sources: openssl-ciphers(1), "CIPHER LIST FORMAT"; SSL_CTX_set_cipher_list(3); SSL_CTX_set_security_level(3).  What they leave open was
tried on 1.1.1w, 3.0.22 and 3.5.7: tests/fixtures/ciphers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .cipher_words import DEFAULT, FIPS, LATER, MEDIUM, NOT_DEFAULT, SUITE_B, WORDS, Pattern

# To be asked of `openssl ciphers -v`: every suite that the binary has, in its own order, those without encryption last.
EVERYTHING = "ALL:COMPLEMENTOFALL"

CASE_FOLDED = (4, 0)  # SSL_CTX_set_cipher_list(3): "As of OpenSSL 4.0, str is processed case-insensitively"

# Every build has at least this security level.  Level 2, that of distributions and of 3.2, bars no more than RC4 and suites of 80 to 111 bits.
LEAST_LEVEL = 1
_LEVEL_BITS = (0, 80, 112, 128, 192, 256)

_LINE = re.compile(r"(?P<name>\S+)\s+(?P<version>\S+)\s+Kx=(?P<kx>\S+)\s+Au=(?P<au>\S+)\s+Enc=(?P<enc>\S+)\s+Mac=(?P<mac>\S+)")
_WORD = re.compile(r"[A-Za-z0-9._=-]*")
_SIZE = re.compile(r"\((\d+)\)")
_SEPARATORS = " :;,"
_SHORT_TAG = 64  # bits that a suite of CCM8 is good for, where the library says so


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite of TLS 1.2 or before.  version, kx, au, enc, mac: labels of `openssl ciphers -v` ("ECDHEPSK", "AESGCM(256)").

    bits: what @STRENGTH and the security level go by.
    """

    name: str
    version: str
    kx: str
    au: str
    enc: str
    mac: str
    bits: int

    def fits(self, pattern: Pattern) -> bool:
        """Whether it has one of the values of every category that the pattern names."""
        return all(self._traits(category) & values for category, values in pattern.items())

    def _traits(self, category: str) -> frozenset[str]:
        if category == "strength":
            weak = self.enc in MEDIUM or self.bits == _SHORT_TAG
            fips = {"FIPS"} if self.enc in FIPS and self.kx != "SRP" else set()
            return frozenset({"MEDIUM" if weak else "HIGH"} | fips) if self.bits else frozenset()
        return frozenset((getattr(self, category),))

    @property
    def secret(self) -> str:
        return "no" if self.enc == "None" else "yes"

    @property
    def anonymous(self) -> str:
        return "yes" if self.au == "None" else "no"

    @property
    def default(self) -> str:
        """ "no" = in COMPLEMENTOFDEFAULT, which leaves suites without encryption to COMPLEMENTOFALL."""
        unusual = self.enc in NOT_DEFAULT or self.au in ("None", "DSS")
        return "no" if unusual and self.secret == "yes" else "yes"

    @property
    def forward_secret(self) -> bool:
        return self.kx in ("DH", "ECDH")

    def stands_at(self, level: int) -> bool:
        """Whether this security level lets it be used: SSL_CTX_set_security_level(3), "DEFAULT CALLBACK BEHAVIOUR"."""
        if level < 1:
            return True
        sound = self.anonymous == "no" and self.mac != "MD5" and self.bits >= _LEVEL_BITS[level]
        fresh = level < 3 or self.forward_secret
        return sound and fresh and not (level >= 2 and self.enc.startswith("RC4")) and not (level >= 4 and self.mac == "SHA1")


@lru_cache(maxsize=16)  # a fleet has few libraries
def parse_suites(text: str) -> tuple[tuple[Suite, ...], tuple[str, ...]]:
    """Of what `openssl ciphers -v EVERYTHING` printed: the suites of TLS 1.2 and before, and the names of those of TLS 1.3, in its order.

    The library's own order is restored: EVERYTHING puts suites without encryption last, where they only stand behind their likes.
    """
    rows = [found.groupdict() for line in text.splitlines() if (found := _LINE.match(line.strip()))]
    old = [row for row in rows if row["version"] != "TLSv1.3"]
    ciphers = [row["enc"] for row in old]
    # Since 3.2 a tag of 8 bytes makes a suite weak.  `-v` does not print what it is worth, but the order is by strength.
    short = "AESCCM8(256)" in ciphers and "AESGCM(128)" in ciphers and ciphers.index("AESCCM8(256)") > ciphers.index("AESGCM(128)")
    suites = [Suite(**row, bits=_bits(row["enc"], short)) for row in old]
    return tuple(sorted(suites, key=_place)), tuple(row["name"] for row in rows if row["version"] == "TLSv1.3")


def _bits(cipher: str, short: bool) -> int:
    if cipher.startswith("AESCCM8") and short:
        return _SHORT_TAG
    size = _SIZE.search(cipher)
    return 112 if cipher == "3DES(168)" else int(size[1]) if size else 0


def _place(suite: Suite) -> tuple[bool, ...]:
    """(EC)DHE with an AEAD, then (EC)DHE, then other AEADs, then what TLS 1.2 brought.  Sorting is stable: inside these the order stays."""
    aead = suite.mac == "AEAD"
    return not (suite.forward_secret and aead), not suite.forward_secret, not aead, suite.version != "TLSv1.2"


@dataclass(frozen=True, slots=True)
class Expansion:
    """What an expression means.  level: its last @SECLEVEL, None without.  unknown: words that select nothing because nobody knows them.

    refused: why the library does not take the expression ("" = it does); a daemon with it does not start.
    """

    suites: tuple[Suite, ...] = ()
    level: int | None = None
    unknown: tuple[str, ...] = ()
    refused: str = ""


def expand(expression: str, suites: Sequence[Suite], version: tuple[int, ...]) -> Expansion:
    """Which suites an expression enables, in their order of preference, over those of parse_suites(); version: of the library."""
    work = _Work(list(suites), words=_vocabulary(suites, version), fold=version >= CASE_FOLDED)
    text = next((names for word, names in SUITE_B if work.key(expression).startswith(work.key(word))), expression)
    if work.key(text).startswith("DEFAULT"):
        work.run(DEFAULT)
        text = text[len("DEFAULT") :].removeprefix(":")
    work.run(text)
    enabled = tuple(suite for suite in work.order if suite.name in work.active)
    return Expansion(enabled, work.level, tuple(work.unknown), work.refused or ("" if enabled else "it enables no suite"))


def _vocabulary(suites: Sequence[Suite], version: tuple[int, ...]) -> Mapping[str, Pattern]:
    words = {word: pattern for word, pattern in WORDS.items() if version >= LATER.get(word, ())}
    words |= {suite.name: {"name": frozenset((suite.name,))} for suite in suites}
    return {word.upper(): pattern for word, pattern in words.items()} if version >= CASE_FOLDED else words


@dataclass(slots=True)
class _Work:
    """One list while it is edited: `order` holds what is enabled and what is not, because what is disabled keeps a place."""

    order: list[Suite]
    words: Mapping[str, Pattern]
    fold: bool
    active: set[str] = field(default_factory=set)
    level: int | None = None
    unknown: list[str] = field(default_factory=list)
    refused: str = ""

    def key(self, text: str) -> str:
        return text.upper() if self.fold else text

    def run(self, text: str) -> None:
        """Carry out each item.  Words stand behind one another, joined by "+", with or without a separator between items."""
        at = 0
        while at < len(text):
            if text[at] in _SEPARATORS:
                at += 1
                continue
            operator = text[at] if text[at] in "-+!@" else ""
            at, words = _words(text, at + len(operator))
            pattern = None if operator == "@" else self.pattern(words)
            if "" in words:
                self.refused = f"it is no cipher list: {text}"
            elif operator == "@":
                self.special(self.key(words[0]))
            elif pattern is not None:
                _CARRY_OUT[operator](self, [suite for suite in self.order if suite.fits(pattern)])
            if pattern is None:  # what follows a word that is not taken goes with it
                at = next((place for place in range(at, len(text)) if text[place] in _SEPARATORS), len(text))

    def pattern(self, words: Iterable[str]) -> Pattern | None:
        """All words at once; None when one is unknown, or when two contradict each other in one category."""
        joined: dict[str, frozenset[str]] = {}
        for word in words:
            known = self.words.get(self.key(word))
            if known is None:
                self.unknown += [word] if word else []
                return None
            for category, values in known.items():
                joined[category] = joined.get(category, values) & values
        return joined if all(joined.values()) else None

    def special(self, word: str) -> None:
        if word == "STRENGTH":
            for bits in sorted({suite.bits for suite in self.order}, reverse=True):
                _last(self, [suite for suite in self.order if suite.bits == bits])
        elif re.fullmatch(r"SECLEVEL=[0-5]", word):
            self.level = int(word[-1])
        else:
            self.refused = f"it has no command @{word}"


def _words(text: str, at: int) -> tuple[int, list[str]]:
    """The words joined by "+" from there on, and where they end; "" for one that is missing."""
    words = []
    while True:
        found = _WORD.match(text, at)
        words.append(found[0] if found else "")
        at += len(words[-1])
        if not words[-1] or at >= len(text) or text[at] != "+":
            return at, words
        at += 1


def _add(work: _Work, selected: list[Suite]) -> None:
    """To the end of the list; what is in it stays where it is."""
    fresh = [suite for suite in selected if suite.name not in work.active]
    work.order = [*_without(work.order, fresh), *fresh]
    work.active |= {suite.name for suite in fresh}


def _last(work: _Work, selected: list[Suite]) -> None:
    """+: what is in the list moves to its end."""
    moved = [suite for suite in selected if suite.name in work.active]
    work.order = [*_without(work.order, moved), *moved]


def _out(work: _Work, selected: list[Suite]) -> None:
    """-: what goes gets the best place, should it be added again."""
    gone = [suite for suite in selected if suite.name in work.active]
    work.order = [*gone, *_without(work.order, gone)]
    work.active -= {suite.name for suite in gone}


def _never(work: _Work, selected: list[Suite]) -> None:
    """!: what goes cannot come back."""
    work.order = _without(work.order, selected)


def _without(suites: list[Suite], gone: list[Suite]) -> list[Suite]:
    names = {suite.name for suite in gone}
    return [suite for suite in suites if suite.name not in names]


_CARRY_OUT: Mapping[str, Callable[[_Work, list[Suite]], None]] = {"": _add, "+": _last, "-": _out, "!": _never}
