"""What services that let clients in by certificate share: how that is said, as settings."""

from __future__ import annotations

from collections.abc import Mapping

from ..certificates.read import every
from ..model import Capability, Origin, Setting

WEAKEST = ("off", "unchecked", "optional", "required")
DEPTH = 100  # of authorities, where nobody says (SSL_CTX_set_verify_depth(3))
ASPECTS = ("client_trust", "client_signature", "client_certificate")


def authentication(word: str, origin: Origin, depth: int | None = None) -> Setting:
    return Setting((f"verify={word}", *([f"depth={depth}"] if depth is not None else [])), origin)


def trust(texts: Mapping[str, str | None]) -> tuple[tuple[str, ...], list[str]]:
    """Of files that decide (path → text): (kinds of the keys of those who decide, what could not be read)."""
    kinds = dict.fromkeys(one.key or "unreadable" for path, text in texts.items() for one in every(text or "", path))
    return tuple(kinds), [f"{path}, whose certificates decide about clients, could not be read" for path, text in texts.items() if text is None]


def capabilities(library: str) -> dict[str, Capability]:
    return {aspect: Capability(None, "it is read here, and changed with the certificates", library) for aspect in ASPECTS}
