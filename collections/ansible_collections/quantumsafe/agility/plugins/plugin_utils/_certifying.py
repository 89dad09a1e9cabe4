# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: from a look at a host to new certificates for it: what is due, the host's keys, the issuer's signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ._core.certificates.anchors import ends_at
from ._core.certificates.escrow import Recipient
from ._core.certificates.keys import kind, lacking
from ._core.certificates.read import leaf
from ._core.certificates.request import request_config
from ._core.certificates.rotate import Order, Rotation, Terms, rotation
from ._core.certificates.token import described, in_token, named, token
from ._core.credentials import Certificate, Pair, Serving
from ._core.model import Change, Edit, File, Probe, Problem, Snapshot
from ._core.services import SERVICES
from ._core.services.openssl import loaded
from ._core.targets.answer import NewKey, parse_keys
from ._core.targets.escrow import Sealed, escrow_calls, parse_escrow
from ._core.targets.script import Place, compose_keys
from ._core.targets.survey import Survey
from ._core.targets.trust import parse_trusts
from ._run import Run

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    return tuple(found for service in SERVICES.values() if service.servings for found in service.servings(snapshot))


def wanted(run: Run, found: Survey, mark: str) -> Rotation:
    """What is due on this host; mark: six hex digits in new names.  Raises Problem for a kind of key that its OpenSSL cannot make."""
    terms = Terms(
        kinds=tuple(run.args["keys"]),
        names=tuple(run.args["names"]),
        renew_before=int(run.args["renew_before"]),
        today=run.as_of,
        mark=mark,
        jitter=int(run.args["renew_jitter"]),
        token=token(str(run.args["pkcs11_token"] or ""), str(run.args["pkcs11_pin_file"] or "")) if run.args["key_store"] == "pkcs11" else None,
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


def chains_of(found: Survey) -> list[str]:
    """What the host serves now, PEM."""
    paths = {binding.pair.certificate for serving in servings(found.snapshot) for binding in serving.bindings}
    return [file.text for path, file in found.snapshot.files.items() if path in paths and file.text]


def unserved(found: Survey, anchors: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """Those of the anchors that nothing served here ends at yet, PEM: of these nobody knows whether peers trust them."""
    chains = chains_of(found)
    return tuple(one.public_bytes(Encoding.PEM).decode() for one in anchors if not any(ends_at(chain, one) for chain in chains))


def served(found: Survey) -> dict[str, Certificate]:
    """Every certificate file that was read, by path."""
    texts = ((path, file.text) for path, file in found.snapshot.files.items() if file.text and "BEGIN CERTIFICATE" in file.text)
    return {path: one for path, text in texts if (one := leaf(text, path))}


def make_keys(
    run: Run, id_: str, orders: Sequence[Order], anchors: tuple[str, ...], escrow: Mapping[int, Recipient]
) -> tuple[tuple[NewKey, ...], tuple[str, ...], Mapping[int, Sealed]]:
    """(the keys; for each anchor (PEM) why the host does not trust it: "" = it does; what goes into escrow, by the number of its order)."""
    asked = [(kind(order.kind).options, _made_at(order), request_config(order.names)) for order in orders]
    return run.channel.ask(
        lambda nonce: compose_keys(id_, asked, nonce, anchors, escrow_calls(id_, escrow)),
        lambda output, nonce: (parse_keys(output, nonce, run.host), parse_trusts(output, nonce), parse_escrow(output, nonce)),
    )


def _made_at(order: Order) -> str:
    """The URI in a token; else the key whose owner and mode it takes."""
    return order.new.key.removeprefix("store:") if in_token(order.new.key) else order.like.key


def changes(found: Survey, plan: Rotation, keys: Sequence[NewKey], chains: Mapping[Pair, str]) -> tuple[Change | Place, ...]:
    """Certificates and keys first, then the references to them."""
    out: list[Change | Place] = []
    for number, (order, made) in enumerate(zip(plan.orders, keys, strict=True), 1):
        like = found.snapshot.files.get(order.like.certificate)
        if order.new.key == order.new.certificate:
            out.append(_one_file(order, number, made, chains[order.new], like))
            continue
        edits = (Edit(1, 0, (chains[order.new],)),)
        out.append(
            Change(
                order.new.certificate, "", edits, "", like.owner if like else "root", like.group if like else "root", like.mode if like else "0644"
            )
        )
        if not in_token(order.new.key):
            out.append(Place(order.new.key, number, made.owner or "root", made.group or "root", private(made.mode)))
    for service in SERVICES.values():
        if service.servings and service.rebind:
            mine = {binding.origin for serving in service.servings(found.snapshot) for binding in serving.bindings}
            mine |= {one.binding.origin for one in service.showings(found.snapshot)} if service.showings else set()
            out += service.rebind(found.snapshot, {origin: pairs for origin, pairs in plan.bindings.items() if origin in mine})
    return tuple(out)


def _one_file(order: Order, number: int, made: NewKey, chain: str, like: File | None) -> Place:
    """Chain and key in one file, which the host makes; itself: in the place of the old one, which the daemon loads because of where it lies."""
    replaces = like.sha256 if like and order.new == order.like else ""
    return Place(order.new.key, number, made.owner or "root", made.group or "root", private(made.mode), chain, replaces)


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


def left_in_tokens(orders: Sequence[Order]) -> list[str]:
    """What a rotation that came to nothing may have left in tokens: nothing of ours takes a key out of one."""
    return [f"{described(named(order.new.key))}, if it was made, serves nothing: remove it there" for order in orders if in_token(order.new.key)]
