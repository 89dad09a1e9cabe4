"""Certificates of VyOS: keys that it makes into its configuration, and the one that HTTPS serves.

Sources: vyos-1x at 0272bc92 (src/op_mode/pki.py: what `generate pki certificate-request install` asks; a key goes into the candidate, and is
printed where no session of configuration is open), at 039bbc04 (src/conf_mode/pki.py: a key alone is taken, and what is in use is not deleted) and at
05f293b7 (src/conf_mode/service_https.py: one certificate, behind which `ca-certificate` adds one authority; nginx starts anew).  A certificate is the
body of its PEM, in one line.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ..certificates.read import leaf
from ..certificates.request import alternative
from ..credentials import Binding, Certificate, Pair, Serving
from ..documents.lines import split
from ..model import Change, Edit, Origin, Snapshot
from .keeping import ANYTHING, Keeping, Talk, between, beyond
from .kept import Node, tree
from .lists import edits_of

HTTPS = "service https"
BOUND, ABOVE = f"{HTTPS} certificates certificate", f"{HTTPS} certificates ca-certificate"
NOTHING = Pair("no certificate", "")  # no line names one, and it serves what it has signed itself
ALONE = "HTTPS of VyOS serves one certificate"
_KINDS = {**{f"ECDSA-P{bits}": ("ec", str(bits)) for bits in (256, 384, 521)}, **{f"RSA-{bits}": ("rsa", str(bits)) for bits in (2048, 4096)}}
_ASKS = r"(?:\(Default: [^\n)]*\)|\[y/N\]|Alternative Names:|passphrase:) ?\Z"
_CONFIGURE, _COMMIT, _EXIT = Talk("configure"), Talk("commit"), Talk("exit")
_INSTALLED = r"(?s)-----END CERTIFICATE REQUEST-----\s+1 value\(s\) installed"


def make(dummy: Snapshot, name: str, kind: str, names: tuple[str, ...]) -> tuple[Talk, ...]:
    """Without a session of configuration it would print the key, so one is open first."""
    word, size = _KINDS[kind]
    answers = {
        r"private key type:": word,
        r"private key bits:": size,
        r"common name:": next((one for one in names if len(one) <= 64), names[0][:64]),
        r"configure Subject Alternative Names\?": "y",
        r"Enter Subject Alternative Names:": ",".join(map(_alternative, names)),
        r"with a passphrase\?": "n",
        r"Enter [a-z ]+: \(Default:": "",  # where it is, which the issuer does not take over
    }
    replies = tuple((rf"{asked}[^\n]*\Z", said) for asked, said in answers.items())
    return _CONFIGURE, Talk(f"run generate pki certificate-request install {name}", replies, _INSTALLED, quiet=True), _COMMIT, _EXIT


def _alternative(name: str) -> str:
    kind, dummy, value = alternative(name).partition(":")
    return f"dns:{value}" if kind == "DNS" else f"ipv{ipaddress.ip_address(value).version}:{value}"


def place(name: str, chain: tuple[str, ...]) -> tuple[Talk, ...]:
    """The certificate, and who issued it; no root.  Raises Problem for more between them than it could serve."""
    above = between(chain)
    if len(above) > 1:
        raise beyond(len(above), "HTTPS of VyOS serves")
    authority = (Talk(f"set pki ca {name} certificate '{_body(one)}'") for one in above)
    return _CONFIGURE, Talk(f"set pki certificate {name} certificate '{_body(chain[0])}'"), *authority, _COMMIT, _EXIT


def drop(name: str) -> tuple[Talk, ...]:
    return (_CONFIGURE, *(Talk(f"delete {one}", done=ANYTHING) for one in heads(name)), Talk("commit", done=ANYTHING), Talk("exit discard"))


def heads(name: str) -> tuple[str, ...]:
    return f"pki certificate {name}", f"pki ca {name}"


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    (file,) = snapshot.files.values()
    top = tree(file.text or "")
    web = top.at(*HTTPS.split())
    if not web:
        return ()
    name, node = next(top.each(*BOUND.split()), ("", web))
    binding = Binding(Pair(name, name) if name else NOTHING, Origin(file.path, node.line), form="object")
    return (Serving("vyos", ("vyos https",), (), (binding,), ALONE),)


def held(snapshot: Snapshot) -> Mapping[str, Certificate]:
    (file,) = snapshot.files.values()
    top = tree(file.text or "")
    return {name: found for name, dummy in top.each("pki", "certificate") for found in shown(file.path, top, name)}


def shown(path: str, top: Node, name: str) -> tuple[Certificate, ...]:
    """The certificate of that name."""
    node = top.at("pki", "certificate", name, "certificate")
    said = node.words() if node else ()
    if not node or not said:
        return ()
    found = leaf(f"-----BEGIN CERTIFICATE-----\n{said[0]}\n-----END CERTIFICATE-----\n", str(Origin(path, node.line)))
    return (found,) if found else ()


def rebind(snapshot: Snapshot, bindings: Mapping[Origin, Pair]) -> tuple[Change, ...]:
    """With who issued it, where that was placed along; a line that adds another one goes."""
    (file,) = snapshot.files.values()
    ((origin, pair),) = bindings.items()
    text, name = split(file.text or ""), pair.certificate
    along = (f"{ABOVE} {name}",) if tree(file.text or "").at("pki", "ca", name) else ()
    edits: list[Edit] = [*edits_of(text, BOUND, (f"{BOUND} {name}",), origin.line)]
    if along or any(f"{ABOVE} " in line for line in text):
        edits += edits_of(text, ABOVE, along)
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


def _body(pem: str) -> str:
    return "".join(pem.split("-----")[2].split())


KEEPING = Keeping(
    kinds=tuple(_KINDS),
    servings=servings,
    held=held,
    make=make,
    place=place,
    drop=drop,
    heads=heads,
    rebind=rebind,
    asks=_ASKS,
)
