"""A live device of Fortinet FortiOS by its REST API: what is asked of it, and how a change is carried with `cfg-save revert`.  Pure.

Sources: the collection fortinet.fortios 2.4.2 for paths (`save.system.config`, `backup.system.config`), words, and since when they are there;
netlab pull request 3465 for the method of a backup; Fortinet's 7.0 Administration Guide, "Using configuration save mode", and its articles 191106
(FD30912) and 194054 for automatic, manual and revert; oxidized issues 931 and 1883 for what is encrypted anew in each backup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..documents.config_edit import parse
from ..model import Change, Inexpressible, Snapshot, Wishes
from .appliance import Api, Request
from .fortios_endpoints import SSH
from .kept import tree
from .lists import rewritten
from .reading import train

CMDB, MONITOR = "/api/v2/cmdb", "/api/v2/monitor"
GLOBAL = f"{CMDB}/system/global"
WORDS = ("ssh-kex-algo", "ssh-enc-algo", "ssh-mac-algo")
# From which release to which the lists stand in which table, and what they are called there.
TABLES = (
    ((7, 0, 2), (7, 3, 99), "global", WORDS),
    ((7, 4, 0), (7, 4, 3), "global", (*WORDS, "ssh-hostkey-algo")),
    ((7, 4, 4), (7, 6, 99), "ssh-config", (*WORDS, "ssh-hsk-algo")),
)
KNOWN = (((7, 0), (7, 6)),)
MODE = {"cfg-save", "cfg-revert-timeout"}
LEAST = 10  # seconds of cfg-revert-timeout
OUTAGE = "a change after which nobody reaches the API of this device any more ends with its RESTART, which cuts all its traffic"
_USER = re.compile(r"^(#config-version=[^:\n]*).*", re.MULTILINE)
_MOVES = re.compile(r"^#(?!config-version=).*", re.MULTILINE)
_ENCRYPTED = re.compile(r"\bENC [\w+/=-]+")
_KEY = re.compile(r'"-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*"')


def identify(said: str) -> tuple[str, str]:
    found = _object(said)
    return str(found.get("version", "")).removeprefix("v"), str(found.get("serial", ""))


def _object(said: str) -> Mapping[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _results(said: str) -> Mapping[str, Any]:
    """What a table holds that has one entry."""
    found = _object(said).get("results")
    found = found[0] if isinstance(found, list) and found else found
    return found if isinstance(found, dict) else {}


def refused(status: int, said: str) -> str:
    """Why it was not done, "" = it was.  A backup is no JSON; of an error the text may hold what was sent, so only its numbers are told."""
    if status == 403:
        return "its access profile forbids that (403)"
    found = _object(said)
    if status == 200 and found.get("status", "success") == "success":
        return ""
    error = found.get("error")
    return f"it says {status}, error {error}" if isinstance(error, int) else f"it says {status}"


# ---------------------------------------------------------------- the configuration


def backup(release: str) -> Request:
    posted = train(release) >= (7, 0)
    return Request("POST" if posted else "GET", f"{MONITOR}/system/config/backup?scope=global", '{"scope": "global"}' if posted else "")


def lists(release: str) -> Request | None:
    table = _table(release)
    return Request("GET", f"{CMDB}/system/{table[0]}") if table else None


def _table(release: str) -> tuple[str, tuple[str, ...]] | None:
    return next(((name, words) for first, last, name, words in TABLES if first <= train(release) <= last), None)


def text(said: str, held: str, release: str) -> str:
    """A backup leaves defaults out, so lists that it does not name stand at its end.  Of what is secret nothing stays."""
    out = _USER.sub(r"\1", said.replace("\r\n", "\n"))
    out = _ENCRYPTED.sub("ENC *", _MOVES.sub("", out))
    out = _KEY.sub(lambda found: '"*' + "\n" * found[0].count("\n") + '"', out)
    table, now = _table(release), _results(held)
    absent = [word for word in (table[1] if table else ()) if now.get(word) and not re.search(rf"^\s*set {word} ", out, re.MULTILINE)]
    if table and absent:
        shown = "".join(f"    set {word} {now[word]}\n" for word in absent)
        out = f"{out.rstrip()}\nconfig system {table[0]}\n{shown}end\n"
    return out


def others(whole: str) -> tuple[tuple[str, ...], ...]:
    """Statements, so that a block which comes with our list and goes with it is no difference."""
    return tuple(one.words for one in parse(whole, "").statements if not _ours(one.words))


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """What stands in `config global` is the same without."""
    return words[1:] if words[0] == "global" and words[1:] else words


def _ours(words: tuple[str, ...]) -> bool:
    path = unwrapped(words)
    names = {name for dummy, dummy, table, names in TABLES if path[:2] == ("system", table) for name in names}
    return len(path) > 2 and (path[2] in names or (path[:2] == ("system", "global") and path[2] in MODE))


def holds(said: str, wanted: tuple[str, ...]) -> bool:
    """In any order: it is the client's that counts."""
    now = _results(said)
    return all(set(str(now.get(word, "")).split()) == set(values) for word, values in _wanted(wanted)[1].items())


