"""Names that binaries print, and which of them the catalogue does not know: for captured output and for live hosts alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import all_of, find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.names import parts_known

Names = Callable[[str], Iterator[str]]
Known = Callable[[str], bool]

# `swanctl --list-algs` also names its building blocks, which no peer ever sees.
INTERNAL = ("xof", "kdf", "drbg", "rng", "nonce-gen")
NO_GROUP = "MODP_CUSTOM"  # any prime that a configuration gives
SWANCTL = {
    "encryption": ("cipher", ""),
    "aead": ("cipher", ""),
    "integrity": ("mac", ""),
    "prf": ("prf", ""),
    "ke": ("key_exchange", ""),
    "hasher": ("hash", "HASH_"),
}


def lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def colons(text: str) -> Iterator[str]:
    return (name for line in lines(text) for name in line.split(":"))


def openssl_list(text: str) -> Iterator[str]:
    """One entry a line, `{ OID, NAME, NAME } @ provider` or `NAME @ provider`; its first name that is no OID stands for it."""
    for line in lines(text):
        names = [name.strip() for name in line.partition("@")[0].strip(" {}").split(",")]
        yield next(name for name in names if not re.fullmatch(r"[\d.]+", name))


def of(*uses: tuple[str, str]) -> Known:
    return lambda name: any(find(protocol, aspect, name) for protocol, aspect in uses)


def key(name: str) -> bool:
    return of(("x509", "key"), ("tls", "key_exchange"))(name) or name in parts_known()


def swanctl(text: str) -> Iterator[str]:
    """Unknown names, with their section.  An AES of any key length is known when one is."""
    section = ""
    for line in lines(text):
        if line.endswith(":"):
            section = line[:-1]
        elif section not in INTERNAL and line.partition("[")[0] != NO_GROUP and not _swan(section, line.partition("[")[0]):
            yield f"{section}: {line}"


def _swan(section: str, name: str) -> bool:
    aspect, prefix = SWANCTL[section]
    bare = name.removeprefix(prefix)
    if section == "hasher":
        bare = bare.replace("SHA2_", "SHA2-").replace("SHA3_", "SHA3-")
        return bool(find("x509", "hash", bare) or find("ikev2", "hash", bare))
    named = (spelled for a in all_of("ikev2", aspect) for spelled in (a.id, *a.names.get("swanctl", ())))
    return any(spelled == bare or spelled.startswith(f"{bare}-") for spelled in named)


# file name of a captured answer → (the command, how to read it, what is known)
ASKED: dict[str, tuple[str, Names, Known]] = {
    "ssh-Q-kex": ("ssh -Q kex", lines, of(("ssh", "key_exchange"))),
    "ssh-Q-cipher": ("ssh -Q cipher", lines, of(("ssh", "cipher"))),
    "ssh-Q-mac": ("ssh -Q mac", lines, of(("ssh", "mac"))),
    "ssh-Q-key": ("ssh -Q key", lines, of(("ssh", "host_key"))),
    "ssh-Q-sig": ("ssh -Q sig", lines, of(("ssh", "host_key"), ("ssh", "user_key"))),
    "ssh-Q-key-sig": ("ssh -Q key-sig", lines, of(("ssh", "host_key"))),
    "openssl-ciphers": ("openssl ciphers ALL:COMPLEMENTOFALL:@SECLEVEL=0", colons, of(("tls", "cipher"))),
    "openssl-list-tls-groups": ("openssl list -tls-groups", colons, of(("tls", "key_exchange"))),
    "openssl-list-tls-signature-algorithms": ("openssl list -tls-signature-algorithms", colons, of(("tls", "signature"))),
    "openssl-list-kem-algorithms": ("openssl list -kem-algorithms", openssl_list, key),
    "openssl-list-signature-algorithms": (
        "openssl list -signature-algorithms",
        openssl_list,
        of(("x509", "signature"), ("x509", "key"), ("x509", "mac"), ("tls", "signature")),
    ),
}


def unknown(asked: str, text: str) -> list[str]:
    """Names in this answer that no row has."""
    if asked == "swanctl-list-algs":
        return list(swanctl(text))
    dummy, names, known = ASKED[asked]
    printed = list(names(text))
    assert printed, f"{asked} printed no name"
    return [name for name in printed if not known(name)]
