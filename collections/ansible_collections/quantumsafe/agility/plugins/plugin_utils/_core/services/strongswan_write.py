"""New proposals in front of those that are there, at one end of a tunnel; what is taken away there waits for both ends to move together.

What does not ask for swanctl.conf is there for ipsec.conf, too (strongswan_legacy_write.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..documents import lines
from ..documents.braces import Splice, edits
from ..documents.guc import REDACTED
from ..model import Change, File, Inexpressible, Origin, Setting, Snapshot, Wanted, Wishes
from . import strongswan_vici as vici
from .ike_proposal import KINDS
from .ike_stays import staying
from .paths import real_path
from .strongswan_gate import WAY, anybody, shut
from .strongswan_proposals import body, distinct, parse
from .strongswan_seen import Daemon, Seen
from .strongswan_suites import bodies

Reader = Callable[[Snapshot], tuple[Seen, ...]]
Place = tuple[File, Splice, tuple[str, ...]]  # what is edited, and the proposals that stand there then
# What stands beside a new exchange where only `default` is written: of what it stands for that which is authenticated.
BODIES = {
    "ikev2": (("AES_GCM_16",), "aes256gcm16-aes128gcm16-prfsha512-prfsha384-prfsha256"),
    "esp": ((), "aes256gcm16-aes128gcm16"),
}
TOGETHER = "both ends of a tunnel move together (migrate_links, step contract): leave its stage at prefer in any other run"
ANYBODY = "it takes anybody, and whoever lacks ML-KEM would be cut off"


class End(Protocol):
    """A connection, or what carries its packets, as either of strongSwan's two configurations has it.

    texts: its proposals as they are written; place: of what governs them, or would; default: of what counts where nothing is written."""

    @property
    def id(self) -> str: ...
    @property
    def protocol(self) -> Any: ...
    @property
    def texts(self) -> tuple[str, ...]: ...
    @property
    def place(self) -> Origin: ...
    @property
    def daemon(self) -> Daemon: ...
    @property
    def default(self) -> Origin: ...
    def settings(self) -> Iterator[tuple[str, Setting]]: ...


Ends = Callable[[Snapshot], Sequence[End]]


def changes(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds: what is there stays behind the new.  Only where a connection takes anybody, and its clients have shown that they can, it goes."""
    return made(snapshot, of, {seen.id: _placed(seen, wishes[seen.id]) for seen in of(snapshot) if seen.id in wishes})


