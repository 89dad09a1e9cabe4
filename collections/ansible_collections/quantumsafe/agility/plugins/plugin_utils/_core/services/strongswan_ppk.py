"""The PPK (RFC 8784) of one connection of swanctl, at one end: which id it asks for, which secrets are there, and the edits that change that.

A connection that takes anybody is a hub's: it asks for no id, so each spoke names its own, and only their secrets come and go, in a file for each.

New secrets go into a file of ours, a block each; what a block takes the place of is written above it, so that an interrupted rotation is known
again.  Sources: swanctl.opt; load_creds.c, ike_auth.c and ike_init.c of strongSwan 6.0.6.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from ..documents import lines
from ..documents.braces import Splice
from ..documents.settings import Section
from ..model import Activation, Change, File, Problem, Snapshot
from .paths import real_path
from .ppk import ID, MADE, NOTHING, Secret, Slot, Writes
from .strongswan import activation, of
from .strongswan_config import Config, Entry, config
from .strongswan_link import takes
from .strongswan_seen import Seen
from .strongswan_write import change_of, line_for

BLOCK = "{made}{old}\nsecrets {{\n  ppk-{id} {{\n    id = {id}\n    secret = 0s"
BEHIND = "  }\n}\n"


@dataclass(frozen=True, slots=True)
class PpkEnd:
    """id: that its connection asks for, "" = none.  secrets: all that are there; mine: those of them in our file, the newest last.

    shared: its connection takes anybody, so it is that of other ends, too, and stays as it is.
    """

    snapshot: Snapshot
    seen: Seen
    path: str
    id: str
    required: bool
    secrets: tuple[Secret, ...]
    shared: bool = False
    takes_any: bool = False  # whoever asks for an id takes no other

    @property
    def host(self) -> str:
        return self.snapshot.host

    @property
    def connection(self) -> str:
        return self.seen.name

    @property
    def mine(self) -> tuple[Secret, ...]:
        return tuple(one for one in self.secrets if one.file.path == self.path)

    @property
    def children(self) -> tuple[str, ...]:
        return tuple(self.seen.connection.child("children").names())

    @property
    def writes(self) -> Writes:
        return WRITES

    def activation(self, paths: Collection[str]) -> Activation:
        """Once these files have changed."""
        return activation(self.snapshot, ())

    @property
    def where(self) -> str:
        found = self.seen.view.entry("ppk_id")
        file, section = self.seen.view.own.places[-1]
        return str(found.origin) if found else f"{file.path}:{section.line}"


def read_end(snapshot: Snapshot, connection: str, peer: str) -> PpkEnd:
    """peer: the host that is its other end.  Raises Problem where its PPK cannot be rotated."""
    found = config(snapshot)
    seen = next((one for one in of(snapshot) if one.name == connection and not one.child), None)
    if found is None or seen is None:
        raise Problem(f"swanctl has no connection {connection}", snapshot.host, NOTHING)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", connection):
        raise Problem(f"the connection {connection!r} would give its file an odd name", snapshot.host, f"rename it; {NOTHING}")
    shared = takes(seen) is not None
    if shared and not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", peer):
        raise Problem(f"the host {peer!r} would give its file an odd name", snapshot.host, f"rename it in the inventory; {NOTHING}")
    path = posixpath.join(posixpath.dirname(found.main), "conf.d", f"agility-ppk-{connection}{'@' if shared else ''}{peer if shared else ''}.conf")
    kept = snapshot.files.get(path)
    if kept and (kept.mode[-3:], kept.owner, kept.real or path) != ("600", "root", path):
        raise Problem(f"it is {kept.mode} {kept.owner}, or a link, and holds secrets", path, f"make it 0600 root; {NOTHING}")
    end = PpkEnd(snapshot, seen, path, seen.view.text("ppk_id"), seen.view.on("ppk_required"), tuple(_secrets(found)), shared)
    if shared and end.id:
        what = f"{connection} takes anybody and asks everybody for the PPK {end.id}"
        raise Problem(what, end.where, f"take ppk_id out of it: then it takes whichever it has a secret for, this one too; {NOTHING}")
    if end.id and not ID.fullmatch(end.id):
        raise Problem(f"the id of the PPK of {connection} has other characters than letters, digits and . _ @ -", end.where, f"rename it; {NOTHING}")
    return end


def _secrets(found: Config) -> Iterator[Secret]:
    """In the order of the files; count 0 = its texts stand in several places."""
    node = found.root.sections.get("secrets")
    for name, one in node.sections.items() if node else ():
        if name.startswith("ppk"):
            file, section = one.places[0]
            ids = tuple(entry.setting.value or "" for key, entry in one.entries.items() if key.startswith("id"))
            made = _secret(name, ids, file, section)
            yield made if len(one.places) == 1 else replace(made, count=0)


def _secret(name: str, ids: tuple[str, ...], file: File, section: Section) -> Secret:
    """Of a file of ours with the whole block around it."""
    text = lines.split(file.text or "")
    above = text[section.line - 3] if section.line > 2 else ""
    if above.startswith(MADE) and text[section.line - 2].strip() == "secrets {":
        return Secret(name, ids, file, section.line - 2, BLOCK.count("\n") + 1 + BEHIND.count("\n"), above.removeprefix(MADE).strip())
    return Secret(name, ids, file, section.line, section.close_at[0] - section.line + 1)


# ---------------------------------------------------------------- edits


def added(end: PpkEnd, id_: str, old: str) -> Slot:
    """Of a secret of this id.  It takes the place of one that was never used.  old: what the tunnel uses now.  Raises Problem."""
    mine = end.mine
    stale = [one for one in mine if not {end.id, old} & set(one.ids)]
    lead = BLOCK.format(made=MADE, old=old, id=id_)
    if not mine:
        if end.path in end.snapshot.files:
            raise Problem("it holds no PPK, and is not as it was made", end.path, f"take it away; {NOTHING}")
        return Slot(end.path, "", 1, 0, lead, BEHIND)
    file = mine[0].file
    line, delete = (stale[-1].line, stale[-1].count) if stale else (len(lines.split(file.text or "")) + 1, 0)
    return Slot(end.path, file.sha256, line, delete, lead, BEHIND)


def asking(end: PpkEnd, id_: str, required: bool, without: str = "") -> tuple[Change, ...]:
    """The connection asks for this id ("" = for none), and insists or not; the secrets of the id `without` go.  () = it is so.

    Raises Problem, and Inexpressible for a file that cannot say it.
    """
    splices: list[tuple[File, Splice]] = []
    for key, now, wanted in (("ppk_id", end.id, id_), ("ppk_required", "yes" if end.required else "no", "yes" if required else "no")):
        if now != wanted:
            splices.append(_put(end, key, wanted))
    splices += [_taken(one) for one in (leaving(end, without) if without else ())]
    made: dict[str, tuple[File, list[Splice]]] = {}
    for file, splice in splices:
        made.setdefault(real_path(file), (file, []))[1].append(splice)
    out = tuple(change_of(file, tuple(some)) for file, some in made.values())
    _prove(end, out, id_, required)
    return out


def leaving(end: PpkEnd, id_: str) -> tuple[Secret, ...]:
    """The secrets of this id that no connection here asks for any more, but ours.  Of a hub's connection only what we made for this spoke: who else
    names an id of somebody's hand nobody knows."""
    others = {one.view.text("ppk_id") for one in of(end.snapshot) if not one.child and one.name != end.connection}
    found = () if id_ in others else tuple(one for one in (end.mine if end.shared else end.secrets) if id_ in one.ids)
    for one in found:
        if one.ids != (id_,):
            raise Problem(f"the secret {one.name} is for several ids", f"{one.file.path}:{one.line}", f"give {id_} one of its own; {NOTHING}")
    return found


