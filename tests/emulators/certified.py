"""Emulated devices whose HTTPS shows a certificate of an authority, and what they serve by an outside judge."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import load, sign
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .appliance import Emulated, playbook
from .platforms import PLATFORMS, api_of_eos

NAME = "edge1.example.test"
LINES = """\
crypto pki trustpoint OLD
 enrollment terminal pem
 subject-name CN={name}
 revocation-check none
 eckeypair OLD
crypto pki certificate chain OLD
 certificate 02
{digits}
  \tquit
ip http secure-server
ip http secure-port {port}
{named}ip http tls-version TLSv1.2
"""
NAMED = "ip http secure-trustpoint OLD\n"
Made = TypeVar("Made", bound=Emulated)


@contextmanager
def starting(kind: Callable[..., Made]) -> Iterator[Callable[..., Made]]:
    """What starts such devices, which are killed afterwards."""
    started: list[Made] = []

    def start(*said: Any, **more: Any) -> Made:
        started.append(kind(*said, **more))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def rotated(
    folder: Path, reached: dict[str, Any], verb: str, *more: str, hidden: Callable[[], Iterable[str]] = lambda: ("PRIVATE KEY",), **said: object
) -> dict[str, Any]:
    """The result of a run as a user makes it, and all that it shows, by the authority in folder/authority.  reached: variables of the device.

    Nothing that the run shows or writes may hold what is hidden, which is asked for behind it.
    """
    usual = {"agility_authority": str(folder / "authority"), "agility_campaign": "spring"}
    shown, results = playbook(folder, verb, {"edge1": reached}, *more, **{**usual, **said})
    assert "edge1" in results, shown
    written = [path.read_text(encoding="utf-8") for path in folder.rglob("*.json*") if path.is_file() and folder / "device" not in path.parents]
    assert not [one for one in hidden() if any(one in text for text in (shown, *written))]
    return {**results["edge1"], "shown": shown}


@dataclass
class Root:
    """An authority in a folder, as agility_authority takes it."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def root(folder: Path) -> Root:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
    build = _build("Our Root", "Our Root", key, 7, now, 3000).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = build.sign(key, hashes.SHA256())
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "ca.key").write_text(_pem(key), encoding="utf-8")
    return Root(folder, key, made)


def issuing(folder: Path) -> Root:
    """One below a root that was put away: folder/root.crt."""
    above = root(folder)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
    build = _build("Our Issuer", "Our Root", key, 8, now, 2000).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = build.sign(above.key, hashes.SHA256())
    (folder / "ca.crt").rename(folder / "root.crt")
    (folder / "ca.crt").write_bytes(made.public_bytes(Encoding.PEM) + above.certificate.public_bytes(Encoding.PEM))
    (folder / "ca.key").write_text(_pem(key), encoding="utf-8")
    return Root(folder, key, made)


def served(port: int) -> x509.Certificate:
    """As Python's own ssl sees it."""
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port), timeout=20).encode())


def trusted(anchor: Path, port: int, name: str = NAME) -> bool:
    """Whether a client that trusts that anchor alone takes it for its name."""
    context = ssl.create_default_context(cafile=str(anchor))
    with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
        return bool(tls.version())


