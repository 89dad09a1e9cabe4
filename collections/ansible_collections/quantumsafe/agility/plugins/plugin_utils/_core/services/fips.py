"""FIPS mode as the daemons of a host see it: whether it is on, and which module does the work.

Three things are kept apart: what a binary implements under its own provider (Capability), what NIST approves (Algorithm.approved), and which
module it is, for whether that one was validated only its certificate says (the fact `module`; a policy names the validated ones).
A module of 3.0 beneath a library of 3.5 has no ML-KEM, and has X25519, which is not approved.
Sources: config(5), fips_module(7), OSSL_PROVIDER-FIPS(7), openssl-list(1); fips_enabled of the kernel, which distributions follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import Answer, Origin, Setting, Snapshot

CONFIGS = ("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf")
KERNEL = Origin("/proc/sys/crypto/fips_enabled", 1)
# The lines that speak of FIPS: the whole file would be more than all the rest of a host's answer.
ASKED = {"openssl-cnf": ("grep", "-Hns", "-E", "^[[:space:]]*(fips|fips_mode|default_properties)[[:space:]]*=", *CONFIGS)}
LATER = {"providers": ("openssl", "list", "-providers")}

_LOADED = re.compile(r"\s*fips\s*=\s*\S")
_ENFORCED = re.compile(r"\s*(default_properties\s*=.*\bfips\s*=\s*yes|fips_mode\s*=\s*(yes|on|true|1))", re.IGNORECASE)


def later(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """What is asked only of a host that says FIPS: every other one would pay for it."""
    return LATER if snapshot.facts.get("fips") == "1" or _line(snapshot, _LOADED) or _line(snapshot, _ENFORCED) else {}


def fips(snapshot: Snapshot, told: bool = True) -> Setting | None:
    """mode=on: the library uses nothing but its module.  None where nobody knows: an old snapshot, or a folder of files.

    told: the openssl command speaks for the library of the daemon, so its module is the daemon's.
    """
    loaded, enforced = _line(snapshot, _LOADED), _line(snapshot, _ENFORCED)
    active = _active(snapshot) if told else {}
    module = next((name for id_, name in active.items() if id_ == "fips" or "FIPS" in name), "")
    kernel = snapshot.facts.get("fips", "")
    asked = snapshot.answers.get("openssl-cnf", Answer((), None)).rc is not None
    origin = KERNEL if kernel == "1" else enforced or loaded or KERNEL
    if kernel == "1" or enforced or (module and "default" not in active):
        return Setting(("mode=on", *([f"module={module}"] if module else [])), origin)
    if kernel == "0" and asked and (module or not loaded):
        return Setting(("mode=off", *([f"module={module}"] if module else [])), origin)
    return None


def module_of(mode: Setting | None) -> str | None:
    """The module where FIPS mode is on, "" when nobody named it; None where it is not on."""
    if mode is None or "mode=on" not in mode.values:
        return None
    return next((value.removeprefix("module=") for value in mode.values if value.startswith("module=")), "")


def _line(snapshot: Snapshot, wanted: re.Pattern[str]) -> Origin | None:
    answer = snapshot.answers.get("openssl-cnf")
    found = (re.fullmatch(r"(/[^:]+):(\d+):(.*)", line) for line in (answer.out if answer else "").splitlines())
    return next((Origin(said[1], int(said[2])) for said in found if said and wanted.match(said[3])), None)


def _active(snapshot: Snapshot) -> dict[str, str]:
    """Provider → "name version" of every active one; {} when nobody asked."""
    answer = snapshot.answers.get("providers")
    out: dict[str, str] = {}
    for block in re.split(r"\n(?=  \S)", answer.out if answer and answer.ok else ""):
        id_, *lines = block.strip().splitlines() or [""]
        said = dict(line.strip().split(": ", 1) for line in lines if ": " in line)
        if said.get("status") == "active":
            out[id_] = f"{said.get('name', id_)} {said.get('version', '')}".strip()
    return out
