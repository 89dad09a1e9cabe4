"""F5 BIG-IP: a saved configuration, as `tmsh save sys config file` (an scf), `tmsh list` or bigip_base.conf and bigip.conf in one file have it.
What it means: f5_endpoints.py.

A file that was cut off between two objects cannot be told.  Of the include of sshd only its lists are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..documents import tmsh
from ..documents.statements import Statement
from .appliance import Appliance
from .f5_endpoints import SSHD, read
from .kept import keep
from .reading import alone, once, only

LABEL = "F5 BIG-IP"
SAVE = "save an scf (`tmsh save sys config file NAME no-passphrase`), or bigip_base.conf and bigip.conf in one file, whole and alone"
KEEP = (
    "sys global-settings hostname *",
    "sys sshd",
    "sys sshd login *",
    "sys sshd port *",
    *(f"sys sshd include {keyword} *" for keyword in SSHD),
    "sys httpd",
    "sys httpd ssl-protocol *",
    "sys httpd ssl-ciphersuite *",
    "sys httpd ssl-port *",
    *(
        f"ltm profile {kind} * {what}".strip()
        for kind in ("client-ssl", "server-ssl")
        for what in ("", "mode *", "defaults-from *", "ciphers *", "cipher-group *", "options +")
    ),
    "ltm cipher rule *",
    "ltm cipher rule * cipher *",
    "ltm cipher rule * dh-groups *",
    "ltm cipher group *",
    "ltm cipher group * allow *",
    "net ipsec ike-peer *",
    "net ipsec ike-peer * state *",
    "net ipsec ike-peer * version *",
    "net ipsec ike-peer * phase1-encrypt-algorithm *",
    "net ipsec ike-peer * phase1-hash-algorithm *",
    "net ipsec ike-peer * phase1-perfect-forward-secrecy *",
    "net ipsec ike-peer * prf *",
    "net ipsec ipsec-policy *",
    "net ipsec ipsec-policy * ike-phase2-encrypt-algorithm *",
    "net ipsec ipsec-policy * ike-phase2-auth-algorithm *",
    "net ipsec ipsec-policy * ike-phase2-perfect-forward-secrecy *",
)
_INCLUDE = ("sys", "sshd", "include")
_RELEASE = re.compile(r"^#TMSH-VERSION: (\d+(?:\.\d+)+)", re.MULTILINE)
_BEGINS = frozenset(
    ("analytics", "api-protection", "apm", "asm", "auth", "cli", "cm", "gtm", "ilx", "ltm", "net", "pem", "security", "sys", "vcmp", "wom")
)
_MARK = re.compile(
    r"^(?:#TMSH-VERSION:|ltm (?:profile|virtual|virtual-address|pool|node|monitor|rule|cipher|persistence|policy|data-group) \S|"
    r"sys (?:global-settings|sshd|httpd|provision|management-ip|db|file) .*\{[ \t\r]*$|net (?:self|vlan|route|route-domain|ipsec) .*\{[ \t\r]*$)",
    re.MULTILINE,
)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = tmsh.parse(text, path)
    alone(text, replace(document, around=(*document.around, *_strange(document.statements))), SAVE)
    listed = (_apart(one) if one.words[:3] == _INCLUDE else (one,) for one in document.statements)
    document = replace(document, statements=tuple(said for each in listed for said in each))
    release = once(_RELEASE.findall(text), "release", path)
    hostname = only(document.statements, "sys global-settings hostname", path)
    return keep(document, KEEP), {"os_ID": "f5", "os_PRETTY_NAME": f"BIG-IP {release}".strip(), "hostname": hostname, "release": release}


def _strange(statements: tuple[Statement, ...]) -> Iterator[tuple[int, str]]:
    return ((one.line, " ".join(one.words)) for one in statements if one.words[0] not in _BEGINS)


def _apart(one: Statement) -> Iterator[Statement]:
    """Of the text that goes into sshd_config each list that counts, where it stands: there the first of a keyword does."""
    seen = set()
    for place, line in enumerate(" ".join(one.words[3:]).split("\n")):
        keyword, dummy, value = line.strip().replace("=", " ", 1).partition(" ")
        name = next((name for name in SSHD if name.lower() == keyword.lower()), "")
        if name and value.strip() and name not in seen:
            seen.add(name)
            yield Statement((*_INCLUDE, name, value.strip()), one.line + place)


APPLIANCE = Appliance("f5", LABEL, _MARK, look, read)
