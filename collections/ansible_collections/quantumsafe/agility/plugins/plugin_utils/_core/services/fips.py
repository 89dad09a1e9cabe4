"""FIPS mode as the daemons of a host see it: whether it is on, and which module does the work.

Three things are kept apart: what a binary implements under its own provider (Capability), what NIST approves (Algorithm.approved), and which
module it is, for whether that one was validated only its certificate says (the fact `module`; a policy names the validated ones).
A module of 3.0 beneath a library of 3.5 has no ML-KEM, and has X25519, which is not approved.
Sources: config(5), fips_module(7), OSSL_PROVIDER-FIPS(7), openssl-list(1); fips_enabled of the kernel, which distributions follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import Origin, Setting, Snapshot
from .openssl import providers

CONFIGS = ("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf")
KERNEL = Origin("/proc/sys/crypto/fips_enabled", 1)
# Asked only of a host whose kernel or whose library has FIPS: every other one would pay for it.  Not the file: it is more than all the rest.
LATER = {"openssl-cnf": ("grep", "-Hns", "-E", "^[[:space:]]*(fips_mode|default_properties)[[:space:]]*=", *CONFIGS)}

_LINE = re.compile(r"(/[^:]+):(\d+):(.*)")
_ENFORCED = re.compile(r"\s*(default_properties\s*=.*\bfips\s*=\s*yes|fips_mode\s*=\s*(yes|on|true|1))", re.IGNORECASE)
_PROVIDER = re.compile(r"^ +(\S+)\n +name: (.*)\n +version: (\S+)\n +status: active", re.MULTILINE)


def later(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    return LATER if snapshot.facts.get("fips") == "1" or _module(_active(snapshot)) else {}


def fips(snapshot: Snapshot, told: bool = True) -> Setting | None:
    """mode=on: the library uses nothing but its module.  None where nobody knows: an old snapshot or library, or a folder of files.

    told: the openssl command speaks for the library of the daemon, so its module is the daemon's.
    """
    kernel, active, enforced = snapshot.facts.get("fips", ""), _active(snapshot), _enforced(snapshot)
    module = _module(active)
    named = (f"module={module}",) if module and told else ()
    if kernel == "1" or enforced or (module and "default" not in active):
        return Setting(("mode=on", *named), KERNEL if kernel == "1" else enforced or Origin("openssl list -providers"))
    if kernel == "0" and active and (not module or "openssl-cnf" in snapshot.answers):
        return Setting(("mode=off", *named), KERNEL)
    return None


def module_of(mode: Setting | None) -> str | None:
    """The module where FIPS mode is on, "" when nobody named it; None where it is not on."""
    if mode is None or "mode=on" not in mode.values:
        return None
    return next((value.removeprefix("module=") for value in mode.values if value.startswith("module=")), "")


def _enforced(snapshot: Snapshot) -> Origin | None:
    answer = snapshot.answers.get("openssl-cnf")
    found = (_LINE.fullmatch(line) for line in (answer.out if answer else "").splitlines())
    return next((Origin(said[1], int(said[2])) for said in found if said and _ENFORCED.match(said[3])), None)


def _active(snapshot: Snapshot) -> dict[str, str]:
    """Provider → "name version" of every active one; {} when nobody asked."""
    return {found[1]: f"{found[2]} {found[3]}" for found in _PROVIDER.finditer(providers(snapshot.answers))}


def _module(active: Mapping[str, str]) -> str:
    return next((name for id_, name in active.items() if id_ == "fips" or "FIPS" in name), "")
