"""New key exchanges in front of those that are there; and, of both ends of a tunnel that move together, then what is wanted alone.

One line each, edited in place.  pluto takes a connection anew by `ipsec replace`, which ends its SAs, and they are established anew: with a peer that
still has what it had, for that stays behind the new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..documents import ipsec_conf
from ..documents.braces import Splice
from ..documents.lines import apply
from ..model import Change, File, Inexpressible, Snapshot, Wanted, Wishes
from .ike_proposal import KINDS, split
from .ike_stays import staying
from .ipsec_conf import NAME, OTHER_NAME
from .ipsec_service import where
from .libreswan_proposals import parse, with_exchange
from .libreswan_seen import Seen
from .libreswan_suites import bodies
from .paths import real_path
from .strongswan_write import change_of

Reader = Callable[[Snapshot], tuple[Seen, ...]]
Texts = tuple[str, ...]


def changes(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds: what is there stays behind the new."""
    return _made(snapshot, of, wishes, lambda seen, wanted: (*_in_front(seen, wanted), *_texts(seen)))


def widened(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds, for both ends of a tunnel together: new ciphers, MACs and PRFs, too, with each exchange that is there or comes."""
    return _made(snapshot, of, wishes, _bettered)


def narrowed(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only takes away: once both ends have what stays."""
    return _made(snapshot, of, wishes, _without)


def _made(snapshot: Snapshot, of: Reader, wishes: Wishes, say: Callable[[Seen, Mapping[str, Wanted]], Texts]) -> tuple[Change, ...]:
    splices: dict[str, dict[Splice, str]] = {}
    files: dict[str, File] = {}
    expected: dict[str, Texts] = {}
    for seen in of(snapshot):
        if wanted := _own(seen, wishes.get(seen.id, {})):
            _can(seen, wanted)
            expected[seen.id] = say(seen, wanted)
            file, splice = _splice(snapshot, seen, expected[seen.id])
            files[real_path(file)] = file
            if any((one.line, one.column) == (splice.line, splice.column) and one != splice for one in splices.get(real_path(file), ())):
                raise Inexpressible(
                    f"{seen.id} shares this line with another that shall say something else", _where(seen), "give each a line of its own"
                )
            splices.setdefault(real_path(file), {})[splice] = seen.id
    out = tuple(change_of(files[path], tuple(some)) for path, some in splices.items())
    _prove(snapshot, of, out, expected, wishes)
    return out


def _own(seen: Seen, wishes: Mapping[str, Wanted]) -> dict[str, Wanted]:
    """What is written of it: what carries packets without a group of its own takes that of its IKE SA."""
    follows = seen.child and not any(one.key_exchange for one in seen.written())
    return {aspect: to for aspect, to in wishes.items() if not (follows and aspect == "key_exchange")}


def _where(seen: Seen) -> str:
    return str(where(seen))


def _can(seen: Seen, wishes: Mapping[str, Wanted]) -> None:
    """Raises Inexpressible."""
    if not NAME.fullmatch(seen.conn.name):
        raise Inexpressible(f"{seen.id}: {OTHER_NAME}", _where(seen), "give it another name, at this end")
    if seen.loaded is None or seen.stale():
        raise Inexpressible("pluto has loaded something else than the files say", _where(seen), f"run ipsec replace {seen.conn.name}, and come again")
    if seen.entry is None or not all((one.key_exchange or "key_exchange" not in wishes) and not one.strange for one in seen.written()):
        what = "groups" if "key_exchange" in wishes else "algorithms"
        raise Inexpressible(f"{seen.id} leaves its {what} to the defaults", _where(seen), f"write them down first ({seen.names[0]}=)")


def _texts(seen: Seen) -> Texts:
    return split(seen.entry.value if seen.entry else "")


def _bettered(seen: Seen, wishes: Mapping[str, Wanted]) -> Texts:
    exchange = {aspect: to for aspect, to in wishes.items() if aspect == "key_exchange"}
    added = _in_front(seen, exchange) if exchange else ()
    kinds: dict[str, Wanted] = {kind: wishes[kind] for kind in KINDS[1:] if kind in wishes}
    if kinds:
        own = any(one.key_exchange for one in seen.written())  # else it is that of its IKE SA
        names = exchange["key_exchange"].names if exchange else (seen.exchanges() or ()) if own else ()
        sets = bodies(seen, kinds, _where(seen))
        added = (*(with_exchange(one, name, seen.protocol) for name in names for one in sets), *(sets if not names else ()), *added)
    if others := [aspect for aspect in wishes if aspect not in KINDS]:
        raise _not_written(seen, others[0])
    return tuple(dict.fromkeys((*added, *_texts(seen))))


def _not_written(seen: Seen, aspect: str) -> Inexpressible:
    return Inexpressible(f"{aspect} of {seen.id} is not written by this release", _where(seen), "mend it by hand, at both ends")


def _in_front(seen: Seen, wishes: Mapping[str, Wanted]) -> Texts:
    """The new alone."""
    if others := [aspect for aspect in wishes if aspect != "key_exchange"]:
        raise _not_written(seen, others[0])
    now, names = seen.exchanges() or (), wishes["key_exchange"].names
    if seen.child:
        why = f"{seen.id} has a group of its own, and pluto takes one there"
        raise Inexpressible(why, _where(seen), "leave it out, at this end: its SAs then take the group of their IKE SA")
    if gone := [name for name in now if name not in names and name not in seen.impossible]:
        raise Inexpressible(
            f"key_exchange of {seen.id} would lose {', '.join(gone)} at one end alone", _where(seen), "run migrate_links, step contract"
        )
    if lacking := [name for name in names if name not in now and name not in (seen.able("key_exchange") or ())]:
        raise Inexpressible(f"this pluto has no {', '.join(lacking)} for {seen.id} (ipsec status)", _where(seen), "it would refuse the connection")
    size = next(size for size in range(len(names) + 1) if tuple(name for name in now if name not in names[:size]) == names[size:])
    return tuple(dict.fromkeys(with_exchange(text, name, seen.protocol) for name in names[:size] for text in _texts(seen)))


def _without(seen: Seen, wishes: Mapping[str, Wanted]) -> Texts:
    """The proposals of which everything stays."""
    written = [(text, parse(text, seen.protocol)) for text in _texts(seen)]
    return staying(seen.id, _where(seen), written, seen.proposals()[0], wishes)


def _splice(snapshot: Snapshot, seen: Seen, texts: Texts) -> tuple[File, Splice]:
    """The value of the line that governs, and no other character of it."""
    path, dummy, line = _where(seen).rpartition(":")
    file = snapshot.files[path]
    source = file.text or ""
    sections = (item for item in ipsec_conf.parse(source, path).items if isinstance(item, ipsec_conf.Section))
    parameter = next(one for section in sections for one in section.parameters if one.line == int(line))
    raw = source.splitlines()[parameter.line - 1][parameter.start : parameter.end]
    text = ",".join(texts)
    return file, Splice(parameter.line, parameter.start, raw, f'"{text}"' if raw.startswith('"') else text)


def _prove(snapshot: Snapshot, of: Reader, made: tuple[Change, ...], expected: Mapping[str, Texts], wishes: Wishes) -> None:
    """The edited files say what was wished, and nothing else has changed.  Raises Inexpressible."""
    by_path = {change.path: change.edits for change in made}
    files = {
        path: replace(file, text=apply(file.text, by_path[real_path(file)])) if file.text and real_path(file) in by_path else file
        for path, file in snapshot.files.items()
    }
    for before, after in zip(of(snapshot), of(replace(snapshot, files=files)), strict=True):
        if _texts(after) != expected.get(before.id, _texts(before)):
            why = "shall stay" if before.id not in expected else "shall be something else"
            raise Inexpressible(f"{before.id} would say {', '.join(_texts(after))}, and {why}", _where(after), "give it proposals of its own")
        then = replace(after, pluto=replace(after.pluto, loaded={}))
        exchange, comes = wishes.get(before.id, {}).get("key_exchange"), then.exchanges() or ()
        names = exchange.names if exchange else ()
        if names and set(comes) - set(then.impossible) != set(names):
            why = f"{before.id} would come to {', '.join(comes)}, and the policy wants {', '.join(names)}"
            raise Inexpressible(why, _where(after), f"write {before.names[0]}= with a group of its own at both ends")
