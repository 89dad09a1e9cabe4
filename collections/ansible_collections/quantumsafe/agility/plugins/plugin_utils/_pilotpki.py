# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what a pilot asks of the PKI: do clients trust what is served, and is a certificate issued in time?"""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from typing import Any

from ._core.certificates.issued import Asked
from ._core.credentials import Pair
from ._core.model import Probe, Problem
from ._core.pilot.judge import Check, check
from ._core.pilot.load import Load
from ._core.probe.link import Link
from ._core.probe.tls_hello import host_name
from ._issuers import answered, issuer_of
from ._lifecycle import issued
from ._run import Run

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

SECONDS = 10
KIND = "ECDSA-P256"
ALONE = ("local", "http", "est")  # issuers that answer without people, and without a proof by the host


def served(run: Run, probe: Probe, where: str, before: Load | None, after: Load) -> Check:
    """The certificate is the one of before, and those who trust the anchors trust it."""
    if before and before.certificates != after.certificates:
        return check("certificate", False, "another certificate is served than before, although no certificate was changed")
    anchors = str(run.args.get("pilot_anchors") or "")
    if not anchors or probe.starttls:
        why = "only by clients that begin with TLS" if anchors else "agility_pilot_anchors names nobody whom clients trust"
        return check("certificate", None, f"it is the one of before; whether clients trust it: {why}")
    try:
        context = ssl.create_default_context(cafile=anchors)
    except (OSError, ssl.SSLError) as error:
        raise Problem(f"the anchors cannot be read: {error}", anchors, "set agility_pilot_anchors to a PEM file") from error
    name = host_name(probe.server_name)
    context.check_hostname = bool(name)
    try:
        with Link(where, probe.port, SECONDS) as link, context.wrap_socket(link.socket, server_hostname=name or None):
            return check("certificate", True, "clients trust it")
    except ssl.SSLCertVerificationError as error:
        return check("certificate", False, f"clients do not trust it: {error.verify_message}")
    except OSError as error:
        return check("certificate", None, f"it is the one of before; the controller itself got no handshake to judge it by: {error}")


def issuance(run: Run, name: str, keys: list[dict[str, Any]]) -> Check:
    """A certificate for a key of the controller that nobody keeps; it is installed nowhere.  keys: the ledger is told."""
    issuer, limit = str(run.args["issuer"]), int(run.args["pilot_issuance"])
    if issuer == "local" and not run.args.get("authority"):
        return check("issuance", None, "no authority is configured (agility_authority, agility_issuer)")
    if issuer not in ALONE:
        return check("issuance", None, f"the issuer {issuer} needs {'people' if issuer == 'handover' else 'the host'}: try rotate_certificates on it")
    if not name:
        return check("issuance", None, "neither the endpoint nor the host has a name that a certificate could be asked for")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False).sign(key, SHA256())
    asked = Asked(request.public_bytes(Encoding.PEM).decode(), KIND, (name,), int(run.args["days"]))
    began = time.monotonic()
    try:
        chains, whys = answered(issuer_of(run), [asked])
    except Problem as problem:
        return check("issuance", False, str(problem))
    took = time.monotonic() - began
    if whys:
        return check("issuance", False, whys[0])
    keys += issued({Pair(f"a pilot's, for {name}", ""): chains[0]})
    return check("issuance", took <= limit, f"a certificate for {name} took {took:.1f} s; {limit} s are allowed")
