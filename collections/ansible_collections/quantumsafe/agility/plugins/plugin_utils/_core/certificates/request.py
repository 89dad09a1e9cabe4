"""The configuration that `openssl req` on the host makes a certificate request from.  Pure.

Sources: openssl-req(1), config(5): "$" and "\\" have meaning everywhere, "#" starts a comment, and lists are cut at commas, so a name
may hold none of them.
"""

from __future__ import annotations

import ipaddress
import re

from ..model import Problem

_DNS = re.compile(r"(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?")


def alternative(name: str) -> str:
    """ "DNS:host.example" or "IP:192.0.2.1".  Raises Problem for what is neither (RFC 5280 §4.2.1.6)."""
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        pass
    if len(name) > 253 or not _DNS.fullmatch(name):
        raise Problem(f"{name!r} is neither a host name nor an address", remedy="name the certificate's hosts in agility_certificate_names")
    return f"DNS:{name}"


def covers(name: str, address: str) -> bool:
    """Whether a certificate of that name is one of that host, as clients judge: "*" stands for one whole label (RFC 9525 §6.3).  Raises Problem."""
    said, asked = (alternative(one.lower().rstrip(".")) for one in (name, address))
    return said == asked or (said.startswith("DNS:*.") and asked.startswith("DNS:") and said[6:] == asked.partition(".")[2])


def request_config(names: tuple[str, ...]) -> str:
    """names: the first becomes the common name where it fits (64 characters, X.520).  Raises Problem without a name."""
    if not names:
        raise Problem("a certificate needs a name", remedy="name its hosts in agility_certificate_names")
    common = names[0] if len(names[0]) <= 64 else ""
    subject = ["CN = " + common] if common else ["O = unnamed"]
    wanted = ", ".join(alternative(name) for name in names)
    lines = ["[req]", "prompt = no", "utf8 = yes", "distinguished_name = name", "req_extensions = wanted", "[name]", *subject]
    return "\n".join([*lines, "[wanted]", f"subjectAltName = {wanted}", ""])
