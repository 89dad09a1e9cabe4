"""How a wish is written to sshd's configuration: replace the value that counts, else add one where it will count."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ..documents import keyword, lines
from ..model import Change, Edit, File, Inexpressible, Snapshot, Wanted, Wishes
from .openssh_ask import blocks, effective, everybody, supported
from .openssh_config import IN_MATCH, KEYWORDS, MAIN, Placed, conditional, given, reading_order, winning
from .openssh_keys import LISTED
from .paths import real_path

SPELLED = {
    "kexalgorithms": "KexAlgorithms",
    "ciphers": "Ciphers",
    "macs": "MACs",
    "hostkeyalgorithms": "HostKeyAlgorithms",
    "pubkeyacceptedalgorithms": "PubkeyAcceptedAlgorithms",
    "pubkeyacceptedkeytypes": "PubkeyAcceptedKeyTypes",
}
DROPIN = "10-crypto-agility.conf"
HEADER = "# Written by quantumsafe.agility to satisfy the crypto-agility policy; undo it with its rollback playbook.\n"
# Files of the distribution, written anew by its tools: what they set is overridden before them, not edited in them.
FOREIGN = ("/etc/crypto-policies/", "/usr/share/", "/usr/lib/", "/usr/etc/")


@dataclass(slots=True)
class _Draft:
    """replaced: path → line → its new text.  added: aspect → line to add.  over: directives of others that the added lines must precede."""

    replaced: dict[str, dict[int, str]] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    over: list[Placed] = field(default_factory=list)

    def replace(self, path: str, placed: Placed, value: str) -> None:
        line = placed.document.lines[placed.directive.line - 1]
        self.replaced.setdefault(path, {})[placed.directive.line] = keyword.replaced(line, placed.directive, value)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Full lists only, never "+", "-" or "^".  Raises Inexpressible for an empty list, a name this sshd does not know, and for what would not
    count: every change is read again before it is returned."""
    order = reading_order(snapshot)
    draft, due = _Draft(), {}
    for aspect, wanted in next(iter(wishes.values()), {}).items():
        _expressible(snapshot, aspect, wanted)
        for placed, names in _places(snapshot, order, aspect, wanted):
            if placed and placed.scope and foreign(snapshot, placed):
                raise Inexpressible(f"{placed.scope} stands in a file of the distribution", str(placed.origin), "override it by hand")
            if placed and not foreign(snapshot, placed):
                draft.replace(_first_name(snapshot, placed.document.path), placed, ",".join(names))
            else:
                draft.added[aspect] = f"{_keyword(snapshot, aspect)} {','.join(names)}\n"
                draft.over += [placed] if placed else []
            if not placed or not placed.scope:
                due[aspect] = ",".join(names)
    for changes in _ways(snapshot, order, draft):
        after = reading_order(after_changes(snapshot, changes))
        if all(_counts(after, aspect, value) for aspect, value in due.items()):
            return changes
    raise Inexpressible("no place was found where the new lists would count", MAIN, "put them at the top of this file by hand")


def _counts(order: tuple[Placed, ...], aspect: str, value: str) -> bool:
    """Whether this value is the one for everybody, and sshd accepts it where it stands: a file can be included below a Match line, too."""
    first = winning(order, aspect)
    return bool(first and first.directive.arguments[0] == value) and (aspect == IN_MATCH or not conditional(order, aspect))


def _expressible(snapshot: Snapshot, aspect: str, wanted: Wanted) -> None:
    if aspect not in KEYWORDS:
        raise Inexpressible(f"sshd has no setting for {aspect}", MAIN)
    if not wanted.names:
        raise Inexpressible(f"an empty list for {aspect}: sshd would not start, or fall back to its defaults", MAIN)
    odd = [name for name in wanted.names if not name or any(c in name for c in ", \t\"'\\#\r\n")]
    if odd:
        raise Inexpressible(f"{odd[0]!r} cannot stand in a list of sshd_config", MAIN)
    known = supported(snapshot, aspect) or ()
    unknown = [name for name in wanted.names if name not in known]
    if unknown:
        raise Inexpressible(f"this sshd does not know {', '.join(unknown)}; it would not start", MAIN)
    if option := given(snapshot, aspect):
        raise Inexpressible(f"{KEYWORDS[aspect][0]} is set on sshd's command line, which beats its files", str(option[1]), "take it out there")


def _places(snapshot: Snapshot, order: tuple[Placed, ...], aspect: str, wanted: Wanted) -> Iterator[tuple[Placed | None, tuple[str, ...]]]:
    """What to write where (None = a new line).  Nobody gets a name that he has not today, but for names that are new to all of sshd: a
    Match block keeps its narrower choice, and what only it accepts stays there."""
    if aspect != IN_MATCH:
        yield winning(order, aspect), wanted.names
        return
    today = everybody(snapshot, order, aspect)[0] or wanted.names
    own = blocks(snapshot, order)
    new = set(wanted.names).difference(today, *(names or () for dummy, names in own))
    listed = tuple(name for name in wanted.names if name in today or name in new) or wanted.names
    if set(listed) != set(today) or not own:
        yield winning(order, aspect), listed
    for placed, names in own:
        if names is None:
            raise Inexpressible(f"what {placed.scope} accepts is unknown", str(placed.origin), "write the list out in full")
        left = tuple(name for name in names if name in wanted.names) or wanted.names
        if left != names:
            yield placed, left