def widened(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds, for both ends of a tunnel together: new ciphers, MACs and PRFs, too, with each exchange that is there or comes."""
    return made(snapshot, of, {seen.id: _bettered(seen, wishes[seen.id]) for seen in of(snapshot) if seen.id in wishes})


def narrowed(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only takes away: for both ends of a tunnel together, once both have what stays."""
    return made(snapshot, of, {seen.id: _without(seen, wishes[seen.id]) for seen in of(snapshot) if seen.id in wishes})


def made(snapshot: Snapshot, of: Ends, wanted: Mapping[str, Place]) -> tuple[Change, ...]:
    """All these edits, and none that would have another connection say something else.  Raises Inexpressible."""
    placed: dict[str, dict[Splice, str]] = {}
    files: dict[str, File] = {}
    for id_, (file, splice, dummy) in wanted.items():
        files[real_path(file)] = file
        placed.setdefault(real_path(file), {})[splice] = id_
    for path, splices in placed.items():
        _one_wish_a_place(path, list(splices))
    out = tuple(change_of(files[path], tuple(splices)) for path, splices in placed.items())
    _prove(snapshot, of, out, {id_: texts for id_, (dummy, dummy2, texts) in wanted.items()})
    return out


def _placed(seen: Seen, wishes: Mapping[str, Wanted]) -> Place:
    to = wishes.get("key_exchange")
    now = dict(seen.settings())["key_exchange"].values if to else ()
    return _without(seen, wishes) if to and set(now) - set(to.names) and anybody(seen) else _in_front(seen, wishes)


def _in_front(seen: Seen, wishes: Mapping[str, Wanted]) -> Place:
    return _before(seen, _added(seen, in_front(seen, wishes, _where(seen), TOGETHER)))


def _bettered(seen: Seen, wishes: Mapping[str, Wanted]) -> Place:
    exchange = {aspect: to for aspect, to in wishes.items() if aspect == "key_exchange"}
    added = _added(seen, in_front(seen, exchange, _where(seen), TOGETHER)) if exchange else ()
    if kinds := {aspect: to for aspect, to in wishes.items() if aspect not in exchange}:
        names = exchange["key_exchange"].names if exchange else dict(seen.settings())["key_exchange"].values
        sets = bodies(seen, kinds, _where(seen))
        added = tuple(distinct((*(f"{one}-{name}" for name in names for one in sets), *added)))
    return _before(seen, added)


def _before(seen: Seen, added: tuple[str, ...]) -> Place:
    file, splice = _splice(seen, ", ".join(added))
    return file, splice, (*added, *seen.texts)


def _without(seen: Seen, wishes: Mapping[str, Wanted]) -> Place:
    """The proposals of which everything stays.  Raises Inexpressible."""
    where = _where(seen)
    to = wishes.get("key_exchange")
    if anybody(seen):
        _answered(seen, wishes, where)
        if to and (why := shut(seen, to)):
            gone = [name for name in dict(seen.settings())["key_exchange"].values if name not in to.names]
            raise Inexpressible(f"key_exchange of {seen.id} would lose {', '.join(gone)}: {ANYBODY}: {why}", where, WAY)
    if seen.entry is None:
        raise Inexpressible(f"{seen.id} leaves its proposals to the defaults", where, f"write them down first ({seen.key} = )")
    stay = staying(seen.id, where, [(text, parse(text)) for text in seen.texts], seen.proposals()[0] or (), wishes)
    setting = seen.entry.setting
    text = ", ".join(stay)
    return seen.entry.file, Splice(setting.line, setting.column, setting.raw, f'"{text}"' if setting.raw.startswith('"') else text), stay


def _where(seen: Seen) -> str:
    """Raises Inexpressible where the files are not what counts."""
    where = str(seen.place)
    if seen.stale():
        raise Inexpressible("charon has loaded something else than the files say", where, "run swanctl --load-all, see what it does, and come again")
    return where


def _exchanges_alone(seen: End, wishes: Mapping[str, Wanted], where: str) -> None:
    if others := [aspect for aspect in wishes if aspect != "key_exchange"]:
        raise Inexpressible(f"{others[0]} of {seen.id} is not written by this release", where, "mend it by hand, at both ends")


def _answered(seen: Seen, wishes: Mapping[str, Wanted], where: str) -> None:
    """Its clients are known by their exchanges alone.  Raises Inexpressible."""
    now = dict(seen.settings())
    for aspect, to in wishes.items():
        values = now[aspect].values if aspect in now else ()
        if aspect != "key_exchange" and set(to.names) - set(values):
            _exchanges_alone(seen, {aspect: to}, where)
        gone = ", ".join(name for name in values if name not in to.names)
        if aspect in KINDS[1:] and gone and not to.answered:
            why = f"{aspect} of {seen.id} would lose {gone}: it takes anybody, and what its clients can do is known of their exchanges alone"
            remedy = f"leave the stage of {aspect} at prefer, or let the policy name who answers for them (clients: acknowledge)"
            raise Inexpressible(why, where, remedy)


def in_front(seen: End, wishes: Mapping[str, Wanted], where: str, together: str) -> tuple[str, ...]:
    """The exchanges that have to stand in front of what is there.  together: what to do where something would go.

    Raises Inexpressible for anything but adding exchanges."""
    values = {aspect: setting.values for aspect, setting in seen.settings()}
    for aspect, to in wishes.items():
        if gone := [name for name in values.get(aspect, ()) if name not in to.names]:
            raise Inexpressible(f"{aspect} of {seen.id} would lose {', '.join(gone)} at one end alone", where, together)
    _exchanges_alone(seen, wishes, where)
    names, now = wishes["key_exchange"].names, values["key_exchange"]
    for size in range(len(names) + 1):
        if tuple(name for name in now if name not in names[:size]) == names[size:]:
            break
    return names[:size]


def _added(seen: Seen, names: Sequence[str]) -> tuple[str, ...]:
    return with_each(seen, names, [text for text in seen.texts if not parse(text).default], seen.key == "ah_proposals")


def with_each(seen: End, names: Sequence[str], written: Sequence[str], ah: bool) -> tuple[str, ...]:
    """New proposals, best exchange first, each with every set of other algorithms that is written; with some where there is none."""
    sets = tuple(distinct(filter(None, (body(text) for text in written if seen.protocol == "ikev2" or ah or parse(text).cipher))))
    if not sets:
        needed, text = BODIES[seen.protocol]
        if any(not seen.daemon.has("cipher", name) for name in needed):
            raise Inexpressible(f"{seen.id} says `default`, and this charon has no AES-GCM", str(seen.default), "write its proposals down first")
        sets = (text,)
    return tuple(f"{one}-{name}" for name in names for one in sets)


def _splice(seen: Seen, text: str) -> tuple[File, Splice]:
    entry = seen.entry
    if entry is None:
        return line_for(seen, f"{seen.key} = {text}, default")
    setting = entry.setting
    if setting.value is None:
        return entry.file, Splice(setting.line, setting.column, "", f" {text}, default")
    return entry.file, Splice(setting.line, setting.column + setting.raw.startswith('"'), "", f"{text}, ")


def line_for(seen: Seen, text: str) -> tuple[File, Splice]:
    """A line of its own, first in the section."""
    file, section = seen.view.own.places[-1]
    line, column = section.open_at
    source = lines.split(file.text or "")[line - 1]
    newline, rest = lines.newline(source), source[column:].rstrip("\r\n")
    lead = source[: len(source) - len(source.lstrip(" \t"))] + "  "
    if rest.strip() and not rest.strip().startswith("#"):
        return file, Splice(line, column, "", f"{newline}{lead}{text}{newline}{lead}")
    return file, Splice(line, column + len(rest), "", f"{newline}{lead}{text}")


def _one_wish_a_place(path: str, splices: list[Splice]) -> None:
    places = [(one.line, one.column) for one in splices]
    for place in places:
        if places.count(place) > 1:
            raise Inexpressible("the policy wants different proposals of connections that share this line", f"{path}:{place[0]}", "give each its own")


def change_of(file: File, splices: tuple[Splice, ...]) -> Change:
    found = edits(file.text or "", splices)
    if any(REDACTED in line for edit in found for line in edit.insert):
        raise Inexpressible("a line to be changed also holds a secret, which this controller does not know", real_path(file), "mend it by hand")
    after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, found))
    return Change(real_path(file), file.sha256, found, after, file.owner, file.group, file.mode)


def _prove(snapshot: Snapshot, of: Ends, changed: tuple[Change, ...], expected: dict[str, tuple[str, ...]]) -> None:
    """The edited files say what was wished, and nothing else has changed.  Raises Inexpressible."""
    by_path = {change.path: change.edits for change in changed}
    files = {
        path: replace(file, text=lines.apply(file.text, by_path[real_path(file)])) if file.text and real_path(file) in by_path else file
        for path, file in snapshot.files.items()
    }
    answers = {id_: answer for id_, answer in snapshot.answers.items() if id_ != vici.CONNS}
    for before, then in zip(of(snapshot), of(replace(snapshot, files=files, answers=answers)), strict=True):
        if then.texts != expected.get(before.id, before.texts):
            why = "shall stay" if before.id not in expected else "shall be something else"
            raise Inexpressible(f"{before.id} would say {', '.join(then.texts)}, and {why}", str(then.place), "give it proposals of its own")
