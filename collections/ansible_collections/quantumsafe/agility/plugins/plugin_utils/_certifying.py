# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: from a look at a host to new certificates for it: what is due, the host's keys, the issuer's signatures."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ._core.certificates.authority import Authority, load, sign
from ._core.certificates.keys import kind, lacking
from ._core.certificates.read import leaf
from ._core.certificates.request import request_config
from ._core.certificates.rotate import Order, Rotation, Terms, rotation
from ._core.credentials import Certificate, Pair, Serving
from ._core.model import Change, Edit, Probe, Problem, Snapshot
from ._core.services import SERVICES
from ._core.services.openssl import loaded
from ._core.targets.answer import NewKey, parse_keys
from ._core.targets.script import Place, compose_keys
from ._core.targets.survey import Survey
from ._run import Run


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    return tuple(found for service in SERVICES.values() if service.servings for found in service.servings(snapshot))


def wanted(run: Run, found: Survey) -> Rotation:
    """What is due on this host.  Raises Problem when its OpenSSL cannot make a kind of key that is asked for."""
    terms = Terms(
        kinds=tuple(run.args["keys"]),
        names=tuple(run.args["names"]),
        renew_before=int(run.args["renew_before"]),
        today=run.as_of,
        mark=secrets.token_hex(3),
    )
    for name in terms.kinds:
        kind(name)
    plan = rotation(servings(found.snapshot), served(found), terms)
    made = tuple(dict.fromkeys(order.kind for order in plan.orders))
    openssl = loaded(found.snapshot.answers)
    if made and (cannot := lacking(made, openssl.version)):
        raise Problem(
            f"{openssl.label or 'an unknown OpenSSL'} cannot make keys of kind {', '.join(cannot)}",
            run.host,
            "ML-DSA needs OpenSSL ≥ 3.5 on the host; nothing was changed",
        )
    return plan


def served(found: Survey) -> dict[str, Certificate]:
    """Every certificate file that was read, by path."""
    texts = ((path, file.text) for path, file in found.snapshot.files.items() if file.text and "BEGIN CERTIFICATE" in file.text)
    return {path: one for path, text in texts if (one := leaf(text, path))}


def authority(run: Run) -> Authority:
    """The local authority in the folder agility_authority: ca.crt (the issuing certificate first) and ca.key."""
    folder = Path(str(run.args.get("authority") or ""))
    try:
        certificates, key = ((folder / name).read_text(encoding="utf-8") for name in ("ca.crt", "ca.key"))
    except OSError as error:
        raise Problem(
            f"the certificate authority cannot be read: {error.strerror}", str(error.filename), "set agility_authority to its folder"
        ) from error
    password = str(run.args.get("authority_password") or "")
    return load(certificates, key, password.encode() or None, str(folder))


def make_keys(run: Run, id_: str, orders: Sequence[Order]) -> tuple[NewKey, ...]:
    asked = [(kind(order.kind).options, order.like.key, request_config(order.names)) for order in orders]
    return run.channel.ask(lambda nonce: compose_keys(id_, asked, nonce), lambda output, nonce: parse_keys(output, nonce, run.host))


def lasting(ca: Authority, days: int) -> None:
    """Raises Problem for certificates that would outlive their authority."""
    if datetime.now(UTC) + timedelta(days=days) > ca.certificate.not_valid_after_utc:
        until = ca.certificate.not_valid_after_utc.date().isoformat()
        raise Problem(f"a certificate of {days} days would outlive {ca.name}, which ends on {until}", "", "renew it, or ask for fewer days")


def issue(ca: Authority, orders: Sequence[Order], keys: Sequence[NewKey], days: int) -> dict[Pair, str]:
    """The new pair → its chain, PEM."""
    now = datetime.now(UTC)
    pairs = zip(orders, keys, strict=True)
    return {order.new: sign(ca, made.request, order.kind, order.names, days, now, _serial()) for order, made in pairs}


def _serial() -> int:
    """Positive, 20 bytes at most, not to be guessed (RFC 5280 §4.1.2.2)."""
    return secrets.randbits(159) | 1 << 158


def changes(found: Survey, plan: Rotation, keys: Sequence[NewKey], chains: Mapping[Pair, str]) -> tuple[Change | Place, ...]:
    """Certificates and keys first, then the references to them."""
    out: list[Change | Place] = []
    for number, (order, made) in enumerate(zip(plan.orders, keys, strict=True), 1):
        like = found.snapshot.files.get(order.like.certificate)
        edits = (Edit(1, 0, (chains[order.new],)),)
        out.append(
            Change(
                order.new.certificate, "", edits, "", like.owner if like else "root", like.group if like else "root", like.mode if like else "0644"
            )
        )
        out.append(Place(order.new.key, number, made.owner or "root", made.group or "root", private(made.mode)))
    for service in SERVICES.values():
        if service.servings and service.rebind:
            mine = {binding.origin for serving in service.servings(found.snapshot) for binding in serving.bindings}
            out += service.rebind(found.snapshot, {origin: pairs for origin, pairs in plan.bindings.items() if origin in mine})
    return tuple(out)


def private(mode: str) -> str:
    """The old key's mode without what others could do, and nobody executes a key."""
    return f"0{(int(mode or '600', 8) & 0o640) | 0o400:o}"


def probes(found: Survey, plan: Rotation, chains: Mapping[Pair, str]) -> tuple[Probe, ...]:
    """A client for each endpoint, name and kind of key: it must be served the very certificate that belongs there."""
    endpoints = {e.id: e for e in found.endpoints}
    expected = {path: one.sha256 for path, one in served(found).items()}
    expected |= {pair.certificate: one.sha256 for pair, text in chains.items() if (one := leaf(text, ""))}
    out = []
    for shown in plan.shown:
        address, port = endpoints[shown.endpoint].addresses[0]
        where = "" if address == "*" else address
        out.append(
            Probe(
                "tls",
                shown.endpoint,
                port,
                where,
                shown.name,
                signer=shown.kind,
                certificate=expected[shown.path],
                starttls=endpoints[shown.endpoint].starttls,
            )
        )
    return tuple(out)
