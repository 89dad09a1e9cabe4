"""Keys in a key management service with the API of Vault's transit engine (HashiCorp Vault, OpenBao).  Pure: answers in, keys out.

Source: Vault and OpenBao API documentation, "Transit secrets engine", List Keys and Read Key; "ACL Policies".  Of `keys` a symmetric key has
version → seconds since 1970, an asymmetric one version → {creation_time, name, public_key}.  Nothing secret is in any of these answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from ..model import Problem
from .kms import KmsKey

MEANS = {
    403: "the token may not look here",
    404: "nothing is there: agility_kms_url ends with /v1/MOUNT, where MOUNT is a transit engine",
    503: "it is sealed, or stands by",
}
# The type of a key as the service calls it → as the house does.
_KINDS: Mapping[str, str] = {
    **{f"rsa-{bits}": f"RSA-{bits}" for bits in (2048, 3072, 4096)},
    **{f"ecdsa-p{bits}": f"ECDSA-P{bits}" for bits in (256, 384, 521)},
    **{f"aes{bits}-gcm96": f"AES-{bits}-GCM" for bits in (128, 256)},
    **{f"aes{bits}-cmac": f"AES-{bits}-CMAC" for bits in (128, 192, 256)},
    "chacha20-poly1305": "CHACHA20-POLY1305",
    "xchacha20-poly1305": "XCHACHA20-POLY1305",
    "ed25519": "ED25519",
    "hmac": "HMAC",
}
_USES = {"encrypt": "supports_encryption", "sign": "supports_signing"}
# What may be done with a key, as paths below the mount (ACL policies name those).
_VERBS = ("encrypt", "decrypt", "rewrap", "datakey", "sign", "verify", "hmac", "export", "backup")
_PATH = re.compile(r'path\s+"([^"]+)"\s*\{([^}]*)\}')


def names(answer: bytes, where: str) -> tuple[str, ...]:
    """Of a list: keys, or policies.  Raises Problem."""
    data = _data(answer, where)
    found = data.get("keys")
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise _strange(where)
    return tuple(found)


def key(name: str, answer: bytes, where: str, today: date, users: Iterable[str] | None = None) -> KmsKey:
    """What is known of one key.  Raises Problem for what is no answer of a transit engine."""
    data = _data(answer, where)
    versions = data.get("keys")
    if not isinstance(versions, dict) or not isinstance(data.get("type"), str):
        raise _strange(where)
    day = max(filter(None, map(_day, versions.values())), default=None)
    age = (today - day).days if day else None
    rotates = data.get("auto_rotate_period")
    uses = tuple(use for use, said in _USES.items() if data.get(said) is True)
    return KmsKey(
        name=name,
        kinds=_kinds(data),
        uses=uses,
        versions=len(versions),
        made=day.isoformat() if day else "",
        age=age,
        rotates=int(rotates) // 86400 if isinstance(rotates, int | float) and not isinstance(rotates, bool) else 0,
        loose=data.get("exportable") is True or data.get("allow_plaintext_backup") is True,
        deletable=data.get("deletion_allowed") is True,
        users=None if users is None else tuple(users),
    )


def users(policies: Mapping[str, str], mount: str, name: str) -> tuple[str, ...]:
    """Of policies by name, those whose paths let somebody use that key ("+" is one part of a path, "*" at the end any rest)."""
    paths = [f"{mount}/{verb}/{name}" for verb in _VERBS]
    return tuple(policy for policy, text in policies.items() if any(_grants(text, path) for path in paths))


def policy(answer: bytes, where: str) -> str:
    """The text of one policy; "" when it has none (root)."""
    text = _data(answer, where).get("policy", "")
    return text if isinstance(text, str) else ""


def _grants(text: str, path: str) -> bool:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    granted = [pattern for pattern, body in _PATH.findall(lines) if '"deny"' not in body and re.search(r'"(create|update|read)"', body)]
    return any(_matches(pattern, path) for pattern in granted)


def _matches(pattern: str, path: str) -> bool:
    end = "" if pattern.endswith("*") else r"\Z"
    words = [("[^/]+" if part == "+" else re.escape(part)) for part in pattern.removesuffix("*").split("/")]
    return re.match("/".join(words) + end, path) is not None


def _data(answer: bytes, where: str) -> dict[str, Any]:
    try:
        data = json.loads(answer)["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _strange(where) from error
    if not isinstance(data, dict):
        raise _strange(where)
    return data


def _strange(where: str) -> Problem:
    return Problem("that is no answer of a transit engine", where, "does agility_kms_url end with /v1/MOUNT?")


def _kinds(data: Mapping[str, Any]) -> tuple[str, ...]:
    type_, set_ = str(data["type"]), str(data.get("parameter_set") or "")
    if type_ in ("ml-dsa", "slh-dsa"):
        return (f"{type_.upper()}-{set_}" if set_ else type_.upper(),)
    if type_ == "hybrid":
        modern, classical = (str(data.get(f"hybrid_key_type_{half}") or "") for half in ("pqc", "ec"))
        return f"{modern.upper()}{'-' if set_ else ''}{set_}", _KINDS.get(classical, classical)
    return (_KINDS.get(type_, type_),)


def _day(version: Any) -> date | None:
    made = version.get("creation_time") if isinstance(version, dict) else version
    try:
        if isinstance(made, str):
            return date.fromisoformat(made[:10])
        return datetime.fromtimestamp(made, UTC).date() if isinstance(made, int | float) else None
    except (ValueError, OverflowError, OSError):
        return None
