"""Which certificates HAProxy serves where, and the files that they lie in: certificate and key in one PEM, unless the key lies beside it.

Sources: configuration manual, 5.1 "crt", "crt-list", "default-crt", 3.1 "ssl-load-extra-files", 3.11 "crt-store".  Tried on 3.0.11 and 3.2.26:
which certificate of a name is served follows what the client offers, ECDSA before RSA before everything else, however they are named: two
`crt`, a folder, a bundle.  So ML-DSA is for clients that offer neither; without a known name the first one is served to all.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..certificates.read import leaf
from ..credentials import Binding, Certificate, Form, Pair, Serving
from ..model import File, Origin, Snapshot
from .haproxy_binds import Bind, Said, Socket
from .haproxy_config import Assembly
from .haproxy_lists import Entry, entries, of_section
from .haproxy_stores import Load, loads
from .paths import real_path

CRT = ("crt", "default-crt")
BUNDLE = (".rsa", ".dsa", ".ecdsa")
NO_CERTIFICATE = (".key", ".issuer", ".ocsp", ".sctl")  # what lies beside one
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One certificate of a bind.  at: the words, or the line of a list, that lead to it; load: that of a store, where one does.

    names: those that the list gives it, () = its own; fixed: see Binding; folder: what is put beside it is loaded with it.
    """

    pair: Pair
    origin: Origin
    at: Said | Entry
    form: Form = "one file"
    names: tuple[str, ...] = ()
    fixed: str = ""
    load: Load | None = None
    folder: bool = False


class Certificates:
    """absent: globs of what is named and was not seen."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly, self.files = assembly, assembly.snapshot.files
        self.absent: dict[str, None] = {}
        self.loads = tuple(loads(assembly))

    def references(self, bind: Bind) -> tuple[Reference, ...]:
        return tuple(self._references(bind))

    def lists(self, bind: Bind) -> Iterator[Entry]:
        """The lines of its crt-list files, whose names are not relative to crt-base (tried on 3.0.11), and those of its section."""
        for said in bind.all("crt-list"):
            path = self.assembly.resolved(said.value, "", said.line)
            if path in self.files:
                yield from entries(self.files[path])
            else:
                self.absent[path] = None
        yield from of_section(bind.section)

    def found(self, reference: Reference) -> Certificate | None:
        file = self.files.get(reference.pair.certificate)
        return leaf(file.text, file.path) if file and file.text else None

    def has_parameters(self, bind: Bind) -> bool:
        """Whether one of its files brings parameters for DHE along."""
        files = (self.files.get(reference.pair.certificate) for reference in self._references(bind))
        return any("BEGIN DH PARAMETERS" in (file.text or "") for file in files if file)

    def _references(self, bind: Bind) -> Iterator[Reference]:
        base = bind.default("crt-base")
        for number, said in enumerate(bind.all(*CRT)):
            here = said.line.origin
            origin = Origin(f"{here}, crt {number + 1}") if number else here
            yield from self._of(said.value, base.value if base else "", said, origin, ())
        for entry in self.lists(bind):
            names = tuple(name for name in entry.names if not name.startswith("!"))
            yield from self._of(entry.path, base.value if base else "", entry, entry.origin, names)

    def _of(self, path: str, base: str, at: Said | Entry, origin: Origin, names: tuple[str, ...]) -> Iterator[Reference]:
        line = at.line if isinstance(at, Said) else None
        folder = posixpath.join(self.assembly.told.folder, base)
        full = self.assembly.resolved(path, base, line) if line else posixpath.normpath(posixpath.join(folder, path))
        load = next((one for one in self.loads if path in one.names or one.pair.certificate == full), None)
        inside = sorted(one for one in self.files if posixpath.dirname(one) == full and _is_loaded(posixpath.basename(one)))
        bundle = [full + ending for ending in BUNDLE if full + ending in self.files]
        if load:
            yield self._loaded(load, at, names)
        elif path.startswith("@"):
            yield Reference(Pair(path, path), origin, at, names=names, fixed=f"{path} is in no crt-store")
        elif full in self.files:
            yield Reference(self._pair(full), origin, at, names=names)
        elif inside or bundle:
            for one in inside or bundle:
                pair = self._pair(one)
                yield Reference(pair, Origin(one), at, "itself", names, _replaceable(self.files[one], pair), folder=bool(inside))
        else:
            self.absent |= dict.fromkeys((full, f"{full}/*", *(full + ending for ending in BUNDLE)))
            yield Reference(Pair(full, full), origin, at, names=names)

    def _pair(self, path: str) -> Pair:
        """The key lies in the same file; else beside it: FILE.key, or with ssl-load-extra-del-ext without the ending of the certificate."""
        text = self.files[path].text or ""
        if "[redacted]" in text or "PRIVATE KEY" in text:
            return Pair(path, path)
        beside = (f"{path}.key", f"{posixpath.splitext(path)[0]}.key")
        key = next((one for one in beside if one in self.files), "")
        if not key:
            self.absent |= dict.fromkeys(beside)
        return Pair(path, key or beside[0])

    def _loaded(self, load: Load, at: Said | Entry, names: tuple[str, ...]) -> Reference:
        path = load.pair.certificate
        if path not in self.files:
            self.absent[path] = None
        pair = load.pair if load.pair.key else self._pair(path) if path in self.files else Pair(path, path)
        return Reference(pair, load.line.origin, at, "beside" if load.pair.key else "one file", names, load=load)


def _is_loaded(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(NO_CERTIFICATE)


def _replaceable(file: File, pair: Pair) -> str:
    """Why a file that is loaded because of where it lies cannot be replaced by another one at its place; "" when it can."""
    if real_path(file) != file.path:
        return f"{file.path} is a symbolic link to {real_path(file)}"
    if pair.key != pair.certificate:
        return f"its key is in another file, {pair.key}"
    return f"everybody can read {file.path}, which would hold the new key (mode {file.mode})" if int(file.mode or "0", 8) & 0o007 else ""


def servings(certificates: Certificates, sockets: tuple[Socket, ...]) -> tuple[Serving, ...]:
    """One for each set of names of a bind; binds that share all of it share the serving."""
    found: dict[tuple[tuple[str, ...], tuple[Origin, ...]], tuple[list[str], list[Reference]]] = {}
    for socket in sockets:
        groups: dict[tuple[str, ...], list[Reference]] = {}
        for reference in certificates.references(socket.bind):
            groups.setdefault(_names(certificates, reference), []).append(reference)
        for names, members in groups.items():
            endpoints, dummy = found.setdefault((names, tuple(one.origin for one in members)), ([], members))
            endpoints.append(socket.id)
    return tuple(
        Serving("haproxy", tuple(endpoints), names, tuple(Binding(one.pair, one.origin, one.fixed, one.form) for one in members))
        for (names, dummy), (endpoints, members) in found.items()
    )


def _names(certificates: Certificates, reference: Reference) -> tuple[str, ...]:
    """What clients ask for it by; addresses, which nobody does, last."""
    one = certificates.found(reference)
    names = reference.names or (one.names if one else ())
    return tuple(sorted(dict.fromkeys(names), key=lambda name: bool(_ADDRESS.fullmatch(name))))


def missing(certificates: Certificates, binds: tuple[Bind, ...], snapshot: Snapshot) -> tuple[str, ...]:
    for bind in binds:
        certificates.references(bind)
    return tuple(path for path in certificates.absent if path not in snapshot.files)
