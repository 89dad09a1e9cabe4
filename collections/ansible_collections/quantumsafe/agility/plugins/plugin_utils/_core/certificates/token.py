"""Keys in a token (PKCS#11): the references that name them, and the one that names a new key.  Pure; no PIN is in any of them.

Sources: RFC 7512 (pin-value and pin-source belong to the query; older software writes them into the path, too); ngx_http_ssl_module
("engine:NAME:ID", "store:URI" since 1.29.0); provider-pkcs11(7).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ..model import Problem
from .keys import KINDS

SCHEME = "pkcs11:"
_BEFORE = re.compile(r"^(store:|engine:pkcs11:)(?=pkcs11:)")
_PIN = re.compile(r";?pin-(value|source)=[^;]*")
_LABEL, _FILE = re.compile(r"[\x20-\x7e]{1,32}"), re.compile(r"/[A-Za-z0-9_./@+-]+")
_SOURCE, _PRINTABLE = re.compile(r"[?&;]pin-source=(?:file:)?([^?&;]*)"), re.compile(r"[\x21-\x7e]{1,1000}")
_OURS = re.compile(rf"-(?:{'|'.join(kind.lower() for kind in KINDS)})-[0-9a-f]{{6}}$")


@dataclass(frozen=True, slots=True)
class Token:
    """Where new keys are made.  pin: a file on the host that holds the PIN; "" = the provider there knows it from its own configuration."""

    label: str
    pin: str = ""


def token(label: str, pin: str) -> Token:
    """Raises Problem for what no token is called, or a PIN that is none of a file's."""
    if not _LABEL.fullmatch(label):
        raise Problem("which token?", "agility_pkcs11_token", "name it by its label, at most 32 characters (PKCS#11, CK_TOKEN_INFO)")
    if pin and not _FILE.fullmatch(pin):  # not told: who takes this for the PIN itself has written a secret there
        raise Problem("it is no path of a file", "agility_pkcs11_pin_file", "name the file on the host that holds the PIN, never the PIN")
    return Token(label, pin)


def in_token(reference: str) -> bool:
    """Whether that is how a daemon is told of a key in a token, and no file."""
    return reference.startswith((SCHEME, f"store:{SCHEME}", f"engine:{SCHEME}"))


def named(reference: str) -> str:
    """What a reference says of the key and its token, and nothing of what opens it."""
    return _PIN.sub("", _BEFORE.sub("", reference).partition("?")[0]).rstrip(";")


def described(uri: str) -> str:
    """For people: the object and its token."""
    words = dict(one.partition("=")[::2] for one in uri.removeprefix(SCHEME).split(";"))
    said = [f"{word} {unquote(words[key])}" for key, word in (("object", "key"), ("id", "id"), ("token", "in token")) if words.get(key)]
    return " ".join(said) or uri


def signing_uri(text: str, where: str) -> tuple[str, str]:
    """(the URI of a key that signs here, the file with its PIN or "").  text: of the file `where`.  Raises Problem."""
    uri = text.strip()
    if not uri.startswith(SCHEME) or not _PRINTABLE.fullmatch(uri):
        example = "pkcs11:token=ops;object=ledger;type=private?pin-source=file:/etc/pin"
        raise Problem("it holds no URI of a key in a token", where, f"write one line, e.g. {example}")
    if "pin-value" in uri:  # not told again; and whoever lists the processes would see it
        raise Problem("it holds the PIN itself", where, "put that into a file for this account alone, and name it with pin-source=file:")
    found = _SOURCE.search(uri)
    return uri, unquote(found[1]) if found else ""


def new_uri(where: Token, certificate: str, kind: str, mark: str) -> str:
    """The key of a certificate that will lie at that path: named like it, so that whoever looks into the token knows what it is for."""
    stem = posixpath.splitext(posixpath.basename(certificate))[0]
    label = f"{_OURS.sub('', stem.replace('.', '-'))}-{kind.lower()}-{mark}"
    source = f"?pin-source=file:{where.pin}" if where.pin else ""
    return f"{SCHEME}token={quote(where.label, safe='')};object={quote(label, safe='')};type=private{source}"
