"""Services that are looked at and not written."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Change, Inexpressible, Wishes


def refuse(wishes: Wishes, where: Mapping[str, str], remedy: str) -> tuple[Change, ...]:
    """Raises Inexpressible for the first that wishes anything.  where: of an endpoint what would have to change."""
    for id_, wanted in wishes.items():
        if wanted:
            raise Inexpressible(f"{', '.join(wanted)} of {id_} is not written by this release", where.get(id_, id_), remedy)
    return ()
