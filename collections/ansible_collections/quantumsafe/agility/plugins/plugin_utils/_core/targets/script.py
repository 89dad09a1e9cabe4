"""Composes what is sent to a host: the agent's functions, then calls whose every argument is quoted.  Pure.

A script does nothing until its last line, so one that was cut off on its way does nothing at all.  An agent that is installed there gets
the same calls as data: data.py.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..certificates.token import SCHEME
from ..model import Activation, Change, Collect, Identity, Problem
from .answer import HOST_KEYS
from .keyed import Keyed
from .parts import needed

MAX_FILE = 1 << 20  # bytes of one file that a service may need to see
COMMAND_TIME = 20  # seconds for one command


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring back what transaction `of` kept as its file `number`; kind "remove" when it had created the file, "create" when nothing is there now.

    sha256: what must be there now, "" = whatever is there.  after: what it must become, so that a kept file that was spoiled is not restored.
    """

    path: str
    sha256: str
    of: str
    number: int
    kind: Literal["restore", "remove", "create"] = "restore"
    after: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Create `path` from the private key that compose_keys() made as its number; its bytes never leave the host.

    ahead: what stands in the same file before the key, a chain for a daemon that wants both in one.  sha256: of the file that gives way to
    it, whose owner and mode stay then; "" = there must be none.
    """

    path: str
    key: int
    owner: str
    group: str
    mode: str
    ahead: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
    """Take a file away; it is kept like every old file, until it is forgotten.  sha256: what must be there now, "" = whatever is there."""

    path: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that is no text, all of it.  sha256: what is there now, "" = it is created."""

    path: str
    sha256: str
    content: bytes
    owner: str = "root"
    group: str = "root"
    mode: str = "0644"


AnyChange = Change | Restore | Place | Remove | Whole | Keyed


