"""Do the edits do what was wished?  The edited files are read again, as the daemon would, before anything reaches a host.

This catches what no rule about single directives can: another section, an include or a command that has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..documents import lines
from ..model import Change, Endpoint, Inexpressible, Setting, Snapshot, Wanted, Wishes
from .openssl import Library
from .paths import real_path


def after(snapshot: Snapshot, changes: tuple[Change, ...]) -> Snapshot:
    """The snapshot as it will be: an edited file shows under every path that leads to it."""
    edits = {change.path: change.edits for change in changes}
    files = {
        path: replace(file, text=lines.apply(file.text, edits[real_path(file)])) if file.text is not None and real_path(file) in edits else file
        for path, file in snapshot.files.items()
    }
    return replace(snapshot, files=files)


def prove(before: tuple[Endpoint, ...], then: tuple[Endpoint, ...], wishes: Wishes, library: Library) -> None:
    """Every wish has come true and nothing else has changed, judged by reading the edited files.  Raises Inexpressible."""
    for old, new in zip(before, then, strict=True):
        for aspect, wanted in wishes.get(old.id, {}).items():
            now = new.settings.get(aspect)
            if now is None or not _fulfils(now, wanted, aspect, library):
                there = ", ".join(now.values) if now else "unknown"
                why = f"{aspect} of {old.id} would be {there}, not {', '.join(wanted.names)}"
                raise Inexpressible(why, str(now.origin) if now else "", "another directive has the last word: mend it by hand")
        for aspect in _staying(wishes.get(old.id, {})):
            was, now = old.settings.get(aspect), new.settings.get(aspect)
            if _said(was, aspect) != _said(now, aspect):
                why = f"{aspect} of {old.id}, which shall stay, would change too"
                raise Inexpressible(why, str(was.origin) if was else "", "give the servers of that socket their own directive")


def _staying(wanted: Mapping[str, Wanted]) -> list[str]:
    """The aspects that nobody wished to change.  Versions take their suites along."""
    moving = {*wanted, "cipher"} if "version" in wanted else {*wanted}
    return [aspect for aspect in ("version", "key_exchange", "cipher") if aspect not in moving]


def _said(setting: Setting | None, aspect: str) -> object:
    if setting is None:
        return None
    return set(setting.values) if aspect == "cipher" else (setting.values, setting.tiers)


def _fulfils(now: Setting, wanted: Wanted, aspect: str, library: Library) -> bool:
    if aspect != "key_exchange":  # it alone has an order that counts here
        return set(now.values) == set(wanted.names)
    tiers = wanted.tiers if library.has_tuples and wanted.tiers else (0,) * len(wanted.names)
    ranks = sorted(set(tiers))
    return (now.values, now.tiers) == (wanted.names, tuple(ranks.index(tier) for tier in tiers))
