"""Certificates of Juniper Junos: keys that its PKI makes, and the certificate that web-management (J-Web) serves.

They are files of the device, not lines of its configuration, so they are asked for by commands of their own, and what these say becomes statements.

Sources: Juniper's CLI reference for `request security pki generate-key-pair`, `generate-certificate-request` (one host name, one IPv4 and one IPv6
address; it prints the request), `local-certificate load … filename`, `clear security pki …`, `show security pki local-certificate detail`; the
keywords for PKI of Juniper's own tests (pki.py, by nchellani) for what these print in 15.1X49, empty fields and days of one digit among it; a STIG of
Juniper EX for sizes of keys and digests; a public transcript of vSRX3 for "Local certificate loaded successfully", before its authority is there.
No source says that a certificate can be pasted, so it comes as a file: `start shell command "…"`, as public scripts send it (simonrho/rpm-check);
one that holds a redirection shows nothing.  No text of a certificate is shown, but its fingerprint.
Not found: what web-management sends besides the certificate, so none with an authority between it and its anchor is brought; whether authorities
that are loaded would be trusted for IKE as well, so none is; whether it takes a second certificate of the same subject, which Juniper's FAQ on PKI
advises against; how an EC key and an address are spelled where they are shown.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime

from ..certificates.request import alternative
from ..credentials import Binding, Certificate, Pair, Serving
from ..documents.lines import split
from ..model import Change, Origin, Problem, Snapshot
from .keeping import ANYTHING, Keeping, Talk
from .kept import Node, said, tree
from .lists import edits_of, within

HTTPS = "system services web-management https"
BOUND = f"{HTTPS} pki-local-certificate"
OTHERS = {"system-generated-certificate": f"{HTTPS} system-generated-certificate", "local-certificate": f"{HTTPS} local-certificate"}
WEB = (BOUND, *OTHERS.values())  # one of them says what is served
HELD, ASKED = "security pki local-certificate", "security pki certificate-request"
SHOWS = f"show {HELD} detail | no-more"
WAITS = f"show {ASKED} | no-more"
ALONE = "web-management of Junos serves one certificate"
_KINDS = {
    **{f"ECDSA-P{bits}": f"size {bits} type ecdsa" for bits in (256, 384)},
    **{f"RSA-{bits}": f"size {bits} type rsa" for bits in (2048, 4096)},
}
_SAN = {"DNS": "domain-name", "IP4": "ip-address", "IP6": "ipv6-address"}
_FOLDER = "/var/tmp"
_AT_ONCE = 8  # lines of PEM in one command: no line of a terminal grows long
_QUESTION = r"\[yes,no\] \((?:yes|no)\) ?\Z"
_SILENT = r"(?i)\A(?!(?s:.*)(?:mkdir|rm|sh|csh): )(?!(?s:.*)(?:permission denied|error:|unknown command|syntax error))"


def make(dummy: Snapshot, name: str, kind: str, names: tuple[str, ...]) -> tuple[Talk, ...]:
    """A key that a run has left that was killed before its request stands in no list, so it is cleared in any case: of this name it is ours.

    Raises Problem for names that one request cannot hold.
    """
    said: dict[str, list[str]] = {word: [] for word in _SAN.values()}
    for one in names:
        said[_SAN[_which(one)]].append(one)
    if several := next((held for held in said.values() if len(held) > 1), None):
        why = f"a request of Junos names one host, one IPv4 and one IPv6 address, and not {' and '.join(several)}"
        raise Problem(why, remedy="name one of each in agility_names; nothing was changed")
    common = next((one for one in names if len(one) <= 64), names[0][:64])
    alternatives = " ".join(f"{word} {held[0]}" for word, held in said.items() if held)
    digest = " digest sha-256" if kind.startswith("RSA") else ""
    return (
        *(Talk(f"clear security pki {what} certificate-id {name}", done=ANYTHING) for what in ("certificate-request", "key-pair")),
        Talk(f"request security pki generate-key-pair certificate-id {name} {_KINDS[kind]}", done=r"(?i)generat(?:ed|ing) "),
        Talk(
            f'request security pki generate-certificate-request certificate-id {name} subject "CN={common}" {alternatives}{digest}',
            done="-----END CERTIFICATE REQUEST-----",
        ),
    )


def _which(name: str) -> str:
    kind, dummy, value = alternative(name).partition(":")
    return "DNS" if kind == "DNS" else f"IP{ipaddress.ip_address(value).version}"


def place(name: str, chain: tuple[str, ...]) -> tuple[Talk, ...]:
    """The file lies in a folder that must not be there before, so that nobody else can have put it there.  Raises Problem for a longer chain."""
    if between := len(chain) - 2:
        many = f"{between} {'authority' if between == 1 else 'authorities'}"
        remedy = "name the issuer's own certificate as its anchor, where clients trust that, or sign with a root; nothing was changed"
        raise Problem(f"the chain has {many} between certificate and anchor, and it is not known that Junos serves any", remedy=remedy)
    rows = chain[0].strip().split("\n")
    pieces = ["; ".join(f"echo {row}" for row in rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE)]
    return (
        _shell(f"rm -rf {_FOLDER}/{name}"),
        _shell(f"mkdir -m 700 {_FOLDER}/{name}"),
        *(_shell(f"({piece}) >> {_FOLDER}/{name}/leaf.pem") for piece in pieces),
        Talk(f"request {HELD} load certificate-id {name} filename {_FOLDER}/{name}/leaf.pem", done=r"(?i)loaded successfully"),
        _shell(f"rm -rf {_FOLDER}/{name}"),
    )


def _shell(command: str) -> Talk:
    return Talk(f'start shell command "{command}"', done=_SILENT)


def drop(name: str) -> tuple[Talk, ...]:
    things = ("local-certificate", "certificate-request", "key-pair")
    return (
        Talk(f'start shell command "rm -rf {_FOLDER}/{name}"', done=ANYTHING),
        *(Talk(f"clear security pki {one} certificate-id {name}", done=ANYTHING) for one in things),
    )


def heads(name: str) -> tuple[str, ...]:
    return f"{HELD} {name}", f"{ASKED} {name}"


# ---------------------------------------------------------------- what it shows

_ID = re.compile(r"^(?=[ \t]*Certificate identifier: )", re.MULTILINE)
_FIELDS = {
    "id": r"Certificate identifier: (\S+)",
    "subject": r"Subject string: *\n? *(\S[^\n]*)",
    "names": r"Alternate subject: ([^\n]*)",
    "until": r"Not after: *(\d+- ?\d+-\d{4})",
    "key": r"Public key algorithm: *(\w+) ?\((\d+) bits\)",
}
_PRINT = re.compile(r"^ *((?:[0-9a-f]{2}:)+[0-9a-f]{2}) \((sha1|sha256)\)", re.MULTILINE | re.IGNORECASE)


def told(heard: str) -> tuple[str, ...]:
    """What the two commands say, as statements; a request is one that has no certificate's facts."""
    return tuple(one for block in _ID.split(heard)[1:] for one in _told(block))


