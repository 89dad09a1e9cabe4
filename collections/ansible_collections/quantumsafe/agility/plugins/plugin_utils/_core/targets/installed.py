"""The agent that is installed for an account of least privilege (docs/least-privilege.md): its text, its digest, its line for sudo.  Pure.

What it may do is generated from the services, so it is one and the same text wherever this release installs it.
"""

from __future__ import annotations

import functools
import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..grant import Grant
from ..model import Problem
from ..service import Service
from ..services import SERVICES
from .answer import HOST_KEYS, heard
from .parts import AGENT, TRANSACTION
from .script import COMMAND_TIME, MAX_FILE, Message, Words, asked, follow_words, own_copy, script_of

PATH = "/usr/local/libexec/crypto-agility/agent"
RULE = "/etc/sudoers.d/crypto-agility"
ABSENT, DENIED = "==CA:absent==", "==CA:denied=="
INSTALL = "run quantumsafe.agility.install_agent"
REMEDY = "run it with full become (leave out agility_agent)"
# function → what the installed agent answers instead
REFUSED = dict.fromkeys(("ca_new_key", "ca_new_host_key", "ca_new_token_key", "ca_drop_keys", "ca_escrow"), "makes no keys")
REFUSED |= {"ca_held": "does not search for keys", "ca_retire": "retires no keys", "ca_end_retired": "shreds no keys where they lie"}
REFUSED |= dict.fromkeys(
    ("ca_tunnel_start", "ca_tunnel_rekey", "ca_tunnel_renew", "ca_tunnel_end", "ca_tunnels", "ca_ppk_loaded", "ca_ping_start"), "moves no tunnels"
)
REFUSED |= dict.fromkeys(("ca_pluto_up", "ca_pluto_rekey", "ca_pluto_end", "ca_plutos", "ca_pluto_kept", "ca_pluto_loaded"), "moves no tunnels")
REFUSED |= dict.fromkeys(("ca_stroke_up", "ca_stroke_rekey", "ca_stroke_renew", "ca_stroke_end", "ca_strokes"), "moves no tunnels")

# Nothing of the caller's environment comes in: sudo may be told to keep some of it.
_HEAD = """#!/bin/sh
# Installed by quantumsafe.agility.install_agent: takes data on standard input, checks it, runs nothing else.
case ${1-} in clean) ;; *) exec /usr/bin/env -i "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /bin/sh "$0" clean ;; esac
"""
_DOOR = "".join((AGENT / f"{name}.sh").read_text(encoding="utf-8") for name in ("door", "allowed"))
_INSTALL = TRANSACTION + (AGENT / "install.sh").read_text(encoding="utf-8")


def text_for(services: Mapping[str, Service]) -> str:
    """The whole file for these services."""
    limits = f"ca_max_file={MAX_FILE} ca_command_time={COMMAND_TIME} ca_table_names={shlex.quote(_lines(tuple(services)))}"
    limits += f" ca_host_keys={shlex.quote(_lines(HOST_KEYS))}"
    return "\n".join([_HEAD + own_copy(TRANSACTION), _DOOR, limits, _table(services), 'ca_door "$0"', ""])


@functools.cache
def text() -> str:
    return text_for(SERVICES)


@functools.cache
def digest() -> str:
    """What `sha256sum` says of the file."""
    return hashlib.sha256(text().encode()).hexdigest()


def command(source: str = "") -> str:
    """Runs the agent, as root or by sudo, on standard input or on a file; says why not where it cannot."""
    run = f'if [ ! -e {PATH} ]; then echo {ABSENT}; elif [ "$(id -u)" = 0 ]; then {PATH}; else sudo -n {PATH} 2>&1; fi'
    return f'{{ {run} || echo "{DENIED} $(sha256sum <{PATH})"; }}' + (f" <{shlex.quote(source)}" if source else "")


