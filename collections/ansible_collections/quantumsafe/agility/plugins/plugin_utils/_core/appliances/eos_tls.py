"""The TLS of Arista EOS: ssl profiles, what they say, who names them, and which lines of them are written.  Pure.

Sources: Arista AVD (eos_cli_config_gen, management_security.ssl_profiles; issue 4443 and pull request 4782): `cipher-list` until 4.31, and since
4.32.0F in its place `cipher v1.0` for TLS 1.0 to 1.2 and `cipher v1.3`; `tls versions` takes several.  fhibler/arista-quantum-safe, which tries
cEOS 4.36.1F on the wire: `key-establishment-group`, the suites of TLS 1.3, gNMI at 6030, other users of a profile.

A profile is written in place, in a session, so that a list is never empty.  Only one that management alone names is: what else names it (RADIUS,
syslog, 802.1X, …) is a client whose server is not ours.  The lines of its certificate: eos_keeping.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ..algorithms.lookup import all_of, find, speaks_13
from ..documents.lines import split
from ..documents.statements import Statement
from ..model import Capability, Edit, File, Inexpressible, Setting, Wanted
from .kept import Node
from .lists import edits_of, within
from .reading import Aspects, Device, port, train

HTTPS, PROFILE = "eos https", "eos ssl profile "
PLACE = "management security ssl profile"
VERSIONS, GROUPS, OLD, BEFORE, MODERN = "tls versions", "key-establishment-group", "cipher v1.0", "cipher-list", "cipher v1.3"
SPLIT = (4, 32)  # the release since which each half of TLS has suites of its own
GROUPED = (4, 35)  # since when that lab says there is something quantum-safe
ASPECTS = ("version", "cipher")
SAID: Aspects = {"version": VERSIONS, "cipher": "cipher"}
API = ("management", "api", "http-commands")
USES = ("uses", "ssl", "profile")  # of a kept text: the name of a profile, and who names it
CERTIFICATE, CHAIN = "certificate", "chain certificate"  # by the names of files (eos_keeping.py)
KEEP = (
    *(f"{PLACE} * {word}" for word in (f"{VERSIONS} +", f"{BEFORE} *", f"{OLD} *", f"{MODERN} *", f"{GROUPS} *", f"{CERTIFICATE} +", f"{CHAIN} +")),
    "management api gnmi transport grpc *",
    "management api gnmi transport grpc * port *",
    "uses ssl profile * +",
)
_NAME = re.compile(r"[\w.-]+")


def users(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Who names a profile, without what else the line says; eAPI has a line of its own."""
    for one in statements:
        if "ssl" not in one.words and "ssl-profile" not in one.words:
            continue  # nearly all of ten thousand lines
        who = one.words[: 3 if one.words[0] == "management" else 1]
        if who in (API, ("management", "security", "ssl")):
            continue
        for at, word in enumerate(one.words):
            behind = 2 if one.words[at : at + 2] == ("ssl", "profile") else 1 if word == "ssl-profile" else 0
            yield from (Statement((*USES, name, " ".join(who)), one.line, len(USES)) for name in one.words[at + behind : at + behind + 1] if behind)


def served(top: Node) -> Node | None:
    """eAPI, where it is on."""
    api = top.at(*API)
    return api if api and (api.at("no", "shutdown") or api.at("vrf")) else None


def named(top: Node) -> tuple[str, ...]:
    """The profile of eAPI."""
    api = served(top)
    return api.under("protocol", "https", "ssl", "profile") if api else ()


def doors(top: Node, name: str) -> tuple[tuple[str, int], ...]:
    """Where what names a profile listens; of gNMI alone its port is known."""
    ports = [port(one.under("port"), 6030) for dummy, one in top.each("management", "api", "gnmi", "transport", "grpc")]
    return (("*", ports[0]),) if ports and "management api gnmi" in top.under(*USES, name) else ()


def said(device: Device, profile: Node) -> dict[str, Setting]:
    """A list of suites or groups is one word, with colons.  Suites that no line names are unknown, and so is then what stands beside them."""
    found = {"version": device.setting(node.words(), node)} if (node := profile.at(*VERSIONS.split())) else {}
    spoken = [_id("version", word) for word in found["version"].values] if found else []
    old = profile.at(*OLD.split()) or profile.at(BEFORE)
    new = profile.at(*MODERN.split())
    split_up = new is not None or train(device.release)[:2] >= SPLIT or "TLSv1.3" in spoken
    needed = [*([old] if spoken != ["TLSv1.3"] else []), *([new] if split_up and (not spoken or "TLSv1.3" in spoken) else [])]
    lists = [one for one in needed if one is not None]
    if lists and len(lists) == len(needed):
        found["cipher"] = device.setting((word for one in lists for word in one.words()[0].split(":")), lists[0])
    if groups := profile.at(GROUPS):
        found["key_exchange"] = device.setting(groups.words()[0].split(":"), groups)
    return found


