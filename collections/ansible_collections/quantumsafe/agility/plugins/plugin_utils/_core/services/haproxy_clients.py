"""Whom a `bind` of HAProxy lets in by certificate.

Source: configuration manual, 5.1 "verify" (none when nobody says), "ca-file" (decides, and its names are sent), "ca-verify-file" (decides, too),
"ca-base", "client-sigalgs"; a line of a crt-list may have its own.
"""

from __future__ import annotations

from ..model import Origin, Setting
from .client_settings import WEAKEST, authentication, trust
from .haproxy_binds import Bind
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


def asked(
    assembly: Assembly, bind: Bind, entries: tuple[Entry, ...], library: Library, versions: tuple[str, ...], default: Origin
) -> tuple[dict[str, Setting], list[str]]:
    """(settings, notes).  Of a bind and its certificates the one that asks for least counts: a client chooses the name."""
    own = bind.own("verify")
    said = [(VERIFY.get(own.value, "off") if own else "off", own.line.origin if own else default)]
    said += [(VERIFY.get(word, "off"), entry.origin) for entry in entries if (word := entry.option("verify")) is not None]
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
