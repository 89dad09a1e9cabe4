"""A live device of Fortinet FortiOS by its REST API: what is asked of it, and how a change is carried with `cfg-save revert`.  Pure.

Sources: the collection fortinet.fortios 2.4.2 for paths (`save.system.config`, `backup.system.config`, `cmdb/vpn.ipsec/phase1-interface/NAME?vdom=`),
words, and since when they are there, and that each answer of a table names release and serial number; hfortix-fortios 58431b4 for defaults;
netlab pull request 3465 for the method of a backup; Fortinet's 7.0 Administration Guide, "Using configuration save mode", and its articles 191106
(FD30912) and 194054 for automatic, manual and revert; oxidized issues 931 and 1883 for what is encrypted anew in each backup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..documents.config_edit import parse
from ..model import Endpoint
from .appliance import Api, Request
from .fortios_endpoints import BOUND, HTTPS
from .fortios_keeping import KEEPING
from .fortios_tunnels import ESP, IKE, KINDS, short
from .fortios_write import MANAGED, TABLES, contract, table_of, warns, write
from .kept import words
from .reading import train

CMDB, MONITOR = "/api/v2/cmdb", "/api/v2/monitor"
GLOBAL = f"{CMDB}/system/global"
KNOWN = (((7, 0), (7, 6)),)
MODE = {"cfg-save", "cfg-revert-timeout"}
HELD = -23  # an authority that is imported is there already
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
    found = _object(said)
    if (found.get("name"), found.get("action"), found.get("error")) == ("ca", "import", HELD):
        return ""
    if status == 403:
        return "its access profile forbids that (403)"
    if status == 200 and found.get("status", "success") == "success":
        return ""
    error = found.get("error")
    return f"it says {status}, error {error}" if isinstance(error, int) else f"it says {status}"


# ---------------------------------------------------------------- the configuration


def backup(release: str) -> Request:
    posted = train(release) >= (7, 0)
    return Request("POST" if posted else "GET", f"{MONITOR}/system/config/backup?scope=global", '{"scope": "global"}' if posted else "")


def lists(release: str) -> Request | None:
    table = table_of(release)
    return Request("GET", f"{CMDB}/system/{table[0]}") if table else None


def text(said: str, held: tuple[str, ...], release: str) -> str:
    """A backup leaves defaults out, so lists that it does not name stand at its end.  Of what is secret nothing stays."""
    out = _USER.sub(r"\1", said.replace("\r\n", "\n"))
    out = _ENCRYPTED.sub("ENC *", _MOVES.sub("", out))
    out = _KEY.sub(lambda found: '"*' + "\n" * found[0].count("\n") + '"', out)
    table, now = table_of(release), {word: value for one in held for word, value in _results(one).items()}
    for name, named in (table, ("global", (*HTTPS.values(), BOUND))) if table else ():
        absent = [word for word in named if now.get(word) and not re.search(rf"^\s*set {word} ", out, re.MULTILINE)]
        if absent:
            quote = {BOUND: '"'}
            shown = "".join(f"    set {word} {(mark := quote.get(word, ''))}{now[word]}{mark}\n" for word in absent)
            out = f"{out.rstrip()}\nconfig system {name}\n{shown}end\n"
    return out


def others(whole: str, mine: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Statements, so that a block which comes with our list and goes with it is no difference."""
    paths = {words(path(one)) for one in mine}
    found = (unwrapped(one.words) for one in parse(whole, "").statements)
    return tuple(one for one in found if one[:-1] not in paths and not _ours(one))


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """What stands in `config global` is the same without."""
    return words[1:] if words[0] == "global" and words[1:] else words


def _ours(said: tuple[str, ...]) -> bool:
    names = {name for dummy, dummy, table, names in TABLES if said[:2] == ("system", table) for name in names}
    return len(said) > 2 and (said[2] in names or (said[:2] == ("system", "global") and said[2] in MODE))


def holds(whole: str, wanted: tuple[str, ...], beside: tuple[str, ...]) -> bool:
    """In any order: it is the client's that counts, and of a tunnel what may be agreed on."""
    now: dict[tuple[str, ...], set[str]] = {}
    for one in parse(whole, "").statements:
        here = unwrapped(one.words)
        now.setdefault(here[:-1], set()).add(here[-1])
    return all(now.get(words(list_), set()) == set(values) for list_, values in _wanted(wanted, beside).items())


# ---------------------------------------------------------------- a change


def path(statement: str) -> str:
    """`system ssh-config ssh-kex-algo`, `vdom red vpn ipsec phase1-interface NAME proposal`: a value is one word, and never quoted."""
    return statement.rpartition(" ")[0]


def _wanted(said: tuple[str, ...], beside: tuple[str, ...]) -> dict[str, list[str]]:
    """The lists that statements belong to, and their values; empty are those of the other side alone."""
    out: dict[str, list[str]] = {path(one): [] for one in (*said, *beside)}
    for one in said:
        out[path(one)].append(one.rpartition(" ")[2])
    return out


def saving(said: str) -> tuple[str, int]:
    found = _results(said)
    seconds = found.get("cfg-revert-timeout")
    return (str(found.get("cfg-save", "")), seconds) if isinstance(seconds, int) else ("", 0)


def _put(table: str, values: Mapping[str, object]) -> Request:
    return Request("PUT", f"{CMDB}/system/{table}", json.dumps(values))


def put(wanted: tuple[str, ...], beside: tuple[str, ...]) -> tuple[Request, ...]:
    """All lists of a table or of an object in one request, so there is no half of it; that of the door by which we come in is the last one."""
    bodies: dict[str, dict[str, str]] = {}
    for list_, values in _wanted(wanted, beside).items():
        *where, word = words(list_)
        bodies.setdefault(_place(where), {})[word] = " ".join(values)
    return tuple(Request("PUT", where, json.dumps(bodies[where])) for where in sorted(bodies, key=lambda one: one == GLOBAL))


def _place(where: list[str]) -> str:
    """An object lives in its VDOM; tables of global scope have none."""
    vdom, where = (where[1], where[2:]) if where[0] == "vdom" else ("", where)
    if where[0] == "system":
        return f"{CMDB}/system/{where[1]}"
    kind, name = where[2:]
    return f"{CMDB}/vpn.ipsec/{kind}/{quote(name, safe='')}" + (f"?vdom={quote(vdom, safe='')}" if vdom else "")


def cuts(request: Request) -> bool:
    """Who changes the certificate of its HTTPS was seen to lose the connection."""
    return request.path == GLOBAL and f'"{BOUND}"' in request.body


def takes(endpoint: Endpoint) -> tuple[str, ...]:
    """The aspects of it that are written."""
    if endpoint.id == MANAGED:
        return tuple(HTTPS)
    return {"ikev2": IKE, "esp": ESP}.get(endpoint.protocol, ())


API = Api(
    systems=("fortinet.fortios.fortios", "fortios"),
    status=Request("GET", GLOBAL),
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
    cuts=cuts,
    path=path,
    outage=lambda snapshot: OUTAGE,
    known=KNOWN,
    writes=("fortios ssh",),
    takes=takes,
    named=("fortios ssh", MANAGED, *KINDS),
    write=write,
    contract=contract,
    short=short,
    warns=warns,
    keeping=KEEPING,
)
