"""What of an inventory a policy is asked about: each file as an endpoint with the aspects certificate, signature and private_key.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..credentials import UNUSED, Certificate
from ..model import Capability, Endpoint, Origin, Protocol, Setting
from .chain import MOST
from .held import Inventory, Item, Key

ASPECTS = ("certificate", "signature", "private_key")
SIGNS = Capability(None, "a certificate signs with the key that it was made for, so another scheme needs another certificate")
WHO = ("owner", "group", "others")


def subjects(inventory: Inventory, services: Mapping[str, str], pki: str) -> tuple[Endpoint, ...]:
    """services: endpoint id → its service.  pki: who issues the certificates of this host, where the certificates do not tell."""
    return tuple(_subject(item, services, pki) for item in inventory.items if item.key or (item.kinds and _judged(item)))


def _judged(item: Item) -> bool:
    """A list of trust anchors is what it is; each of its certificates was somebody else's decision."""
    return "certificate" in item.kinds and item.count <= MOST


def _subject(item: Item, services: Mapping[str, str], pki: str) -> Endpoint:
    certificates = tuple(_placed(one, pki) for one in item.certificates) if _judged(item) else ()
    if _judged(item) and not certificates:
        certificates = (Certificate(item.path, subject="unreadable"),)
    settings = {}
    if item.key:
        settings["private_key"] = Setting(_words(item, item.key), Origin(item.path))
    if certificates and certificates[0].key and "role=ca" not in certificates[0].more:
        settings["signature"] = Setting((certificates[0].key,), Origin(item.path))
    ssh = item.key is not None and ("host_key" in item.users or item.key.form == "OPENSSH")
    protocol: Protocol = "ssh" if ssh else "tls"
    service = next((services[user] for user in item.users if user in services), UNUSED)
    notes = (item.problem,) if item.problem else ()
    return Endpoint(item.path, service, protocol, "x509", (), "", settings, {"signature": SIGNS}, certificates, notes)


def _placed(one: Certificate, pki: str) -> Certificate:
    told = any(word.startswith("pki=") for word in one.more)
    return one if told or not pki else replace(one, more=(*one.more, f"pki={pki}"))


def _words(item: Item, key: Key) -> tuple[str, ...]:
    """What is known of a private key, as facts."""
    mode = int(item.mode or "0", 8)
    said = {
        "key": key.kind,
        "form": key.form,
        "encrypted": "yes" if key.encrypted else "no",
        "owner": item.owner,
        "readable": _widest(mode, 4) if item.mode else "",
        "writable": _widest(mode, 2) if item.mode else "",
        "certificate": "no" if "orphan-key" in item.roles else "",
    }
    return tuple(f"{name}={value}" for name, value in said.items() if value)


def _widest(mode: int, bit: int) -> str:
    """Who may, besides root: the widest circle."""
    return next((who for who, shift in zip(reversed(WHO), (0, 3, 6), strict=True) if mode & (bit << shift)), "nobody")


def pki_of(endpoint: Endpoint) -> str:
    """Who issued what this file serves; "" unknown."""
    words = endpoint.certificates[0].more if endpoint.certificates else ()
    return next((word.partition("=")[2] for word in words if word.startswith("pki=")), "")
