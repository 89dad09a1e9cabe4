"""sshd's configuration in the order in which sshd reads it: every directive with its file and the Match block it is under.

Source: sshd_config(5): Include globs expand in lexical order, relative to /etc/ssh; an Include inside a Match block is conditional; a Match
block in an included file ends with that file (servconf.c restores the active state after each).  Below "Match all" everything is allowed
and counts as if it stood outside, for it matches before any connection is there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..documents import keyword, lines
from ..documents.keyword import Directive, Document
from ..model import Origin, Snapshot, Unparsable
from ..service import once
from .paths import glob

MAIN = "/etc/ssh/sshd_config"
HOST_KEYS = "/etc/ssh/ssh_host_*_key"
# aspect → what to ask `ssh -Q` for it
QUERIES = {"key_exchange": "kex", "cipher": "cipher", "mac": "mac", "user_key": "key-sig", "host_key": "key-sig", "ca_signature": "key-sig"}
# aspect → keywords that set it (lower case), the present name first
KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "key_exchange": ("kexalgorithms",),
    "cipher": ("ciphers",),
    "mac": ("macs",),
    "host_key": ("hostkeyalgorithms",),
    "user_key": ("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"),
    "ca_signature": ("casignaturealgorithms",),
}
ONLY_READ = "ca_signature"  # who logs in with a certificate that such an authority signed nobody knows here, so nothing is taken from them
IN_MATCH = "user_key"  # sshd refuses the others inside a Match block
ALL = "match all"
DEEPEST_INCLUDE = 16  # servconf.c SERVCONF_MAX_DEPTH
# Where units of distributions take words of sshd's command line from, the last assignment of a variable counts: RHEL 8 and Debian.
ENVIRONMENT = ("/etc/crypto-policies/back-ends/opensshserver.config", "/etc/sysconfig/sshd", "/etc/default/ssh")
_VARIABLE = re.compile(r"\s*(SSHD_OPTS|OPTIONS|CRYPTO_POLICY)=(.*)")
_OPTION = re.compile(r"-o[\s\"']*(\w+)\s*[=\s]\s*([^\s\"']+)")
_LETTER = re.compile(r"(?:^|[\s\"'])-([pf])\s*([^\s\"']+)")


@dataclass(frozen=True, slots=True)
class Placed:
    """One directive where it takes effect.  scope: the Match line it is under, "" = it counts for everybody.  late: below "Match all"."""

    directive: Directive
    document: Document
    scope: str
    late: bool = False

    @property
    def origin(self) -> Origin:
        return Origin(self.document.path, self.directive.line)


def reading_order(snapshot: Snapshot) -> tuple[Placed, ...]:
    """Raises Unparsable for a file that is no text or whose grammar is broken, and where sshd is told to read another one."""
    return once(snapshot, "openssh", _reading_order)


def _reading_order(snapshot: Snapshot) -> tuple[Placed, ...]:
    other, origin = options(snapshot).get("f", (MAIN, Origin("")))
    if other != MAIN:
        raise Unparsable(f"sshd is started with -f {other}, which is not read here", str(origin), f"include it in {MAIN} instead")
    return tuple(_walk(snapshot, MAIN, "", False, 0))


def _walk(snapshot: Snapshot, path: str, scope: str, late: bool, depth: int) -> Iterator[Placed]:
    file = snapshot.files[path]
    if file.text is None:
        raise Unparsable(file.problem or "could not be read", path, "its settings decide what sshd does")
    if depth > DEEPEST_INCLUDE:
        raise Unparsable("includes go round in a circle", path, "break the circle")
    document = keyword.parse(file.text, path)
    for directive in document.directives:
        everybody = directive.match.lower() == ALL
        placed = Placed(directive, document, scope if everybody else directive.match or scope, late or everybody)
        yield placed
        if directive.name == "include":
            for pattern in directive.arguments:
                for each in glob(posixpath.join("/etc/ssh", pattern), snapshot):
                    yield from _walk(snapshot, each, placed.scope, placed.late, depth + 1)


def winning(order: tuple[Placed, ...], aspect: str) -> Placed | None:
    """The directive that counts for everybody: the first, save that Match blocks are read again for each connection and beat the rest."""
    found = [p for p in order if not p.scope and p.directive.name in KEYWORDS[aspect] and p.directive.arguments]
    return min(found, key=lambda p: not p.late if aspect == IN_MATCH else 0, default=None)


def conditional(order: tuple[Placed, ...], aspect: str) -> tuple[Placed, ...]:
    """Directives that count for those whom their Match block names."""
    return tuple(p for p in order if p.scope and p.directive.name in KEYWORDS[aspect] and p.directive.arguments)


def options(snapshot: Snapshot) -> dict[str, tuple[str, Origin]]:
    """keyword (lower case), or the letter p or f → (value, where), from sshd's command line: it beats every file, and `sshd -T` knows nothing
    of it."""
    variables: dict[str, tuple[str, Origin]] = {}
    for path in ENVIRONMENT:
        text = snapshot.files[path].text if path in snapshot.files else ""
        for number, line in enumerate(lines.split(text or ""), 1):
            if found := _VARIABLE.match(line):
                variables[found[1]] = (found[2], Origin(path, number))
    said: dict[str, tuple[str, Origin]] = {}
    for value, origin in variables.values():
        for name, listed in (*_OPTION.findall(value), *_LETTER.findall(value)):
            said.setdefault(name.lower(), (listed, origin))
    return said


def given(snapshot: Snapshot, aspect: str) -> tuple[str, Origin] | None:
    """The option of the command line that sets this aspect."""
    said = options(snapshot)
    return next((said[name] for name in KEYWORDS[aspect] if name in said), None)


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """Included paths and public halves of host keys that the snapshot lacks; a glob that matched nothing is complete, sshd ignores it too."""
    if MAIN not in snapshot.files or snapshot.files[MAIN].text is None:
        return ()
    wanted: dict[str, None] = {}
    for placed in reading_order(snapshot):
        for argument in placed.directive.arguments:
            if placed.directive.name == "include":
                wanted[posixpath.join("/etc/ssh", argument)] = None
            elif placed.directive.name == "hostkey" and argument.startswith("/") and not fnmatchcase(argument, HOST_KEYS):
                wanted[f"{argument}.pub"] = None
            elif placed.directive.name == "hostcertificate" and argument.startswith("/") and not fnmatchcase(argument, f"{HOST_KEYS}-cert.pub"):
                wanted[argument] = None
    return tuple(sorted({path for path in wanted if not glob(path, snapshot)} - {"/etc/ssh/sshd_config.d/*.conf"}))