def able(capability: Capability, release: str, aspect: str) -> Capability:
    """Of releases before 4.32 no source names TLS 1.3."""
    if capability.names is None or train(release)[:2] >= SPLIT:
        return capability
    modern = ("TLSv1.3", "TLS_")
    return Capability(tuple(name for name in capability.names if not _id(aspect, name).startswith(modern)), capability.source, capability.library)


def unwritten(top: Node) -> dict[str, str]:
    """Endpoints of profiles that are left alone → why."""
    out, mine = {}, named(top)
    for name in dict(top.each(*PLACE.split())):
        who = top.under(*USES, name)
        others = [one for one in who if not one.startswith("management ")]
        id_ = HTTPS if name in mine else f"{PROFILE}{name}"
        if others:
            out[id_] = f"{', '.join(others)} names ssl profile {name}, too, and its other end is not ours: give management a profile of its own"
        elif not who and name not in mine:
            out[id_] = "nothing that is written here names it"
        elif not _NAME.fullmatch(name):
            out[id_] = "its name cannot be written"
    return out


def place(statement: str) -> str:
    """The list that a line of a profile is, as its path."""
    words = statement.split()
    return " ".join(words[: 5 + (1 if words[5:6] in ([BEFORE], [CERTIFICATE]) else 2)])


def edits(file: File, host: str, release: str, top: Node, id_: str, wanted: Mapping[str, Wanted]) -> list[Edit]:
    """Raises Inexpressible."""
    name = named(top)[0] if id_ == HTTPS else id_.removeprefix(PROFILE)
    profile = top.at(*PLACE.split(), name) or Node()
    text, out = split(file.text or ""), list[Edit]()
    for word, values in _lines(profile, host, release, wanted).items():
        path = f"{PLACE} {name} {word}"
        out += edits_of(text, path, (f"{path} {values}",))
    return out


def _lines(profile: Node, host: str, release: str, wanted: Mapping[str, Wanted]) -> dict[str, str]:
    out = {}
    if versions := wanted.get("version"):
        out[VERSIONS] = " ".join(sorted(versions.names))  # as a device has them, whatever is asked for first
    names = wanted["cipher"].names if "cipher" in wanted else ()
    modern = [name for name in names if _id("cipher", name).startswith("TLS_")]
    older = [name for name in names if name not in modern]
    if not names and versions and speaks_13(versions.names) and profile.at(*OLD.split()) and not profile.at(*MODERN.split()):
        modern = [name for a in all_of("tls", "cipher") if a.id.startswith("TLS_") for name in a.names.get("eos", ())]  # else they would be unknown
    word, other = (OLD, BEFORE) if train(release)[:2] >= SPLIT else (BEFORE, OLD)
    if older and profile.at(*other.split()):
        raise Inexpressible(f"its profile has `{other}`, which {release} is not known to take", host, f"write `{word}` there")
    return {**out, **({word: ":".join(older)} if older else {}), **({MODERN: ":".join(modern)} if modern else {})}


def commands(old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    """What is typed for statements of profiles, from the top and back to it; without one of a list it is the default."""
    both = tuple(tuple(one for one in said if within(one, PLACE)) for said in (old, new))
    of: dict[str, dict[str, None]] = {}
    for path in (place(one) for said in both for one in said):
        of.setdefault(path.split()[4], {})[path] = None
    if of:
        yield "management security"
    for name, mine in of.items():
        yield f"ssl profile {name}"
        for path in mine:
            word = path.removeprefix(f"{PLACE} {name} ")
            was, now = ([one.removeprefix(path).strip() for one in said if within(one, path)] for said in both)
            if word == CHAIN:  # the only one of several lines
                yield from (f"{word} {one}" for one in now if one not in was)
                yield from (f"no {word} {one}" for one in was if one not in now)
            else:
                yield from (f"{word} {one}" for one in now)
                yield from () if now else (f"no {word}",)
        yield "exit"
    if of:
        yield "exit"


def _id(aspect: str, word: str) -> str:
    found = find("tls", aspect, word)
    return found.id if found else ""
