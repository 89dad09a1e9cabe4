"""One file a platform of network devices.  A module of this package that defines APPLIANCE is a platform that is read; nothing else lists them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from ..documents import lines
from ..model import Endpoint, File, Identity, Snapshot, Unparsable
from .appliance import Appliance

# Platforms that are told apart only to be refused by name.
OTHERS = {
    label: re.compile(mark, re.MULTILINE)
    for label, mark in {
        "Cisco NX-OS": r"^(?:version \d+\.\d+\(\S+ |feature (?:ssh|nxapi|bgp|ospf|interface-vlan|vpc)[ \t\r]*$)",
        "Cisco IOS-XR": r"^!! IOS XR Configuration",
        "Ubiquiti EdgeOS": r"^/\* Release version: v\d",
    }.items()
}
_XML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:config|response)[ >]")  # of PAN-OS
SAVE = "save what the device shows, whole and as plain text, and nothing else"


def _discover() -> dict[str, Appliance]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    found = (getattr(module, "APPLIANCE", None) for module in modules)
    return {one.name: one for one in found if one}


APPLIANCES = _discover()


def snapshot_of(raw: bytes, path: str, host: str, taken: str) -> Snapshot:
    """A saved configuration as a snapshot that keeps of its text only the lines that are read: all others become empty comments.

    Raises Unparsable (file, or file:line) for what is no whole configuration of one device of a platform that is read.
    """
    text = lines.decode(raw, path)
    appliance = _recognised(text, path)
    kept, facts = appliance.look(text, path)
    facts = {**facts, "appliance": appliance.name}
    return Snapshot(host, taken, Identity(), facts, {path: File(path, kept, lines.sha256(text), len(raw), redacted=kept != text)}, {})


def live(system: str) -> Appliance | None:
    """The platform of this ansible_network_os, when its devices can be logged in to."""
    return next((one for one in APPLIANCES.values() if one.live and system in one.live.systems), None)


def api(system: str) -> Appliance | None:
    """As live(), for those that have an API."""
    return next((one for one in APPLIANCES.values() if one.api and system in one.api.systems), None)


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """The endpoints of a device; () for a host."""
    appliance = APPLIANCES.get(snapshot.facts.get("appliance", ""))
    return appliance.read(snapshot) if appliance else ()


def _recognised(text: str, path: str) -> Appliance:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if not start or (start == "<" and not _XML.match(text)):
        raise Unparsable("an HTML or XML page, not a configuration" if start else "the file is empty", path, SAVE)
    marks = {**{one.label: one.mark for one in APPLIANCES.values()}, **OTHERS}
    found = {label: text.count("\n", 0, hit.start()) + 1 for label, mark in marks.items() if (hit := mark.search(text))}
    known = ", ".join(one.label for one in APPLIANCES.values())
    if len(found) > 1:
        said = " and ".join(f"{label} (line {line})" for label, line in found.items())
        raise Unparsable(f"it looks like {said}", path, "keep one device in one file")
    for one in APPLIANCES.values():
        if one.label in found:
            return one
    what = f"a configuration of {next(iter(found))}, which is not read yet" if found else "no configuration that is recognised"
    raise Unparsable(what, path, f"read is {known}; {SAVE}")
