"""New exchanges in front of those that are there, at one end of a tunnel that strongSwan has from ipsec.conf; and, of both ends of a tunnel that move
together, then what is wanted alone.

Source: stroke_config.c of strongSwan 5.9 and 6.0: proposals that do not end with "!" have the defaults of charon behind them, so a new line takes
nothing away, and what is left alone always ends with "!".  Which proposals are loaded stroke does not tell: what somebody edited, and did not have
taken up, is taken up with ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..documents import ipsec_conf, lines
from ..documents.braces import Splice
from ..model import Change, File, Inexpressible, Snapshot, Wanted, Wishes
from .ike_stays import staying
from .ipsec_conf import NAME, OTHER_NAME
from .strongswan_legacy_seen import Seen
from .strongswan_proposals import parse
from .strongswan_write import Place, in_front, made, with_each

Reader = Callable[[Snapshot], tuple[Seen, ...]]
BOTH_ENDS = "both ends of a tunnel move together (migrate_links, step contract): leave its stage at prefer in any other run"


def written(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds.  Raises Inexpressible."""
    return made(snapshot, of, {seen.id: _placed(snapshot, seen, wishes[seen.id]) for seen in of(snapshot) if wishes.get(seen.id)})


def widened(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """The same, for both ends of a tunnel together.  Raises Inexpressible."""
    for seen in _moving(snapshot, of, wishes):
        _alone(seen, of(snapshot))
        _can(seen, str(seen.place))
    return written(snapshot, of, wishes)


def narrowed(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only takes away: once both ends have what stays.  Each list of proposals of such a connection is closed then.  Raises Inexpressible."""
    places: dict[str, Place] = {}
    for seen in _moving(snapshot, of, wishes):
        _alone(seen, of(snapshot))
        _can(seen, str(seen.place))
        if wishes.get(seen.id) or not seen.closed:
            places[seen.id] = _without(snapshot, seen, wishes.get(seen.id, {}))
    return made(snapshot, of, places)


def _moving(snapshot: Snapshot, of: Reader, wishes: Wishes) -> Iterator[Seen]:
    """Connections of which something changes, with what carries their packets."""
    names = {seen.conn.name for seen in of(snapshot) if wishes.get(seen.id)}
    return (seen for seen in of(snapshot) if seen.conn.name in names)


def _alone(seen: Seen, others: tuple[Seen, ...]) -> None:
    """Raises Inexpressible where statusall names its SAs after another, or those of another after it; and for IKEv1, whose SAs it lists otherwise."""
    where, head = str(seen.place), seen.loaded.get("head", "")
    if shared := sorted({one.conn.name for one in others if head and one.conn.name != seen.conn.name and one.loaded.get("head", "") == head}):
        why = f"{seen.id} has everything of IKE in common with {', '.join(shared)}, so that charon makes one IKE SA for them"
        raise Inexpressible(why, where, "give each an identity of its own, or move them to swanctl.conf")
    if not seen.child and "2" not in seen.versions():
        raise Inexpressible(f"{seen.id} is IKEv1", where, "keyexchange=ikev2, at both ends")


def _without(snapshot: Snapshot, seen: Seen, wishes: Mapping[str, Wanted]) -> Place:
    """The proposals of which everything stays, and none of charon's own behind them."""
    where = str(seen.place)
    if not seen.said or seen.entry is None:
        raise Inexpressible(f"{seen.id} leaves its proposals to the defaults", where, f"write them down first ({seen.names[0]}=)")
    stay = seen.said if not wishes else staying(seen.id, where, [(text, parse(text)) for text in seen.said], seen.proposals() or (), wishes)
    texts = (*stay[:-1], f"{stay[-1]}!")
    file, raw, line, start = _value(snapshot, seen)
    text = ",".join(texts)
    return file, Splice(line, start, raw, f'"{text}"' if raw.startswith('"') else text), texts


def _value(snapshot: Snapshot, seen: Seen) -> tuple[File, str, int, int]:
    """The value that governs, as it is written: its file, itself with its quotes, where it is."""
    line = seen.place.line or 0
    file = snapshot.files[seen.place.path]
    sections = (one for one in ipsec_conf.parse(file.text or "", seen.place.path).items if isinstance(one, ipsec_conf.Section))
    parameter = next(one for section in sections for one in section.parameters if one.line == line)
    return file, lines.split(file.text or "")[line - 1][parameter.start : parameter.end], line, parameter.start


def _placed(snapshot: Snapshot, seen: Seen, wishes: Mapping[str, Wanted]) -> Place:
    where = str(seen.place)
    _can(seen, where)
    names = in_front(seen, wishes, where, BOTH_ENDS)
    added = with_each(seen, names, seen.said, seen.kind == "ah")
    file, splice = _splice(snapshot, seen, ",".join(added))
    return file, splice, (*added, *seen.texts)


def _can(seen: Seen, where: str) -> None:
    """Raises Inexpressible."""
    if not NAME.fullmatch(seen.conn.name):
        raise Inexpressible(f"{seen.id}: {OTHER_NAME}", where, "give it another name, at this end")
    if not seen.loaded:
        why = f"charon has not loaded {seen.conn.name}" if seen.status else "charon does not answer ipsec statusall"
        raise Inexpressible(why, where, "run ipsec update, see in its log what it does, and come again")
    if (seen.child and seen.entry is None) or (seen.texts and not seen.said):
        raise Inexpressible(f"{seen.id} leaves its proposals to the defaults", where, f"write them down first ({seen.names[0]}=)")


def _splice(snapshot: Snapshot, seen: Seen, text: str) -> tuple[File, Splice]:
    """In front of the value that governs, in its quotes; a line of its own, first in the section, where there is none."""
    path, line = seen.place.path, seen.place.line or 0
    file = snapshot.files[path]
    source = lines.split(file.text or "")[line - 1]
    sections = [one for one in ipsec_conf.parse(file.text or "", path).items if isinstance(one, ipsec_conf.Section)]
    parameter = next((one for section in sections for one in section.parameters if one.line == line), None)
    if parameter is None:
        mine = next(section.parameters for section in sections if section.line == line)
        first = lines.split(file.text or "")[mine[0].line - 1] if mine else "\t"
        lead = first[: len(first) - len(first.lstrip(" \t"))]
        return file, Splice(line, len(source.rstrip("\r\n")), "", f"{lines.newline(source)}{lead}{seen.names[0]}={text}")
    quoted = source[parameter.start :].startswith('"')
    return file, Splice(line, parameter.start + quoted, "", f"{text}," if parameter.value else text)
