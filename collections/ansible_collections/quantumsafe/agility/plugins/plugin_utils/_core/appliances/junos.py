"""Juniper Junos: a saved configuration, between braces (`show configuration`) or as `set` commands (`| display set`).  What it means:
junos_endpoints.py; groups: junos_groups.py.

Braces show where it was cut off.  Nothing closes `set` commands, so a text of those that was cut off between two lines cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..documents import curly
from ..documents.statements import Document, commands
from ..model import Unparsable
from .appliance import Appliance
from .junos_endpoints import read
from .junos_groups import inherited
from .junos_keeping import WEB
from .junos_live import LIVE
from .kept import keep
from .reading import alone, only, without_echo

LABEL = "Juniper Junos"
SAVE = "save `show configuration | no-more` again (or `… | display set`), whole and alone"
_MANAGEMENT = (
    "version =",
    "system host-name =",
    "system services ssh",
    "system services ssh port =",
    "system services ssh protocol-version +",
    "system services ssh ciphers +",
    "system services ssh key-exchange +",
    "system services ssh macs +",
    "system services ssh hostkey-algorithm-list +",
    "system services netconf ssh",
    "system services netconf ssh port =",
    "system services web-management https",
    "system services web-management https port =",
    *WEB,
    *(f"{path} =" for path in WEB),
    *(
        f"services ssl {kind} profile * {what}".strip()
        for kind in ("termination", "initiation")
        for what in ("", "protocol-version =", "custom-ciphers +", "preferred-ciphers =")
    ),
)
_TUNNELS = (
    "ike proposal *",
    "ike proposal * dh-group =",
    "ike proposal * encryption-algorithm =",
    "ike proposal * authentication-algorithm =",
    "ike proposal * authentication-method =",
    "ike proposal * lifetime-seconds =",
    "ike policy *",
    "ike policy * proposals +",
    "ike policy * proposal-set =",
    "ike gateway * ike-policy *",
    "ike gateway * version =",
    "ike gateway * ppk-profile",
    "ipsec proposal *",
    "ipsec proposal * encryption-algorithm =",
    "ipsec proposal * authentication-algorithm =",
    "ipsec proposal * protocol =",
    "ipsec proposal * lifetime-seconds =",
    "ipsec proposal * lifetime-kilobytes =",
    "ipsec policy *",
    "ipsec policy * proposals +",
    "ipsec policy * proposal-set =",
    "ipsec policy * perfect-forward-secrecy keys =",
)
_PLACES = ("security", "services ipsec-vpn", "logical-systems * security", "tenants * security")
# Not ike policy … pre-shared-key, nor any other secret: what is not here is not kept.
KEEP = (*_MANAGEMENT, *(f"{place} {one}" for place in _PLACES for one in _TUNNELS))
_SET = re.compile(r"^(?:set|deactivate) ", re.MULTILINE)
_TOP = frozenset(
    (
        "access",
        "access-profile",
        "accounting-options",
        "applications",
        "apply-groups",
        "bridge-domains",
        "chassis",
        "class-of-service",
        "diameter",
        "dynamic-profiles",
        "ethernet-switching-options",
        "event-options",
        "fabric",
        "firewall",
        "forwarding-options",
        "groups",
        "interfaces",
        "logical-systems",
        "multi-chassis",
        "policy-options",
        "poe",
        "protocols",
        "rcsd",
        "routing-instances",
        "routing-options",
        "schedulers",
        "security",
        "services",
        "session-limit-group",
        "smtp",
        "snmp",
        "switch-options",
        "system",
        "tenants",
        "unified-edge",
        "version",
        "virtual-chassis",
        "vlans",
        "vmhost",
        "wlan",
    )
)
_MARK = re.compile(
    r"^(?:## Last (?:changed|commit):|version \d\S*;|set version \d+\.\d+\S*[ \t\r]*$|set system (?:host-name [^'\s]+[ \t\r]*$|services |"
    r"root-authentication )|set security ike (?:proposal|policy|gateway) |set interfaces (?:ge|xe|et|fe|ae|lo|st|fxp|irb|reth|em|dsc)[-0-9.u ]|"
    r" {4}host-name [^'\s]+;|    root-authentication \{)",
    re.MULTILINE,
)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = commands(text, path) if _SET.search(text) else curly.junos(without_echo(text), path)
    alone(text, document, SAVE)
    for one in document.statements:
        if one.words[0] not in _TOP:
            raise Unparsable(f"`{one.words[0]}` begins no statement of Junos", f"{path}:{one.line}", SAVE)
    release = only(document.statements, "version", path)
    hostname = only(document.statements, "system host-name", path)
    whole: Document = replace(document, statements=inherited(document, KEEP))
    return keep(whole, KEEP), {"os_ID": "junos", "os_PRETTY_NAME": f"Junos {release}".strip(), "hostname": hostname, "release": release}


APPLIANCE = Appliance("junos", LABEL, _MARK, look, read, LIVE)
