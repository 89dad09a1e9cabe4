"""Palo Alto PAN-OS: a saved configuration, as XML (an export, `show config running`) or as `set` commands, and what it says about its cryptography.

XML names its release; `set` commands do not, and nothing closes them.  Words and lines are those of the project's notes (from batfish and Palo Alto's
code generator), not checked against a manual.  Post-quantum PPKs and exchanges (11.1, 11.2) have no line that was verified, so they are unknown.
Panorama's templates are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..documents import xml_paths
from ..documents.statements import Statement, commands
from ..model import Endpoint, Setting, Snapshot, Unparsable
from .appliance import Appliance
from .kept import Node, keep, tree
from .reading import Aspects, Device, alone, only

LABEL = "Palo Alto PAN-OS"
SAVE = "export the running configuration again, or save `show` in configure mode with set output, whole and alone"
KEEP = (
    "deviceconfig system hostname *",
    "deviceconfig system service disable-ssh *",
    "deviceconfig system service disable-https *",
    "deviceconfig system ssl-tls-service-profile *",
    "deviceconfig system ssh mgmt server-profile *",
    "deviceconfig system ssh profiles mgmt-profiles server-profiles * ciphers +",
    "deviceconfig system ssh profiles mgmt-profiles server-profiles * kex +",
    "deviceconfig system ssh profiles mgmt-profiles server-profiles * mac +",
    "shared ssl-tls-service-profile *",
    "shared ssl-tls-service-profile * protocol-settings min-version *",
    "shared ssl-tls-service-profile * protocol-settings max-version *",
    "network ike crypto-profiles ike-crypto-profiles *",
    "network ike crypto-profiles ike-crypto-profiles * encryption +",
    "network ike crypto-profiles ike-crypto-profiles * hash +",
    "network ike crypto-profiles ike-crypto-profiles * dh-group +",
    "network ike crypto-profiles ipsec-crypto-profiles *",
    "network ike crypto-profiles ipsec-crypto-profiles * esp encryption +",
    "network ike crypto-profiles ipsec-crypto-profiles * esp authentication +",
    "network ike crypto-profiles ipsec-crypto-profiles * dh-group *",
    "network ike gateway * protocol version *",
    "network ike gateway * protocol ikev1 ike-crypto-profile *",
    "network ike gateway * protocol ikev2 ike-crypto-profile *",
)
SSH: Aspects = {"key_exchange": "kex", "cipher": "ciphers", "mac": "mac"}
IKE: Aspects = {"key_exchange": "dh-group", "cipher": "encryption", "mac": "hash"}
ESP: Aspects = {"key_exchange": "dh-group", "cipher": "esp encryption", "mac": "esp authentication"}
VERSIONS = ("tls1-0", "tls1-1", "tls1-2", "tls1-3")
_XML = re.compile(r"^\s*(?:<\?xml [^>]*>\s*)?<(?:config|response)[ >]")
_RELEASE = re.compile(r'<config [^>]*?\bversion="(\d+\.\d+[^"]*)"')
_DETAIL = re.compile(r'<config [^>]*?detail-version="(\d+\.\d+[^"]*)"')
_MARK = re.compile(r"<config [^>\n]*\bversion=\"\d|^set (?:deviceconfig (?:system|setting) |mgt-config |network ike crypto-profiles )", re.MULTILINE)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    xml = bool(_XML.match(text.lstrip("\ufeff")))
    document = xml_paths.parse(text, path) if xml else commands(text, path)
    alone(text, document, SAVE)
    statements = tuple(Statement(_inner(one.words), one.line) for one in document.statements)
    hostname = only(statements, "deviceconfig system hostname", path)
    if xml and not statements:
        raise Unparsable("nothing is configured in it", path, SAVE)
    found = _DETAIL.search(text) or _RELEASE.search(text)
    release = found[1] if found and xml else ""
    facts = {"os_ID": "panos", "os_PRETTY_NAME": f"PAN-OS {release}".strip(), "hostname": hostname, "release": release}
    return keep(replace(document, statements=statements), KEEP), facts


def _inner(words: tuple[str, ...]) -> tuple[str, ...]:
    """What stands in <config><devices><entry> is what `set` says without."""
    while words and words[0] in ("response", "result", "config"):
        words = words[1:]
    return words[2:] if words[:1] == ("devices",) and words[2:] else words or ("config",)


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    return tuple(one for file in snapshot.files.values() for one in _endpoints(Device("panos", "PAN-OS", release, file.path), tree(file.text or "")))


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    system = top.at("deviceconfig", "system") or Node()
    profiles = dict(top.each("shared", "ssl-tls-service-profile"))
    used = system.under("ssl-tls-service-profile")
    if system.under("service", "disable-ssh") != ("yes",):
        chosen = system.under("ssh", "mgmt", "server-profile")
        profile = system.at("ssh", "profiles", "mgmt-profiles", "server-profiles", *chosen[:1]) if chosen else None
        notes = ["a change counts after `set ssh service-restart mgmt`"]
        yield device.endpoint("ssh", "ssh", device.said(profile or Node(), SSH), SSH, notes, (("*", 22),))
    if system.under("service", "disable-https") != ("yes",):
        settings = _versions(device, profiles[used[0]]) if used and used[0] in profiles else {}
        yield _tls(device, "https", settings, (("*", 443),))
    for name, one in profiles.items():
        if name not in used:
            yield _tls(device, f"ssl-tls-service-profile {name}", _versions(device, one), ())
    gateways = [one for dummy, one in top.each("network", "ike", "gateway")]
    for name, one in top.each("network", "ike", "crypto-profiles", "ike-crypto-profiles"):
        yield _ike(device, name, one, gateways)
    for name, one in top.each("network", "ike", "crypto-profiles", "ipsec-crypto-profiles"):
        settings = {aspect: said for aspect, said in device.said(one, ESP).items() if aspect != "mac" or said.values != ("none",)}
        yield device.endpoint(f"ipsec-crypto-profile {name}", "esp", settings, ESP)


def _versions(device: Device, profile: Node) -> dict[str, Setting]:
    """From the least to the most; without a most, or with `max`, it is what the release has."""
    least = profile.at("protocol-settings", "min-version")
    most = profile.under("protocol-settings", "max-version")
    if not least or least.words()[0] not in VERSIONS:
        return {}
    first = VERSIONS.index(least.words()[0])
    last = VERSIONS.index(most[0]) if most and most[0] in VERSIONS else len(VERSIONS) - 1
    return {"version": device.setting(VERSIONS[first : last + 1], least)}


def _tls(device: Device, id_: str, settings: dict[str, Setting], addresses: tuple[tuple[str, int], ...]) -> Endpoint:
    notes = ["which suites and groups are left after the switches of protocol-settings is not worked out"]
    return device.endpoint(id_, "tls", settings, {"version": "protocol-settings min-version"}, notes, addresses)


def _ike(device: Device, name: str, profile: Node, gateways: list[Node]) -> Endpoint:
    """With the versions of the gateways that name it."""
    settings = device.said(profile, IKE)
    users = [one for one in gateways if any(name in one.under("protocol", kind, "ike-crypto-profile") for kind in ("ikev1", "ikev2"))]
    versions = [found for one in users if (found := one.at("protocol", "version"))]
    if users and len(versions) == len(users):
        settings["version"] = device.setting((word for one in versions for word in one.words()), versions[0])
    notes = ["post-quantum PPKs and additional exchanges (11.1, 11.2) are not read"]
    return device.endpoint(f"ike-crypto-profile {name}", "ikev2", settings, {**IKE, "version": "protocol version"}, notes)


APPLIANCE = Appliance("panos", LABEL, _MARK, look, read)
