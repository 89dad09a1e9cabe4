# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the keys that sign ledgers, plans and approvals, in a folder on the controller, made when they are missing.  0600 in
0700.  In the place of NAME.key there may be NAME.uri: then the key is in a token.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ._core.ledger.signing import ALGORITHMS, private, public
from ._core.model import Problem

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    import cryptography
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def signers(folder: Path) -> tuple[list[Any], tuple[str, ...]]:
    """(a private key for each algorithm that can be used here, why there is none for the others).  Raises OSError, and Problem."""
    keys, lacking = [], []
    for algorithm, name in ALGORITHMS.items():
        path, make = folder / f"{name}.key", _maker(algorithm)
        if (folder / f"{name}.uri").is_file():
            keys.append(_in_token(folder, name, algorithm))
            continue
        try:
            if make and not path.is_file():
                _found(folder, name, make)
        except UnsupportedAlgorithm:  # its library was built without
            make = None
        if make:
            keys.append(private(path.read_bytes(), str(path)))
        else:
            lacking.append(f"{algorithm}: the package cryptography {cryptography.__version__} of the controller cannot make it")
    return keys, tuple(lacking)


def _in_token(folder: Path, name: str, algorithm: str) -> Any:
    """Its public half is fetched when it is not there yet.  Raises Problem, OSError."""
    from ._tokenkeys import TokenKey, named, public_half  # few have one

    where, half = folder / f"{name}.uri", folder / f"{name}.pub"
    if (folder / f"{name}.key").exists():
        raise Problem(f"there is {name}.key, too: which of them signs?", str(where), f"remove one of both; with {name}.key also {name}.pub")
    uri = named(where)
    pem = half.read_bytes() if half.is_file() else public_half(uri, where)
    known = public(pem, str(where))
    if known.algorithm != algorithm:
        raise Problem(f"it names a key of kind {known.algorithm}, not {algorithm}", str(where), "name another one")
    if not half.is_file():
        _put(half, pem)
    return TokenKey(uri, str(where), known.key)


def _found(folder: Path, name: str, make: Callable[[], Any]) -> None:
    """Whoever comes first makes it; the key appears whole, its public half before it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / f"{name}.key").exists():
            return
        key = make()
        _put(folder / f"{name}.pub", key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        _put(folder / f"{name}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _put(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def _maker(algorithm: str) -> Callable[[], Any] | None:
    """None where this controller cannot."""
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError:  # before 47
        return None
    return mldsa.MLDSA65PrivateKey.generate
