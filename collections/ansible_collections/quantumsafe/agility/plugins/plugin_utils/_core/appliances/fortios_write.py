"""What is written of a FortiGate: the lists of its SSH server and of its HTTPS, and of its tunnels those of fortios_tunnels.py.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..documents.lines import split
from ..model import Change, Edit, Endpoint, File, Inexpressible, Snapshot, Wanted, Wishes
from .fortios_endpoints import HTTPS, SSH, read
from .fortios_tunnels import AGAIN, KINDS, contracted, expanded, phase
from .kept import BETWEEN, Node, said, tree
from .lists import IN, edits_of
from .reading import train

WORDS = ("ssh-kex-algo", "ssh-enc-algo", "ssh-mac-algo")
# From which release to which the lists stand in which table, and what they are called there.
TABLES = (
    ((7, 0, 2), (7, 3, 99), "global", WORDS),
    ((7, 4, 0), (7, 4, 3), "global", (*WORDS, "ssh-hostkey-algo")),
    ((7, 4, 4), (7, 6, 99), "ssh-config", (*WORDS, "ssh-hsk-algo")),
)
MANAGED = "fortios https"
DOOR = (
    "fortios https is what this controller comes in by: where it cannot speak what is left, the device goes back by its RESTART; a device that "
    "closes its sessions while it changes them is taken back, too"
)


def table_of(release: str) -> tuple[str, tuple[str, ...]] | None:
    return next(((name, words) for first, last, name, words in TABLES if first <= train(release) <= last), None)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Of a tunnel the new in front of what is there.  Raises Inexpressible."""
    return _written(snapshot, wishes, narrow=False)


def contract(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Of a tunnel without what is not wanted.  Raises Inexpressible."""
    return _written(snapshot, wishes, narrow=True)


def warns(snapshot: Snapshot, wishes: Wishes) -> tuple[str, ...]:
    """What a plan says of what these may do to traffic."""
    mine = tunnels(snapshot)
    changed = [id_.removeprefix("fortios ") for id_ in wishes if id_ in mine]
    return (*([AGAIN.format(", ".join(changed))] if changed else ()), *([DOOR] if MANAGED in wishes else ()))


def _written(snapshot: Snapshot, wishes: Wishes, narrow: bool) -> tuple[Change, ...]:
    (file,) = snapshot.files.values()
    table = table_of(snapshot.facts["release"])
    if (why := unfit(snapshot)) or not table:
        raise Inexpressible(why, snapshot.host, "leave it out with --limit, and change it by hand")
    text, mine = split(file.text or ""), tunnels(snapshot)
    seen = {one.id: one for one in read(snapshot)}
    edits: list[Edit] = []
    for id_, wanted in wishes.items():
        line, lists = _tunnel(snapshot, seen[id_], *mine[id_], wanted, narrow) if id_ in mine else (1, _system(id_, table, wanted))
        for path, names in lists.items():
            edits += edits_of(text, path, tuple(f"{path} {name}" for name in names), line)
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


def unfit(snapshot: Snapshot) -> str:
    """Why nothing is written of it, "" = it is."""
    (file,) = snapshot.files.values()
    if not table_of(snapshot.facts["release"]):
        return f"FortiOS {snapshot.facts['release']} is no release whose tables are known here, which are 7.0.2 to 7.6"
    if set(tree(file.text or "").under("system", "ha", "mode")) - {"standalone"}:
        return "it is one of a cluster, whose members would all restart together when a change is not saved, and none would take over"
    return ""


def _system(id_: str, table: tuple[str, tuple[str, ...]], wanted: Mapping[str, Wanted]) -> dict[str, tuple[str, ...]]:
    name, words = ("global", tuple(HTTPS.values())) if id_ == MANAGED else table
    lists = dict(zip(HTTPS if id_ == MANAGED else SSH, words, strict=False))
    return {f"system {name} {lists[aspect]}": to.names for aspect, to in wanted.items()}


def _tunnel(
    snapshot: Snapshot, endpoint: Endpoint, words: tuple[str, ...], node: Node, wanted: Mapping[str, Wanted], narrow: bool
) -> tuple[int, dict[str, tuple[str, ...]]]:
    """The line where it begins, and its lists that change."""
    path = said(words)
    if f" {BETWEEN} " in path or IN in path:
        raise Inexpressible(f"{endpoint.id}: its name cannot be told from what stands around it", snapshot.host, "give it another name")
    exchange = endpoint.settings.get("key_exchange")
    one = phase(node, words[-2], endpoint.id, exchange.values if exchange else ())
    release = train(snapshot.facts["release"])
    lists = contracted(one, wanted, snapshot.host) if narrow else expanded(one, wanted, release, snapshot.host)
    return node.line, {f"{path} {word}": names for word, names in lists.items()}


def tunnels(snapshot: Snapshot) -> dict[str, tuple[tuple[str, ...], Node]]:
    """Endpoint → the words of its object, and what stands in it."""
    return {id_: (words, node) for file in snapshot.files.values() for id_, words, node in _objects(file)}


def _objects(file: File) -> Iterator[tuple[str, tuple[str, ...], Node]]:
    top = tree(file.text or "")
    for vdom, here in (("", top), *top.each("vdom")):
        for kind in KINDS:
            for name, node in here.each("vpn", "ipsec", kind):
                within = ("vdom", vdom) if vdom else ()
                yield " ".join(("fortios", *within[1:], kind, name)), (*within, "vpn", "ipsec", kind, name), node
