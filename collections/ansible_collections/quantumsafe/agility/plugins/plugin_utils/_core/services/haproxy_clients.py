"""Whom a `bind` of HAProxy lets in by certificate.

Source: configuration manual, 5.1 "verify" (none when nobody says), "ca-file" (decides, and its names are sent), "ca-verify-file" (decides, too),
"ca-base", "crl-file", "client-sigalgs"; a line of a crt-list may have its own.
"""

from __future__ import annotations

from ..credentials import Asking
from ..model import Origin, Setting
from .client_settings import DEPTH, WEAKEST, authentication, trust
from .haproxy_binds import Bind, Said, Socket
from .haproxy_config import Assembly
from .haproxy_lists import Entry
from .openssl import Library
from .openssl_schemes import default_schemes, schemes

FILES = ("ca-file", "ca-verify-file")
VERIFY = {"required": "required", "optional": "optional"}


def files(assembly: Assembly, bind: Bind, entries: tuple[Entry, ...]) -> dict[str, Origin]:
    """Those whose certificates decide, and where they are named; "@system-ca" is what the distribution trusts."""
    base = bind.default("ca-base")
    said = [(one.value, one.line.origin) for one in bind.options if one.name in FILES]
    said += [(path, entry.origin) for entry in entries for name in FILES if (path := entry.option(name))]
    return {path if path.startswith("@") else assembly.resolved(path, base.value if base else "", bind.line): origin for path, origin in said}


def _said(bind: Bind, entries: tuple[Entry, ...], default: Origin) -> list[tuple[str, Origin]]:
    """What the bind and its certificates ask clients for."""
    own = bind.own("verify")
    of_bind = (VERIFY.get(own.value, "off"), own.line.origin) if own else ("off", default)
    return [of_bind, *((VERIFY.get(word, "off"), entry.origin) for entry in entries if (word := entry.option("verify")) is not None)]


def asking(assembly: Assembly, socket: Socket, entries: tuple[Entry, ...], names: tuple[str, ...], default: Origin) -> Asking | None:
    """Where it lets clients in by their certificates; None where it asks for none."""
    said = _said(socket.bind, entries, default)
    asks = [origin for word, origin in said if word != "off"]
    named = files(assembly, socket.bind, entries)
    if not asks or not named:
        return None
    required = all(word == "required" for word, dummy in said)
    listens = socket.address, socket.port
    return Asking("haproxy", socket.id, names, tuple(named), required, DEPTH, asks[0], listens, fixed=_fixed(named, socket.bind, entries))


def _fixed(named: dict[str, Origin], bind: Bind, entries: tuple[Entry, ...]) -> str:
    if system := next((path for path in named if path.startswith("@")), ""):
        return f"{system} at {named[system]} lets in whom the system trusts, and others write that"
    crl: Said | Entry | None = bind.own("crl-file") or next((entry for entry in entries if entry.option("crl-file")), None)
    origin = crl.line.origin if isinstance(crl, Said) else crl.origin if crl else None
    return f"crl-file at {origin} wants a list of every authority, so nobody of a new one gets in before its list is there" if origin else ""


def asked(
    assembly: Assembly, bind: Bind, entries: tuple[Entry, ...], library: Library, versions: tuple[str, ...], default: Origin
) -> tuple[dict[str, Setting], list[str]]:
    """(settings, notes).  Of a bind and its certificates the one that asks for least counts: a client chooses the name."""
    said = _said(bind, entries, default)
    word, origin = min(said, key=lambda one: WEAKEST.index(one[0]))
    settings = {"client_authentication": authentication(word, origin)}
    if all(one == "off" for one, dummy in said):
        return settings, []
    named = files(assembly, bind, entries)
    texts = {path: file.text if (file := assembly.snapshot.files.get(path)) else None for path in named}
    kinds, notes = trust(texts)
    if kinds:
        settings["client_trust"] = Setting(kinds, next(iter(named.values()), default))
    listed = bind.own("client-sigalgs") or bind.default("ssl-default-bind-client-sigalgs") or bind.own("sigalgs")
    listed = listed or bind.default("ssl-default-bind-sigalgs")
    if taken := schemes(listed.value) if listed else default_schemes(library, versions):
        settings["client_signature"] = Setting(taken, listed.line.origin if listed else default)
    return settings, notes
