"""How a wish is written to sshd's configuration: replace the value that counts, else add one where it will count."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from fnmatch import fnmatchcase

from ..documents import keyword, lines
from ..model import Change, Edit, Inexpressible, Snapshot, Wanted, Wishes
from .openssh_config import MAIN, QUERIES, Placed, reading_order, winning
from .paths import real_path

# aspect → keywords that set it (lower case), the present name first
KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "key_exchange": ("kexalgorithms",),
    "cipher": ("ciphers",),
    "mac": ("macs",),
    "host_key": ("hostkeyalgorithms",),
    "user_key": ("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"),
}
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


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Full lists only, never "+", "-" or "^".  Raises Inexpressible for an empty list or a name this sshd does not know."""
    order = reading_order(snapshot)
    edits: dict[str, list[Edit]] = {}
    added: list[str] = []
    for aspect, wanted in next(iter(wishes.values()), {}).items():
        _expressible(snapshot, aspect, wanted)
        first = winning(order, KEYWORDS[aspect])
        value = ",".join(wanted.names)
        if first:
            line = first.document.lines[first.directive.line - 1]
            edits.setdefault(first.document.path, []).append(Edit(first.directive.line, 1, (keyword.replaced(line, first.directive, value),)))
        else:
            added.append(f"{_keyword(snapshot, aspect)} {value}\n")
    changes = [_change(snapshot, path, found) for path, found in edits.items()]
    return tuple(_with_added(snapshot, order, changes, added)) if added else tuple(changes)


def _expressible(snapshot: Snapshot, aspect: str, wanted: Wanted) -> None:
    if aspect not in KEYWORDS:
        raise Inexpressible(f"sshd has no setting for {aspect}", MAIN)
    if not wanted.names:
        raise Inexpressible(f"an empty list for {aspect}: sshd would not start, or fall back to its defaults", MAIN)
    odd = [name for name in wanted.names if not name or any(c in name for c in ", \t\"'\\#\r\n")]
    if odd:
        raise Inexpressible(f"{odd[0]!r} cannot stand in a list of sshd_config", MAIN)
    asked = snapshot.answers.get(f"ssh-Q-{QUERIES[aspect]}")
    unknown = [name for name in wanted.names if not asked or not asked.ok or name not in asked.out.split()]
    if unknown:
        raise Inexpressible(f"this sshd does not know {', '.join(unknown)}; it would not start", MAIN)


def _keyword(snapshot: Snapshot, aspect: str) -> str:
    """The spelling that this sshd prints itself: PubkeyAcceptedAlgorithms was PubkeyAcceptedKeyTypes before 8.5."""
    answer = snapshot.answers.get("sshd-T")
    printed = {line.split(" ", 1)[0] for line in answer.out.splitlines()} if answer else set()
    return SPELLED[next((name for name in KEYWORDS[aspect] if name in printed), KEYWORDS[aspect][0])]


def _change(snapshot: Snapshot, path: str, edits: list[Edit]) -> Change:
    file = snapshot.files[path]
    ordered = tuple(sorted(edits, key=lambda edit: edit.line))
    after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, ordered))
    return Change(real_path(file), file.sha256, ordered, after, file.owner, file.group, file.mode)


def _with_added(snapshot: Snapshot, order: tuple[Placed, ...], changes: list[Change], added: list[str]) -> list[Change]:
    """Put new lines into our drop-in where one is read, else into the main file before the first Match block."""
    folder = _dropin_folder(snapshot, order)
    if not folder:
        return _into_main(snapshot, changes, added)
    path = posixpath.join(folder, DROPIN)
    if path not in snapshot.files:
        text = HEADER + "".join(added)
        return [*changes, Change(path, "", (Edit(1, 0, (HEADER, *added)),), lines.sha256(text))]
    mine = snapshot.files[path]
    at = len(lines.split(mine.text or "")) + 1
    earlier = next((change.edits for change in changes if change.path == real_path(mine)), ())
    others = [change for change in changes if change.path != real_path(mine)]
    return [*others, _change(snapshot, path, [*earlier, _appended(mine.text or "", at, added)])]


def _appended(text: str, at: int, added: list[str]) -> Edit:
    """Insert before line `at`; an unfinished last line is replaced by its finished self."""
    split = lines.split(text)
    end = lines.newline(text)
    new = tuple(line.replace("\n", end) for line in added)
    if at > len(split) and split and not split[-1].endswith("\n"):
        return Edit(len(split), 1, (split[-1] + end, *new))
    return Edit(at, 0, new)


def _dropin_folder(snapshot: Snapshot, order: tuple[Placed, ...]) -> str:
    """The folder of a global Include in the main file that would read our drop-in, "" when there is none or the folder is not there."""
    for placed in order:
        if placed.document.path == MAIN and placed.directive.name == "include" and not placed.scope:
            for pattern in placed.directive.arguments:
                folder, name = posixpath.split(posixpath.join("/etc/ssh", pattern))
                if fnmatchcase(DROPIN, name) and _exists(snapshot, folder):
                    return folder
    return ""


def _exists(snapshot: Snapshot, folder: str) -> bool:
    answer = snapshot.answers.get("dropins")
    said = bool(answer and answer.ok and answer.out.strip() == folder)
    return said or any(posixpath.dirname(path) == folder for path in snapshot.files)


def _into_main(snapshot: Snapshot, changes: list[Change], added: list[str]) -> list[Change]:
    main = snapshot.files[MAIN]
    document = keyword.parse(main.text or "", MAIN)
    block = next((d.line for d in document.directives if d.name == "match"), len(document.lines) + 1)
    earlier = next((change.edits for change in changes if change.path == real_path(main)), ())
    others = [change for change in changes if change.path != real_path(main)]
    return [*others, _change(snapshot, MAIN, [*earlier, _appended(main.text or "", block, added)])]
