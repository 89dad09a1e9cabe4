"""Arista EOS: a saved running configuration, and what it says about its cryptography.

It closes with `end`; its first comment names the release (`! device: NAME (MODEL, EOS-4.30.1F)`).  Sources: Arista AVD (eos_cli_config_gen) for
lines and words; profiles of TLS: eos_tls.py.  SSH counts as served unless `management ssh` is shut down, the API only with `no shutdown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..documents.indent import Document as Indented
from ..documents.indent import parse
from ..documents.statements import Document
from ..model import Endpoint, Snapshot, Unparsable
from . import eos_tls
from .appliance import Appliance
from .eos_live import LIVE, SSH
from .kept import Node, keep, tree
from .reading import ECHO, SSH_LISTS, Aspects, Device, Known, alone, flat, once, port, train

LABEL = "Arista EOS"
SAVE = "save `show running-config` again, whole and alone (terminal length 0)"
KEEP = (
    "hostname *",
    "management ssh cipher +",
    "management ssh key-exchange +",
    "management ssh mac +",
    "management ssh hostkey server +",
    "management ssh server-port *",
    "management ssh fips restrictions",
    "management ssh shutdown",
    "management ssh vrf * no shutdown",
    "management api http-commands no shutdown",
    "management api http-commands vrf * no shutdown",
    "management api http-commands protocol https ssl profile *",
    "management api http-commands protocol https port *",
    "management security ssl profile *",
    *eos_tls.KEEP,
    "ip security ike policy *",
    "ip security ike policy * encryption *",
    "ip security ike policy * integrity *",
    "ip security ike policy * dh-group *",
    "ip security sa policy *",
    "ip security sa policy * esp encryption *",
    "ip security sa policy * esp integrity *",
    "ip security sa policy * pfs dh-group *",
)
TLS = frozenset(("tls version", "tls cipher"))
TUNNELS = frozenset(f"{protocol} {aspect}" for protocol in ("ikev2", "esp") for aspect in ("key_exchange", "cipher", "mac"))
WORDS = Known((4, 33, 99), "the words of Arista AVD, none of which is quantum-safe", SSH_LISTS | TLS | TUNNELS)
HYBRID = (4, 36, 1)  # nobody tells of those between
NEWER = Known(HYBRID, "a public lab of cEOS 4.36.1F (fhibler/arista-quantum-safe)", SSH_LISTS | TLS | {"tls key_exchange"})
IKE: Aspects = {"key_exchange": "dh-group {}", "cipher": "encryption", "mac": "integrity"}
ESP: Aspects = {"key_exchange": "pfs dh-group {}", "cipher": "esp encryption", "mac": "esp integrity"}
_RELEASE = re.compile(r"^! device: .*\bEOS-(\d+\.\d+(?:\.\d+)*\w*)", re.MULTILINE)
_MARK = re.compile(
    r"^(?:! device: .*EOS-|transceiver qsfp default-mode|no aaa root[ \t\r]*$|management (?:ssh|security|api \S+)[ \t\r]*$|ip security[ \t\r]*$|"
    r"service routing protocols model )",
    re.MULTILINE,
)
_COMMAND = re.compile(r"[a-z0-9]")


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = parse(text, path)
    alone(text, Document(path, document.lines, ()), SAVE)
    _whole(document)
    release = once(_RELEASE.findall(text), "release", path)
    hostname = once((one.words[1] for one in document.of("hostname") if one.words[1:]), "`hostname`", path)
    statements = tuple(one for command in document.commands for one in flat(command))
    facts = {"os_ID": "eos", "os_PRETTY_NAME": f"Arista EOS {release}".strip(), "hostname": hostname, "release": release}
    return keep(Document(path, document.lines, (*statements, *eos_tls.users(statements))), KEEP), facts


def _whole(document: Indented) -> None:
    ends = document.of("end")
    if not ends:
        raise Unparsable("it is cut off: a running configuration closes with `end`", f"{document.path}:{len(document.lines)}", SAVE)
    if len(ends) > 1:
        raise Unparsable("a second `end`: two configurations in one file", f"{document.path}:{ends[1].line}", "keep one device in one file")
    first = next((one.line for one in document.commands if not ECHO.fullmatch(" ".join(one.words))), 1)
    for one in document.commands:
        outside = one.line < first or one.line > ends[0].line
        if not (ECHO.fullmatch(" ".join(one.words)) if outside else _COMMAND.match(one.words[0])):
            raise Unparsable("a line that is no command of EOS", f"{document.path}:{one.line}", SAVE)


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    known = NEWER if train(release) == HYBRID else WORDS
    devices = ((Device("eos", "EOS", release, file.path, "show running-config all", known), file.text or "") for file in snapshot.files.values())
    return tuple(one for device, text in devices for one in _endpoints(device, tree(text)))


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    ssh = top.at("management", "ssh") or Node()
    if not ssh.at("shutdown") or any(True for dummy in ssh.each("vrf")):
        yield _ssh(device, ssh)
    profiles = dict(top.each(*eos_tls.PLACE.split()))
    used = eos_tls.named(top)
    if api := eos_tls.served(top):
        profile = profiles.get(used[0], Node()) if used else Node()
        missing = tuple(name for name in used if name not in profiles)
        yield _tls(device, "https", profile, (("*", port(api.under("protocol", "https", "port"), 443)),), missing)
    for name, profile in profiles.items():
        if name not in used:
            yield _tls(device, f"ssl profile {name}", profile, eos_tls.doors(top, name))
    for name, policy in top.each("ip", "security", "ike", "policy"):
        yield device.endpoint(f"ike policy {name}", "ikev2", device.said(policy, IKE), {**IKE, "version": "version"})
    for name, policy in top.each("ip", "security", "sa", "policy"):
        yield _sa(device, name, policy)


def _ssh(device: Device, ssh: Node) -> Endpoint:
    settings = device.said(ssh, SSH)
    keys = settings.pop("host_key", None)
    if keys and "cert" not in keys.values:
        settings["host_key"] = keys
    fips = ssh.at("fips", "restrictions")
    notes = [f"{device.origin(fips)}: fips restrictions narrow it further, to what is not written down here"] if fips else []
    return device.endpoint("ssh", "ssh", settings, SSH, notes, (("*", port(ssh.under("server-port"), 22)),), place="ssh")


def _tls(device: Device, id_: str, profile: Node, addresses: tuple[tuple[str, int], ...], unknown: tuple[str, ...] = ()) -> Endpoint:
    settings, notes, expected = eos_tls.said(device, profile), [f"no ssl profile is called {name}" for name in unknown], dict(eos_tls.SAID)
    if "key_exchange" in settings or train(device.release) >= eos_tls.GROUPED:
        expected["key_exchange"] = eos_tls.GROUPS
    else:
        notes.append("no line of a configuration names the groups of its key exchange")
    one = device.endpoint(id_, "tls", settings, expected, notes, addresses)
    return replace(one, capabilities={aspect: eos_tls.able(able, device.release, aspect) for aspect, able in one.capabilities.items()})


def _sa(device: Device, name: str, policy: Node) -> Endpoint:
    settings = device.said(policy, ESP)
    notes = []
    if "cipher" in settings and settings["cipher"].values[0] in ("null", "disabled"):
        notes.append(f"{settings['cipher'].origin}: nothing is encrypted")
    return device.endpoint(f"sa policy {name}", "esp", settings, ESP, notes)


APPLIANCE = Appliance("eos", LABEL, _MARK, look, read, LIVE)
