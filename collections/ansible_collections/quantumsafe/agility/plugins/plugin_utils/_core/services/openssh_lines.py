"""Lines of sshd's configuration that may stand more than once (HostKey, HostCertificate), or that name a file: added, replaced and removed.

Sources: sshd_config(5): HostKey and HostCertificate add up, in order; where no HostKey stands sshd looks for three of its own, so those are
written out before another joins them; neither may stand in a Match block.  servconf.c: RevokedKeys counts once, the first.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ..documents import lines
from ..model import Change, Edit, Inexpressible, Snapshot
from .openssh_config import MAIN, Placed, options, reading_order
from .openssh_write import HEADER, after_changes, change_of, dropin_folder, foreign

DROPIN = "20-crypto-agility-hostkeys.conf"


@dataclass(frozen=True, slots=True)
class Lines:
    """added: (keyword, value).  dropped: the same.  replaced: a directive → its new line."""

    added: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    replaced: tuple[tuple[Placed, str], ...] = ()


def edit(snapshot: Snapshot, wanted: Lines, offered: tuple[str, ...]) -> tuple[Change, ...]:
    """offered: the host keys of today, in order, for where none is written down.  Raises Inexpressible where the lines would not count."""
    order = reading_order(snapshot)
    if said := next((options(snapshot)[name] for name in ("hostkey", "hostcertificate") if name in options(snapshot)), None):
        raise Inexpressible("a host key is named on sshd's command line, which its files do not change", str(said[1]), "take it out there")
    keys = [placed for placed in order if placed.directive.name == "hostkey" and placed.directive.arguments]
    gone = {value for name, value in wanted.dropped if name == "HostKey"}
    added = wanted.added
    if not keys and (gone or any(name == "HostKey" for name, dummy in added)):
        added = (*(("HostKey", path) for path in offered if path not in gone), *added)
    for changes in _ways(snapshot, order, Lines(added, wanted.dropped, wanted.replaced), keys[-1] if keys else None):
        again = reading_order(after_changes(snapshot, changes))
        if _stands(again, added, wanted.dropped):
            return changes
    raise Inexpressible("no place was found where the new lines would count", MAIN, "put them at the top of this file by hand")


def _stands(order: tuple[Placed, ...], added: tuple[tuple[str, str], ...], dropped: tuple[tuple[str, str], ...]) -> bool:
    """New ones stand outside of every Match block, and behind those of before: of one type sshd uses the first."""
    now = [(p.directive.name, p.directive.arguments[0]) for p in order if not p.scope and p.directive.arguments]
    new = [(name.lower(), value) for name, value in added]
    keys = [value for name, value in now if name == "hostkey"]
    last = [value for name, value in new if name == "hostkey"]
    return (
        all(one in now for one in new) and not any((name.lower(), value) in now for name, value in dropped) and keys[len(keys) - len(last) :] == last
    )


def _ways(snapshot: Snapshot, order: tuple[Placed, ...], wanted: Lines, last: Placed | None) -> Iterator[tuple[Change, ...]]:
    """Behind the last HostKey line; where there is none into a drop-in of its own, else into the main file."""
    if last or not wanted.added:
        if last and foreign(snapshot, last):
            raise Inexpressible("the host keys are named in a file of the distribution", str(last.origin), "name them in sshd_config instead")
        yield _changes(snapshot, order, wanted, last.document.path if last else "", last.directive.line + 1 if last else 0)
        return
    if folder := dropin_folder(snapshot, order):
        yield _changes(snapshot, order, wanted, posixpath.join(folder, DROPIN), 0)
    for stop in ("match", "include"):
        mine = [p for p in order if p.document.path == MAIN and p.directive.name in (stop, "match")]
        split = lines.split(snapshot.files[MAIN].text or "")
        yield _changes(snapshot, order, wanted, MAIN, mine[0].directive.line if mine else len(split) + 1)


def _changes(snapshot: Snapshot, order: tuple[Placed, ...], wanted: Lines, target: str, at: int) -> tuple[Change, ...]:
    added = tuple(f"{name} {value}\n" for name, value in wanted.added)
    places: dict[str, dict[int, tuple[str, ...]]] = {}
    for placed in order:
        if placed.directive.arguments and (placed.directive.keyword.lower(), placed.directive.arguments[0]) in _lower(wanted.dropped):
            places.setdefault(placed.document.path, {})[placed.directive.line] = ()
    for placed, text in wanted.replaced:
        places.setdefault(placed.document.path, {})[placed.directive.line] = (text,)
    out = []
    for path in dict.fromkeys((*places, *([target] if added else ()))):
        if path not in snapshot.files:
            out.append(Change(path, "", (Edit(1, 0, (HEADER, *added)),), lines.sha256(HEADER + "".join(added))))
            continue
        out.append(
            change_of(snapshot.files[path], _edits(snapshot.files[path].text or "", places.get(path, {}), at, added if path == target else ()))
        )
    return tuple(out)


def _lower(pairs: tuple[tuple[str, str], ...]) -> set[tuple[str, str]]:
    return {(name.lower(), value) for name, value in pairs}


def _edits(text: str, places: dict[int, tuple[str, ...]], at: int, added: tuple[str, ...]) -> tuple[Edit, ...]:
    """at: 0 = at the end.  A last line that is not finished gets its end first, or what is added would run on with it."""
    split, end = lines.split(text), lines.newline(text)
    at = at or len(split) + 1
    new = tuple(line.replace("\n", end) for line in added)
    if new and at > len(split) and split and not split[-1].endswith("\n"):
        last = places.pop(len(split), (split[-1],))
        new = tuple(f"{line}{end}" if not line.endswith("\n") else line for line in last) + new
        places[len(split)] = new
        new = ()
    found = [Edit(line, 1, value) for line, value in places.items()]
    return tuple(sorted([*found, *([Edit(at, 0, new)] if new else [])], key=lambda edit: (edit.line, edit.delete)))
