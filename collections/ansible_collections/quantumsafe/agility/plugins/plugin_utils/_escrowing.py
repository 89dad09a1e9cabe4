# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: new private keys that the policy lets be kept for their recovery: for whom, and where their ciphertext goes.

Without an entry of the policy nothing here ever asks a host for a key, whatever the variables say.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ._core.certificates.escrow import SINCE, Recipient, recipient
from ._core.certificates.issued import request_key
from ._core.certificates.read import leaf
from ._core.certificates.rotate import Order, Rotation
from ._core.certificates.token import in_token
from ._core.credentials import Pair, Serving
from ._core.model import Problem
from ._core.policy.escrowed import escrow_of
from ._core.policy.model import Escrow, Policy
from ._core.report.output import write_whole
from ._core.services.openssl import Library
from ._core.targets.answer import NewKey
from ._core.targets.escrow import Sealed
from ._run import Run

SPEC = {"escrow_folder": {"type": "path"}, "escrow_recipients": {"type": "path"}}
HOW = "CMS AuthEnvelopedData (AES-256-GCM, ECDH) within AES-256-CTR (openssl enc -pbkdf2) under a secret of ML-KEM"


class Escrows:
    """What is to be kept of one rotation.  to: number of an order, from 1 → the entry of the policy, and its recipient.

    said: why a key that may be kept will not be.
    """

    def __init__(self, run: Run, policy: Policy, plan: Rotation, servings: Sequence[Serving], openssl: Library) -> None:
        """Raises Problem for one that the policy requires and that cannot be."""
        self.run, self.policy, self.plan, self.servings = run, policy, plan, servings
        self.folder, self.recipients = (Path(str(run.args[name])) if run.args[name] else None for name in SPEC)
        self.to: dict[int, tuple[Escrow, Recipient]] = {}
        self.said: list[str] = []
        self.files: list[Path] = []
        for number, order in enumerate(plan.orders, 1):
            entry = escrow_of(policy, run.host, run.groups, self._services(order.like))
            why = self._obstacle(entry, order, openssl)
            if not why:
                self.to[number] = entry, self._recipient(entry)
            elif entry.mode == "required":
                self._refuse(entry, why)
            elif self.folder:
                self.said.append(f"the key of {order.new.certificate} is not kept: {why}")

    def _services(self, pair: Pair) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.service for one in self.servings if any(binding.pair == pair for binding in one.bindings)))

    def _obstacle(self, entry: Escrow, order: Order, openssl: Library) -> str:
        if entry.mode == "never":
            return f"the policy does not allow it ({entry.origin or 'no entry of its section escrow speaks of it'})"
        if in_token(order.new.key):
            return "it is in a token, which nothing takes it out of"
        if not openssl.version or openssl.version < SINCE:
            return f"{openssl.label or 'an unknown OpenSSL'} cannot encrypt with ML-KEM, 3.5 can; with less it is not kept"
        return "" if self.folder and self.recipients else "agility_escrow_folder and agility_escrow_recipients do not both say where"

    def _refuse(self, entry: Escrow, why: str) -> None:
        raise Problem(f"the policy requires escrow ({entry.origin}), and there can be none: {why}", self.run.host, "no new key was put in place")

    def _recipient(self, entry: Escrow) -> Recipient:
        files = tuple((self.recipients or Path()) / f"{entry.recipient}.{ending}" for ending in ("crt", "pub"))
        try:
            texts = [file.read_text(encoding="utf-8") for file in files]
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(
                f"the keys of the recipient {entry.recipient} cannot be read: {error}", str(self.recipients), "see docs/escrow.md"
            ) from error
        return recipient(texts[0], texts[1], (entry.classical, entry.kem), (str(files[0]), str(files[1])))

    @property
    def calls(self) -> Mapping[int, Recipient]:
        return {number: to for number, (dummy, to) in self.to.items()}

    @property
    def reasons(self) -> tuple[str, ...]:
        orders = self.plan.orders
        return tuple(f"{orders[number - 1].new.certificate}: its key is kept for {entry.recipient}" for number, (entry, dummy) in self.to.items())

    def keep(self, keys: Sequence[NewKey], sealed: Mapping[int, Sealed], chains: Mapping[Pair, str], id_: str) -> None:
        """Ciphertext and manifest, before the key goes live.  Raises Problem when one that is required did not come."""
        for number, (entry, to) in self.to.items():
            order, one = self.plan.orders[number - 1], sealed.get(number, Sealed(error="the host did not answer"))
            if one.error and entry.mode == "required":
                self._refuse(entry, one.error)
            if one.error:
                self.said.append(f"the key of {order.new.certificate} is not kept: {one.error}")
                continue
            key = hashlib.sha256(request_key(keys[number - 1].request)).hexdigest()
            told = json.dumps(self._manifest(entry, to, order, key, chains[order.new], id_), indent=1, sort_keys=True)
            self._write({f"{key}.kem": f"{one.kem}\n", f"{key}.sealed": f"{one.sealed}\n", f"{key}.json": f"{told}\n"})

    def _write(self, texts: Mapping[str, str]) -> None:
        """The manifest last: without one it is not whole."""
        if not self.folder:
            raise Problem("nobody says where keys are kept", "agility_escrow_folder", "set it; the key was not taken into use")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.stat().st_mode & 0o077:
            raise Problem("others can look into it", str(self.folder), "chmod 0700 it")
        for name, text in texts.items():
            self.files.append(self.folder / name)
            write_whole(self.folder / name, text)

    def _manifest(self, entry: Escrow, to: Recipient, order: Order, key: str, chain: str, id_: str) -> dict[str, object]:
        certificate = leaf(chain, order.new.certificate)
        ends = [end for one in self.servings if any(binding.pair == order.like for binding in one.bindings) for end in one.endpoints]
        return {
            "host": self.run.host,
            "endpoints": list(dict.fromkeys(ends)),
            "certificate": order.new.certificate,
            "certificate_sha256": certificate.sha256 if certificate else "",
            "names": list(order.names),
            "kind": order.kind,
            "public_key_sha256": key,
            "recipient": {"name": entry.recipient, "kind": to.kind, "classical": entry.classical, "kem": entry.kem},
            "policy": {"name": self.policy.name, "version": self.policy.version, "digest": self.policy.digest, "entry": entry.id},
            "how": HOW,
            "at": self.run.taken,
            "by": getpass.getuser(),
            "transaction": id_,
            "campaign": self.run.result.campaign,
        }

    def forget(self) -> None:
        """Of a change that did not stay."""
        for file in reversed(self.files):
            file.unlink(missing_ok=True)
