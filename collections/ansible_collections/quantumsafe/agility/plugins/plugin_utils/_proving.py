# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: live proof from the controller, over new connections, between reload and confirm."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._core.algorithms.lookup import find
from ._core.model import Probe
from ._core.probe.ike import probe_ike
from ._core.probe.ssh import probe_ssh
from ._core.probe.starttls import PRELUDES
from ._core.probe.tls import TlsResult, accepts, probe_tls, strictly_prefers
from ._core.probe.tls_suites import SCHEMES, schemes_of
from ._run import Run

SHA1 = 40  # digits of the fingerprint of a certificate of which a device shows no better
TIMEOUT = 10  # seconds for one handshake, all of it
# seconds before a fault is looked at again: for a moment after a reload the old workers still accept, long when there are many servers
AGAIN = (0.5, 2.0)


def address_of(run: Run) -> str:
    """Where the controller reaches this host over IP: agility_probe_address, else the address that Ansible uses; "" when there is none."""
    if run.channel.transport == "local":
        return "127.0.0.1"
    name = run.variable("agility_probe_address", "ansible_host", "ansible_ssh_host") or run.host
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
    return tuple(probe.endpoint for probe in probes if (where := where_of(run, probe)) and not _silence(run, probe, where))


def _silence(run: Run, probe: Probe, where: str) -> str:
    """Why it does not answer today, "" when it does.  What it will have to forbid or serve is not asked: today it does otherwise."""
    if probe.kind == "ssh":
        return probe_ssh(where, probe.port, timeout=TIMEOUT, greeting=True).failure
    return str(_handshake(run, replace(probe, forbid=(), signer=""))["failure"])


def where_of(run: Run, probe: Probe) -> str:
    """Where the controller reaches this very endpoint; "" when it cannot, or would meet itself there."""
    host, local = address_of(run), run.channel.transport == "local"
    if probe.port == 0:  # a Unix socket
        return ""
    if probe.address in ("", "0.0.0.0"):
        return host
    if probe.address == "::":  # a socket of its own, nginx's for one takes no IPv4; connecting to "::" would be connecting to ourselves
        return "::1" if local else _ipv6_of(host)
    return probe.address if local or probe.address == host or not _is_ours(probe.address) else ""


def _ipv6_of(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, family=socket.AF_INET6)[0][4][0])
    except OSError:
        return ""


def _is_ours(address: str) -> bool:
    """Whether the controller has this address itself: loopback, or a bridge whose address is the same everywhere."""
    try:
        family, *dummy, where = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as plug:
            plug.connect(where)  # sends nothing; the kernel picks the address that it would come from
            mine = plug.getsockname()[0]
    except OSError:
        return False
    return bool(mine == where[0] or ipaddress.ip_address(str(mine).partition("%")[0]).is_loopback)


def _handshake(run: Run, probe: Probe) -> dict[str, Any]:
    where = where_of(run, probe)
    if probe.kind == "ssh":
        seen = probe_ssh(where, probe.port, forbid_kex=probe.forbid, timeout=TIMEOUT)
        return {"offered": seen.kex, "refused": seen.refused, "seconds": seen.seconds, "bytes": seen.bytes_received, "failure": seen.failure}
    if probe.kind == "ikev2":
        ike = probe_ike(where, probe.port, timeout=TIMEOUT)
        told = {"version": "IKEv2", "group": ike.exchange, "cipher": ike.cipher, "seconds": ike.seconds, "bytes": ike.bytes_received}
        return {**told, "refused": not ike.classical, "failure": ike.failure}
    schemes = schemes_of(probe.signer) if probe.signer else tuple(SCHEMES)
    tls = probe_tls(where, probe.port, probe.server_name, timeout=TIMEOUT, schemes=schemes, starttls=probe.starttls)
    return {
        "version": tls.version,
        "group": tls.group,
        "cipher": tls.cipher,
        "signature": tls.signature,
        "certificate": tls.certificate,
        "certificate_sha256": tls.certificate_sha256,
        **({"certificate_sha1": tls.certificate_sha1} if len(probe.certificate) == SHA1 else {}),
        "seconds": tls.seconds,
        "bytes": tls.bytes_received,
        "failure": tls.failure,
    }


def asked_clients(run: Run, probe: Probe) -> TlsResult | None:
    """What an endpoint asks clients for, as a new connection sees it; None when no address reaches it from here."""
    where = where_of(run, probe)
    return probe_tls(where, probe.port, probe.server_name, timeout=TIMEOUT, starttls=probe.starttls) if where else None


