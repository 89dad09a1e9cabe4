"""How wishes become line edits: the option that governs, else a line of its own behind the last one about TLS.

Only what one end can do alone is written: another name is put in front, and one is taken away only once the other end has shown that it can do
without (openvpn_gate.py), so that it still finds what it finds today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..documents import lines, ovpn
from ..model import Change, Edit, File, Inexpressible, Snapshot, Wanted
from .openssl import render_groups
from .openvpn_config import Said
from .openvpn_gate import GATED, shut
from .openvpn_seen import SPOKEN, VERSIONS, Seen
from .paths import real_path

REDACTED = "[redacted]"
HAS_GROUPS = (2, 5)
# Behind the last of these a new line is put.
ABOUT_TLS = (
    *("tls-groups", "tls-version-min", "tls-version-max", "tls-cipher", "tls-ciphersuites"),
    *("data-ciphers", "cipher", "auth", "dh", "cert", "key", "ca"),
)
BOTH_ENDS = (
    "keep the stage at prefer until every other end can (migrate_links moves those that are managed here); to change the rest of this host, leave "
    "openvpn out (agility_services)"
)
WAY = (
    "let the policy name how long all that come to a server are watched (clients: watch), or who answers for the other end (clients: acknowledge); "
    f"else {BOTH_ENDS}"
)


def texts(seen: Seen, wanted: Mapping[str, Wanted], together: bool = False) -> dict[str, str]:
    """Option → what it shall say.  Raises Inexpressible, also for whatever would take something from the other end.

    together: all its other ends that are managed here move with it.
    """
    out: dict[str, str] = {}
    settings = seen.endpoint().settings
    for aspect, to in wanted.items():
        now = settings[aspect]
        if gone := [name for name in now.values if name not in to.names]:
            _may_go(
                seen,
                aspect,
                to,
                together,
                f"{aspect} of {seen.id}: taking away {', '.join(gone)} on one end alone may end the tunnel",
                str(now.origin),
            )
        if aspect == "key_exchange":
            out["tls-groups"] = _groups(seen, to)
        elif aspect == "version":
            out |= _versions(seen, now.values, to)
        elif aspect == "cipher" and seen.version >= HAS_GROUPS:
            out["data-ciphers"] = ":".join(to.names)
        elif to.names != now.values:
            raise Inexpressible(f"this release does not write {aspect} for {seen.label}", str(now.origin), BOTH_ENDS)
    return out


def _may_go(seen: Seen, aspect: str, to: Wanted, together: bool, what: str, where: str) -> None:
    """Raises Inexpressible, with why, unless the other end has shown that it can do without."""
    if aspect not in GATED:
        raise Inexpressible(what, where, BOTH_ENDS)
    if why := shut(seen, aspect, to, together):
        raise Inexpressible(f"{what}: {why}", where, WAY)


def _groups(seen: Seen, to: Wanted) -> str:
    where, known = seen.config.path, seen.capability.names
    if known is None:
        raise Inexpressible(f"which groups it can do is unknown: {seen.capability.source}", where)
    if unknown := [name for name in to.names if name not in known]:
        raise Inexpressible(f"{seen.capability.label} does not know {', '.join(unknown)}", where, "upgrade its OpenSSL")
    if seen.version < HAS_GROUPS:
        raise Inexpressible(f"{seen.label} has no tls-groups, which came with 2.5", where, "upgrade it")
    return render_groups(to.names, to.tiers, seen.library)


def _versions(seen: Seen, now: tuple[str, ...], to: Wanted) -> dict[str, str]:
    """Only a range can be said."""
    first, *dummy, last = (name for name in VERSIONS if name in to.names) if len(to.names) > 1 else (*to.names, *to.names)
    if VERSIONS[VERSIONS.index(first) : VERSIONS.index(last) + 1] != tuple(name for name in VERSIONS if name in to.names):
        raise Inexpressible(f"{', '.join(to.names)} is no range of versions, which is all that it takes", seen.config.path)
    said = {spoken: number for number, spoken in SPOKEN.items()}
    out = {"tls-version-min": said[first]} if first != now[0] else {}
    return out | ({"tls-version-max": said[last]} if last != now[-1] else {})


def changes(snapshot: Snapshot, said: Iterable[tuple[Seen, Mapping[str, str]]]) -> tuple[Change, ...]:
    """One Change a file.  Raises Inexpressible for what the command line governs."""
    edits: dict[str, list[Edit]] = {}
    files: dict[str, File] = {}
    for seen, wanted in said:
        for file, edit in _edits(snapshot, seen, wanted):
            files[real_path(file)] = file
            if edit not in edits.setdefault(real_path(file), []):
                edits[real_path(file)].append(edit)
    return tuple(_change(files[path], sorted(found, key=lambda edit: (edit.line, edit.delete))) for path, found in edits.items())


def _edits(snapshot: Snapshot, seen: Seen, wanted: Mapping[str, str]) -> Iterable[tuple[File, Edit]]:
    """A line changed for each option that stands somewhere, and one insertion for all the others."""
    added = []
    for name, value in wanted.items():
        if len(f"{name} {value}") > ovpn.LONGEST:
            raise Inexpressible(f"{name} would be longer than the {ovpn.LONGEST} characters of a line", seen.config.path, "allow fewer names")
        governs = seen.config.last(*(("data-ciphers", "ncp-ciphers") if name == "data-ciphers" else (name,)))
        if governs is None:
            added.append(f"{name} {value}")
        else:
            yield _replaced(governs, name, value)
    if added:
        yield _inserted(snapshot.files[seen.config.path], seen, added)


def _replaced(governs: Said, name: str, value: str) -> tuple[File, Edit]:
    if governs.file is None:
        raise Inexpressible(f"{name} is given on the command line", str(governs.origin), "take it out of the unit, and put it into the file")
    line = _lines(governs.file)[governs.option.line - 1]
    text = ovpn.replaced(line, governs.option, value)
    if len(text.rstrip("\r\n")) > ovpn.LONGEST:
        raise Inexpressible(f"{name} would be longer than the {ovpn.LONGEST} characters of a line", str(governs.origin), "allow fewer names")
    return governs.file, Edit(governs.option.line, 1, (text,))


def _inserted(file: File, seen: Seen, added: list[str]) -> tuple[File, Edit]:
    split = _lines(file)
    mine = [one.option for one in seen.config.said if one.file is file and one.option.name in ABOUT_TLS and not one.option.inline]
    number = mine[-1].last if mine else len(split)
    ending = lines.newline(split[0]) if split else "\n"
    texts = tuple(f"{text}{ending}" for text in added)
    if number and not split[number - 1].endswith("\n"):
        return file, Edit(number, 1, (f"{split[number - 1]}{ending}", *texts))
    return file, Edit(number + 1, 0, texts)


def _change(file: File, found: list[Edit]) -> Change:
    """Raises Inexpressible when a line to be changed also holds a secret."""
    if any(REDACTED in line for edit in found for line in edit.insert):
        raise Inexpressible("a line to be changed also holds a secret, which this controller does not know", real_path(file), "mend it by hand")
    after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, found))
    return Change(real_path(file), file.sha256, tuple(found), after, file.owner, file.group, file.mode)


def _lines(file: File) -> tuple[str, ...]:
    return lines.split(file.text or "")
