# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the line to an ACME authority (the library acme, of certbot), and the account that we have there.

As in _web.py nothing goes in the clear, no redirect is followed, and every answer is bounded in bytes and time.
"""

from __future__ import annotations

import fcntl
import io
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._core.certificates.acme import SAME, refused
from ._core.certificates.issued import MAX_BYTES
from ._core.model import Problem

# The library is optional, see library(); without it, or without cryptography, a plugin must still import, says ansible-test.
try:
    import josepy
    from acme import errors, messages
    from acme.client import ClientNetwork, ClientV2
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter
    from requests.exceptions import JSONDecodeError, RequestException

    LIBRARY = True
except ImportError:
    LIBRARY = False
    ClientNetwork = HTTPAdapter = object

SECONDS = 20  # until a server that says nothing is given up
LONGEST = 60  # seconds for one answer, all of it
TRIES = 5  # with new nonces: a server may forget the one that it gave (RFC 8555 §6.5)


def library() -> None:
    """Raises Problem where it is missing."""
    if not LIBRARY:
        raise Problem("the issuer acme needs the Python package acme on the controller", "agility_issuer", f"pip install 'acme>=5,<6' there; {SAME}")


class _Bounded(HTTPAdapter):
    """Answers are read here, no further than they may be long."""

    def send(self, request: PreparedRequest, *args: Any, **more: Any) -> Response:
        if not str(request.url).startswith("https://"):
            raise RequestException(f"{request.url} does not begin with https://, and nothing is sent in the clear")
        began, got = time.monotonic(), b""
        answer = super().send(request, *args, **{**more, "stream": True})
        for part in answer.raw.stream(1 << 16, decode_content=True):
            got += part
            if len(got) > MAX_BYTES or time.monotonic() - began > LONGEST:
                answer.close()
                raise RequestException(f"the answer is larger than {MAX_BYTES >> 10} KiB, or took longer than {LONGEST} s")
        answer.raw = io.BytesIO(got)
        return answer


class Link(ClientNetwork):
    """refusal: the last one, whole, for the library drops parts of it; retry_after: its header.  status: of the last answer."""

    def __init__(self, trust: str) -> None:
        paths = ssl.get_default_verify_paths()
        super().__init__(verify_ssl=trust or paths.cafile or paths.capath or True, user_agent="quantumsafe.agility", timeout=SECONDS)
        self.refusal: Mapping[str, Any] = {}
        self.retry_after, self.status = "", 0
        self.session.max_redirects = 0
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, _Bounded())
        self.session.hooks["response"].append(self._note)

    def identify(self, key: Any) -> None:
        """Who signs what is sent."""
        self.key, self.alg = key, ALGORITHMS[_kind(key)]

    def _note(self, answer: Response, *dummy: Any, **more: Any) -> None:
        try:
            said = {} if answer.ok else answer.json()
        except ValueError:
            said = {}
        self.refusal = said if isinstance(said, dict) else {}
        self.retry_after, self.status = str(answer.headers.get("Retry-After", "")), answer.status_code

    def post(self, *args: Any, **more: Any) -> Response:
        """The library asks twice."""
        for again in range(TRIES - 1, -1, -1):
            try:
                return self._post_once(*args, **dict(more))
            except messages.Error as error:
                if error.code != "badNonce" or not again:
                    raise
        raise AssertionError("the last try ends it")


@contextmanager
def spoken(link: Link, where: str) -> Iterator[None]:
    """What the library raises becomes Problem."""
    try:
        yield
    except messages.Error as error:
        raise refused(link.refusal or error.to_json(), where, link.retry_after) from error
    except errors.IssuanceError as error:
        raise refused(error.error.to_json(), where) from error
    except (errors.Error, josepy.errors.Error, JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        said = f"it refused with {link.status} and gave no reason" if link.status >= 400 else f"the answer is none of ACME: {_line(error)}"
        raise Problem(said, where, f"agility_issuer_url is that of its directory; {SAME}") from error
    except (RequestException, ValueError) as error:
        raise Problem(f"no answer: {_line(error)}", where, f"{SAME}; is it up, and who vouches for it (agility_issuer_ca)?") from error


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


# -- the account

ALGORITHMS: Mapping[str, Any] = (
    {"RSA": josepy.RS256, "secp256r1": josepy.ES256, "secp384r1": josepy.ES384, "secp521r1": josepy.ES512} if LIBRARY else {}
)


def _kind(key: Any) -> str:
    """ "" for what is no private key that signs."""
    if not hasattr(key.key, "private_bytes"):
        return ""
    return key.key.curve.name if isinstance(key, josepy.JWKEC) else "RSA"


def account_file(args: Mapping[str, Any]) -> Path:
    """Raises Problem when nobody said where."""
    if not (folder := str(args.get("acme_account") or "")):
        raise Problem("the issuer acme needs agility_acme_account", "", "set it to a folder on the controller for its key, which is made there")
    return Path(folder) / "account.key"


def account_key(args: Mapping[str, Any]) -> Any:
    """That of the folder, which is made, with a key, where there is none.  Raises Problem when others could read it."""
    path = account_file(args)
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # of several hosts one makes it
            if not path.exists():
                _make_key(path)
        finally:
            os.close(handle)
        for one, mode in ((folder, "0700"), (path, "0600")):
            if one.stat().st_mode & 0o077:
                raise Problem("others than its owner can get at the key of the account", str(one), f"chmod {mode} {one}; {SAME}")
        key = josepy.JWK.load(path.read_bytes())
    except OSError as error:
        raise Problem(f"the account cannot be used: {error.strerror}", str(error.filename), "set agility_acme_account to its folder") from error
    except (josepy.errors.Error, ValueError, TypeError):
        key = None
    if key is None or _kind(key) not in ALGORITHMS:
        raise Problem("it is no private key of RSA or of P-256, P-384, P-521, or has a password", str(path), f"put one there as PEM; {SAME}")
    return key


def _make_key(path: Path) -> None:
    text = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def connected(link: Link, url: str, args: Mapping[str, Any]) -> ClientV2:
    """Its directory is fetched first: an authority that is not there, or wants more of us than was said, costs no key.  Raises Problem."""
    with spoken(link, url):
        directory = ClientV2.get_directory(url, link)
        terms, bound = directory.meta.terms_of_service, directory.meta.external_account_required
        for name in ("newNonce", "newAccount", "newOrder"):
            str(directory[name])
    if terms and not args.get("acme_terms_agreed"):
        raise Problem(f"it has terms of service: {terms}", url, f"read them, and set agility_acme_terms_agreed=true; {SAME}")
    if bound and not (args.get("acme_eab_id") and args.get("acme_eab_key")):
        raise refused({"type": "externalAccountRequired", "detail": "its directory says so"}, url)
    return ClientV2(directory, link)


def sign_in(client: ClientV2, args: Mapping[str, Any]) -> None:
    """The account of our key, which is made where there is none: RFC 8555 §7.3 takes both for the same request."""
    link, bound = client.net, None
    if not link.key:
        link.identify(account_key(args))
    if args.get("acme_eab_id"):
        bound = messages.ExternalAccountBinding.from_data(
            link.key.public_key(), str(args["acme_eab_id"]), str(args.get("acme_eab_key") or ""), client.directory
        )
    agreed = {"terms_of_service_agreed": True} if args.get("acme_terms_agreed") else {}
    new = messages.NewRegistration.from_data(email=str(args.get("acme_email") or "") or None, external_account_binding=bound, **agreed)
    try:
        client.new_account(new)
    except errors.ConflictError as known:
        link.account = messages.RegistrationResource(body=messages.Registration(), uri=known.location)
