# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: live proof from the controller, over new connections, between reload and confirm."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

from ._core.algorithms.lookup import find
from ._core.model import Probe
from ._core.probe.ssh import probe_ssh
from ._core.probe.tls import accepts, probe_tls
from ._run import Run

TIMEOUT = 10  # seconds for one handshake
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def address_of(run: Run) -> str:
    """Where the controller reaches this host over IP: agility_probe_address, else the address that Ansible uses; "" when there is none."""
    if run.channel.transport == "local":
        return "127.0.0.1"
    name = str(run.vars.get("agility_probe_address") or run.vars.get("ansible_host") or run.host)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        try:
            socket.getaddrinfo(name, None)
        except OSError:
            return ""
    return name


def reachable(run: Run, probes: tuple[Probe, ...]) -> tuple[str, ...]:
    """Endpoints that answer at all before the change: only of these an answer can be demanded afterwards."""
    return tuple(probe.endpoint for probe in probes if _address(run, probe) and not _handshake(run, probe)["failure"])


def _address(run: Run, probe: Probe) -> str:
    if not probe.address:
        return address_of(run)
    return "" if probe.address in LOOPBACK and run.channel.transport != "local" else probe.address


def _handshake(run: Run, probe: Probe) -> dict[str, Any]:
    where = _address(run, probe)
    if probe.kind == "ssh":
        seen = probe_ssh(where, probe.port, forbid_kex=probe.forbid, timeout=TIMEOUT)
        return {"offered": seen.kex, "refused": seen.refused, "seconds": seen.seconds, "bytes": seen.bytes_received, "failure": seen.failure}
    tls = probe_tls(where, probe.port, probe.server_name, timeout=TIMEOUT)
    return {
        "version": tls.version,
        "group": tls.group,
        "cipher": tls.cipher,
        "signature": tls.signature,
        "certificate": tls.certificate,
        "seconds": tls.seconds,
        "bytes": tls.bytes_received,
        "failure": tls.failure,
    }


def prove(run: Run, probes: tuple[Probe, ...], answered: tuple[str, ...]) -> tuple[tuple[Mapping[str, Any], ...], list[str]]:
    """(what was seen, what is wrong).  An endpoint that the controller could not reach before is said to be unproved, not failed."""
    proofs: list[Mapping[str, Any]] = []
    wrong: list[str] = []
    for probe in probes:
        if probe.endpoint not in answered:
            why = "it did not answer the controller before the change either" if _address(run, probe) else "no address reaches it from here"
            proofs.append({"endpoint": probe.endpoint, "proved": False, "why": why})
            continue
        seen = _handshake(run, probe)
        faults = _faults(run, probe, seen)
        proofs.append({"endpoint": probe.endpoint, "proved": not faults, **seen, "expected": list(probe.expect), "forbidden": list(probe.forbid)})
        wrong += [f"{probe.endpoint}: {fault}" for fault in faults]
    return tuple(proofs), wrong


def _faults(run: Run, probe: Probe, seen: dict[str, Any]) -> list[str]:
    if seen["failure"]:
        return [f"no handshake any more: {seen['failure']}"]
    expect = {_id(probe, name) for name in probe.expect}
    got = {_id(probe, name) for name in (seen["offered"] if probe.kind == "ssh" else (seen["group"],))}
    faults = [] if not expect or expect & got else [f"a live handshake got {', '.join(sorted(got))}, not one of {', '.join(sorted(expect))}"]
    if probe.kind == "ssh" and probe.forbid and seen["refused"] is not True:
        faults.append(f"an offer of only {', '.join(probe.forbid)} was not refused")
    if probe.kind == "tls" and probe.forbid:
        taken = accepts(_address(run, probe), probe.port, probe.server_name, probe.forbid, timeout=TIMEOUT)
        seen["refused"] = not taken
        faults += [f"an offer of only {', '.join(probe.forbid)} was accepted: {taken}"] if taken else []
    return faults


def _id(probe: Probe, name: str) -> str:
    algorithm = find(probe.kind, "key_exchange", name)
    return algorithm.id if algorithm else name
