"""Cisco IOS and IOS-XE: a saved running configuration.  What it means: ios_endpoints.py.

A running configuration names its release train (`version 17.12`) and closes with `end`: what lacks one of them was cut off.  Of its text only the
lines below are kept; so no key, password or community reaches what is stored, whatever the command that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..documents.indent import Command, Document, parse
from ..model import Unparsable
from .appliance import Appliance
from .ios_endpoints import read, release
from .ios_live import LIVE

LABEL = "Cisco IOS or IOS-XE"
SAVE = "save `show running-config` again, whole and alone (terminal length 0)"
# Command → the beginnings of what is kept of its body; ("",) = all of it.
KEEP: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("version",): (),
    ("hostname",): (),
    ("end",): (),
    ("ip", "ssh", "server"): (),
    ("ip", "ssh", "version"): (),
    ("ip", "http", "secure-server"): (),
    ("ip", "http", "secure-port"): (),
    ("ip", "http", "secure-ciphersuite"): (),
    ("ip", "http", "secure-trustpoint"): (),
    ("ip", "http", "tls-version"): (),
    ("line", "vty"): ("transport input",),
    ("crypto", "ikev2", "proposal"): ("encryption ", "integrity ", "prf ", "group ", "pqc "),
    ("crypto", "ikev2", "policy"): ("proposal ",),
    ("crypto", "ikev2", "profile"): ("keyring ppk ",),
    ("crypto", "ikev2", "keyring"): ("peer ",),
    ("crypto", "isakmp", "policy"): ("encr ", "encryption ", "hash ", "group ", "authentication "),
    ("crypto", "ipsec", "transform-set"): ("mode ",),
    ("crypto", "ipsec", "profile"): ("set transform-set ", "set pfs"),
    ("crypto", "map"): ("set transform-set ", "set pfs"),
    ("crypto", "dynamic-map"): ("set transform-set ", "set pfs"),
    ("crypto", "pki", "certificate", "chain"): ("",),
    ("crypto", "pki", "trustpoint"): ("auto-enroll ",),
}
# What a terminal prints around it.
_AROUND = re.compile(
    r"Building configuration\.\.\.|Current configuration ?: \d+ bytes|Using \d+ out of \d+ bytes.*|Load for five secs:.*|Time source is .*|"
    r"\S+[#>] ?(?:(?:sh|show|wr|more|terminal|term|exit)\b.*)?|sh\w* run.*"
)
_COMMAND = re.compile(r"[a-z0-9]")
_PAGER = re.compile(r"^ *(?:--More--|<--- More --->)", re.MULTILINE)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = parse(text, path)
    _whole(document, text)
    name, number = release(document)
    hostname = next((one.words[1] for one in document.of("hostname") if len(one.words) > 1), "")
    facts = {"os_ID": "ios", "os_PRETTY_NAME": f"Cisco {name} {number}", "hostname": hostname}
    kept = dict(line for command in document.commands for line in _kept(command, document))
    return "".join(kept.get(number, _empty(line)) for number, line in enumerate(document.lines, 1)), facts


def _whole(document: Document, text: str) -> None:
    if found := _PAGER.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unparsable("the pager stopped here, and its prompt is in the text", f"{document.path}:{line}", SAVE)
    versions, ends = document.of("version"), document.of("end")
    if len(versions) != 1:
        raise Unparsable("a second `version`: two configurations in one file", f"{document.path}:{versions[1].line}", "keep one device in one file")
    if not ends:
        raise Unparsable("it is cut off: a running configuration closes with `end`", f"{document.path}:{len(document.lines)}", SAVE)
    for command in document.commands:
        outside = command.line < versions[0].line or command.line > ends[0].line
        known = _AROUND.fullmatch(" ".join(command.words)) if outside else _COMMAND.match(command.words[0])
        if not known:
            raise Unparsable("a line that is no command of IOS", f"{document.path}:{command.line}", SAVE)


def _kept(command: Command, document: Document) -> Iterator[tuple[int, str]]:
    """(line number, what is kept of it)."""
    wanted = next((KEEP[head] for size in (1, 2, 3, 4) if (head := command.words[:size]) in KEEP), None)
    if wanted is None:
        return
    yield command.line, document.lines[command.line - 1]
    for one in command.body:
        if " ".join((*one.words, "")).startswith(wanted):
            yield one.line, document.lines[one.line - 1]
            yield from _below(one, wanted == ("",), document)


def _below(command: Command, public: bool, document: Document) -> Iterator[tuple[int, str]]:
    """The hexadecimal body of a certificate; of what stands under a peer of a keyring only that it has a PPK, and whether it must be used."""
    for one in command.body:
        line = document.lines[one.line - 1]
        if public:
            yield one.line, line
            yield from _below(one, public, document)
        elif one.starts("ppk"):
            must = " required" if one.words[-1] == "required" else ""
            yield one.line, f"{line[: len(line) - len(line.lstrip())]}ppk [redacted]{must}{_empty(line)[1:]}"


def _empty(line: str) -> str:
    """A comment in the place of a line, with its line end."""
    return "!" + line[len(line.rstrip("\r\n")) :]


APPLIANCE = Appliance("ios", LABEL, re.compile(r"^version \d+\.\d+\w*[ \t\r]*$", re.MULTILINE), look, read, LIVE)
