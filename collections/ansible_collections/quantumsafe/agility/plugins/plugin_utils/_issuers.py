# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: who signs.  An issuer takes what is asked for and gives PEM for each or says that it waits; the rest is the same
for all of them and is not theirs: every answer is judged before anything is placed (certificates/issued.py).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from ._core.certificates import acme as acme_rules
from ._core.certificates import est, pki_http
from ._core.certificates.authority import Authority, load, sign
from ._core.certificates.issued import MAX_BYTES, Answer, Asked, Pending, certificates, checked, request_key
from ._core.certificates.rotate import Order
from ._core.model import Problem
from ._core.report.output import file_name, write_whole
from ._run import Run
from ._web import Web, vault_headers

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509

SPEC = {
    "authority": {"type": "path"},
    "authority_password": {"type": "str", "no_log": True},
    "issuer": {"type": "str", "choices": ["local", "handover", "http", "est", "acme"], "default": "local"},
    "issuer_anchor": {"type": "path"},
    "issuer_folder": {"type": "path"},
    "issuer_url": {"type": "str"},
    "issuer_ca": {"type": "path"},
    "issuer_token": {"type": "str", "no_log": True},
    "issuer_user": {"type": "str"},
    "issuer_password": {"type": "str", "no_log": True},
    "issuer_certificate": {"type": "path"},
    "issuer_key": {"type": "path", "no_log": False},
    "acme_account": {"type": "path"},
    "acme_email": {"type": "str"},
    "acme_terms_agreed": {"type": "bool", "default": False},
    "acme_webroot": {"type": "str"},
    "acme_dns_command": {"type": "list", "elements": "str", "default": []},
    "acme_eab_id": {"type": "str"},
    "acme_eab_key": {"type": "str", "no_log": True},
}
PATIENCE = 30  # seconds that a run itself waits for an issuer that wants to be asked again


class Issuer(Protocol):
    """where: for a person.  anchors: what the chains that it gives must end at.  folder: where what waits for it is remembered."""

    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]: ...


def issuer_of(run: Run) -> Issuer:
    """Raises Problem before a key is made anywhere."""
    return ISSUERS[str(run.args["issuer"])](run)


def fits(run: Run, orders: Sequence[Order]) -> None:
    """Raises Problem for a certificate that this issuer never signs, before a key is made anywhere."""
    if run.args["issuer"] == "acme":
        for order in orders:
            acme_rules.fit(order.kind, order.names, _ways(run), run.host)


def answered(issuer: Issuer, asked: Sequence[Asked]) -> tuple[list[str], list[str]]:
    """(the chain for each, why some are not there yet).  Raises Problem for an answer that must not be placed."""
    answers = issuer.ask(asked)
    now = datetime.now(UTC)
    chains = [checked(text, one, issuer.anchors, now, issuer.where) for text, one in zip(answers, asked, strict=True) if isinstance(text, str)]
    return chains, [answer.why for answer in answers if isinstance(answer, Pending)]


@dataclass(frozen=True, slots=True)
class Local:
    """authorities: those of the folder; where there are several each signs for its own family of keys."""

    authorities: tuple[Authority, ...]
    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        now = datetime.now(UTC)
        return [sign(self._for(one.kind), one.request, one.kind, one.names, one.days, now, serial()) for one in asked]

    def _for(self, kind: str) -> Authority:
        return next((one for one in self.authorities if one.modern == kind.startswith("ML-DSA")), self.authorities[0])


def local(run: Run) -> Issuer:
    """The folder agility_authority: ca.crt (the issuing certificate first) and ca.key, or a folder of such folders."""
    folder = Path(str(run.args.get("authority") or ""))
    homes = [folder] if (folder / "ca.crt").exists() else sorted(path.parent for path in folder.glob("*/ca.crt"))
    found = tuple(_authority(home, str(run.args.get("authority_password") or "")) for home in homes or [folder])
    for one in found:
        _lasting(one, int(run.args["days"]))
    return Local(found, str(folder), tuple(one.top or one.certificate for one in found), run.output.parent / "waiting")


def _authority(folder: Path, password: str) -> Authority:
    try:
        public, key = ((folder / name).read_text(encoding="utf-8") for name in ("ca.crt", "ca.key"))
    except OSError as error:
        raise Problem(
            f"the certificate authority cannot be read: {error.strerror}", str(error.filename), "set agility_authority to its folder"
        ) from error
    return load(public, key, password.encode() or None, str(folder))


def _lasting(ca: Authority, days: int) -> None:
    """Raises Problem for certificates that would outlive their authority."""
    if datetime.now(UTC) + timedelta(days=days) > ca.certificate.not_valid_after_utc:
        until = ca.certificate.not_valid_after_utc.date().isoformat()
        raise Problem(f"a certificate of {days} days would outlive {ca.name}, which ends on {until}", "", "renew it, or ask for fewer days")


def serial() -> int:
    """Positive, 20 bytes at most, not to be guessed (RFC 5280 §4.1.2.2)."""
    return secrets.randbits(159) | 1 << 158


