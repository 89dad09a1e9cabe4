"""How wishes for sockets become line edits of HAProxy's files: the word that governs is replaced; where none does it is said once as a
default when all binds that lack it wish the same, else on each bind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..documents.braces import Splice
from ..documents.words import quoted
from ..model import Capability, Change, Endpoint, File, Inexpressible, Wanted, Wishes
from .haproxy_binds import Bind, Said, Socket, options
from .haproxy_ciphers import Ciphers
from .haproxy_config import Assembly, Line
from .haproxy_edit import behind, behind_line, instead, merged, replaced, value_of
from .haproxy_versions import BOUNDS, SPELLED, VERSIONS, WORDS, governing
from .nginx_edit import change
from .openssl import Library, render_groups
from .paths import real_path

# What can be said → the line with which a global section says it for all binds, and the words of a bind that say it.
GLOBAL = {
    "version": "ssl-default-bind-options",
    "key_exchange": "ssl-default-bind-curves",
    "ciphers": "ssl-default-bind-ciphers",
    "ciphersuites": "ssl-default-bind-ciphersuites",
}
OWN = {"version": WORDS, "key_exchange": ("curves", "ecdhe"), "ciphers": ("ciphers",), "ciphersuites": ("ciphersuites",)}

Texts = Mapping[Bind, str]  # what each bind shall say; one that is not there may stay
Placed = tuple[File, Splice]


@dataclass(frozen=True, slots=True)
class Writer:
    """endpoints: the sockets as they are read today, by id."""

    assembly: Assembly
    sockets: tuple[Socket, ...]
    library: Library
    capability: Capability
    ciphers: Ciphers
    endpoints: Mapping[str, Endpoint]

    @property
    def binds(self) -> tuple[Bind, ...]:
        return tuple(dict.fromkeys(socket.bind for socket in self.sockets))

    def changes(self, wishes: Wishes) -> tuple[Change, ...]:
        """One Change a file.  Raises Inexpressible and changes nothing when a wish cannot be said."""
        splices: dict[str, list[Splice]] = {}
        files: dict[str, File] = {}
        for kind in GLOBAL:
            for file, splice in self.placed(kind, self.texts(kind, wishes)):
                splices.setdefault(real_path(file), []).append(splice)
                files[real_path(file)] = file
        self.refuse_others(wishes)
        return tuple(made for path, found in splices.items() if (made := change(files[path], merged(found))).edits)

    def refuse_others(self, wishes: Wishes) -> None:
        for id_, wanted in wishes.items():
            for aspect in wanted:
                if aspect not in ("version", "key_exchange", "cipher") and wanted[aspect].names != self.endpoints[id_].settings[aspect].values:
                    raise Inexpressible(f"this release does not write {aspect} for HAProxy", id_)

    def texts(self, kind: str, wishes: Wishes) -> Texts:
        """Raises Inexpressible when two addresses of one bind are to differ."""
        found: dict[Bind, str] = {}
        for socket in self.sockets:
            wanted = wishes.get(socket.id, {})
            text = self.text(kind, socket, wanted)
            if text and found.setdefault(socket.bind, text) != text:
                raise Inexpressible(f"the addresses of one bind are to have different values for {kind}", str(socket.bind.line.origin), "split it")
        return found

    def text(self, kind: str, socket: Socket, wanted: Mapping[str, Wanted]) -> str:
        """What the words shall say; "" = they may stay."""
        aspect = "cipher" if kind.startswith("cipher") else kind
        if aspect not in wanted:
            return ""
        bind, names, where = socket.bind, wanted[aspect].names, str(socket.bind.line.origin)
        if not names:
            raise Inexpressible(f"an empty list for {aspect}: HAProxy would fall back to its defaults", where)
        if kind == "version":
            return _version_words(bind, names, where)
        if kind == "key_exchange":
            self.able(self.capability, names, (), where)
            return render_groups(names, wanted[aspect].tiers, self.library)
        versions = wanted["version"].names if "version" in wanted else self.now(socket, "version") or VERSIONS
        self.able(self.ciphers.capability(bind, versions), names, self.now(socket, "cipher"), where)
        return self.ciphers.wanted_text(kind, bind, names, versions)

    def now(self, socket: Socket, aspect: str) -> tuple[str, ...]:
        setting = self.endpoints[socket.id].settings.get(aspect)
        return setting.values if setting else ()

    @staticmethod
    def able(capability: Capability, names: tuple[str, ...], there: tuple[str, ...], where: str) -> None:
        """Raises Inexpressible for what is not known to be possible."""
        if capability.names is None:
            raise Inexpressible(f"what HAProxy can do is unknown: {capability.source}", where)
        if unknown := [name for name in names if name not in capability.names and name not in there]:
            raise Inexpressible(f"{capability.library} does not know {', '.join(unknown)}; HAProxy would not start", where)

    def placed(self, kind: str, texts: Texts) -> Iterator[Placed]:
        """Where each text goes.  A default that several binds share is edited only if all of them wish the same."""
        users: dict[Line | None, list[Bind]] = {}
        for bind in self.binds:
            says = _governing(kind, bind)
            if says and says.line is bind.line:
                yield from _on_line(kind, bind, texts)
            else:
                users.setdefault(says.line if says else None, []).append(bind)
        for line, binds in users.items():
            wished = {texts.get(bind, "") for bind in binds}
            if wished == {""}:
                continue
            where = line if line or len(binds) == 1 else self.last_default(kind, binds)
            if len(wished) > 1 or where is None:
                yield from (placed for bind in binds if bind in texts for placed in _on_line(kind, bind, texts))
            elif line:
                yield from ((line.file, splice) for splice in _default(kind, line, wished.pop()))
            else:
                yield where.file, _new_default(kind, where, wished.pop())

    def last_default(self, kind: str, binds: list[Bind]) -> Line | None:
        """The line of a global section before all these binds behind which a default for them goes; None without such a section."""
        first = min(self.assembly.sections.index(bind.section) for bind in binds)
        section = next((one for one in reversed(self.assembly.sections[:first]) if one.kind == "global"), None)
        if section is None:
            return None
        same = section.named(GLOBAL[kind]) or tuple(line for line in section.lines if line.name.startswith("ssl-default-bind-"))
        return (same or section.lines or (section.head,))[-1]


def _governing(kind: str, bind: Bind) -> Said | None:
    """What says it for a bind today: on its line, else as a default; `ecdhe` counts where nobody sets curves."""
    if kind == "version":
        return governing(bind)
    return bind.own(OWN[kind][0]) or bind.default(GLOBAL[kind]) or bind.own(*OWN[kind])


def _on_line(kind: str, bind: Bind, texts: Texts) -> Iterator[Placed]:
    """On the line of the bind: in the place of the words that say it, else behind all others."""
    if bind not in texts:
        return
    own = bind.all(*OWN[kind])
    text = texts[bind] if kind == "version" else f"{OWN[kind][0]} {quoted(texts[bind])}"
    if kind != "version" and (says := bind.own(OWN[kind][0])):
        yield bind.line.file, replaced(value_of(says), texts[bind])
    elif own:
        yield from ((bind.line.file, splice) for splice in instead(own, text))
    else:
        yield bind.line.file, behind(bind.line.words[-1], f" {text}")


def _default(kind: str, line: Line, text: str) -> tuple[Splice, ...]:
    """In a line of a global section that says it today."""
    if kind == "version":
        return instead([said for said in options(line, 1) if said.name in WORDS], text)
    return (replaced(line.words[1], text),)


def _new_default(kind: str, where: Line, text: str) -> Splice:
    if where.name == GLOBAL[kind]:
        return behind(where.words[-1], f" {text}")
    return behind_line(where, f"{GLOBAL[kind]} {text if kind == 'version' else quoted(text)}", where.name == "global")


def _version_words(bind: Bind, names: tuple[str, ...], where: str) -> str:
    """ssl-min-ver, and ssl-max-ver where there is something above, or somebody names a bound.  All versions between two are on."""
    if strange := [name for name in names if name not in VERSIONS]:
        raise Inexpressible(f"HAProxy knows no {', '.join(strange)}", where)
    places = sorted(VERSIONS.index(name) for name in names)
    if places != list(range(places[0], places[-1] + 1)):
        raise Inexpressible(f"HAProxy has no way to turn off a version between {names[0]} and {names[-1]}", where)
    bounded = any(said.name == BOUNDS[1] or said.name.startswith("force-") for said in (*bind.options, *bind.defaults))
    words = [f"{BOUNDS[0]} {SPELLED[VERSIONS[places[0]]]}"]
    if bounded or places[-1] < len(VERSIONS) - 1:
        words.append(f"{BOUNDS[1]} {SPELLED[VERSIONS[places[-1]]]}")
    return " ".join(words)
