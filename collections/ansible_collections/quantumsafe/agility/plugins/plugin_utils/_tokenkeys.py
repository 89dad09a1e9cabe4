# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: keys that sign ledgers, plans and approvals and stay in a token (PKCS#11).  The controller's own openssl works with
them, through its provider pkcs11, as that of a host does for the keys of certificates (agent/tokens.sh).
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._core.certificates.token import described, signing_uri
from ._core.model import Problem

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.exceptions import InvalidSignature

SECONDS = 60  # for one answer of a token
REMEDY = "where the token cannot sign so, keep this key in a file: remove the .uri, and the .pub of that name"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """Signs as a private key of the package cryptography does.  where: the file with its URI.  public: what its signatures must be good for."""

    uri: str
    where: str
    public: Any

    def public_key(self) -> Any:
        return self.public

    def sign(self, data: bytes) -> bytes:
        """Raises Problem: what the token says is believed only when its signature is good."""
        signature = _asked(self.uri, self.where, ("pkeyutl", "-sign", "-rawin", "-inkey", self.uri, "-in", "/dev/stdin"), data)
        try:
            self.public.verify(signature, data)
        except InvalidSignature as error:
            raise Problem("the token signs with another key than its .pub says", self.where, "remove that .pub: it is fetched anew") from error
        return signature


def named(where: Path) -> str:
    """The URI in that file, when it may be used.  Raises Problem, OSError."""
    uri, pin = signing_uri(where.read_text(encoding="utf-8", errors="replace"), str(where))
    if pin and not Path(pin).is_file():
        raise Problem(f"there is no {pin}, which is to hold the PIN", str(where), "write it, for this account alone")
    if pin and Path(pin).stat().st_mode & 0o007:
        raise Problem(f"everybody can read {pin}, which holds the PIN", str(where), "chmod o= it first")
    return uri


def public_half(uri: str, where: Path) -> bytes:
    """PEM, as the token has it.  Raises Problem."""
    return _asked(uri, str(where), ("pkey", "-in", uri, "-pubout"))


def _asked(uri: str, where: str, words: tuple[str, ...], data: bytes = b"") -> bytes:
    with tempfile.TemporaryFile() as given:  # no pipe: openssl wants to know the size of what it signs
        given.write(data)
        given.seek(0)
        done = _ran(words, given)
    if isinstance(done, str) or done.returncode or not done.stdout:
        raise Problem(f"{described(uri)}: {_why(done)}", where, REMEDY)
    return done.stdout


def _ran(words: tuple[str, ...], given: Any = subprocess.DEVNULL) -> subprocess.CompletedProcess[bytes] | str:
    """What openssl said, or why it said nothing.  In a session of its own: it would ask a terminal for a PIN that it lacks."""
    try:
        return subprocess.run(["openssl", *words], stdin=given, capture_output=True, timeout=SECONDS, check=False, start_new_session=True)
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    except OSError as error:
        return f"openssl cannot be run on the controller: {error.strerror}"


def _why(done: subprocess.CompletedProcess[bytes] | str) -> str:
    if isinstance(done, str):
        return done
    listed = _ran(("list", "-providers"))
    if isinstance(listed, str) or b"pkcs11" not in listed.stdout:
        return "the openssl of this controller has no provider pkcs11: activate it, behind the default one, in its openssl.cnf"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return f"the token does not do that: {said[0][:200]}"
