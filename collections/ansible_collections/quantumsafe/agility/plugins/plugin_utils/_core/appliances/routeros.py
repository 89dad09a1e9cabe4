"""MikroTik RouterOS: an export (`/export`, compact, terse or verbose), and what it says about its cryptography.

Its first comment names the release.  Nothing closes it, so a text that was cut off between two commands cannot be told.  Words are those of the
project's notes, not checked against the manual.  A compact export omits defaults; none is written down here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..documents.export import parse
from ..model import Endpoint, Setting, Snapshot
from .appliance import Appliance
from .kept import Node, keep, tree
from .reading import Aspects, Device, alone, once, only, port

LABEL = "MikroTik RouterOS"
SAVE = "save `/export` again, whole and alone"
KEEP = (
    "system identity name *",
    "ip ssh strong-crypto *",
    "ip ssh host-key-type *",
    "ip ssh ciphers +",
    "ip service ssh disabled *",
    "ip service ssh port *",
    "ip service www-ssl disabled *",
    "ip service www-ssl port *",
    "ip service www-ssl tls-version *",
    "ip service api-ssl disabled *",
    "ip service api-ssl port *",
    "ip service api-ssl tls-version *",
    "ip ipsec profile *",
    "ip ipsec profile * dh-group +",
    "ip ipsec profile * enc-algorithm +",
    "ip ipsec profile * hash-algorithm +",
    "ip ipsec profile * prf-algorithm +",
    "ip ipsec profile * ppk",
    "ip ipsec proposal *",
    "ip ipsec proposal * enc-algorithms +",
    "ip ipsec proposal * auth-algorithms +",
    "ip ipsec proposal * pfs-group +",
    "ip ipsec peer *",
    "ip ipsec peer * profile *",
    "ip ipsec peer * exchange-mode *",
)
SSH: Aspects = {"host_key": "host-key-type", "cipher": "ciphers"}
TLS: Aspects = {"version": "tls-version"}
IKE: Aspects = {"key_exchange": "dh-group", "cipher": "enc-algorithm", "mac": "hash-algorithm", "prf": "prf-algorithm"}
ESP: Aspects = {"key_exchange": "pfs-group", "cipher": "enc-algorithms", "mac": "auth-algorithms"}
MODES = {"ike2": "IKEv2", "main": "IKEv1", "aggressive": "IKEv1"}
_RELEASE = re.compile(r"^# .*\bby RouterOS (\d+\.\d+\S*)", re.MULTILINE)
_MARK = re.compile(
    r"^# .*\bby RouterOS \d|^/(?:ip (?:address|service|ssh|ipsec|firewall)|interface (?:bridge|ethernet)|system identity)\b", re.MULTILINE
)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = parse(text, path)
    alone(text, document, SAVE)
    release = once(_RELEASE.findall(text), "release", path)
    hostname = only(document.statements, "system identity name", path)
    return keep(document, KEEP), {"os_ID": "routeros", "os_PRETTY_NAME": f"RouterOS {release}".strip(), "hostname": hostname, "release": release}


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    devices = ((Device("routeros", "RouterOS", release, file.path, "/export verbose"), file.text or "") for file in snapshot.files.values())
    return tuple(one for device, text in devices for one in _endpoints(device, tree(text)))


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    """SSH counts as served unless it is disabled, TLS only where it is enabled."""
    services = top.at("ip", "service") or Node()
    if services.under("ssh", "disabled") != ("yes",):
        ssh = top.at("ip", "ssh") or Node()
        notes = ["no line of a configuration names the key exchanges; strong-crypto narrows them to what is not written down here"]
        yield device.endpoint("ssh", "ssh", device.said(ssh, SSH), SSH, notes, (("*", port(services.under("ssh", "port"), 22)),))
    for name, default in (("www-ssl", 443), ("api-ssl", 8729)):
        service = services.at(name)
        if service and service.under("disabled") == ("no",):
            notes = ["no line of a configuration names the suites or the groups of its key exchange"]
            yield device.endpoint(name, "tls", device.said(service, TLS), TLS, notes, (("*", port(service.under("port"), default)),))
    peers = [one for dummy, one in top.each("ip", "ipsec", "peer")]
    profiles = dict(top.each("ip", "ipsec", "profile"))
    if any(not one.at("profile") for one in peers):
        profiles.setdefault("default", Node())
    for name, profile in profiles.items():
        yield _profile(device, name, profile, [one for one in peers if name in (one.under("profile") or ("default",))])
    for name, proposal in top.each("ip", "ipsec", "proposal"):
        settings = {aspect: said for aspect, said in device.said(proposal, ESP).items() if aspect != "mac" or said.values not in (("null",), ("",))}
        yield device.endpoint(f"ipsec proposal {name}", "esp", settings, ESP)


def _profile(device: Device, name: str, profile: Node, peers: list[Node]) -> Endpoint:
    """A profile as those peers use it that name it, or name none where it is the default; their mode is the version of IKE."""
    settings: dict[str, Setting] = device.said(profile, IKE)
    modes = [one.under("exchange-mode") for one in peers]
    if modes and all(modes):
        settings["version"] = device.setting((MODES.get(mode, mode) for one in modes for mode in one), peers[0])
    ppk = profile.at("ppk")
    notes = [] if peers else ["no peer uses it here"]
    if ppk:
        notes.append(f"{device.origin(ppk)}: it has a PPK; whether a peer without it gets an SA without it is not known here")
    settings["ppk"] = device.setting((f"mode={'enabled' if ppk else 'off'}",), ppk or (profile if profile.line else peers[0] if peers else profile))
    return device.endpoint(f"ipsec profile {name}", "ikev2", settings, {**IKE, "version": "exchange-mode"}, notes)


APPLIANCE = Appliance("routeros", LABEL, _MARK, look, read)
