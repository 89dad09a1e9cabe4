"""How references to certificates are switched: a word, a line of a list or of a store is rewritten; a file that is loaded because of where it
lies stays named as it is, for it is replaced itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..credentials import Pair
from ..documents import lines
from ..documents.braces import Splice
from ..documents.words import quoted
from ..model import Change, File, Inexpressible, Origin
from .haproxy_binds import Bind, Said
from .haproxy_certificates import Certificates, Reference
from .haproxy_edit import behind_line, behind_option, merged, replaced, value_of
from .haproxy_lists import Entry
from .haproxy_stores import Load
from .nginx_edit import change
from .paths import real_path

_RARE = re.compile(r"\.ml-dsa-\d+-[0-9a-f]{6}\b")


def rebind(
    certificates: Certificates, binds: tuple[Bind, ...], quic: tuple[Bind, ...], wanted: Mapping[Origin, tuple[Pair, ...]]
) -> tuple[Change, ...]:
    """One Change a file.  quic: binds that are no endpoints of ours, and go along where they name the same files.

    Raises Inexpressible for a reference that cannot be switched.
    """
    splices: dict[str, list[Splice]] = {}
    files: dict[str, File] = {}
    renewed: dict[Pair, tuple[Pair, ...]] = {}
    for bind in (*binds, *quic):
        found = certificates.references(bind)
        for number, reference in enumerate(found):
            pairs = wanted.get(reference.origin) or (renewed.get(reference.pair, ()) if bind in quic else ())
            pairs = tuple(sorted(pairs, key=_is_rare))
            if number == 0 and len(found) > 1 and pairs and _is_rare(pairs[0]):
                why = "the first certificate of a bind is what clients get that name no host, and few clients can do ML-DSA"
                raise Inexpressible(why, str(reference.origin), "put another certificate first")
            renewed[reference.pair] = pairs or renewed.get(reference.pair, ())
            if pairs and reference.fixed:
                raise Inexpressible(reference.fixed, str(reference.origin), "switch this reference by hand")
            for file, splice in _splices(reference, pairs):
                splices.setdefault(real_path(file), []).append(splice)
                files[real_path(file)] = file
    made = (change(files[path], merged(each)) for path, each in splices.items())
    return tuple(one for one in made if one.edits)


def _is_rare(pair: Pair) -> bool:
    """By the name that a rotation gives it."""
    return bool(_RARE.search(pair.certificate))


def _splices(reference: Reference, pairs: tuple[Pair, ...]) -> Iterator[tuple[File, Splice]]:
    if not pairs:
        return
    at, load, moved = reference.at, reference.load, pairs[0] != reference.pair
    if load:
        yield from _in_store(load, pairs, moved)
        names = [f"@{load.store}/{_alias(load, pair)}" for pair in pairs[1:]]
        yield from ((at_file(at), splice) for splice in _more(at, names))
        return
    if moved:
        yield at_file(at), _moved(at, pairs[0].certificate)
    if not reference.folder:
        yield from ((at_file(at), splice) for splice in _more(at, [pair.certificate for pair in pairs[1:]]))


def at_file(at: Said | Entry) -> File:
    return at.file if isinstance(at, Entry) else at.line.file


def _moved(at: Said | Entry, path: str) -> Splice:
    if isinstance(at, Entry):
        return Splice(at.line, at.column, at.raw, path)
    return replaced(value_of(at), path)


def _more(at: Said | Entry, names: list[str]) -> list[Splice]:
    """Further certificates: words behind the one, or lines like its own."""
    if not names:
        return []
    if isinstance(at, Said):
        return [behind_option(at, "".join(f" crt {quoted(name)}" for name in names))]
    end, body = lines.newline(at.text), at.text.rstrip("\r\n")
    like = (body[: at.column] + name + body[at.column + len(at.raw) :] for name in names)
    return [Splice(at.line, len(body), "", "".join(end + text for text in like))]


def _in_store(load: Load, pairs: tuple[Pair, ...], moved: bool) -> Iterator[tuple[File, Splice]]:
    """The line keeps the name that others know it by; further ones come behind it under names of their own."""
    file, crt, key = load.line.file, load.option("crt"), load.option("key")
    last = load.options[-1]
    if moved and crt:
        yield file, replaced(value_of(crt), pairs[0].certificate)
        if key:
            yield file, replaced(value_of(key), pairs[0].key)
        if not load.option("alias"):
            yield file, behind_option(last, f" alias {quoted(crt.value)}")
    for pair in pairs[1:]:
        own_key = f" key {quoted(pair.key)}" if pair.key != pair.certificate else ""
        yield file, behind_line(load.line, f"load crt {quoted(pair.certificate)}{own_key} alias {quoted(_alias(load, pair))}")


def _alias(load: Load, pair: Pair) -> str:
    return pair.certificate.rpartition("/")[2]