def _first_name(snapshot: Snapshot, path: str) -> str:
    """The first of the paths that lead to the same file: it is changed once."""
    real = real_path(snapshot.files[path])
    return next(name for name, file in snapshot.files.items() if real_path(file) == real)


def foreign(snapshot: Snapshot, placed: Placed) -> bool:
    path = placed.document.path
    return path.startswith(FOREIGN) or real_path(snapshot.files[path]).startswith(FOREIGN)


def _keyword(snapshot: Snapshot, aspect: str) -> str:
    """The spelling that this sshd prints itself: PubkeyAcceptedAlgorithms was PubkeyAcceptedKeyTypes before 8.5."""
    printed = effective(snapshot)
    return SPELLED[next((name for name in KEYWORDS[aspect] if name in printed), KEYWORDS[aspect][0])]


def _ways(snapshot: Snapshot, order: tuple[Placed, ...], draft: _Draft) -> Iterator[tuple[Change, ...]]:
    """Added lines go into our drop-in where one is read, else into the main file: before the first Match block, or before every Include."""
    if not draft.added:
        yield _changes(snapshot, draft, "", ())
        return
    folder = dropin_folder(snapshot, order)
    if folder:
        yield _changes(snapshot, draft, posixpath.join(folder, DROPIN), ("match",))
    if not draft.over:
        yield _changes(snapshot, draft, MAIN, ("match",))
    yield _changes(snapshot, draft, MAIN, ("match", "include"))


def _changes(snapshot: Snapshot, draft: _Draft, target: str, before: tuple[str, ...]) -> tuple[Change, ...]:
    """The draft as changes, its added lines in `target` before the first line that begins with one of these keywords."""
    added = tuple(draft.added.values())
    paths = dict.fromkeys((*draft.replaced, *([target] if target else ())))
    out = []
    for path in paths:
        if path not in snapshot.files:
            out.append(Change(path, "", (Edit(1, 0, (HEADER, *added)),), lines.sha256(HEADER + "".join(added))))
            continue
        text = snapshot.files[path].text or ""
        found = keyword.parse(text, path).directives if path == target else ()
        at = next((d.line for d in found if d.name in before), len(lines.split(text)) + 1)
        out.append(change_of(snapshot.files[path], _edits(text, draft.replaced.get(path, {}), at, added if path == target else ())))
    return tuple(out)


def _edits(text: str, replaced: Mapping[int, str], at: int, added: tuple[str, ...]) -> tuple[Edit, ...]:
    """Lines replaced, and lines added before line `at`; before an unfinished last line rather than behind it: that one may be redacted here."""
    split, end = lines.split(text), lines.newline(text)
    if split and not split[-1].endswith("\n"):
        at = min(at, len(split))
    new = Edit(at, 0, tuple(line.replace("\n", end) for line in added))
    found = [Edit(line, 1, (value,)) for line, value in replaced.items()]
    return tuple(sorted([*found, *([new] if added else [])], key=lambda edit: (edit.line, edit.delete)))


def change_of(file: File, edits: tuple[Edit, ...]) -> Change:
    after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, edits))
    return Change(real_path(file), file.sha256, edits, after, file.owner, file.group, file.mode)


def after_changes(snapshot: Snapshot, changes: tuple[Change, ...]) -> Snapshot:
    """The snapshot with these changes made."""
    files = dict(snapshot.files)
    for change in changes:
        for path, file in snapshot.files.items():
            if real_path(file) == change.path:
                files[path] = replace(file, text=lines.apply(file.text or "", change.edits))
        if not change.sha256:
            files[change.path] = File(change.path, lines.apply("", change.edits), "", 0)
    return replace(snapshot, files=files)


def dropin_folder(snapshot: Snapshot, order: tuple[Placed, ...]) -> str:
    """The folder of a global Include in the main file that would read our drop-in, "" when there is none or the folder is not there.

    Not below "Match all": what stands there beats the Match blocks behind it.
    """
    for placed in order:
        if placed.document.path == MAIN and placed.directive.name == "include" and not placed.scope and not placed.late:
            for pattern in placed.directive.arguments:
                folder, name = posixpath.split(posixpath.join("/etc/ssh", pattern))
                if fnmatchcase(DROPIN, name) and _exists(snapshot, folder):
                    return folder
    return ""


def _exists(snapshot: Snapshot, folder: str) -> bool:
    answer = snapshot.answers.get(LISTED)
    return folder in (answer.out.splitlines() if answer else ()) or any(posixpath.dirname(path) == folder for path in snapshot.files)