@dataclass(frozen=True, slots=True)
class Handover:
    """Requests go into a folder, and somebody brings the certificates: HOST.KIND.DIGEST.csr → the same name with .crt."""

    host: str
    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [self._one(one) for one in asked]

    def _one(self, asked: Asked) -> Answer:
        digest = hashlib.sha256(request_key(asked.request)).hexdigest()[:12]
        path = self.folder / f"{file_name(self.host).removesuffix('.json')}.{asked.kind.lower()}.{digest}.csr"
        answer = path.with_suffix(".crt")
        if answer.is_file():
            with answer.open("rb") as file:
                return file.read(MAX_BYTES + 1).decode("ascii", "replace")
        write_whole(path, asked.request)
        return Pending(f"{answer} is not there yet: have {path.name} signed")


def handover(run: Run) -> Issuer:
    folder = Path(_said(run, "issuer_folder", "the folder on the controller where requests go and certificates come"))
    return Handover(run.host, str(folder), _anchors(run), folder)


@dataclass(frozen=True, slots=True)
class Http:
    """Vault's PKI API."""

    web: Web
    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        return [self._one(one) for one in asked]

    def _one(self, asked: Asked) -> Answer:
        said = self.web.send("POST", "", pki_http.body(asked), {"Content-Type": "application/json"})
        if said.status != 200:
            raise self.web.refused(said, pki_http.MEANS, pki_http.complaint(said.body))
        return pki_http.chain(said.body, self.where)


def http(run: Run) -> Issuer:
    token = _said(run, "issuer_token", "the token that may sign")
    web = _web(run, vault_headers(token, "agility_issuer_token"), (token,))
    return Http(web, web.url, _anchors(run), run.output.parent / "waiting")


@dataclass(frozen=True, slots=True)
class Est:
    """above: the issuer's own certificates, PEM; it sends the leaf alone."""

    web: Web
    above: str
    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        return [self._one(one) for one in asked]

    def _one(self, asked: Asked) -> Answer:
        until = time.monotonic() + PATIENCE
        while True:
            said = self.web.send("POST", est.ENROLL, est.body(asked.request), est.HEADERS)
            if said.status == 200:
                return est.chain(said.body, self.where) + self.above
            if said.status != 202:
                raise self.web.refused(said, est.MEANS, said.body[:300].decode("utf-8", "replace"))
            pause = est.wait(said.retry_after)
            if time.monotonic() + pause > until:
                return Pending(f"{self.where} wants to be asked again in {pause} s")
            time.sleep(max(pause, 1))


def est_(run: Run) -> Issuer:
    """What it says of itself is fetched first: a server that is not there costs no key."""
    user, password = str(run.args.get("issuer_user") or ""), str(run.args.get("issuer_password") or "")
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    web = _web(run, {"Authorization": f"Basic {basic}"} if user else {}, (password, basic) if password else ())
    said = web.send("GET", est.AUTHORITIES)
    if said.status != 200:
        raise web.refused(said, est.MEANS)
    return Est(web, est.chain(said.body, web.url), web.url, _anchors(run), run.output.parent / "waiting")


def acme(run: Run) -> Issuer:
    """With agility_authority beside it for ML-DSA, where that is set."""
    from ._acme import Beside  # its library takes 200 ms, and only this issuer needs it
    from ._acme import acme as made

    mine = made(run, _said(run, "issuer_url", "that of its directory, which begins with https://"), _ways(run), _anchors(run))
    if not run.args.get("authority"):
        return mine
    other = local(run)
    return Beside(mine, other, f"{mine.where} and {other.where}", (*mine.anchors, *other.anchors), mine.folder)


def _ways(run: Run) -> acme_rules.Ways:
    args = run.args
    return acme_rules.Ways(str(args.get("acme_webroot") or ""), tuple(args.get("acme_dns_command") or ()), bool(args.get("authority")))


ISSUERS: Mapping[str, Callable[[Run], Issuer]] = {"local": local, "handover": handover, "http": http, "est": est_, "acme": acme}


def _said(run: Run, option: str, what: str) -> str:
    if not (text := str(run.args.get(option) or "")):
        raise Problem(f"the issuer {run.args['issuer']} needs agility_{option}", "", f"set it to {what}")
    return text


def _web(run: Run, headers: Mapping[str, str], hidden: tuple[str, ...]) -> Web:
    url = _said(run, "issuer_url", "its address, which begins with https://").rstrip("/")
    own = (str(run.args.get("issuer_certificate") or ""), str(run.args.get("issuer_key") or ""))
    return Web(url, str(run.args.get("issuer_ca") or ""), own, headers, hidden)


def _anchors(run: Run) -> tuple[x509.Certificate, ...]:
    path = _said(run, "issuer_anchor", "the PEM file of the certificate that its chains must end at")
    try:
        return tuple(certificates(Path(path).read_text(encoding="utf-8"), path))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"the anchor cannot be read: {error}", path, "set agility_issuer_anchor to its PEM file") from error
