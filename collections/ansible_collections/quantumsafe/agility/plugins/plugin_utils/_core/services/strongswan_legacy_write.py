"""New exchanges in front of those that are there, at one end of a tunnel that strongSwan has from ipsec.conf.

Source: stroke_config.c of strongSwan 5.9 and 6.0: proposals that do not end with "!" have the defaults of charon behind them, so a new line takes
nothing away.  Which proposals are loaded stroke does not tell: what somebody edited, and did not have taken up, is taken up with ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..documents import ipsec_conf, lines
from ..documents.braces import Splice
from ..model import Change, File, Inexpressible, Snapshot, Wanted, Wishes
from .ipsec_conf import NAME
from .strongswan_legacy_seen import Seen
from .strongswan_write import Place, in_front, made, with_each

Reader = Callable[[Snapshot], tuple[Seen, ...]]
BOTH_ENDS = (
    "both ends of a tunnel move together, and this release moves none of ipsec.conf of strongSwan: leave its stage at prefer, "
    "or move it to swanctl.conf at both ends (docs/links.md)"
)


def written(snapshot: Snapshot, of: Reader, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds.  Raises Inexpressible."""
    return made(snapshot, of, {seen.id: _placed(snapshot, seen, wishes[seen.id]) for seen in of(snapshot) if wishes.get(seen.id)})


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
        raise Inexpressible(f"{seen.id}: a name of other than letters, digits, dots and dashes", where, "give it another name, at this end")
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
