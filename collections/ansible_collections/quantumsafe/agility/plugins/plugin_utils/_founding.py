# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a new authority on the controller: its folders, whole or not there, and never written over.

HOME/KIND-root holds root.crt and root.key, which are needed again only when what issues is renewed and may lie on a medium of their own;
HOME/KIND holds ca.crt (the issuing certificate, then the root) and ca.key.  0600 in 0700.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ._core.certificates.authority import Authority, load
from ._core.certificates.hierarchy import certify
from ._core.certificates.keys import kind as checked_kind
from ._core.certificates.sealed import armored, seal
from ._core.model import Problem
from ._issuers import serial

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    import cryptography
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True)
class Founding:
    """home: of what issues; roots: of the roots.  password: b"" = keys in the clear.  days: of a root; what issues lives half as long."""

    home: Path
    roots: Path
    name: str
    password: bytes
    days: int

    def missing(self, kind: str) -> list[Path]:
        """The folders that are to be made.  Raises Problem for one that is there and is not whole, or does not open."""
        _maker(kind)
        home, root = self._folders(kind)
        if home.exists():
            _opened(home, "ca", self.password)
            return []
        if root.exists():
            _opened(root, "root", self.password)
        return [folder for folder in (root, home) if not folder.exists()]

    def found(self, kind: str) -> None:
        """Root and issuing authority of that kind, or the latter alone below a root that is there."""
        home, root = self._folders(kind)
        now = datetime.now(UTC)
        if not root.exists():
            key = _maker(kind)()
            self._write(root, "root", key, certify(f"{self.name} root {kind}", key, self.days, now, serial()))
        above = _opened(root, "root", self.password)
        key = _maker(kind)()
        issuing = certify(f"{self.name} issuing {kind}", key, self.days // 2, now, serial(), above)
        if issuing.not_valid_after_utc > above.certificate.not_valid_after_utc:
            raise Problem(f"what issues would outlive its root, {above.name}", str(root), "found a new root in another folder, or ask for fewer days")
        self._write(home, "ca", key, issuing, above.certificate)

    def _folders(self, kind: str) -> tuple[Path, Path]:
        return self.home / kind.lower(), self.roots / f"{kind.lower()}-root"

    def _write(self, folder: Path, name: str, key: Any, *chain: Any) -> None:
        """Beside its place first: the folder appears with all that belongs in it."""
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))  # 0700
        try:
            plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            text = seal(plain, self.password, secrets.token_bytes(16), secrets.token_bytes(16)) if self.password else armored("PRIVATE KEY", plain)
            _put(new / f"{name}.key", text)
            _put(new / f"{name}.crt", "".join(one.public_bytes(Encoding.PEM).decode() for one in chain))
            new.rename(folder)  # fails on one that somebody made meanwhile, for it is not empty
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise


def _put(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _opened(folder: Path, name: str, password: bytes) -> Authority:
    try:
        public, key = ((folder / f"{name}.{end}").read_text(encoding="utf-8") for end in ("crt", "key"))
    except OSError as error:
        raise Problem(f"it is there and not whole: {error.strerror}", str(error.filename), "bring the file back, or move the folder away") from error
    return load(public, key, password or None, str(folder))


def _maker(kind: str) -> Callable[[], Any]:
    """How a key of that kind is made here.  Raises Problem."""
    checked_kind(kind)
    family, dummy, size = kind.rpartition("-")
    if family == "ML-DSA":
        return _modern(size)
    curves: Mapping[str, Callable[[], Any]] = {"P256": ec.SECP256R1, "P384": ec.SECP384R1, "P521": ec.SECP521R1}
    if family == "ECDSA":
        return lambda: ec.generate_private_key(curves[size]())
    if family == "RSA":
        return lambda: rsa.generate_private_key(65537, int(size))
    raise Problem(f"no authority is founded on {kind}", "agility_authority_kinds", "use ECDSA, RSA or ML-DSA")


def _modern(size: str) -> Callable[[], Any]:
    remedy = "upgrade it, 50 can (pip install -U cryptography)"
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        make = getattr(mldsa, f"MLDSA{size}PrivateKey").generate
        make()
    except Exception as error:  # UnsupportedAlgorithm where its library lacks it; ImportError before
        raise Problem(f"the package cryptography {cryptography.__version__} of the controller cannot make ML-DSA keys", "", remedy) from error
    return make  # type: ignore[no-any-return]