def complaint(output: str) -> Problem | None:
    """Why the agent did not run, by what command() said; None when it did."""
    if ABSENT in output:
        return Problem(f"no agent is installed there ({PATH})", remedy=f"{INSTALL}; nothing was changed")
    said, found, behind = output.partition(DENIED)
    if not found:
        return None
    there = (behind.split() or [""])[0]
    if there and there != digest():
        return Problem(f"the installed agent is of another release, or was changed ({there})", remedy=f"{INSTALL}; nothing was changed")
    last = (said.strip().splitlines() or ["nothing"])[-1][:200]
    remedy = f"{INSTALL} for it (agility_agent_user); nothing was changed"
    return Problem(f"this account may not run the installed agent; sudo says: {last}", remedy=remedy)


def rule(user: str) -> str:
    """The whole file for sudo: this account, this very program, no argument.  Raises Problem for what is no name of an account."""
    if not re.fullmatch(r"[a-z_][A-Za-z0-9_.-]{0,63}", user) or user == "root":
        raise Problem(f"{user!r} is no account to install the agent for", "agility_agent_user", "name an account of its own, letters and digits")
    return f'{user} ALL=(root) NOPASSWD: sha256:{digest()} {PATH} ""\n'


def rule_digest(user: str) -> str:
    return hashlib.sha256(rule(user).encode()).hexdigest()


def _table(services: Mapping[str, Service]) -> str:
    """ca_table NAME: sets what is allowed for that service."""
    cases = [f"  {shlex.quote(name)})\n{_row(service)}\n    ;;" for name, service in services.items()]
    return "\n".join(["ca_table() {", "  case $1 in", *cases, "  *) return 1 ;;", "  esac", "}"])


def _row(service: Service) -> str:
    collect, grant = service.collect, service.grant or Grant((), (), "x", "", (), ())
    mains = tuple(path for path in collect.needs if path.startswith(tuple(f"{folder}/" for folder in grant.folders)))
    includes = replace(collect, follow=tuple(follow for follow in collect.follow if follow.keyword == "include"))
    row = {
        "needs": _lines(collect.needs),
        "globs": _lines(collect.files),
        "follow": follow_words(collect),
        "asked": asked(collect),
        "mains": _lines(mains),
        "includes": follow_words(includes),
        "folders": _lines(grant.folders),
        "creates": _lines(grant.creates),
        "header": grant.header,
        "heads": "|".join(word.lower().replace(" ", "[ \t]+") for word in grant.says),
        "value": grant.value,
        "ends": grant.ends,
        "units": ",".join(grant.units),
        "sockets": ",".join(grant.sockets),
        "actions": _lines(grant.actions),
        "checks": _lines(tuple("\2".join(argv) for argv in grant.checks)),
    }
    return "\n".join(f"    ca_t_{name}={shlex.quote(value)}" for name, value in row.items())


def _lines(words: Words) -> str:
    return "".join(f"{word}\n" for word in words)


def compose_agent(state: str, user: str, nonce: str, look: bool = False) -> Message:
    """Install or remove the agent, or only look; either way the host then says what is there."""
    calls: list[Words] = []
    if not look and state == "present":
        calls.append(("ca_install", PATH, text(), RULE, rule(user), user))
    elif not look:
        calls.append(("ca_uninstall", PATH, RULE))
    return script_of(nonce, [*calls, ("ca_is_there", PATH, RULE)], _INSTALL)


@dataclass(frozen=True, slots=True)
class Placed:
    """A file of the installed agent as the host has it; sha256 "" = there is none."""

    path: str
    sha256: str
    mode: str
    owner: str


def parse_placed(output: str, nonce: str, host: str) -> tuple[Placed, ...]:
    """What compose_agent() put or found.  Raises NoAnswer; Problem when it could not be done."""
    out = []
    for letter, rest, dummy in heard(output, nonce, host):
        if letter == "Q":
            path, *words = ("" if word == "-" else word for word in rest.split())
            out.append(Placed(path, *words))
    return tuple(out)
