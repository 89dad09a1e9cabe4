# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: requests of the controller to an issuer over verified TLS, bounded in bytes and time.

No redirect is followed (a secret would go along), nothing is sent in the clear, and no secret is in what is said of a failure.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ._core.certificates.issued import MAX_BYTES
from ._core.model import Problem

SECONDS = 60  # for one answer, all of it


def header(text: str, option: str) -> str:
    """Raises Problem for what no header can carry; what it is is not said."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Problem("it holds characters that no header can carry", option, "does it end with a line break?")
    return text


def vault_headers(token: str, option: str) -> dict[str, str]:
    """How Vault and OpenBao are told who asks (Vault API documentation, "HTTP API")."""
    return {"X-Vault-Token": header(token, option), "X-Vault-Request": "true"}


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    body: bytes
    retry_after: str


@dataclass(frozen=True, slots=True)
class Web:
    """trust: PEM file of those who may vouch for the server, "" = the controller's own store.  own: our certificate and key, files, to show.

    headers go with each request.  secrets: what must not be said.  option: which names the address.
    """

    url: str
    trust: str = ""
    own: tuple[str, str] = ("", "")
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    option: str = "agility_issuer_url"

    def send(self, method: str, path: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None) -> Said:
        """Raises Problem when no whole answer comes; a refusal is an answer."""
        at = urlsplit(self.url)
        if at.scheme != "https" or not at.hostname or "@" in at.netloc:
            raise Problem("it is no address that begins with https:// and a host", self.option, "nothing is sent in the clear")
        began, link = time.monotonic(), None
        try:
            link = http.client.HTTPSConnection(at.hostname, at.port or 443, timeout=SECONDS / 3, context=self._context())
            link.request(method, f"{at.path.rstrip('/')}{'/' * bool(path)}{path}", body or None, {**self.headers, **(headers or {})})
            answer, got = link.getresponse(), b""
            while (part := answer.read1(1 << 16)) and len(got) <= MAX_BYTES:
                got += part
                if time.monotonic() - began > SECONDS:
                    raise TimeoutError(f"no whole answer within {SECONDS} s")
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Problem(
                f"no answer: {self.line(str(error) or type(error).__name__)}", self.url, "nothing was changed; is it up, and who vouches for it?"
            ) from error
        finally:
            if link:
                link.close()
        if len(got) > MAX_BYTES:
            raise Problem(f"the answer is larger than {MAX_BYTES >> 10} KiB", self.url, "that is no answer of an issuer; nothing was changed")
        return Said(answer.status, got, answer.headers.get("Retry-After", ""))

    def refused(self, said: Said, means: Mapping[int, str], complaint: str = "") -> Problem:
        """complaint: what it says itself."""
        meant = means.get(said.status, "")
        told = f"it says: {self.line(complaint)}" if complaint else ""
        return Problem(f"it refused with {said.status}: {meant or told or 'it does not say why'}", self.url, told if meant else "")

    def line(self, text: str) -> str:
        """One line of bounded length of what a stranger says, without our secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "[redacted]")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.trust or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.own[0]:
            context.load_cert_chain(*self.own, password=lambda: b"")  # never ask at a terminal
        return context