# ---------------------------------------------------------------- a change


def path(statement: str) -> str:
    """`system ssh-config ssh-kex-algo`"""
    return " ".join(statement.split()[:3])


def _wanted(said: tuple[str, ...]) -> tuple[str, dict[str, list[str]]]:
    """The table that statements belong to, and its values."""
    table, values = "", dict[str, list[str]]()
    for one in said:
        dummy, table, word, value = one.split()
        values.setdefault(word, []).append(value)
    return table, values


def saving(said: str) -> tuple[str, int]:
    found = _results(said)
    seconds = found.get("cfg-revert-timeout")
    return (str(found.get("cfg-save", "")), seconds) if isinstance(seconds, int) else ("", 0)


def _put(table: str, values: Mapping[str, object]) -> Request:
    return Request("PUT", f"{CMDB}/system/{table}", json.dumps(values))


def put(wanted: tuple[str, ...]) -> Request:
    """All lists in one request, so there is no half of it."""
    table, values = _wanted(wanted)
    return _put(table, {word: " ".join(names) for word, names in values.items()})


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    (file,) = snapshot.files.values()
    release = snapshot.facts["release"]
    table = _table(release)
    if not table:
        raise Inexpressible(f"FortiOS {release} is no release whose tables are known here", snapshot.host, "known are 7.0.2 to 7.6")
    if set(tree(file.text or "").under("system", "ha", "mode")) - {"standalone"}:
        why = "it is one of a cluster, whose members would all restart together when a change is not saved, and none would take over"
        raise Inexpressible(why, snapshot.host, "leave it out with --limit, and change it by hand")
    name, words = table
    lists = {aspect: f"system {name} {word}" for aspect, word in zip(SSH, words, strict=False)}
    return (rewritten(file, lists, wishes["fortios ssh"], each=True),)


API = Api(
    systems=("fortinet.fortios.fortios", "fortios"),
    status=Request("GET", f"{MONITOR}/system/status"),
    identify=identify,
    backup=backup,
    lists=lists,
    text=text,
    others=others,
    holds=holds,
    mode=Request("GET", GLOBAL),
    saving=saving,
    safe="automatic",
    waits="revert",
    arm=lambda seconds: _put("global", {"cfg-save": "revert", "cfg-revert-timeout": max(LEAST, seconds)}),
    put=put,
    save=Request("POST", f"{MONITOR}/system/config/save", "{}"),
    disarm=lambda seconds: _put("global", {"cfg-save": "automatic", "cfg-revert-timeout": seconds}),
    refused=refused,
    path=path,
    outage=lambda snapshot: OUTAGE,
    known=KNOWN,
    writes=("fortios ssh",),
    write=write,
)
