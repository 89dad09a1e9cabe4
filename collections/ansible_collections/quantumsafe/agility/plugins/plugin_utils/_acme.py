# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: an ACME authority (RFC 8555) as an issuer: order, prove the names, fetch the chain."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ._acme_link import Link, account_file, account_key, connected, library, sign_in, spoken
from ._core.certificates.acme import HTTP, SAME, Ways, record, refused, token
from ._core.certificates.anchors import ends_at
from ._core.certificates.issued import Answer, Asked, Pending, request_key
from ._core.model import Problem
from ._core.report.output import file_name, write_whole
from ._core.targets.webroot import compose_drop_tokens, compose_put_tokens, parse_tokens
from ._run import Run

# Both are optional, see _acme_link.py.
with suppress(ImportError):
    from acme import errors, messages
    from acme.client import ClientV2
    from cryptography import x509

PATIENCE = 90  # seconds that a run waits for an authority to look at the answers, and again for the certificate
PASSING = ("badNonce", "rateLimited", "serverInternal")  # after these an order is as good as before
COMMAND_TIME = 120  # seconds for the command that sets a record

# RFC 8555 §7.1.6 has a status that the library does not know; it learns those that are made.
with suppress(NameError):
    messages.Status("expired")


@dataclass(frozen=True, slots=True)
class Proof:
    """One name of an order that is to be proved.  text: what a file or a record shall say."""

    name: str
    way: str
    place: str
    text: str
    authorization: Any
    challenge: Any


