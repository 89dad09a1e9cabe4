"""A seal: who vouches for a text that is kept beside it, by its digest.  kind: what the text is, so that none can pass for another."""

from __future__ import annotations

import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .canonical import canonical, digest
from .chain import Signature, read_signatures, spelled_signatures
from .signing import Public, signatures, wrong

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Seal:
    """digest: SHA-256 of the text.  lacking: why a signature that belongs here could not be made."""

    kind: str
    digest: str
    lacking: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def statement(self) -> bytes:
        """What is signed."""
        return canonical({"format": FORMAT, "kind": self.kind, "digest": self.digest, "lacking": self.lacking})

    @property
    def text(self) -> bytes:
        """The file.  The statement is a text in it, so that what is signed can be taken out byte for byte."""
        return canonical({"statement": self.statement.decode(), "signatures": spelled_signatures(self.signatures)}) + b"\n"


def sealed(kind: str, data: bytes, keys: Sequence[Any], lacking: tuple[str, ...]) -> Seal:
    seal = Seal(kind, digest(data), lacking)
    return replace(seal, signatures=signatures(seal, keys))


def read_seal(data: bytes) -> Seal:
    """Raises ValueError for what is no seal, or not spelled as one."""
    try:
        outer = json.loads(data)
        said = json.loads(outer["statement"])
        seal = Seal(said["kind"], said["digest"], tuple(said["lacking"]), read_signatures(outer["signatures"]))
        sound = seal.text == data
    except (KeyError, TypeError, AttributeError, RecursionError, binascii.Error, UnicodeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not sound:
        raise ValueError("it does not agree with itself")
    return seal


def unsound(kind: str, data: bytes, seal: bytes, pinned: Sequence[Public]) -> str:
    """Why this seal does not vouch for this text, "" = it does."""
    try:
        found = read_seal(seal)
    except ValueError as error:
        return f"its signature file is damaged: {error}"
    if found.kind != kind:
        return f"its signature file is that of another kind of text: {found.kind}"
    if found.digest != digest(data):
        return "it was changed after it was signed"
    return wrong(found, pinned) if pinned else "no key is known here that could vouch for it"
