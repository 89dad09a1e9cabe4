"""Fortinet FortiOS: a backup or `show` / `show full-configuration`, with or without VDOMs.  What it means: fortios_endpoints.py.

A backup names its release in its first line; what was shown does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..documents import config_edit
from ..documents.statements import Statement
from ..model import Unparsable
from .appliance import Appliance
from .fortios_endpoints import CERTIFICATES, read
from .fortios_live import API, unwrapped
from .kept import keep
from .reading import alone, only

LABEL = "Fortinet FortiOS"
SAVE = "save a backup, or `show full-configuration`, whole and alone (config system console, set output standard)"
_PHASES = ("proposal +", "dhgrp +", *(f"addke{number} +" for number in range(1, 8)))
_KEEP = (
    "system global hostname *",
    "system ha mode *",
    "system global strong-crypto *",
    "system global ssl-min-proto-version *",
    "system global admin-https-ssl-versions +",
    "system global admin-https-ssl-ciphersuites +",
    "system global admin-https-ssl-banned-ciphers +",
    "system global admin-sport *",
    "system global admin-ssh-port *",
    "system global admin-ssh-v1 *",
    "system global ssh-kex-sha1 *",
    "system global ssh-cbc-cipher *",
    "system global ssh-hmac-md5 *",
    "system global ssh-mac-weak *",
    *(f"system {where} ssh-{what}-algo +" for where in ("global", "ssh-config") for what in ("kex", "enc", "mac", "hsk", "hostkey")),
    "system interface * allowaccess +",
    "vpn ssl settings status *",
    "vpn ssl settings port *",
    "vpn ssl settings source-interface",
    "vpn ssl settings ssl-min-proto-ver *",
    "vpn ssl settings ssl-max-proto-ver *",
    "vpn ssl settings ciphersuite +",
    "vpn ssl settings tls-groups +",
    *(f"vpn ipsec {kind} * {what}" for kind in ("phase1", "phase1-interface") for what in (*_PHASES, "ike-version *", "mode *", "ppk *")),
    *(f"vpn ipsec {kind} * {what}" for kind in ("phase2", "phase2-interface") for what in (*_PHASES, "pfs *", "phase1name *")),
    *(f"vpn ipsec {kind} *" for kind in ("phase1", "phase1-interface", "phase2", "phase2-interface")),
)
# What its HTTPS serves is of global scope.
_CERTIFIED = ("system global admin-server-cert *", *(f"{' '.join(table)} * certificate *" for table in CERTIFICATES))
KEEP = (*_KEEP, *_CERTIFIED, *(f"vdom * {one}" for one in _KEEP))
_HEADER = re.compile(r"^#config-version=([A-Z0-9_]+)-(\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
_GATES = re.compile(r"FG|FWF|FW\d|FOS")  # models of FortiGate and FortiWiFi; others have releases of their own
_MARK = re.compile(r"^(?:#config-version=|config (?:system global|global|vdom|vpn ipsec \S+|system interface)[ \t\r]*$)", re.MULTILINE)


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    document = config_edit.parse(text, path)
    alone(text, document, SAVE)
    headers = list(_HEADER.finditer(text))
    if len(headers) > 1:
        line = text.count("\n", 0, headers[1].start()) + 1
        raise Unparsable("a second #config-version: two configurations in one file", f"{path}:{line}", "keep one device in one file")
    if headers and not _GATES.match(headers[0][1]):
        raise Unparsable(f"a configuration of {headers[0][1]}, which is another product of Fortinet", path, "FortiGate and FortiWiFi are read")
    release = headers[0][2] if headers else ""
    document = replace(document, statements=tuple(Statement(unwrapped(one.words), one.line) for one in document.statements))
    hostname = only(document.statements, "system global hostname", path)
    return keep(document, KEEP), {"os_ID": "fortios", "os_PRETTY_NAME": f"FortiOS {release}".strip(), "hostname": hostname, "release": release}


APPLIANCE = Appliance("fortios", LABEL, _MARK, look, read, api=API)
