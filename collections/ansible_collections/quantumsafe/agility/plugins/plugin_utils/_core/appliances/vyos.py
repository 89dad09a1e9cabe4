"""VyOS: config.boot, `show configuration`, or `show configuration commands`, and what it says about its cryptography.

config.boot names its release in its last comment, and only there.  Sources: vyos-1x at 3710c587 (October 2024) for words and paths; pull requests
4930 (ppk) and 5267 (ML-KEM) of 2026 for what rolling releases have since.  What an absent line means in which release: defaults/vyos.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..documents import curly
from ..documents.statements import commands
from ..model import Endpoint, Setting, Snapshot, Unparsable
from .appliance import Appliance
from .kept import Node, keep, tree
from .reading import SSH_LISTS, Aspects, Device, Known, alone, only, port, together, weakest, without_echo
from .vyos_groups import ESP, IKE, KEPT
from .vyos_keeping import shown
from .vyos_live import LIVE, PRODUCT, SSH, over

LABEL = "VyOS"
SAVE = "save /config/config.boot, or `show configuration commands | no-more`, whole and alone"
_USERS = ("vpn ipsec profile *", "vpn ipsec remote-access connection *", "vpn l2tp remote-access ipsec-settings")  # besides peers
KEEP = (
    "system host-name *",
    "system config-management commit-confirm action *",
    "service ssh",
    "service ssh ciphers +",
    "service ssh key-exchange +",
    "service ssh mac +",
    "service ssh hostkey-algorithm +",
    "service ssh pubkey-accepted-algorithm +",
    "service ssh port +",
    "service https",
    "service https tls-version +",
    "service https port *",
    "service https certificates certificate *",
    "service https certificates ca-certificate *",
    "pki certificate * certificate *",  # and never the key below it
    "pki ca * certificate *",
    *(f"vpn ipsec {kind}{' *' * below}" for kind in ("ike-group", "esp-group") for below in range(1, 6)),  # whole, for a successor is a copy
    "vpn ipsec site-to-site peer * ike-group *",
    "vpn ipsec site-to-site peer * default-esp-group *",
    "vpn ipsec site-to-site peer * tunnel * esp-group *",
    "vpn ipsec site-to-site peer * vti esp-group *",
    *(f"{place} {kind} *" for place in _USERS for kind in ("ike-group", "esp-group")),
    "vpn ipsec site-to-site peer * ppk",
    "vpn ipsec site-to-site peer * ppk required",
)
# Rolling releases of later years have other words.
GROUPS = frozenset({"ikev2 version", "ikev2 key_exchange", "ikev2 cipher", "ikev2 mac", "ikev2 prf", "esp key_exchange", "esp cipher", "esp mac"})
WORDS = Known((1, 5), "vyos-1x of October 2024", SSH_LISTS | GROUPS | {"tls version"})
HTTPS: Aspects = {"version": "tls-version"}
SAID_IKE: Aspects = {"key_exchange": "dh-group {}", "cipher": "encryption", "mac": "hash", "prf": "prf"}
SAID_ESP: Aspects = {"cipher": "encryption", "mac": "hash"}
EXPECTED = {"version": "key-exchange", "key_exchange": "dh-group", "cipher": "encryption", "mac": "hash"}
_SET = re.compile(r"^set ", re.MULTILINE)
_RELEASE = re.compile(r"^(?://|/\*) Release version: (?:VyOS )?(\S+)", re.MULTILINE)
_MARK = re.compile(
    r"^(?:// vyos-config-version|/\* === vyatta-config-version|set (?:service ssh|service https|vpn ipsec|"
    r"interfaces (?:ethernet eth|dummy dum|bonding bond)|system (?:host-name '|config-management|conntrack|console device))|"
    r" {4}config-management \{| {4}ethernet eth\d+ \{)",
    re.MULTILINE,
)
_TOP = frozenset(
    (
        "cluster",
        "container",
        "custom-attributes",
        "firewall",
        "high-availability",
        "interfaces",
        "load-balancing",
        "nat",
        "nat64",
        "nat66",
        "pki",
        "policy",
        "protocols",
        "qos",
        "service",
        "system",
        "traffic-policy",
        "vpn",
        "vpp",
        "vrf",
        "zone-policy",
    )
)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = commands(text, path) if _SET.search(text) else curly.vyos(without_echo(text), path)
    alone(text, document, SAVE)
    for one in document.statements:
        if one.words[0] not in _TOP:
            raise Unparsable(f"`{one.words[0]}` begins no statement of VyOS", f"{path}:{one.line}", SAVE)
    if len(found := _RELEASE.findall(text)) > 1:
        raise Unparsable("a second `Release version`: two configurations in one file", path, "keep one device in one file")
    hostname = only(document.statements, "system host-name", path)
    release = found[0] if found else ""
    return keep(document, KEEP), {"os_ID": "vyos", "os_PRETTY_NAME": f"VyOS {release}".strip(), "hostname": hostname, "release": release}


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release, behind = snapshot.facts.get("release", ""), over(snapshot)
    return tuple(
        one
        for file in snapshot.files.values()
        for one in _endpoints(Device("vyos", "VyOS", release, file.path, known=WORDS), tree(file.text or ""), behind)
    )


def _endpoints(device: Device, top: Node, behind: Mapping[str, str]) -> Iterator[Endpoint]:
    if ssh := top.at("service", "ssh"):
        settings = {aspect: _apart(one) for aspect, one in device.said(ssh, SSH).items()}
        ports = [int(word) for word in ssh.under("port") if word.isdigit()] or [22]
        yield device.endpoint("ssh", "ssh", settings, SSH, (), tuple(("*", number) for number in ports), place="ssh")
    if web := top.at("service", "https"):
        notes = ["no line of a configuration names the suites or the groups of its key exchange"]
        where = port(web.under("port"), 443)
        certificates = shown(device.path, top, "".join(web.under("certificates", "certificate")))
        yield device.endpoint("https", "tls", device.said(web, HTTPS), HTTPS, notes, (("*", where),), certificates, "https")
    peers = [peer for dummy, peer in top.each("vpn", "ipsec", "site-to-site", "peer")]
    for kind in (IKE, ESP):
        for name, group in top.each("vpn", "ipsec", kind.word):
            for part, proposals in _parts(name, group, f"{PRODUCT}{kind.word} {name}{KEPT}" in behind):
                yield _ike(device, part, group, proposals, peers) if kind is IKE else _esp(device, part, group, proposals)


def _parts(name: str, group: Node, two: bool) -> Iterator[tuple[str, list[Node]]]:
    """Of a group that we made of another one what is new, and what was there: two endpoints, each judged alone."""
    proposals = [one for dummy, one in sorted(group.each("proposal"), key=lambda each: (len(each[0]), each[0]))]
    if not two:
        yield name, proposals
        return
    yield name, proposals[:1]
    yield f"{name}{KEPT}", proposals[1:]


def _apart(setting: Setting) -> Setting:
    """Older releases write a list with commas."""
    return Setting(tuple(word for value in setting.values for word in value.split(",")), setting.origin, "configured")


def _ike(device: Device, part: str, group: Node, proposals: list[Node], peers: list[Node]) -> Endpoint:
    """A group as those peers use it that name it: the least that they ask of a PPK."""
    settings = {
        **together([device.filled(device.said(one, SAID_IKE), SAID_IKE, "ike") for one in proposals]),
        **device.said(group, {"version": "key-exchange"}),
    }
    users = [one for one in peers if part.removesuffix(KEPT) in (one.at("ike-group") or Node()).below]
    modes = {"required" if one.at("ppk", "required") else "enabled" if one.at("ppk") else "off": one for one in users}
    mode = weakest(modes)
    settings["ppk"] = device.setting((f"mode={mode}",), modes.get(mode, group))
    notes = ["the PPK is not required: a peer without it gets an SA without it in silence"] if mode == "enabled" else []
    notes += [] if users else ["no peer of site-to-site uses it here"]
    return _single(device.endpoint(f"ike-group {part}", "ikev2", settings, EXPECTED, notes, place="ike" if proposals else ""), "version")


def _esp(device: Device, part: str, group: Node, proposals: list[Node]) -> Endpoint:
    """`pfs enable` is the group of the IKE proposal, or group 2 in older releases; `pfs disable` is no exchange of its own."""
    settings = together([device.filled(device.said(one, SAID_ESP), SAID_ESP, "esp") for one in proposals])
    settings.update(device.said(group, {"key_exchange": "pfs"}))
    said = settings["key_exchange"].values if "key_exchange" in settings else ()
    notes = []
    if "enable" in said:
        notes.append(f"{settings['key_exchange'].origin}: `pfs enable` is the group of IKE, or group 2 (1024 bits) in older releases")
    if "disable" in said:
        notes.append(f"{settings['key_exchange'].origin}: without an exchange of its own every child stands on the keys of IKE")
    expected = {"cipher": "encryption", "mac": "hash", "key_exchange": "pfs"}
    return _single(device.endpoint(f"esp-group {part}", "esp", settings, expected, notes, place="esp" if proposals else ""), "key_exchange")


def _single(endpoint: Endpoint, aspect: str) -> Endpoint:
    """Of this a group takes one word, which is for all its proposals."""
    can = dict(endpoint.capabilities)
    if aspect in can:
        can[aspect] = replace(can[aspect], most=1)
    return replace(endpoint, capabilities=can)


APPLIANCE = Appliance("vyos", LABEL, _MARK, look, read, LIVE)
