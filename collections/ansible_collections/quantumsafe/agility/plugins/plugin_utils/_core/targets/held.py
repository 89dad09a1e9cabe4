"""The look for certificates, keys and trust anchors: what is sent, and what comes back as values.  The other side of agent/held.sh.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..certificates.held import Block, Shown, SshKey, Told
from ..certificates.places import AUTHORITIES, BUNDLES, CLIENTS, ENROLMENT, NAMED, NAMES, WHOLE
from ..model import Problem
from .answer import UTILITIES, _name, heard
from .parts import AGENT, COLLECT
from .script import Message, Words, script_of

HELD = COLLECT + (AGENT / "held.sh").read_text(encoding="utf-8")
THINGS = {**CLIENTS, **ENROLMENT, **AUTHORITIES}


def compose_held(paths: Words, lists: Words, nonce: str) -> Message:
    """paths: what services name; lists: patterns of AuthorizedKeysFile."""
    things = tuple(f"{id_.replace(' ', '_')}={glob}" for id_, globs in THINGS.items() for glob in globs)
    words = tuple("\n".join(one) for one in (WHOLE, NAMED, NAMES, BUNDLES, things, lists))
    return script_of(nonce, [("ca_held", *words, *paths)], HELD)


def parse_held(output: str, nonce: str, host: str) -> Shown:
    """Raises NoAnswer; Problem naming utilities that the host lacks."""
    heard_ = _Heard(host)
    for letter, rest, content in heard(output, nonce, host):
        lines = [line for line in content if line]
        if reads := heard_.SECTIONS.get(letter):
            reads(heard_, rest, lines)
    return heard_.shown()


class _Heard:
    def __init__(self, host: str) -> None:
        self.host = host
        self.files: dict[str, Told] = {}
        self.rest: dict[str, object] = {"late": (), "named": (), "odd": ()}

    def shown(self) -> Shown:
        return Shown(self.files, **self.rest)  # type: ignore[arg-type]  # each section sets the field of its type

    def _change(self, path: str, **what: object) -> None:
        self.files[path] = replace(self.files.get(path, Told(path)), **what)  # type: ignore[arg-type]

    def _facts(self, rest: str, lines: list[str]) -> None:
        if missing := [line.partition("=")[2] for line in lines if line.startswith("missing=")]:
            raise Problem(f"the host lacks {', '.join(missing)}", self.host, UTILITIES)

    def _odd(self, rest: str, lines: list[str]) -> None:
        self.rest["odd"] = tuple(_name(f"x:{line}") for line in lines)

    def _aliases(self, rest: str, lines: list[str]) -> None:
        self.rest["aliases"] = dict(zip(lines[::2], lines[1::2], strict=False))

    def _left(self, rest: str, lines: list[str]) -> None:
        self.rest["left"] = int(rest or "0")

    def _meta(self, rest: str, lines: list[str]) -> None:
        for line in lines:
            if line.startswith("u "):
                self._change(line[2:], problem="cannot be read: no privilege")
            else:
                size, mode, owner, group, path = line.split("/", 4)
                self._change(path, size=int(size), mode=mode.zfill(4), owner=owner, group=group)

    def _digests(self, rest: str, lines: list[str]) -> None:
        for line in lines:
            plain = line.removeprefix("\\")  # in front of a name with a backslash, which is then doubled
            path = plain[66:] if plain == line else plain[66:].replace("\\\\", "\\")
            self._change(path, sha256=plain[:64])

    def _blocks(self, rest: str, lines: list[str]) -> None:
        path = ""
        for line in lines:
            word, dummy, value = line.partition(" ")
            if word == "f":
                path = value
            elif word == "n":
                self._change(path, counted=int(value))
            elif word == "l":
                self._change(value, problem="it is too large to be read")
            elif word == "c":
                self._change(path, der=(*self.files[path].der, value)) if path in self.files else None
            elif path in self.files:
                kind, dummy, state = value.rpartition(" ")
                block = Block(kind, state) if kind else Block(value)
                self._change(path, blocks=(*self.files[path].blocks, block))

    def _ssh(self, rest: str, lines: list[str]) -> None:
        path = ""
        for line in lines:
            word, dummy, value = line.partition(" ")
            if word in ("a", "r"):
                path = value
                self._change(path, krl=word == "r")
            elif word == "k":
                flags, kind, blob = value.split(" ")
                self._change(path, ssh=(*self.files[path].ssh, SshKey(kind, blob, "cert-authority" in flags)))
            elif word == "h":
                number, where = value.split(" ", 1)
                name, how, mark, kind = where.rsplit(" ", 3)
                self._change(name, hosts={**self.files.get(name, Told(name)).hosts, (how, mark, kind): int(number)})

    def _keys(self, rest: str, lines: list[str]) -> None:
        path = ""
        for line in lines:
            word, dummy, value = line.partition(" ")
            if word == "p":
                path = value
            elif word == "late":
                self._late(value)
            elif word == "pem" and not self.files[path].public:
                self._change(path, public=value)
            elif word == "ssh":
                self._change(path, public=value.split(" ")[1])

    def _binary(self, rest: str, lines: list[str]) -> None:
        path = ""
        for line in lines:
            word, dummy, value = line.partition(" ")
            if word == "x":
                path = value
            elif word == "late":
                self._late(value)
            elif word == "cert":
                self._change(path, der=(*self.files[path].der, value))
            elif word == "pem":
                self._change(path, public=self.files[path].public or value)
            elif word == "key":
                self._change(path, blocks=(Block("DER PRIVATE KEY", value),))
            elif word != "certificate":
                self._change(path, container=word, state=value)

    def _verified(self, rest: str, lines: list[str]) -> None:
        for line in lines:
            word, dummy, value = line.partition(" ")
            if word == "b":
                number, dummy, path = value.partition(" ")
                self.rest |= {"bundle": path, "bundle_count": int(number)}
            elif word == "late":
                self._late(value)
            else:
                self._change(value, trusted=word == "v")

    def _late(self, path: str) -> None:
        self.rest["late"] = tuple(dict.fromkeys((*self.rest["late"], path)))  # type: ignore[misc]

    def _there(self, rest: str, lines: list[str]) -> None:
        pairs = (line.partition(" ") for line in lines)
        found: dict[str, str] = {}
        for id_, dummy, path in pairs:
            found.setdefault(id_.replace("_", " "), _name(path))
        self.rest["there"] = found

    def _timers(self, rest: str, lines: list[str]) -> None:
        self.rest["timers"] = tuple((unit, state) for unit, dummy, state in (line.partition(" ") for line in lines))

    def _renews(self, rest: str, lines: list[str]) -> None:
        self.rest["renews"] = {path: who for who, dummy, path in (line.partition(" ") for line in lines)}

    def _named(self, rest: str, lines: list[str]) -> None:
        self.rest["named"] = tuple((where, path) for where, dummy, path in (line.rpartition(" ") for line in lines))

    def _pins(self, rest: str, lines: list[str]) -> None:
        words = (line.split("/", 3) for line in lines)
        self.rest["pins"] = {path: (mode.zfill(4), owner, group) for mode, owner, group, path in words}

    SECTIONS: Mapping[str, Callable[[_Heard, str, list[str]], None]] = {
        "I": _facts, "O": _odd, "A": _aliases, "L": _left, "M": _meta, "D": _digests, "B": _blocks, "S": _ssh,
        "K": _keys, "X": _binary, "V": _verified, "T": _there, "U": _timers, "R": _renews, "G": _named,
        "N": _pins,
    }  # fmt: skip