@dataclass(frozen=True, slots=True)
class Acme:
    run: Run
    client: ClientV2
    ways: Ways
    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        with spoken(self.client.net, self.where):
            sign_in(self.client, self.run.args)
            orders = [self._order(one) for one in asked]
            self._prove([one for order in orders for one in order.authorizations])
            answers = [self._answer(one, order) for one, order in zip(asked, orders, strict=True)]
        waits = any(isinstance(answer, Pending) for answer in answers)
        for one, order in zip(asked, orders, strict=True):
            self._remember(one, order.uri if waits else "")
        return answers

    def _note(self, asked: Asked) -> Path:
        """Where the address of an order is kept while the authority is still at work on it, or on one that goes with it."""
        digest = hashlib.sha256(request_key(asked.request)).hexdigest()[:12]
        return self.folder / f"{file_name(self.run.host).removesuffix('.json')}.{digest}.order"

    def _order(self, asked: Asked) -> messages.OrderResource:
        note = self._note(asked)
        if not note.is_file():
            return self.client.new_order(asked.request.encode())
        uri = note.read_text(encoding="utf-8").strip()
        return messages.OrderResource(uri=uri, body=messages.Order(), authorizations=[], csr_pem=asked.request.encode())

    def _answer(self, asked: Asked, order: messages.OrderResource) -> Answer:
        note, until = self._note(asked), datetime.now() + timedelta(seconds=PATIENCE)
        fetch = self.client.poll_finalization if note.is_file() else self.client.finalize_order
        try:
            done = fetch(order, until, fetch_alternative_chains=True)
        except errors.TimeoutError:
            return Pending(f"{self.where} is still at work on the certificate for {', '.join(asked.names)}")
        except errors.Error as error:
            if not isinstance(error, errors.ClientError) and getattr(error, "code", "") not in PASSING:
                self._remember(asked, "")
            raise
        chains = [done.fullchain_pem, *done.alternative_fullchains_pem]
        return next((chain for chain in chains if any(ends_at(chain, anchor) for anchor in self.anchors)), chains[0])

    def _remember(self, asked: Asked, uri: str) -> None:
        if uri:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._note(asked), f"{uri}\n")
        else:
            self._note(asked).unlink(missing_ok=True)

    # -- proofs

    def _prove(self, authorizations: Sequence[messages.AuthorizationResource]) -> None:
        """Raises Problem when a name was not proved, or when something of the proof stayed behind."""
        for one in authorizations:
            if one.body.status not in (messages.STATUS_VALID, messages.STATUS_PENDING):
                raise self._unproved(one)
        proofs = list({one.uri: self._proof(one) for one in authorizations if one.body.status == messages.STATUS_PENDING}.values())
        if not proofs:  # it remembers them from last time
            return
        with self._shown(proofs), spoken(self.client.net, self.where):
            for proof in proofs:
                self.client.answer_challenge(proof.challenge, proof.challenge.response(self.client.net.key))
            self._wait(proofs)

    def _proof(self, one: messages.AuthorizationResource) -> Proof:
        name = _name(one)
        way = self.ways.of(name)
        challenge = next((found for found in one.body.challenges if found.chall.typ == way), None)
        if challenge is None:
            offered = ", ".join(sorted(found.chall.typ for found in one.body.challenges)) or "nothing"
            raise Problem(f"it does not prove {name} by {way}, but by {offered}", self.where, f"set the other way; {SAME}")
        place = token(challenge.chall.encode("token")) if way == HTTP else record(name)
        key = self.client.net.key
        text = challenge.key_authorization(key) if way == HTTP else challenge.validation(key)
        return Proof(name, way, place, text, one, challenge)

    def _wait(self, proofs: Sequence[Proof]) -> None:
        left, until = list(proofs), time.monotonic() + PATIENCE
        while left:
            if time.monotonic() > until:
                names = ", ".join(proof.name for proof in left)
                raise Problem(f"it did not look at the answers for {names} within {PATIENCE} s", self.where, f"run it again later; {SAME}")
            time.sleep(0.5)
            for proof in tuple(left):
                now, dummy = self.client.poll(proof.authorization)
                if now.body.status == messages.STATUS_VALID:
                    left.remove(proof)
                elif now.body.status != messages.STATUS_PENDING:
                    raise self._unproved(now)

    def _unproved(self, one: messages.AuthorizationResource) -> Problem:
        name = _name(one)
        said = next((found.error for found in one.body.challenges if found.error), None)
        if said:
            return refused(said.to_json(), self.where, of=name)
        return Problem(f"the proof of {name} is {one.body.status.name}", self.where, f"run it again, and it is asked for anew; {SAME}")

    @contextmanager
    def _shown(self, proofs: Sequence[Proof]) -> Iterator[None]:
        """The answers are where the authority looks, and are taken away again whatever happens."""
        files = {proof.place: proof.text for proof in proofs if proof.way == HTTP}
        records = [(proof.place, proof.text) for proof in proofs if proof.way != HTTP]
        id_, tried = f"acme-{secrets.token_hex(4)}", list[tuple[str, str]]()
        try:
            if files:
                self._on_host(lambda nonce: compose_put_tokens(id_, self.ways.webroot, files, nonce))
            for one in records:
                tried.append(one)
                self._command("add", *one)
            yield
        except Problem as problem:
            if left := self._take_away(id_ if files else "", tried):
                raise Problem(f"{problem.message}; and {left}", problem.where, problem.remedy) from problem
            raise
        except BaseException:
            self._take_away(id_ if files else "", tried)
            raise
        if left := self._take_away(id_ if files else "", tried):
            raise Problem(left, self.run.host, "remove it; the names are proved, and the next run will ask for the certificate at once")

    def _take_away(self, id_: str, records: Sequence[tuple[str, str]]) -> str:
        """What could not be, as part of a sentence; "" = nothing."""
        left = []
        for one in records:
            try:
                self._command("remove", *one)
            except Problem as problem:
                left.append(f"the record {one[0]} stays: {problem.message}")
        if id_:
            try:
                self._on_host(lambda nonce: compose_drop_tokens(id_, nonce))
            except Problem as problem:
                left.append(f"the answer in the webroot stays: {problem.message}")
        return "; ".join(left)

    def _on_host(self, compose: Any) -> None:
        self.run.channel.ask(compose, lambda output, nonce: parse_tokens(output, nonce, self.run.host))

    def _command(self, verb: str, name: str, text: str) -> None:
        """No shell is near it."""
        argv = [*self.ways.dns, verb, name, text]
        where = f"agility_acme_dns_command ({argv[0]} {verb} {name})"
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=COMMAND_TIME, check=False)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise Problem(f"it could not be run to its end: {type(error).__name__}", where, f"try it by hand on the controller; {SAME}") from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise Problem(f"it ended with {done.returncode} and said: {said[:200]}", where, f"try it by hand on the controller; {SAME}")


def _name(one: messages.AuthorizationResource) -> str:
    return f"{'*.' if one.body.wildcard else ''}{one.body.identifier.value}"


@dataclass(frozen=True, slots=True)
class Beside:
    """ACME for classical keys, somebody else for ML-DSA."""

    acme: Acme
    other: Any
    where: str
    anchors: tuple[x509.Certificate, ...]
    folder: Path

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        """The other one last: what it signs it has signed."""
        mine = [one for one in asked if not one.kind.startswith("ML-DSA")]
        theirs = [one for one in asked if one not in mine]
        answers: Mapping[Asked, Answer] = {
            **dict(zip(mine, self.acme.ask(mine) if mine else [], strict=True)),
            **dict(zip(theirs, self.other.ask(theirs) if theirs else [], strict=True)),
        }
        return [answers[one] for one in asked]


def acme(run: Run, url: str, ways: Ways, anchors: tuple[x509.Certificate, ...]) -> Acme:
    library()
    link = Link(str(run.args.get("issuer_ca") or ""))
    if account_file(run.args).exists():  # a key that is of no use is found before one is made on the host
        link.identify(account_key(run.args))
    return Acme(run, connected(link, url, run.args), ways, url, anchors, run.output.parent / "waiting")