def prove(run: Run, probes: tuple[Probe, ...], answered: tuple[str, ...]) -> tuple[tuple[Mapping[str, Any], ...], list[str]]:
    """(what was seen, what is wrong).  An endpoint that the controller could not reach before is said to be unproved, not failed."""
    proofs: list[Mapping[str, Any]] = []
    wrong: list[str] = []
    for probe in probes:
        if probe.endpoint not in answered:
            why = "no handshake from here succeeded before the change either" if where_of(run, probe) else "no address reaches it from here"
            why = why if probe.kind in ("ssh", "tls", "ikev2") else "only its peers can shake hands with it: audit again once one has come back"
            proofs.append({"endpoint": probe.endpoint, "proved": False, "why": why})
            continue
        seen, faults = _settled(run, probe)
        asked = {"name": probe.server_name, "kind": probe.signer} if probe.signer else {}
        told = {**asked, **seen, "expected": list(probe.expect), "forbidden": list(probe.forbid)}
        proofs.append({"endpoint": probe.endpoint, "proved": not faults, **told})
        wrong += [f"{probe.endpoint}: {fault}" for fault in faults]
        wrong += [PRELUDES[probe.starttls].look] if faults and probe.starttls else []
    return tuple(proofs), wrong


def _settled(run: Run, probe: Probe) -> tuple[dict[str, Any], list[str]]:
    """(what was seen, what is wrong with it), the last time of a few.  Silence is not asked again: it has had its time; but that of charon, which
    answers an address no more that left five half-open SAs, ends after 30 s."""
    for pause in (*AGAIN, None):
        seen = _handshake(run, probe)
        faults = _faults(run, probe, seen)
        if not faults or pause is None or (probe.kind != "ikev2" and any("timed-out" in fault for fault in faults)):
            break
        time.sleep(pause)
    return seen, faults


def _faults(run: Run, probe: Probe, seen: dict[str, Any]) -> list[str]:
    if seen["failure"]:
        return [f"no handshake any more: {seen['failure']}"]
    got = seen["offered"] if probe.kind == "ssh" else [seen["group"] or f"{seen['version']} with {seen['cipher']}"]
    met = {_id(probe, name) for name in probe.expect} & {_id(probe, name) for name in got}
    faults = [f"a live handshake got {', '.join(got)}, not one of {', '.join(probe.expect)}"] if probe.expect and not met else []
    faults += _flat(run, probe, seen) if probe.strict and not faults else []
    if probe.certificate not in ("", seen.get("certificate_sha256"), seen.get("certificate_sha1")):
        wants = f"a client that wants {probe.signer} for {probe.server_name or 'no name'}"
        faults.append(f"{wants} does not get the certificate that belongs there: it is served {seen['certificate']}")
    return faults + (_leaks(run, probe, seen) if probe.forbid else [])


def _flat(run: Run, probe: Probe, seen: dict[str, Any]) -> list[str]:
    """What is wrong with the preference; seen gains `strictly_prefers_hybrid`.  The handshake before sent a share for both, which proves none."""
    seen["strictly_prefers_hybrid"] = strictly_prefers(where_of(run, probe), probe.port, probe.server_name, timeout=TIMEOUT, starttls=probe.starttls)
    if seen["strictly_prefers_hybrid"] is None:
        return ["whether it prefers the hybrid is not known: a client that only holds back its key share got no handshake"]
    return [] if seen["strictly_prefers_hybrid"] else ["a client that knows the hybrid and sends only an X25519 share got X25519: no preference"]


def _leaks(run: Run, probe: Probe, seen: dict[str, Any]) -> list[str]:
    """What is wrong with the refusal of the forbidden offer; seen gains `refused`."""
    what = f"an offer of only {', '.join(probe.forbid)}"
    if probe.kind == "ikev2":  # what is forbidden there is classical
        return [] if seen["refused"] else [f"{what} was accepted"]
    if probe.kind == "ssh":
        listed = [name for name in probe.forbid if name in seen["offered"]]
        why = f"it still lists {', '.join(listed)}" if listed else "the connection neither ended nor said so"
        return [] if seen["refused"] else [f"{what} was not seen to be refused: {why}"]
    taken = accepts(where_of(run, probe), probe.port, probe.server_name, probe.forbid, timeout=TIMEOUT, starttls=probe.starttls)
    seen["refused"] = not taken
    if taken.startswith("not known"):
        seen["refused"] = None
        return [f"whether {what} is refused is {taken}"]
    return [f"{what} was accepted: {taken}"] if taken else []


def _id(probe: Probe, name: str) -> str:
    algorithm = find(probe.kind, "key_exchange", name)
    return algorithm.id if algorithm else name
