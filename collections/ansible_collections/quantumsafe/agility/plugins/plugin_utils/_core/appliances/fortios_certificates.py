"""How a FortiGate gets a new certificate for its HTTPS by its REST API: it makes the key, we sign, it imports, and then the name is bound.  Pure.

Sources: Fortinet's Administration Guide 7.0.1 and 7.4.1, "Uploading certificates using an API" (paths, words, scope; `sub_alt_name`); fortinet.fortios
2.4.2 for `system/certificate/download` and its type `local-csr`; hfortix-fortios 58431b4, of the API of 7.6.5, for `subject_alt_name`; Fortinet's
article 213434 for how names are spelled; terraform-provider-fortios issue 152 for what is imported (the PEM file in base64).  That an entry is
found by its key when a certificate of type `local` comes is what the guide says of a request in the GUI: no public code was found that does it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from ..certificates.request import alternative
from ..model import Problem
from .appliance import Request
from .fortios_endpoints import BEGIN, BOUND, END
from .reading import train

IMPORT, DOWNLOAD = "/api/v2/monitor/vpn-certificate", "/api/v2/monitor/system/certificate/download"
ENTRY = "/api/v2/cmdb/vpn.certificate/local"
PATH = f"system global {BOUND}"
LONGEST = 35  # characters of a name
EXISTS = "error -23"  # an authority that is held already
RENAMED = (7, 6)  # from here on `subject_alt_name`
KINDS: Mapping[str, Mapping[str, object]] = {
    **{f"ECDSA-P{bits}": {"keytype": "ec", "curvename": f"secp{bits}r1"} for bits in (256, 384, 521)},
    **{f"RSA-{bits}": {"keytype": "rsa", "keysize": bits} for bits in (2048, 4096)},
}
_PEM = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
_OLD = re.compile(r"-(?:ecdsa|rsa)-[a-z]?\d+-[0-9a-f]{6}$")


def named(old: str, kind: str, mark: str) -> str:
    """web → web-ecdsa-p256-3f9a1c, in what a name may be long."""
    end = f"-{kind.lower()}-{mark}"
    return re.sub(r"[^A-Za-z0-9_-]", "-", _OLD.sub("", old))[: LONGEST - len(end)] + end


def generate(name: str, kind: str, names: tuple[str, ...], release: str) -> Request:
    """A key and a request under that name.  Raises Problem for a kind that it does not make."""
    if kind not in KINDS:
        raise Problem(f"FortiOS makes no keys of kind {kind}", remedy=f"ask for {', '.join(KINDS)} in agility_keys")
    spelled = "subject_alt_name" if train(release) >= RENAMED else "sub_alt_name"
    said = {"certname": name, "subject": names[0], **KINDS[kind], spelled: ",".join(map(alternative, names)), "scope": "global"}
    return _post("csr/generate", said)


def request_of(name: str) -> Request:
    """Its answer is the request, PEM."""
    return Request("GET", f"{DOWNLOAD}?mkey={quote(name, safe='')}&type=local-csr&scope=global")


def imports(chain: str, whole: str) -> tuple[Request, ...]:
    """The leaf, and those above it that the configuration does not hold: it serves what it finds among its authorities."""
    leaf, *above = _PEM.findall(chain)
    held = {_body(one) for one in _PEM.findall(whole)}
    return (
        *(_post("ca/import", {"import_method": "file", "scope": "global", "file_content": _file(one)}) for one in above if _body(one) not in held),
        _post("local/import", {"type": "local", "scope": "global", "file_content": _file(leaf)}),
    )


def remove(name: str) -> Request:
    return Request("DELETE", f"{ENTRY}/{quote(name, safe='')}?scope=global")


def _post(what: str, said: Mapping[str, object]) -> Request:
    return Request("POST", f"{IMPORT}/{what}", json.dumps(said))


def _file(pem: str) -> str:
    return base64.b64encode(f"{pem}\n".encode()).decode()


def _body(pem: str) -> str:
    return "".join(pem.removeprefix(BEGIN).removesuffix(END).split())