@dataclass(frozen=True, slots=True)
class Transaction:
    """seconds: until the host reverts by itself.  started_by: one line for whoever finds it pending."""

    id: str
    seconds: int
    identity: Identity
    started_by: str
    changes: tuple[AnyChange, ...]
    activations: tuple[Activation, ...]
    token_sha256: str = ""

    def with_token(self, digest: str) -> Transaction:
        return replace(self, token_sha256=digest)


Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Show the files and the answers that these services ask for; `extra` are further globs."""

    requests: Mapping[str, Collect]
    extra: Words = ()


@dataclass(frozen=True, slots=True)
class Build:
    """How change `number` makes its file: calls that print it, piece after piece; key: the private key that waits there as its last."""

    number: int
    steps: tuple[Words, ...] = ()
    key: int = 0


Call = Words | Look | Build


class Message(str):
    """A script, with the nonce and the calls that it was made of."""

    nonce: str
    calls: tuple[Call, ...]


def _call(*words: object) -> Words:
    return tuple(str(word) for word in words)


def _id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", text):
        raise Problem(f"{text!r} is no transaction id", remedy="letters, digits and -, at most 64")
    return text


def script_of(nonce: str, calls: Sequence[Call], functions: str = "") -> Message:
    """With those of the agent's functions that the calls need, unless others are given.

    A hang-up must not end what has begun: the shell that reads the script is as deaf to it as its children.
    """
    builders = [line for call in calls if isinstance(call, Build) for line in _builder(call)]
    body = [line for call in calls if not isinstance(call, Build) for line in (_look(call) if isinstance(call, Look) else [shlex.join(call)])]
    main = ["main() {", "trap '' HUP", f"ca_say {shlex.quote(nonce)} ca_request", "}", "main </dev/null", ""]
    lines = "\n".join([*builders, "ca_request() {", *body, "}", *main])
    if not functions:
        functions = needed(lines) if all(isinstance(call, Look) for call in calls) else own_copy(needed(lines))
    message = Message(f"{functions}\n{lines}")
    message.nonce, message.calls = nonce, tuple(calls)
    return message


def _builder(build: Build) -> list[str]:
    """ca_build_N prints the new content.

    Each step only after the one before it: a full disk must not be overlooked because a later, empty piece still fits.
    """
    steps = list(map(shlex.join, build.steps))
    if build.key:
        steps = ['ca_private "$ca_n"', *steps, f'cat "$ca_state/keys/$ca_tid/{build.key}.key"']
    return [f"ca_build_{build.number}() {{", " &&\n".join([":", *steps]), "}"]


def own_copy(functions: str) -> str:
    """The agent as a variable too, so that it can leave itself on the host, and as functions."""
    return f'CA_AGENT={shlex.quote(functions)}\neval "$CA_AGENT"'


def _look(look: Look) -> list[str]:
    """Facts, then one call for the files of all services that are there, then their commands."""
    lines = ["ca_facts", shlex.join(("set", "--", *HOST_KEYS, *look.extra))]
    requests = look.requests.values()
    for collect in requests:
        lines.append(f'if {shlex.join(("ca_exists", *collect.needs))}; then set -- "$@" {shlex.join(collect.files)}; fi')
    follow = ";".join(follow_words(collect) for collect in requests if collect.follow)
    lines.append(f'{shlex.join(_call("ca_files", MAX_FILE, follow))} "$@"')
    lines.append("ca_list=")
    lines += [f"if {shlex.join(('ca_exists', *c.needs))}; then ca_list=$ca_list{shlex.quote(asked(c))}; fi" for c in requests]
    lines.append(f'{shlex.join(_call("ca_commands", COMMAND_TIME))} "$ca_list"')
    return lines


def follow_words(collect: Collect) -> str:
    return ";".join(f"{f.keyword}={f.base}" for f in collect.follow)


def asked(collect: Collect) -> str:
    """The lines that ask which paths are there, and then its commands."""
    there = "".join(f"{shlex.join(('ca_there', name, *paths))}\n" for name, paths in collect.there.items())
    return there + "".join(_asked(collect, name, argv) for name, argv in collect.commands.items())


def _asked(collect: Collect, name: str, argv: Words) -> str:
    """The line that runs one command; a second try only after a failure, and for others to see how it ended."""
    run, first = shlex.join(("ca_run", name, *argv)), collect.second_tries.get(name, "")
    if name in collect.second_tries.values():
        run = f"{{ {run}; {_ended(name)}=$ca_rc; }}"
    return f'[ "${{{_ended(first)}:-0}}" -eq 0 ] || {run}\n' if first else f"{run}\n"


def _ended(name: str) -> str:
    return f"ca_rc_{name.replace('-', '_')}"


def compose_collect(requests: Mapping[str, Collect], nonce: str, extra: Words = ()) -> Message:
    """Look only; `extra` are further globs."""
    return script_of(nonce, [Look(requests, extra)])


def compose_apply(transaction: Transaction, requests: Mapping[str, Collect], nonce: str, extra: Words = ()) -> Message:
    """Snapshot, stage, validate, arm, swap, reload; then show what is there now; `extra` are further globs."""
    _id(transaction.id)
    calls: list[Call] = [
        _call(
            "ca_open",
            transaction.id,
            transaction.seconds,
            transaction.token_sha256,
            transaction.identity.machine_id or "-",
            transaction.identity.host_key or "-",
            _one_line(transaction.started_by),
        )
    ]
    for number, change in enumerate(transaction.changes, 1):
        calls.append(_change_call(number, change))
        if isinstance(change, Change):
            calls.append(Build(number, tuple(_steps(change))))
        elif isinstance(change, Place):
            calls.append(Build(number, (_call("printf", "%s", change.ahead),) if change.ahead else (), change.key))
        elif isinstance(change, Whole):
            calls.append(Build(number, tuple(_octal(change.content))))
        elif isinstance(change, Keyed):
            calls.append(Build(number, tuple(change.steps())))
    calls += [
        _call("ca_activate", a.service, a.action, ",".join(a.units), ",".join(a.sockets) or "-", ",".join(map(str, a.ports)) or "-", *a.check)
        for a in transaction.activations
    ]
    return script_of(nonce, [*calls, ("ca_apply",), Look(requests, extra)])


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]


def _change_call(number: int, change: AnyChange) -> Words:
    if not change.path.startswith("/") or re.search(r"[\x00-\x1f\x7f]", change.path) or change.path != change.path.rstrip():
        raise Problem(f"{change.path!r} cannot be changed: control characters or blanks at its end", remedy="rename the file")
    if isinstance(change, Restore):
        of, after = f"{_id(change.of)}/{change.number}", change.after or "-"
        return _call("ca_change", number, change.kind, change.sha256 or "-", after, "-", "-", "-", of, change.path)
    if isinstance(change, Remove):
        return _call("ca_change", number, "remove", change.sha256 or "-", "-", "-", "-", "-", "-", change.path)
    if isinstance(change, Keyed):
        return _call("ca_change", number, "edit", change.sha256, "-", "-", "-", "-", "-", change.path)
    if isinstance(change, Place):
        kind = "edit" if change.sha256 else "create"
        return _call("ca_change", number, kind, change.sha256 or "-", "-", change.mode, change.owner, change.group, "-", change.path)
    kind = "edit" if change.sha256 else "create"
    after = hashlib.sha256(change.content).hexdigest() if isinstance(change, Whole) else change.after
    return _call("ca_change", number, kind, change.sha256 or "-", after or "-", change.mode, change.owner, change.group, "-", change.path)


def _octal(content: bytes) -> Iterator[Words]:
    """In pieces that an argument of any printf takes."""
    for at in range(0, len(content), 512):
        yield _call("printf", "%b", "".join(f"\\0{byte:03o}" for byte in content[at : at + 512]))


def _steps(change: Change) -> Iterator[Words]:
    """Ranges of lines of the original, and what is inserted.  Edits are sorted and do not overlap."""
    at = 1
    for edit in change.edits:
        if edit.line > at:
            yield _call("ca_keep", at, edit.line - at)
        if edit.insert:
            yield _call("printf", "%s", "".join(edit.insert))
        at = edit.line + edit.delete
    if change.sha256:
        yield _call("ca_keep", at, "-")


def compose_keys(
    id_: str, orders: Sequence[tuple[tuple[str, ...], str, str]], nonce: str, anchors: Words = (), behind: Sequence[Words] = ()
) -> Message:
    """Make one key each for a transaction to come.  orders: (options of genpkey, the key that it will replace or the URI at which it is made in
    a token, configuration of its request).

    anchors: PEM; whether the host trusts them is asked along.  behind: further calls that need the keys (escrow.py).
    """
    calls = [_call(_maker(like), _id(id_), number, like, config, *options) for number, (options, like, config) in enumerate(orders, 1)]
    return script_of(nonce, [*calls, *behind, *(_call("ca_trusts", anchor) for anchor in anchors)])


def _maker(like: str) -> str:
    return "ca_new_token_key" if like.startswith(SCHEME) else "ca_new_key"


def compose_hold_keys(id_: str, days: int, nonce: str) -> Message:
    """Its keys wait for their certificates."""
    return script_of(nonce, [_call("ca_hold_keys", _id(id_), days)])


def compose_host_keys(id_: str, orders: Sequence[Words], nonce: str) -> Message:
    """Make a host key of sshd for each of these options of ssh-keygen, for a transaction to come."""
    calls = [_call("ca_new_host_key", _id(id_), number, *options) for number, options in enumerate(orders, 1)]
    return script_of(nonce, calls)


def compose_drop_keys(id_: str, nonce: str) -> Message:
    """The transaction will not come."""
    return script_of(nonce, [_call("ca_drop_keys", _id(id_))])


def compose_confirm(id_: str, token: str, nonce: str, retired: Words = ()) -> Message:
    """retired: keys that nothing names any more; written down first, so that a crash behind the confirmation forgets none (retired.py)."""
    calls = [_call("ca_retire", _id(id_), *retired)] if retired else []
    return script_of(nonce, [*calls, _call("ca_confirm", _id(id_), token)])


def compose_revert(id_: str, reason: str, nonce: str) -> Message:
    return script_of(nonce, [_call("ca_revert", _id(id_), _one_line(reason) or "asked for")])


def compose_status(id_: str, nonce: str) -> Message:
    """One transaction, or all when id_ is ""."""
    return script_of(nonce, [_call("ca_status", *([_id(id_)] if id_ else []))])


def compose_recover(nonce: str, keep_days: int | None = None, keep: int = 0, adopt: bool = False) -> Message:
    """Resolve what is open; with keep_days also forget finished ones older than that, but never the newest `keep`.

    adopt: what another machine left pending on this disk (a clone, a restored backup) is taken for this one's.
    """
    age = () if keep_days is None else (keep_days, keep)
    return script_of(nonce, [_call("ca_recover", "yes" if adopt else "no", *age)])
