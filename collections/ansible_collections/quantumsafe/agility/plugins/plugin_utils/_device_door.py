# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: whether this controller will take the new certificate of a device by whose HTTPS it comes in.

Where it would not, nobody confirms the change, and the device goes back by its restart: that is an outage, and known before.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ._core.certificates.request import covers
from ._core.certificates.rotate import Order
from ._core.model import Problem
from ._core.targets.api import Session

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding


def opens(session: Session, anchors: Sequence[x509.Certificate], orders: Iterable[Order], host: str) -> None:
    """Raises Problem where it would not: the address is none of the names, or an anchor is not among what is trusted."""
    if not session.option("validate_certs"):
        return
    address, bundle = str(session.option("host")), str(session.option("ca_path") or "")
    by = "this controller comes in by that HTTPS, and checks it (ansible_httpapi_validate_certs)"
    if any(not any(covers(name, address) for name in order.names) for order in orders):
        raise Problem(f"{by}: the new certificate would not name {address}", host, "name it in agility_names; nothing was changed")
    trusted = _trusted(bundle, host)
    if lacking := [one.subject.rfc4514_string() for one in anchors if one.public_bytes(Encoding.DER) not in trusted]:
        remedy = "put it into the file that ansible_httpapi_ca_path names, beside who vouches for the old certificate; nothing was changed"
        raise Problem(f"{by}: {', '.join(lacking)} is not among what {bundle or 'it'} trusts", host, remedy)


def _trusted(bundle: str, host: str) -> set[bytes]:
    if not bundle:
        return set(ssl.create_default_context().get_ca_certs(binary_form=True))
    try:
        return {one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(Path(bundle).read_bytes())}
    except (OSError, ValueError) as error:
        raise Problem(f"{bundle} cannot be read: {error}", host, "look at ansible_httpapi_ca_path; nothing was changed") from error
