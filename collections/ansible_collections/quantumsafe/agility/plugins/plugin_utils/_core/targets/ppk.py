"""The PPKs that the daemon of a host has, by name, and what the connections of charon ask for: agent/ppk.sh.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Answer, File, Problem
from ..services.libreswan_ppk import Kept
from ..services.ppk import MADE, Secret
from ..services.strongswan_vici import events
from .answer import heard
from .script import Message, script_of


@dataclass(frozen=True, slots=True)
class Loaded:
    """names: of the sections ("ppk-site-1"); id, required: of the connection."""

    names: frozenset[str]
    id: str
    required: bool


def compose_loaded(nonce: str) -> Message:
    return script_of(nonce, [("ca_ppk_loaded",)])


def parse_loaded(output: str, nonce: str, host: str, connection: str) -> Loaded:
    """Raises NoAnswer; Problem where charon has no such connection."""
    said = {letter: content for letter, dummy, content in heard(output, nonce, host)}
    found = events(Answer((), 0, "\n".join(said.get("M", ())))).get(connection)
    if not found:
        raise Problem(f"charon has not loaded the connection {connection}", host, "look at swanctl --list-conns")
    values = found[0].values
    return Loaded(frozenset(filter(None, said.get("K", ()))), values.get("ppk_id", ""), values.get("ppk_required") == "yes")


# ---------------------------------------------------------------- libreswan


def compose_kept(main: str, nonce: str) -> Message:
    """main: the file of pluto's secrets."""
    return script_of(nonce, [("ca_pluto_kept", main, MADE)])


def parse_kept(output: str, nonce: str, host: str) -> Kept:
    """Raises NoAnswer; Problem where there is no such file."""
    files: dict[str, tuple[File, int]] = {}
    includes: list[str] = []
    secrets: list[Secret] = []
    made: dict[int, str] = {}
    for line in _of_pluto(output, nonce, host):
        kind, dummy, rest = line.partition(" ")
        if kind == "F":
            sha256, mode, owner, count, path = rest.split(" ", 4)
            file, made = File(path, None, sha256, 0, owner, mode=mode, real=path), {}
            files[path] = (file, int(count))
        elif kind == "I":
            includes.append(rest)
        elif kind == "M":
            number, dummy, old = rest.partition(" ")
            made[int(number)] = old
        elif kind == "S":
            first, lines, id_ = rest.split(" ", 2)
            at, above = int(first), int(int(first) - 1 in made)
            secrets.append(Secret(f"{file.path}:{first}", (id_,), file, at - above, int(lines) + above, made.get(at - 1)))
    if not files:
        raise Problem("pluto's file of secrets is not there", host, "see secrets= in ipsec status; nothing was changed")
    return Kept(files, tuple(includes), tuple(secrets))


def compose_taken(nonce: str) -> Message:
    return script_of(nonce, [("ca_pluto_loaded",)])


def parse_taken(output: str, nonce: str, host: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """(the files that pluto took its secrets from, "file:line" of what it could not read).  Raises NoAnswer."""
    said = _of_pluto(output, nonce, host)
    wrong = [line.split(" ", 2) for line in said if line.startswith("W ")]
    return frozenset(line[2:] for line in said if line.startswith("L ")), tuple(f"{path}:{number}" for dummy, number, path in wrong)


def _of_pluto(output: str, nonce: str, host: str) -> list[str]:
    return [line for letter, dummy, content in heard(output, nonce, host) if letter == "K" for line in content if line]
