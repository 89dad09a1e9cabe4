"""Certificates of Cisco IOS-XE: trustpoints that are enrolled over the terminal, and the one that HTTPS shows.

Sources: Cisco, PKI Configuration Guide (IOS XE 16.11), "Configuring Certificate Enrollment for a PKI": cut-and-paste, `crypto key generate rsa`
and `ec … label`; Cisco 223258, "Install web admin certificates on Catalyst 9000" (17.12.4), and public transcripts for what each command asks;
Cisco, Trustpoints on Catalyst 9800, "Recommendations and Limitations": 17.3 takes no further names into a request, so a refusal of that line is none.
Public transcripts restart HTTPS after `ip http secure-trustpoint`: what is shown before that may be the old certificate.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ..credentials import Binding, Certificate, Pair, Serving
from ..documents.indent import Document, parse
from ..documents.lines import split
from ..model import Change, Origin, Snapshot
from .ios_endpoints import shown
from .keeping import ANYTHING, Keeping, Talk, beyond
from .lists import edits_of

TRUSTPOINT, SERVER = "ip http secure-trustpoint", "ip http secure-server"
RESTART = (f"no {SERVER}", SERVER)
CHAIN = "crypto pki certificate chain"
NOTHING = Pair("no trustpoint", "")  # no line says one, and the device shows what it has signed itself
# Nothing that begins so was done; the rest of its lines with a % are news.
_FINE = r"(?si)\A(?!.*(?:% ?invalid|% ?incomplete|% ?ambiguous|% ?error|% ?failed|% ?please|cannot|not allowed|unable))"
_KINDS = {
    **{f"ECDSA-P{bits}": ("eckeypair", f"crypto key generate ec keysize {bits} label {{}}") for bits in (256, 384, 521)},
    **{f"RSA-{bits}": ("rsakeypair", f"crypto key generate rsa general-keys label {{}} modulus {bits}") for bits in (2048, 3072, 4096)},
}
_CONFIGURE, _END = Talk("configure terminal"), Talk("end")
_PASTE = r"on a line by itself\.?\s*\Z"
_NO = r"\[(?:yes/)?no\]: ?\Z"


def make(dummy: Snapshot, name: str, kind: str, names: tuple[str, ...]) -> tuple[Talk, ...]:
    """The label of the key is that of the trustpoint.  A further name that is an address has no line."""
    word, generate = _KINDS[kind]
    hosts = ",".join(one for one in names if not _address(one))
    alternative = (Talk(f"subject-alt-name {hosts}", done=ANYTHING),) if hosts else ()
    lines = ("enrollment terminal pem", f"subject-name CN={names[0]}", "fqdn none", "serial-number none", "ip-address none")
    return (
        _CONFIGURE,
        Talk(generate.format(name), ((rf"named '?{name}\b.*\[yes/no\]: ?\Z", "yes"), (_NO, "no")), _FINE),
        *(Talk(line) for line in (f"crypto pki trustpoint {name}", *lines, "revocation-check none", f"{word} {name}")),
        *alternative,
        Talk("hash sha256", done=ANYTHING),
        Talk("exit"),
        Talk(f"crypto pki enroll {name}", ((r"Display Certificate Request to terminal\? \[yes/no\]: ?\Z", "yes"), (_NO, "no")), _FINE),
        _END,
    )


def place(name: str, chain: tuple[str, ...]) -> tuple[Talk, ...]:
    """One trustpoint holds a certificate and its issuer; so far it can be shown whole."""
    leaf, issuer, *above = chain
    if len(above) > 1:
        raise beyond(len(above), "one trustpoint holds")
    accept = (r"Do you accept this certificate\? \[yes/no\]: ?\Z", "yes")
    return (
        _CONFIGURE,
        Talk(f"crypto pki authenticate {name}", ((_PASTE, _pasted(issuer)), accept, (_NO, "no")), r"(?i)certificate accepted"),
        Talk(f"crypto pki import {name} certificate", ((_PASTE, _pasted(leaf)), (_NO, "no")), r"(?i)certificate successfully imported"),
        _END,
    )


def drop(name: str) -> tuple[Talk, ...]:
    """Only what it asks by that very name, or of that trustpoint, gets a yes: a key of another label is nothing of ours."""
    ours = ((rf"named '?{name}\b.*\[yes/no\]: ?\Z", "yes"), (_NO, "no"))
    return (
        _CONFIGURE,
        Talk(f"no crypto pki trustpoint {name}", ((_NO, "yes"),), ANYTHING),
        *(Talk(f"crypto key zeroize {word} {name}", ours, ANYTHING) for word in ("ec", "rsa")),
        _END,
    )


def _pasted(pem: str) -> str:
    """A blank line would end it."""
    return "\n".join((*(line for line in pem.split("\n") if line.strip()), "quit"))


def _address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    document = _document(snapshot)
    servers, named = document.of(*SERVER.split()), [one for one in document.of(*TRUSTPOINT.split()) if one.words[3:]]
    if not servers:
        return ()
    pair = Pair(named[-1].words[3], named[-1].words[3]) if named else NOTHING
    points = document.of("crypto", "pki", "trustpoint", pair.certificate)
    fixed = "its trustpoint renews it by itself (auto-enroll)" if any(one.under("auto-enroll") for one in points) else ""
    binding = Binding(pair, Origin(document.path, (named or servers)[-1].line), fixed, "object")
    return (Serving("ios", ("ios https",), (), (binding,), "HTTPS of IOS-XE shows one"),)


def held(snapshot: Snapshot) -> Mapping[str, Certificate]:
    document = _document(snapshot)
    names = [one.words[4] for one in document.of(*CHAIN.split()) if one.words[4:]]
    return {name: one for name in names for one in shown(document, name)}


def heads(name: str) -> tuple[str, ...]:
    return (f"crypto pki trustpoint {name}", f"{CHAIN} {name}")


def rebind(snapshot: Snapshot, bindings: Mapping[Origin, Pair]) -> tuple[Change, ...]:
    (file,) = snapshot.files.values()
    ((origin, pair),) = bindings.items()
    edits = edits_of(split(file.text or ""), TRUSTPOINT, (f"{TRUSTPOINT} {pair.certificate}",), origin.line)
    return (Change(file.path, file.sha256, edits),)


def _document(snapshot: Snapshot) -> Document:
    (file,) = snapshot.files.values()
    return parse(file.text or "", file.path)


KEEPING = Keeping(
    kinds=tuple(_KINDS),
    servings=servings,
    held=held,
    make=make,
    place=place,
    drop=drop,
    heads=heads,
    rebind=rebind,
    asks=rf"(?:{_PASTE}|{_NO})",
)
