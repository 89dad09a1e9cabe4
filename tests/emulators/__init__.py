"""Emulators of issuers, called so: a PKI API as Vault and OpenBao have it, and EST (RFC 7030), over TLS on the loopback, with a state; and of the
reading half of a transit engine, whose answers are those of `transit` below.

What they are not: Vault's policies, leases, renewals and audit, EST's reenrolment, key generation and CSR attributes.  They sign with our own
authority.py, so they prove the wire and the judgement of answers, not the signatures.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates import authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.hierarchy import certify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.read import describe
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

TOKEN, USER, PASSWORD = "hvs.a-token-nobody-may-see", "estuser", "an-est-password"
MAX_TTL = 90  # days that the role allows


def pem(*chain: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def request_for(key: Any, *names: str) -> str:
    wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(wanted, critical=False)
    return made.sign(key, authority.digest_for(key)).public_bytes(Encoding.PEM).decode()


@dataclass
class Pki:
    """folder: gets root.pem (what answers end at) and tls.pem (who vouches for the server).  approve: whether EST signs at once.

    instead: an answer of (status, body) that is given in place of the honest one.  seen: what was asked, method and path.
    """

    folder: Path
    approve: bool = True
    retry_after: str = "3600"
    instead: tuple[int, bytes] | None = None
    issued: list[x509.Certificate] = field(default_factory=list)
    held: list[bytes] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    port: int = 0
    transit: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        now, (top, key) = datetime.now(UTC) - timedelta(days=1), (ec.generate_private_key(ec.SECP256R1()) for dummy in range(2))
        self.root = certify("Emulated root", top, 3650, now, 1)
        issuing = certify("Emulated issuing", key, 1825, now, 2, Authority(self.root, top, ()))
        self.authority = Authority(issuing, key, (issuing,), self.root)
        (self.folder / "root.pem").write_text(pem(self.root))

    def sign(self, request: str, names: list[str], days: int) -> x509.Certificate:
        kind = describe_key(request)
        text = authority.sign(self.authority, request, kind, tuple(names), days, datetime.now(UTC), len(self.issued) + 10)
        self.issued.append(x509.load_pem_x509_certificates(text.encode())[0])
        return self.issued[-1]

    # -- the PKI API

    def vault(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        if headers["X-Vault-Token"] != TOKEN:
            return 403, json.dumps({"errors": [f"permission denied for {headers['X-Vault-Token']}"]}).encode()
        said = json.loads(body)
        names = [name for name in f"{said['alt_names']},{said['ip_sans']}".split(",") if name]
        days = int(said["ttl"].removesuffix("h")) // 24
        if days > MAX_TTL:
            return 400, json.dumps({"errors": [f"cannot satisfy request, as TTL would result in notAfter beyond {MAX_TTL} days"]}).encode()
        leaf = self.sign(said["csr"], names, days)
        data = {"certificate": pem(leaf).strip(), "issuing_ca": pem(self.authority.certificate).strip()}
        return 200, json.dumps({"data": {**data, "ca_chain": [data["issuing_ca"], pem(self.root).strip()], "serial_number": "1"}}).encode()

    # -- a transit engine: what a token that may list and read is told

    def kms(self, headers: Any, path: str) -> tuple[int, bytes]:
        if headers["X-Vault-Token"] != TOKEN or any(path.startswith(f"/v1/{one}") for one in self.forbidden):
            return 403, json.dumps({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}).encode()
        if path.endswith("?list=true"):
            found = self.transit if path.startswith("/v1/transit/") else self.policies
            return (200, json.dumps({"data": {"keys": sorted(found)}}).encode()) if found else (404, b'{"errors":[]}')
        name = unquote(path.rpartition("/")[2])
        data = self.transit.get(name) if path.startswith("/v1/transit/") else {"name": name, "policy": self.policies.get(name, "")}
        return (200, json.dumps({"data": data}).encode()) if data else (404, b'{"errors":[]}')

    # -- EST

    def est(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers["Authorization"] != f"Basic {basic}":
            return 401, b"who are you?"
        der = base64.b64decode(body)
        if not self.approve:
            self.held += [der] if der not in self.held else []
            return 202, b""
        request = x509.load_der_x509_csr(der)
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        leaf = self.sign(request.public_bytes(Encoding.PEM).decode(), [str(name.value) for name in names], 47)
        return 200, self.bundle(leaf)

    def bundle(self, *chain: x509.Certificate) -> bytes:
        return base64.encodebytes(pkcs7.serialize_certificates(list(chain), Encoding.DER))

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        self.seen.append(f"{method} {path}")
        if path.endswith("/cacerts") and method == "GET":
            return 200, self.bundle(self.root, self.authority.certificate)
        if self.instead:
            return self.instead
        if path.startswith(("/v1/transit/", "/v1/sys/policies/acl")):
            return self.kms(headers, path)
        table = {"POST /v1/pki/sign/web": self.vault, "POST /.well-known/est/simpleenroll": self.est}
        route = table.get(f"{method} {path}")
        return route(headers, body) if route else (404, b"")


def describe_key(request: str) -> str:
    """The kind of key, by a certificate that is thrown away: the house knows how to name those."""
    key = ec.generate_private_key(ec.SECP256R1())
    asked = x509.load_pem_x509_csr(request.encode())
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([])).public_key(asked.public_key()).serial_number(1)
    return describe(builder.not_valid_before(now).not_valid_after(now).sign(key, authority.digest_for(key))).key


@contextmanager
def serving(pki: Pki) -> Iterator[str]:
    """The address of the emulator while it runs."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, said, *more = pki.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            waits = {"Retry-After": pki.retry_after} if status == 202 else {}
            headers = more[0] if more else {"Location": "https://127.0.0.1:1/elsewhere", **waits}
            for name, value in {"Content-Length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else said)

        do_GET = do_POST = do_HEAD = _do

        def log_message(self, *dummy: object) -> None:
            pass

    key = ec.generate_private_key(ec.SECP256R1())
    chain = authority.sign(pki.authority, request_for(key, "x"), "ECDSA-P256", ("127.0.0.1", "localhost"), 9, datetime.now(UTC), 3)
    (pki.folder / "tls.pem").write_text(pem(pki.root))
    (pki.folder / "server.pem").write_text(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() + chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.folder / "server.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