def _put(end: PpkEnd, key: str, value: str) -> tuple[File, Splice]:
    entry = end.seen.view.entry(key)
    if entry is None:
        return line_for(end.seen, f"{key} = {value}")
    setting = entry.setting
    if value:
        return entry.file, Splice(setting.line, setting.column, setting.raw, value)
    return entry.file, _line_of(entry)


def _line_of(entry: Entry) -> Splice:
    """The whole line goes.  Raises Problem where something else stands in it."""
    setting = entry.setting
    line = lines.split(entry.file.text or "")[setting.line - 1]
    ahead, behind = line[: setting.column].strip(), line[setting.column + len(setting.raw) :].strip()
    if ahead.replace(" ", "") != f"{setting.name}=" or not (behind == "" or behind.startswith("#")):
        raise Problem(f"{setting.name} shares its line", str(entry.origin), f"give it a line of its own; {NOTHING}")
    return Splice(setting.line, 0, line, "")


def _taken(one: Secret) -> tuple[File, Splice]:
    text = lines.split(one.file.text or "")
    first, last = text[one.line - 1], text[one.line + one.count - 2]
    alone = one.replaces is not None or (first.strip() == f"{one.name} {{" and last.strip() == "}")
    if not (one.count and alone):
        raise Problem(f"the secret {one.name} shares its lines", f"{one.file.path}:{one.line}", f"give it lines of its own; {NOTHING}")
    return one.file, Splice(one.line, 0, "".join(text[one.line - 1 : one.line + one.count - 1]), "")


def _prove(end: PpkEnd, made: tuple[Change, ...], id_: str, required: bool) -> None:
    """The edited files say so, and nothing else of any connection.  Raises Problem."""
    by_path = {change.path: change.edits for change in made}
    files: Mapping[str, File] = {
        path: replace(file, text=lines.apply(file.text, by_path[real_path(file)])) if file.text and real_path(file) in by_path else file
        for path, file in end.snapshot.files.items()
    }
    before, then = (_asked(shown) for shown in (end.snapshot, replace(end.snapshot, files=files)))
    if wrong := [name for name, said in then.items() if said != ((id_, required) if name == end.connection else before[name])]:
        raise Problem(f"what {wrong[0]} asks for would not be what it should", end.where, f"write ppk_id into the connection itself; {NOTHING}")


def _asked(snapshot: Snapshot) -> dict[str, tuple[str, bool]]:
    return {one.name: (one.view.text("ppk_id"), one.view.on("ppk_required")) for one in of(snapshot) if not one.child}


WRITES = Writes(added, asking, leaving)
