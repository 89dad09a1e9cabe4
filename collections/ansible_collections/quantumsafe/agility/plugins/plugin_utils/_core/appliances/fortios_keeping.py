"""How a FortiGate gets a new certificate for its HTTPS by its REST API: it makes the key, we sign, it imports, and then the name is bound.  Pure.

Sources: Fortinet's Administration Guide 7.0.1 and 7.4.1, "Uploading certificates using an API", for paths, words, scope and `sub_alt_name`;
fortinet.fortios 2.4.2 for `system/certificate/download` with its type `local-csr`, and that a certificate of type `local` takes no name;
hfortix-fortios 58431b4, of the API of 7.6.5, for `subject_alt_name`; Fortinet's article 213434 for how names are spelled; terraform-provider-fortios
issue 152 for what is imported (a PEM file in base64).  No public code was found that imports a certificate of type `local`: that it goes to the
request of its key is what the guides say of the same import by hand.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

from ..certificates.request import alternative
from ..credentials import Binding, Certificate, Pair, Serving
from ..documents.lines import split
from ..model import Change, Origin, Snapshot
from .appliance import Request
from .fortios_endpoints import BOUND, CERTIFICATES, read, shown
from .fortios_write import MANAGED, unfit
from .keeping import Keeping, between
from .kept import Node, tree
from .lists import edits_of
from .reading import train

IMPORT, DOWNLOAD = "/api/v2/monitor/vpn-certificate", "/api/v2/monitor/system/certificate/download"
ENTRY = "/api/v2/cmdb/vpn.certificate/local"
PATH = f"system global {BOUND}"
ALONE = "HTTPS of a FortiGate serves one certificate"
RENAMED = (7, 6)  # from here on the names of a request are `subject_alt_name`
MAKES: Mapping[str, Mapping[str, object]] = {
    **{f"ECDSA-P{bits}": {"keytype": "ec", "curvename": f"secp{bits}r1"} for bits in (256, 384, 521)},
    **{f"RSA-{bits}": {"keytype": "rsa", "keysize": bits} for bits in (2048, 4096)},
}


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    """The name that its HTTPS is bound to."""
    if MANAGED not in {one.id for one in read(snapshot)}:
        return ()
    return tuple(_serving(snapshot, file.path, tree(file.text or "")) for file in snapshot.files.values())


def held(snapshot: Snapshot) -> Mapping[str, Certificate]:
    """Those of global scope whose text it shows: of what came with the device it does not."""
    tops = [(file.path, tree(file.text or "")) for file in snapshot.files.values()]
    found = {name: shown(path, top, name) for path, top in tops for table in CERTIFICATES for name, dummy in top.each(*table)}
    return {name: one[0] for name, one in found.items() if one}


def make(snapshot: Snapshot, name: str, kind: str, names: tuple[str, ...]) -> tuple[Request, ...]:
    """A key and a request under that name, and then the request, PEM."""
    spelled = "subject_alt_name" if train(snapshot.facts["release"]) >= RENAMED else "sub_alt_name"
    asked = {"certname": name, "subject": names[0], **MAKES[kind], spelled: ",".join(map(alternative, names)), "scope": "global"}
    return _post("csr/generate", asked), Request("GET", f"{DOWNLOAD}?mkey={quote(name, safe='')}&type=local-csr&scope=global")


def place(dummy: str, chain: tuple[str, ...]) -> tuple[Request, ...]:
    """The certificate, which it finds the key for by itself, and those above it, which it serves from among its authorities; no root."""
    authorities = (_post("ca/import", {"import_method": "file", "scope": "global", "file_content": _file(one)}) for one in between(chain))
    return *authorities, _post("local/import", {"type": "local", "scope": "global", "file_content": _file(chain[0])})


def heads(name: str) -> tuple[str, ...]:
    return tuple(" ".join((*table, name)) for table in CERTIFICATES)


def drop(name: str) -> tuple[Request, ...]:
    return (Request("DELETE", f"{ENTRY}/{quote(name, safe='')}?scope=global"),)


def rebind(snapshot: Snapshot, pairs: Mapping[Origin, Pair]) -> tuple[Change, ...]:
    """One line, in the place of the one that names the old."""
    (file,) = snapshot.files.values()
    return tuple(Change(file.path, file.sha256, edits_of(split(file.text or ""), PATH, (f"{PATH} {one.certificate}",))) for one in pairs.values())


def _serving(snapshot: Snapshot, path: str, top: Node) -> Serving:
    (node, name) = next(((node, name) for name, node in top.each(*PATH.split())), (Node(1), ""))
    blank = f"{BOUND} is {name!r}, and what is no single word is not replaced: bind another one by hand" if len(name.split()) != 1 else ""
    known = name in held(snapshot)  # of what came with the device nobody can tell whether it is served
    binding = Binding(Pair(name, name if known else ""), Origin(path, node.line), blank or unfit(snapshot), "object")
    return Serving("fortios", (MANAGED,), (), (binding,), ALONE)


def _post(what: str, asked: Mapping[str, object]) -> Request:
    return Request("POST", f"{IMPORT}/{what}", json.dumps(asked))


def _file(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


KEEPING = Keeping(
    kinds=tuple(MAKES),
    servings=servings,
    held=held,
    make=make,
    place=place,
    drop=drop,
    heads=heads,
    rebind=rebind,
)
