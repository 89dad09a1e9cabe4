"""The PPK (RFC 8784) of one connection of libreswan, at one end: which id it names, which secrets are there, and the edits that change that.

Who begins names the first id of `ppk-ids` that it has a secret for; who answers takes whichever it has one for, unless `ppk` is off.
Secrets are in no snapshot: the host tells where they stand and for which ids (agent/ppk.sh), and writes a new one itself.

Sources: ipsec.conf(5), ipsec.secrets(5); keys.c, secrets.c, ikev2_ike_auth.c and ikev2_ppk.c of libreswan 5.2, and what it did (tests/fixtures).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from ..documents import ipsec_conf, lines
from ..documents.braces import Splice
from ..model import Activation, Change, Edit, File, Origin, Problem, Snapshot
from .ipsec_conf import DEFAULT
from .libreswan import of
from .libreswan_seen import PPK, Seen
from .libreswan_status import STATUS
from .paths import glob, real_path
from .ppk import ID, MADE, NOTHING, Secret, Slot, Writes
from .strongswan_write import change_of

FOLDER = "/etc/ipsec.d"  # where a person and Debian's ipsec.secrets look for more of them
LEAD = '{made}{old}\n"{local}" "{remote}" : PPKS "{id}" 0s'
SIGNED = ("secret", "rsasig")  # any other has pluto 5.2 end itself where a PPK is not insisted on (ikev2_calc_no_ppk_auth)
_NAMED = re.compile(r'[^"%()\s][^"%]*')  # an identity as pluto prints it, that a line of ipsec.secrets can name


@dataclass(frozen=True, slots=True)
class Kept:
    """What the host tells of ipsec.secrets and of what it includes.  files: path → (the file without its text, its lines); includes: patterns."""

    files: dict[str, tuple[File, int]]
    includes: tuple[str, ...]
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class PlutoEnd:
    """id: the first of `ppk-ids` with a secret, "" = none.  pinned: `ppk-ids` says that one alone.  mine: of our file."""

    snapshot: Snapshot
    seen: Seen
    path: str
    kept: Kept
    id: str
    required: bool
    pinned: bool
    shared: bool = False
    takes_any: bool = True

    @property
    def host(self) -> str:
        return self.snapshot.host

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return self.kept.secrets

    @property
    def mine(self) -> tuple[Secret, ...]:
        return tuple(one for one in self.secrets if one.file.path == self.path)

    @property
    def children(self) -> tuple[str, ...]:
        return ()  # it has one, whose name is that of the connection

    @property
    def writes(self) -> Writes:
        return WRITES

    @property
    def where(self) -> str:
        found = self.seen.conn.entry("ppk-ids", "ppk")
        return str(found.origin if found else self.seen.conn.origin)

    def activation(self, paths: Collection[str]) -> Activation:
        """New secrets alone end no SA."""
        names = self.seen.conn.name if set(paths) - self.kept.files.keys() - {self.path} else ""
        return Activation("libreswan", ("ipsec.service",), (), ("ipsec", "checkconfig"), f"secrets:{names}")


def main_file(snapshot: Snapshot) -> str:
    """Of the secrets, as pluto has it.  Raises Problem."""
    said = snapshot.answers.get(STATUS)
    if found := re.search(r"^(?:000 )?configdir=.*, secrets=([^,\s]+)", said.out if said else "", re.MULTILINE):
        return found[1]
    raise Problem("pluto does not tell where its secrets are (ipsec status)", snapshot.host, f"see whether it runs; {NOTHING}")


def read_end(snapshot: Snapshot, connection: str, kept: Kept) -> PlutoEnd:
    """Raises Problem where its PPK cannot be rotated."""
    seen = next((one for one in of(snapshot) if one.conn.name == connection and not one.child), None)
    if seen is None or seen.loaded is None:
        raise Problem(
            f"pluto has not loaded the connection {connection}", snapshot.host, f"run ipsec add {connection}, and see what it says; {NOTHING}"
        )
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", connection):
        raise Problem(f"the connection {connection!r} would give its file an odd name", snapshot.host, f"rename it; {NOTHING}")
    if seen.anybody:
        raise Problem(f"{connection} takes anybody: its secrets are those of other ends, too", snapshot.host, f"give it one end (right=); {NOTHING}")
    end = PlutoEnd(snapshot, seen, f"{FOLDER}/agility-ppk-{connection}.secrets", kept, "", seen.ppk() == "required", False)
    _can(end)
    written = _ids(seen)
    there = [one for secret in kept.secrets for one in secret.ids]
    if seen.ppk() == "off":
        return end
    if not written and len(there) > 1:
        what = f"{connection} names no id, and there are {len(there)} PPKs: which of them is its own depends on their lines"
        raise Problem(what, end.where, f"write ppk-ids= with the id that is in use; {NOTHING}")
    id_ = next((one for one in written or there if one in there), "")
    if id_ and not ID.fullmatch(id_):
        raise Problem(f"the id of the PPK of {connection} has other characters than letters, digits and . _ @ -", end.where, f"rename it; {NOTHING}")
    return replace(end, id=id_, pinned=written == [id_])


def _can(end: PlutoEnd) -> None:
    """Raises Problem."""
    seen, kept = end.seen, end.kept
    loaded = seen.loaded.facts if seen.loaded else {}
    if PPK.get(seen.conn.text("ppk", default="no").lower(), "") != seen.ppk():
        raise Problem(f"pluto has loaded another ppk= than {seen.conn.name} says", end.where, f"run ipsec replace {seen.conn.name}; {NOTHING}")
    if auth := [one for one in (loaded.get("our auth", ""), loaded.get("their auth", "")) if one not in SIGNED]:
        what = f"{seen.conn.name} authenticates by {auth[0] or '(unknown)'}, and pluto may end itself over a PPK that is not insisted on"
        raise Problem(what, end.where, f"authby= has to be secret or rsasig; {NOTHING}")
    if not all(_NAMED.fullmatch(one) for one in _identities(seen)):
        raise Problem(f"no line of secrets can name the ends of {seen.conn.name}", end.where, f"give both an id (leftid=, rightid=); {NOTHING}")
    if same := [one.conn.name for one in _others(end) if not _ids(one) and _identities(one) == _identities(seen)]:
        what = f"{same[0]}, between the same two, names no id, and would take up the new PPK of {seen.conn.name} by itself"
        raise Problem(what, end.where, f"write ppk-ids= into {same[0]}; {NOTHING}")
    shown = replace(end.snapshot, files={end.path: File(end.path, None, "", 0)})
    if not any(glob(one, shown) for one in kept.includes):
        main = next(iter(kept.files), "the file of its secrets")
        raise Problem(f"it does not include {end.path}", main, f"add the line: include {FOLDER}/*.secrets; {NOTHING}")
    if (mine := kept.files.get(end.path)) and (mine[0].mode[-3:], mine[0].owner) != ("600", "root"):
        raise Problem(f"it is {mine[0].mode} {mine[0].owner}, and holds secrets", end.path, f"make it 0600 root; {NOTHING}")


def _ids(seen: Seen) -> list[str]:
    """Those that it names, in this order."""
    return [one for one in re.split(r"[,\s]+", seen.conn.text("ppk-ids")) if one]


def _identities(seen: Seen) -> tuple[str, str]:
    said = seen.loaded.facts if seen.loaded else {}
    return said.get("our id", ""), said.get("their id", "")


# ---------------------------------------------------------------- edits


def added(end: PlutoEnd, id_: str, old: str) -> Slot:
    """Of a secret of this id.  It takes the place of one that was never used.  old: what the tunnel uses now.  Raises Problem."""
    local, remote = _identities(end.seen)
    lead = LEAD.format(made=MADE, old=old, local=local, remote=remote, id=id_)
    if end.path not in end.kept.files:
        return Slot(end.path, "", 1, 0, lead)
    if not end.mine:
        raise Problem("it holds no PPK, and is not as it was made", end.path, f"take it away; {NOTHING}")
    file, count = end.kept.files[end.path]
    stale = [one for one in end.mine if not {end.id, old} & set(one.ids)]
    line, delete = (stale[-1].line, stale[-1].count) if stale else (count + 1, 0)
    return Slot(end.path, file.sha256, line, delete, lead)


def asking(end: PlutoEnd, id_: str, required: bool, without: str = "") -> tuple[Change, ...]:
    """The connection names this id ("" = does without), and insists or not; the secrets of the id `without` go.  () = it is so.  Raises Problem."""
    mode = "required" if id_ and required else "enabled" if id_ else "off"
    wanted = {"ppk": {"required": "insist", "enabled": "yes", "off": "no"}[mode]} if mode != end.seen.ppk() and (id_ or end.id) else {}
    if id_ and not (end.id == id_ and end.pinned):
        wanted["ppk-ids"] = f'"{id_}"'
    changes = (_written(end, wanted),) if wanted else ()
    return (*changes, *(_taken(leaving(end, without)) if without else ()))


def leaving(end: PlutoEnd, id_: str) -> tuple[Secret, ...]:
    """The secrets of this id, where no other connection here may name it: one that says no id takes what fits its ends."""
    if any(id_ in (_ids(one) or (id_,)) for one in _others(end)):
        return ()
    return tuple(one for one in end.secrets if id_ in one.ids)


def _others(end: PlutoEnd) -> list[Seen]:
    """Connections of pluto that have PPKs, too."""
    return [one for one in of(end.snapshot) if not one.child and one.loaded and one.conn.name != end.seen.conn.name and one.ppk() != "off"]


def _taken(some: Collection[Secret]) -> Iterator[Change]:
    """Whole lines: nothing else can stand in those of a secret."""
    for path in dict.fromkeys(one.file.path for one in some):
        mine = sorted((one for one in some if one.file.path == path), key=lambda one: one.line)
        file = mine[0].file
        yield Change(file.path, file.sha256, tuple(Edit(one.line, one.count, ()) for one in mine), "", file.owner, file.group, file.mode)


def _written(end: PlutoEnd, wanted: dict[str, str]) -> Change:
    """In the connection's own section: the value of a line that is there, or a line right behind its head."""
    conn, snapshot = end.seen.conn, end.snapshot
    file = snapshot.files[conn.origin.path]
    sections = [one for one in ipsec_conf.parse(file.text or "", file.path).items if isinstance(one, ipsec_conf.Section)]
    own = {one.name: one for section in sections if (section.kind, section.name) == ("conn", conn.name) for one in section.parameters}
    splices, new = [], ""
    for name, value in wanted.items():
        found = conn.entry(name)
        if name in own:
            raw = (file.text or "").splitlines()[own[name].line - 1][own[name].start : own[name].end]
            splices.append(Splice(own[name].line, own[name].start, raw, value))
        elif found and _section(snapshot, found.origin) != DEFAULT:
            raise Problem(f"{name}= of {conn.name} comes from another section", str(found.origin), f"write it into {conn.name} itself; {NOTHING}")
        else:
            new += f"\t{name}={value}\n"
    if new:
        head = lines.split(file.text or "")[conn.origin.line - 1]
        splices.append(Splice(conn.origin.line, len(head.rstrip("\n")), "", f"\n{new.rstrip()}" if head.endswith("\n") else f"\n{new}"))
    made = change_of(file, tuple(splices))
    _prove(end, made, wanted)
    return made


def _section(snapshot: Snapshot, origin: Origin) -> str:
    """The name of the one that holds this line."""
    items = ipsec_conf.parse(snapshot.files[origin.path].text or "", origin.path).items
    return next(one.name for one in items if isinstance(one, ipsec_conf.Section) and any(line.line == origin.line for line in one.parameters))


def _prove(end: PlutoEnd, made: Change, wanted: dict[str, str]) -> None:
    """The edited files say so, and nothing else of any connection.  Raises Problem."""
    files = {
        path: replace(file, text=lines.apply(file.text, made.edits)) if file.text and real_path(file) == made.path else file
        for path, file in end.snapshot.files.items()
    }
    before, then = (_said(shown) for shown in (end.snapshot, replace(end.snapshot, files=files)))
    before[end.seen.conn.name] |= {name: value.strip('"') for name, value in wanted.items()}
    if wrong := [name for name, said in then.items() if said != before[name]]:
        raise Problem(f"what {wrong[0]} says of PPKs would not be what it should", end.where, f"write it into each connection itself; {NOTHING}")


def _said(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    return {one.conn.name: {name: one.conn.text(name) for name in ("ppk", "ppk-ids")} for one in of(snapshot) if not one.child}


WRITES = Writes(added, asking, leaving)
