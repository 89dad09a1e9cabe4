"""Certificates of Arista EOS: files that stand beside the configuration, and the line of an ssl profile that names two of them.

Sources: carl-baillargeon/eos_agni_radsec and the workshop of arista-channel/acws for `security pki key generate rsa 2048`, for what `security pki
certificate generate signing-request` asks (as in a STIG, V-255965; newer ones ask for URIs, too), and for `copy terminal:` with its control-d and
`copy flash:… certificate:`; notes of sulrich on mTLS for `rsa 4096`, and that EOS took RSA alone then; scripts of CloudVision for `copy terminal:
file:/tmp/…`, `copy file:/tmp/… certificate:NAME` and a name without an ending; aristaiberia/automation101 (4.24) for `dir sslkey:`; cnaas-nms for
`delete certificate:` and `delete sslkey:`; openconfig/featureprofiles for where the files are, and `bash cat` of them; Arista AVD for
`chain certificate` and `certificate auto-certificate`.  A report in otpjeff/avdsnapshot says that eAPI refuses a certificate without extended usages.

`show management security ssl certificate` tells names and dates (as anta reads it), but neither a text nor a digest, so the files are read, as
arista.eos itself reads one (`bash timeout 5 cat …`): of each the blocks of certificates alone, for somebody may keep a key among them.

Not found: that a key is made of 3072 bits, or for ECDSA; `copy terminal: certificate:`, so it goes by a file in /tmp; whether one file is served with
several certificates, so each authority is a file of its own; what a second key of the same name comes to, so an old one is deleted first.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from ..certificates.read import leaf
from ..credentials import Binding, Certificate, Pair, Serving
from ..documents.lines import split
from ..model import Change, Origin, Problem, Snapshot
from . import eos_tls
from .eos_tls import CERTIFICATE, CHAIN, PLACE
from .keeping import ANYTHING, END, Keeping, Talk, between
from .kept import Node, tree
from .lists import edits_of, placed, within

FILES = "/persist/secure/ssl/certs/"
TEXTS = f"bash timeout 10 awk '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/ {{print FILENAME, $0}}' {FILES}*"
KEYS = "dir sslkey:"
HELD, KEY = "certificate:", "sslkey:"  # statements of what stands beside a configuration
ROOT = "chain certificate requirement include root-ca"
ALONE = "eAPI serves one certificate"
MOST = 3  # authorities of a chain
NOTHING = Pair("no certificate", "")  # no line of its profile names one
NO_PROFILE = (
    "it names no ssl profile, and EOS signs its certificate itself: write `management security`, `ssl profile EAPI`, then "
    "`management api http-commands`, `protocol https ssl profile EAPI`"
)
_KINDS = {f"RSA-{bits}": f"security pki key generate rsa {bits} {{}}" for bits in (2048, 4096)}
_ASKS = r"for use in subject(?:-alternative-name)?: ?\Z"
_PASTE = r"enter one or more control-d\s*\Z"
_COPIED = r"Copy completed successfully"
_NAME = re.compile(r"[\w.-]+")
_BODY = re.compile(r"-----BEGIN CERTIFICATE-----([\w+/=]+)-----END CERTIFICATE-----")


def make(dummy: Snapshot, name: str, kind: str, names: tuple[str, ...]) -> tuple[Talk, ...]:
    """Asked one by one, for only so a request is known to take several names."""
    hosts = [one for one in names if not _address(one)]
    answers = {
        r"Common Name": next((one for one in names if len(one) <= 64), names[0][:64]),
        r"\nIP addresses": " ".join(one for one in names if one not in hosts),
        r"\nDNS names": " ".join(hosts),
        r"[A-Z]": "",  # where it is and whose, which the issuer does not take over
    }
    replies = tuple((rf"{asked}[^\n]*{_ASKS}", said) for asked, said in answers.items())
    request = Talk(f"security pki certificate generate signing-request key {name}", replies, r"-----END CERTIFICATE REQUEST-----")
    return Talk(_KINDS[kind].format(name)), request


def _address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def place(name: str, chain: tuple[str, ...]) -> tuple[Talk, ...]:
    """Who stands between the certificate and the root, each a file, and it behind them: once it is there, all of them are.

    Raises Problem for more of them than have names here.
    """
    above = between(chain)
    if len(above) > MOST:
        remedy = "sign with an issuer that is nearer to the anchor; nothing was changed"
        raise Problem(f"the chain has {len(above)} authorities between certificate and anchor, and at most {MOST} are brought to EOS", remedy=remedy)
    files = tuple(zip(_files(name), (chain[0], *above), strict=False))
    return tuple(step for file, pem in reversed(files) for step in _copied(file, pem))


def _copied(file: str, pem: str) -> Iterator[Talk]:
    """A blank line would be one of the file."""
    lines = "".join(f"{line}\n" for line in pem.split("\n") if line.strip())
    yield Talk(f"copy terminal: file:/tmp/{file}", ((_PASTE, f"{lines}{END}"),), _COPIED)
    yield Talk(f"copy file:/tmp/{file} certificate:{file}", done=_COPIED)
    yield Talk(f"delete file:/tmp/{file}", done=ANYTHING)


def _files(name: str) -> tuple[str, ...]:
    return (name, *(f"{name}-{number}" for number in range(1, MOST + 1)))


def drop(name: str) -> tuple[Talk, ...]:
    """Its key last: where that is gone, nothing is left."""
    return (*(Talk(f"delete certificate:{file}", done=ANYTHING) for file in _files(name)), Talk(f"delete sslkey:{name}", done=ANYTHING))


def heads(name: str) -> tuple[str, ...]:
    return (f"{KEY} {name}", *(f"{HELD} {file}" for file in _files(name)))


def told(heard: str) -> tuple[str, ...]:
    """Of each file the body of its first certificate, and the names of keys."""
    texts: dict[str, str] = {}
    for name, line in re.findall(rf"^{FILES}({_NAME.pattern}) (.*?)[ \t\r]*$", heard, re.MULTILINE):
        texts[name] = f"{texts.get(name, '')}{line}"
    bodies = {name: found[1] for name, text in texts.items() if (found := _BODY.match(text))}
    keys = re.findall(rf"^ +-[rwx-]+ .* ({_NAME.pattern})[ \t\r]*$", heard, re.MULTILINE)
    return (*(f"{HELD} {name} {body}" for name, body in bodies.items()), *(f"{KEY} {name}" for name in keys))


def held(snapshot: Snapshot) -> Mapping[str, Certificate]:
    (file,) = snapshot.files.values()
    said = (one.split() for dummy, one in placed(split(file.text or "")) if within(one, HELD))
    texts = {name: f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n" for dummy, name, body in said}
    return {name: one for name, text in texts.items() if (one := leaf(text, name))}


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    (file,) = snapshot.files.values()
    top = tree(file.text or "")
    api = eos_tls.served(top)
    if not api:
        return ()
    name = next(iter(eos_tls.named(top)), "")
    profile = top.at(*PLACE.split(), name)
    pair = _pair(profile or Node())
    where = (profile.at(CERTIFICATE) or profile).line if profile else api.line
    binding = Binding(pair, Origin(file.path, where), _fixed(top, name, profile, pair), "object")
    return (Serving("eos", (eos_tls.HTTPS,), (), (binding,), ALONE),)


def _pair(profile: Node) -> Pair:
    """By their files."""
    for certificate, below in profile.each(CERTIFICATE):
        return Pair(certificate, next((key for key, dummy in below.each("key")), ""))
    return NOTHING


def _fixed(top: Node, name: str, profile: Node | None, pair: Pair) -> str:
    """Why its certificate is not replaced here, "" = it is."""
    if not name:
        return NO_PROFILE
    if not profile:
        return f"no ssl profile is called {name}"
    if pair.certificate == "auto-certificate":
        return "EOS renews it by itself (auto-certificate)"
    if profile.at(*ROOT.split()):
        return f"its profile says `{ROOT}`, and no root is brought to a device"
    if not all(_NAME.fullmatch(one) for one in (pair.certificate, pair.key) if pair != NOTHING):
        return "its files have names that cannot be written here"
    return eos_tls.unwritten(top).get(eos_tls.HTTPS, "")


def rebind(snapshot: Snapshot, bindings: Mapping[Origin, Pair]) -> tuple[Change, ...]:
    """In its profile, with the authorities that were brought along in the place of those of before."""
    (file,) = snapshot.files.values()
    ((origin, pair),) = bindings.items()
    text = split(file.text or "")
    head = f"{PLACE} {eos_tls.named(tree(file.text or ''))[0]}"
    path, chain = f"{head} {CERTIFICATE}", f"{head} {CHAIN}"
    before = [one for dummy, one in placed(text) if within(one, chain)]
    there = held(snapshot)
    above = [f"{chain} {name}" for name in _files(pair.certificate)[1:] if name in there]
    line = f"{path} {pair.certificate} key {pair.key}"
    if not before:
        edits = edits_of(text, path, (line, *above), origin.line)
    else:
        stays = [one for one in before if within(one, f"{chain} requirement")]
        edits = (*edits_of(text, path, (line,), origin.line), *edits_of(text, chain, (*stays, *above)))
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


KEEPING = Keeping(
    kinds=tuple(_KINDS),
    servings=servings,
    held=held,
    make=make,
    place=place,
    drop=drop,
    heads=heads,
    rebind=rebind,
    asks=rf"(?:{_ASKS}|{_PASTE})",
    shows=TEXTS,
    waits=KEYS,
    told=told,
)