class Vyos(Emulated):
    """Its certificate is its own."""

    def __init__(self, folder: Path, **more: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.https = free.getsockname()[1]
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
        self.old = _build(NAME, NAME, key, 2, now, 6).sign(key, hashes.SHA256())
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        said = {
            "pki certificate OLD certificate": base64.b64encode(self.old.public_bytes(Encoding.DER)).decode(),
            "pki certificate OLD private key": base64.b64encode(private).decode(),
            "service https port": str(self.https),
            "service https certificates certificate": "OLD",
        }
        super().__init__(folder, platform="vyos", ssh="".join(f"set {path} '{one}'\n" for path, one in said.items()), **more)

    def bound(self, which: str = "running") -> str:
        found = re.search(r"^set service https certificates certificate '(\S+)'$", self.text(which), re.MULTILINE)
        return found[1] if found else ""

    @property
    def private(self) -> list[str]:
        """Its keys."""
        return re.findall(r"private key '(\S+)'", self.text())


class Junos(Emulated):
    """serves: the word behind web-management https and its value, "" = no word."""

    def __init__(self, folder: Path, serves: str = "pki-local-certificate OLD", **more: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.https = free.getsockname()[1]
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
        build = _build(NAME, NAME, key, 2, now, 6).add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        self.old = build.sign(key, hashes.SHA256())
        folder.mkdir(parents=True)
        held = {"key-pair": {"OLD": _pem(key)}, "local-certificate": {"OLD": self.old.public_bytes(Encoding.PEM).decode()}}
        (folder / "pki.json").write_text(json.dumps(held), encoding="utf-8")
        lines = "".join(f"set system services web-management https {one}\n" for one in (f"port {self.https}", serves) if one)
        super().__init__(folder, platform="junos", ssh=f"{PLATFORMS['junos'].ssh}{lines}", **more)

    def bound(self, which: str = "running") -> str:
        found = re.search(r"^set system services web-management https pki-local-certificate (\S+)$", self.text(which), re.MULTILINE)
        return found[1] if found else ""

    def store(self) -> dict[str, dict[str, str]]:
        """Its keys, requests, certificates and files, by name."""
        return {"files": {}, **json.loads(self.text("pki.json"))}

    def keys(self) -> set[str]:
        return set(self.store()["key-pair"])


class Eos(Emulated):
    """Its certificate is its own, and its profile says of other lines, too."""

    def __init__(self, folder: Path, names: str = "certificate OLD key OLD", **more: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.https = free.getsockname()[1]
        key, now = rsa.generate_private_key(65537, 2048), datetime.now(UTC) - timedelta(days=1)
        self.old = _build(NAME, NAME, key, 2, now, 6).sign(key, hashes.SHA256())
        for name, text in {"certificates": self.old.public_bytes(Encoding.PEM).decode(), "sslkeys": _pem(key)}.items():
            (folder / name).mkdir(parents=True)
            (folder / name / "OLD").write_text(text, encoding="utf-8")
        lines = api_of_eos(more.get("release", "4.31.2F"), self.https).replace("certificate api.crt key api.key", names)
        super().__init__(folder, platform="eos", ssh=lines, **more)

    def bound(self, which: str = "running") -> str:
        found = re.search(r"^      certificate (\S+) key \1$", self.text(which), re.MULTILINE)
        return found[1] if found else ""

    def files(self, place: str = "sslkeys") -> set[str]:
        return {one.name for one in (self.folder / place).iterdir()}


class Edge(Emulated):
    """days: until its certificate ends; named: whether a line names it."""

    def __init__(self, folder: Path, by: Root, days: int = 6, named: bool = True, **more: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.https = free.getsockname()[1]
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
        build = _build(NAME, "Our Root", key, 2, now, days).add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        self.old = build.sign(by.key, hashes.SHA256())
        folder.mkdir(parents=True)
        (folder / "private.json").write_text(json.dumps({"OLD": _pem(key)}), encoding="utf-8")
        text = self.old.public_bytes(Encoding.DER).hex().upper()
        digits = "\n".join(f"  {text[at : at + 64]}" for at in range(0, len(text), 64))
        lines = LINES.format(name=NAME, digits=digits, port=self.https, named=NAMED if named else "")
        super().__init__(folder, ssh=lines, **more)

    def served(self) -> x509.Certificate:
        return served(self.https)

    def trusted(self, by: Root) -> bool:
        return trusted(by.folder / "ca.crt", self.https)

    def bound(self, which: str = "running") -> str:
        """The trustpoint that HTTPS names, "" = none."""
        found = re.search(r"^ip http secure-trustpoint (\S+)$", self.text(which), re.MULTILINE)
        return found[1] if found else ""

    def keys(self) -> set[str]:
        """What is saved of them."""
        return set(json.loads(self.text("private.json")))

    def points(self, which: str = "running") -> list[str]:
        return re.findall(r"^crypto pki trustpoint (\S+)$", self.text(which), re.MULTILINE)


def without(text: str, name: str) -> str:
    """A configuration without that trustpoint and its certificates."""
    return re.sub(rf"^crypto pki (?:trustpoint|certificate chain) {name}\n(?: .*\n)+", "", text, flags=re.MULTILINE)


def signed(by: Root, request: str, kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What that authority makes of a request, PEM each: the leaf, who stands above it, the anchor last."""
    authority = load(*((by.folder / one).read_text(encoding="utf-8") for one in ("ca.crt", "ca.key")), None, "")
    made = [f"-----BEGIN{one}" for one in sign(authority, request, kind, names, 40, datetime.now(UTC), 77).split("-----BEGIN")[1:]]
    anchor = next(path for one in ("root.crt", "ca.crt") if (path := by.folder / one).is_file())
    return (*made, anchor.read_text(encoding="utf-8"))


def _build(
    name: str, issuer: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, serial: int, now: datetime, days: int
) -> x509.CertificateBuilder:
    subject, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    build = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(key.public_key()).serial_number(serial)
    return build.not_valid_before(now).not_valid_after(now + timedelta(days=days))


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
