"""Keys in tokens as items of an inventory: what they are is known from their certificates, and who can use them from who can read the PIN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .held import Item, Key, Shown
from .load import Library
from .token import SCHEME, in_token, named

SOURCE, VALUE = "pin-source:", "pin-value:"


def token_items(shown: Shown, paths: Mapping[str, tuple[str, ...]], pairs: Mapping[str, str], library: Library) -> Iterator[Item]:
    """paths, pairs: as Uses has them (inventory.py).  One for each URI, whoever names it."""
    places: dict[str, list[str]] = {named(reference): [] for reference in pairs if in_token(reference)}
    for where, uri in shown.named:
        if uri.startswith(SCHEME):
            places.setdefault(uri, []).append(where)
    for uri, wheres in places.items():
        certificate = next((found for reference, found in pairs.items() if named(reference) == uri), "")
        leaf = next(iter(library.files.get(shown.aliases.get(certificate, certificate), ())), None)
        source = next((said.removeprefix(SOURCE) for where, said in shown.named if where in wheres and said.startswith(SOURCE)), "")
        mode, owner, group = shown.pins.get(source, ("", "", ""))
        ends = (end for reference, users in paths.items() if in_token(reference) and named(reference) == uri for end in users)
        key = Key(leaf.value.key if leaf else "", True, leaf.key if leaf else "", "PKCS#11")
        users = tuple(dict.fromkeys((*ends, *wheres)))
        yield Item(uri, 0, owner, group, mode, "", ("key",), key=key, users=users, problem=_problem(shown, wheres, source))


def _problem(shown: Shown, wheres: list[str], source: str) -> str:
    plain = [where for where, said in shown.named if said == VALUE and where in wheres]
    if plain:
        return f"its PIN stands in {', '.join(plain)}"
    return f"its PIN is to be in {source}, which is not there" if source and source not in shown.pins else ""
