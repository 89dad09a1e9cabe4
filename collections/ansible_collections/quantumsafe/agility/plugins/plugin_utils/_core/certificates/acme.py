"""ACME (RFC 8555): which certificates can be asked for, how names are proved, and what its refusals mean.  Pure.

Further sources: RFC 8738 (addresses, which dns-01 cannot prove), RFC 8555 §6.7 (the types of its problems), §8.3 and §8.4 (where answers lie).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..model import Problem

HTTP, DNS = "http-01", "dns-01"
SAME = "nothing was changed on the host"
PREFIX = "urn:ietf:params:acme:error:"
_CHALLENGE = "it looked for the answer to its challenge and did not find it"

# Type of a problem → what it means, and what to do.
MEANS: Mapping[str, tuple[str, str]] = {
    "accountDoesNotExist": ("it does not know the account", "was agility_acme_account made for another authority? give another folder"),
    "badCSR": ("it does not sign this request", "is it the kind of key? ask for another one in agility_keys"),
    "badNonce": ("it took none of the nonces that it gave, five times over", "run it again; is there a cache on the way?"),
    "badSignatureAlgorithm": ("it does not take the account's key", "give it another one (agility_acme_account): P-256 is what each takes"),
    "caa": ("a CAA record of the domain forbids it to sign", "name this authority there"),
    "connection": (_CHALLENGE, "it must reach the host at port 80"),
    "dns": (_CHALLENGE, "the name must resolve where the authority asks; dns-01: is the record there, and had it the time to spread?"),
    "externalAccountRequired": ("it takes no account that nobody announced", "set agility_acme_eab_id and agility_acme_eab_key to what it gave you"),
    "incorrectResponse": (_CHALLENGE, "http-01: is agility_acme_webroot the folder that is served at port 80 for this name?"),
    "orderNotReady": ("the proof of a name expired meanwhile", "run it again"),
    "rateLimited": ("it has had too many requests for now", "run it again later, with a smaller agility_throttle"),
    "rejectedIdentifier": ("it does not sign for this name", "is it public? leave it out of agility_names, or take another issuer"),
    "serverInternal": ("it is in trouble itself", "run it again later"),
    "tls": (_CHALLENGE, "it was led to https:// and found no TLS there"),
    "unauthorized": ("it does not let us", "is the account still good, and what agility_acme_eab_id names?"),
    "unsupportedIdentifier": ("it does not sign for names of this type", "leave addresses out of agility_names"),
    "userActionRequired": ("somebody has to agree to something first", "go there, agree, and run it again"),
}


@dataclass(frozen=True, slots=True)
class Ways:
    """webroot: of the host, for http-01.  dns: the command for dns-01.  other: whether somebody else signs what ACME does not."""

    webroot: str = ""
    dns: tuple[str, ...] = ()
    other: bool = False

    def of(self, name: str) -> str:
        """How that name is proved.  Raises Problem."""
        wildcard, address = name.startswith("*."), _is_address(name)
        if self.webroot and not wildcard:
            return HTTP
        if self.dns and not address:
            return DNS
        lacks = "agility_acme_webroot" if address or not wildcard else "agility_acme_dns_command"
        why = "a wildcard is proved by dns-01 alone" if wildcard else "an address is proved by http-01 alone" if address else "no way is given"
        raise Problem(f"ACME cannot prove {name}: {why}", lacks, f"set it, or leave {name} out of agility_names; {SAME}")


def fit(kind: str, names: Sequence[str], ways: Ways, host: str) -> None:
    """Raises Problem for a certificate that no authority gives by ACME."""
    if kind.startswith("ML-DSA"):
        if ways.other:
            return
        raise Problem(
            f"ACME signs no {kind}: the authorities that speak it know classical keys alone",
            host,
            f"set agility_authority to a local authority that signs ML-DSA beside it, or leave {kind} out of agility_keys; {SAME}",
        )
    if names and _is_address(names[0]):
        raise Problem(f"ACME needs a host name first, not {names[0]}", host, f"name one first in agility_names; {SAME}")
    for name in names:
        ways.of(name)


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return False


def record(name: str) -> str:
    """The name of the TXT record for dns-01."""
    return f"_acme-challenge.{name.removeprefix('*.').rstrip('.')}"


def token(text: str) -> str:
    """It becomes the name of a file.  Raises Problem for what is none (§8.3: base64url, 128 bits or more)."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", text):
        raise Problem(f"the authority gave {text[:60]!r} for a token, which is none", "", f"that is no ACME; {SAME}")
    return text


def refused(said: Mapping[str, object], where: str, retry_after: str = "", of: str = "") -> Problem:
    """said: a problem document.  of: the name whose proof it is about."""
    kind = str(said.get("type") or "").removeprefix(PREFIX)
    meant, remedy = MEANS.get("incorrectResponse" if of and kind == "unauthorized" else kind, ("it refused", ""))
    told = "; ".join(_line(text) for text in _told(said))
    instance, number = _line(str(said.get("instance") or "")), retry_after.isdigit()
    later = f"not before {_line(retry_after)}{' s have passed' * number}" if retry_after else ""
    steps = "; ".join(filter(None, (later, f"{instance}: {remedy}" if instance else remedy, SAME)))
    return Problem(f"{of}{': ' * bool(of)}{meant} ({_line(kind) or 'no type'}): {told or 'no details'}", where, steps)


def _told(said: Mapping[str, object]) -> list[str]:
    """What it says itself, of each name."""
    out = [str(said["detail"])] if said.get("detail") else []
    parts = said.get("subproblems")
    for part in parts[:20] if isinstance(parts, (list, tuple)) else ():
        if isinstance(part, Mapping):
            about = part.get("identifier")
            name = about.get("value", "") if isinstance(about, Mapping) else ""
            out.append(f"{name}: {part.get('detail', '')}")
    return out


def _line(text: str) -> str:
    """One line of bounded length of what a stranger says."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
