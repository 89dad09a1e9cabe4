"""The PKI API of HashiCorp Vault and OpenBao: POST /v1/MOUNT/sign/ROLE.  Pure: what is sent and what its answers mean.

Source: Vault API documentation, "PKI secrets engine", Sign certificate (exclude_cn_from_sans, alt_names, ip_sans, ttl, format).
"""

from __future__ import annotations

import json

from ..model import Problem
from .issued import AGAIN, Asked
from .request import alternative

MEANS = {
    400: "its role does not allow this",
    403: "the token may not sign with this role",
    404: "nothing is there: agility_issuer_url ends with /v1/MOUNT/sign/ROLE",
    503: "it is sealed, or stands by",
}


def body(asked: Asked) -> bytes:
    """The names are all in alt_names and ip_sans: a common name alone names no host."""
    kinds = [alternative(name).split(":", 1) for name in asked.names]
    addresses = [value for kind, value in kinds if kind == "IP"]
    said = {
        "csr": asked.request,
        "common_name": asked.names[0],
        "alt_names": ",".join(value for kind, value in kinds if kind == "DNS"),
        "ip_sans": ",".join(addresses),
        "exclude_cn_from_sans": True,
        "ttl": f"{24 * asked.days}h",
        "format": "pem",
    }
    return json.dumps(said).encode()


def chain(answer: bytes, where: str) -> str:
    """The certificate and those above it, PEM.  Raises Problem."""
    try:
        data = json.loads(answer)["data"]
        above = data.get("ca_chain") or [data.get("issuing_ca") or ""]
        texts = [data["certificate"], *above]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a certificate that is no text")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Problem(f"the answer is none of a PKI API: {type(error).__name__}", where, AGAIN) from error
    return "".join(f"{text.strip()}\n" for text in texts)


def complaint(answer: bytes) -> str:
    """What it gives as the reason of a refusal; "" = nothing."""
    try:
        return "; ".join(str(one) for one in json.loads(answer)["errors"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