def _told(block: str) -> tuple[str, ...]:
    found = {field: re.search(pattern, block) for field, pattern in _FIELDS.items()}
    name = found["id"]
    if not name:
        return ()
    if "Not after" not in block:
        return (said((*ASKED.split(), name[1])),)
    facts: dict[str, tuple[str, ...]] = {"until": (_day(found["until"][1] if found["until"] else ""),)}
    if key := found["key"]:
        facts["key"] = (_kind(key[1], key[2]),)
    if subject := found["subject"]:
        facts["subject"] = (subject[1].strip(),)
    if names := found["names"]:
        facts["names"] = _names(names[1])
    facts |= {one[2].lower(): (one[1].replace(":", "").lower(),) for one in _PRINT.finditer(block)}
    return tuple(said((*HELD.split(), name[1], fact, value)) for fact, values in facts.items() for value in values)


def _day(text: str) -> str:
    """ "04- 3-2018" → "2018-04-03"; "" for what is no day, so that the certificate counts as unreadable."""
    try:
        return datetime.strptime(text.replace(" ", ""), "%m-%d-%Y").date().isoformat()
    except ValueError:
        return ""


def _kind(algorithm: str, bits: str) -> str:
    word = algorithm.lower()
    return f"RSA-{bits}" if word.startswith("rsa") else f"ECDSA-P{bits}" if word.startswith(("ec", "id-ec")) else algorithm


def _names(text: str) -> tuple[str, ...]:
    """Of `"a@b", host, ipv4 empty, ipv6 empty` the hosts and addresses."""
    words = (one.strip().strip('"') for one in text.split(","))
    bare = (re.sub(r"^(?:email|fqdn|ipv4|ipv6|ip) ", "", one) for one in words if one and not one.endswith(" empty"))
    return tuple(_address(one) for one in bare if one != "empty" and "@" not in one)


def _address(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def held(snapshot: Snapshot) -> Mapping[str, Certificate]:
    (file,) = snapshot.files.values()
    return {name: _certificate(name, node) for name, node in tree(file.text or "").each(*HELD.split())}


def _certificate(name: str, node: Node) -> Certificate:
    facts = {fact: " ".join(node.under(fact)) for fact in ("subject", "key", "until", "sha256", "sha1")}
    more = (f"sha1={facts['sha1']}",) if facts["sha1"] else ()
    names = node.under("names")
    return Certificate(name, facts["subject"], "", facts["key"], "", facts["until"], facts["sha256"], None, names, more)


# ---------------------------------------------------------------- what is served


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    (file,) = snapshot.files.values()
    web = tree(file.text or "").at(*HTTPS.split())
    if not web:
        return ()
    return (Serving("junos", ("junos web-management",), (), (_binding(file.path, web),), ALONE),)


def _binding(path: str, web: Node) -> Binding:
    for name, node in web.each("pki-local-certificate"):
        return Binding(Pair(name, name), Origin(path, node.line), form="object")
    for word in OTHERS:
        if other := web.at(word):
            return Binding(Pair(" ".join((word, *other.words())), ""), Origin(path, other.line), form="object")
    fixed = f"no line says what it serves: `set {OTHERS['system-generated-certificate']}` first"
    return Binding(Pair("no certificate", ""), Origin(path, web.line), fixed, "object")


def rebind(snapshot: Snapshot, bindings: Mapping[Origin, Pair]) -> tuple[Change, ...]:
    """In the place of the line that says what is served today."""
    (file,) = snapshot.files.values()
    ((origin, pair),) = bindings.items()
    text = split(file.text or "")
    (serving,) = servings(snapshot)
    old = serving.bindings[0].pair
    path = BOUND if old.key else OTHERS[old.certificate.split()[0]]
    return (Change(file.path, file.sha256, edits_of(text, path, (f"{BOUND} {pair.certificate}",), origin.line)),)


def commands(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """Of statements of WEB: what is no more goes first, for one of them holds alone."""
    gone = (path for path in WEB if any(within(one, path) for one in old) and not any(within(one, path) for one in new))
    return (*(f"delete {path}" for path in gone), *(f"set {one}" for one in new if one not in old))


KEEPING = Keeping(
    kinds=tuple(_KINDS),
    servings=servings,
    held=held,
    make=make,
    place=place,
    drop=drop,
    heads=heads,
    rebind=rebind,
    asks=_QUESTION,
    shows=SHOWS,
    waits=WAITS,
    told=told,
)
