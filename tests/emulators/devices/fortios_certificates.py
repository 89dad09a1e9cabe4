"""The certificates of the emulated FortiGate: keys that are made there, requests, what is imported, and what its HTTPS serves.

A key stands in the configuration, encrypted anew in each backup, as a device shows it.  An entry that has a request and no certificate is pending.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

PASSWORD = b"of this device alone"
CURVES = {"secp256r1": ec.SECP256R1, "secp384r1": ec.SECP384R1, "secp521r1": ec.SECP521R1}
SIZES = (1024, 1536, 2048, 4096)
EXISTS, MALFORMED, MISSING, USED = -23, -145, -3, -94  # the second was seen on a device, as was the first; the others are guesses
LONGEST = 35  # characters of a name
BOUND = "admin-server-cert"


class Certificates:
    """Of a device whose configuration is device.config."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def table(self, kind: str) -> str:
        """Where those of global scope stand."""
        return f"certificate {kind}" if self.device.config.vdoms else f"vpn certificate {kind}"

    def get(self, name: str, word: str) -> str:
        return str(self.device.config.entry(self.table("local"), name).get(word, ""))

    def named(self) -> list[str]:
        return list(self.device.config.entries(self.table("local")))

    # ------------------------------------------------------------ what is asked for; each says an error, 0 = it was done

    def generate(self, said: dict[str, Any]) -> int:
        name, subject = str(said.get("certname", "")), str(said.get("subject", ""))
        if name in self.named():
            return EXISTS
        key = _made(said)
        if key is None or not name or len(name) > LONGEST or not subject or said.get("scope") != "global":
            return MALFORMED
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        if alternatives := str(said.get(self.alternatives, "")):
            builder = builder.add_extension(x509.SubjectAlternativeName(list(_names(alternatives))), critical=False)
        request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode().strip()
        entry = {"password": "ENC CANARYcertificate", "private-key": sealed(key), "csr": request, "range": "global", "source": "user"}
        self._put(name, entry)
        return 0

    @property
    def alternatives(self) -> str:
        """What the names are called; the other word counts for nothing.  In which release it changed is a guess."""
        return "sub_alt_name" if self.device.version < (7, 6) else "subject_alt_name"

    def download(self, name: str, kind: str) -> str:
        """PEM, "" without it."""
        return self.get(name, {"local-csr": "csr", "local-cer": "certificate"}.get(kind, "?"))

    def local(self, said: dict[str, Any]) -> int:
        """A certificate goes to the pending request whose key it has; its name says nothing."""
        found = _certificate(said)
        if found is None or said.get("type") != "local" or said.get("scope") != "global":
            return MALFORMED
        pending = (name for name in self.named() if self.get(name, "csr") and not self.get(name, "certificate"))
        mine = _public(found)
        name = next((name for name in pending if _public(x509.load_pem_x509_csr(self.get(name, "csr").encode())) == mine), "")
        if not name:
            return MISSING
        entry = self.device.config.entry(self.table("local"), name)
        self._put(name, {**entry, "certificate": found.public_bytes(Encoding.PEM).decode().strip()})
        return 0

    def ca(self, said: dict[str, Any]) -> int:
        found = _certificate(said)
        if found is None or said.get("import_method") != "file" or said.get("scope") != "global":
            return MALFORMED
        text, table = found.public_bytes(Encoding.PEM).decode().strip(), self.table("ca")
        entries = self.device.config.entries(table)
        if text in (one.get("ca") for one in entries.values()):
            return EXISTS
        number = next(number for number in range(1, 99) if f"G_CA_Cert_{number}" not in entries)
        self.device.config.put_entry(table, f"G_CA_Cert_{number}", {"ca": text, "range": "global"})
        return 0

    def delete(self, name: str) -> int:
        if name not in self.named():
            return MISSING
        if self.device.config.get("system/global", BOUND) == name:
            return USED
        self.device.config.drop_entry(self.table("local"), name)
        return 0

    def _put(self, name: str, entry: dict[str, str]) -> None:
        self.device.config.put_entry(self.table("local"), name, entry)

    # ------------------------------------------------------------ what is served

    def usable(self, name: str) -> bool:
        return bool(self.get(name, "certificate") and self.get(name, "private-key"))

    def served(self, name: str) -> str:
        """Key, certificate and what is there of its chain without the root, PEM; "" = its own."""
        if not self.usable(name):
            return ""
        key = load_pem_private_key(self.get(name, "private-key").encode(), PASSWORD)
        chain = [x509.load_pem_x509_certificate(self.get(name, "certificate").encode())]
        held = [x509.load_pem_x509_certificate(one["ca"].encode()) for one in self.device.config.entries(self.table("ca")).values()]
        while above := next((one for one in held if one.subject == chain[-1].issuer != one.issuer), None):
            chain.append(above)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return text + "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)

    def again(self, text: str) -> str:
        """A configuration with its keys encrypted anew."""
        for name in self.named():
            held = self.get(name, "private-key")
            if held and "CANARY" not in held:
                text = text.replace(held, sealed(load_pem_private_key(held.encode(), PASSWORD)))
        return text


def sealed(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD)).decode().strip())


def _made(said: dict[str, Any]) -> Any:
    """A key, None for a kind that it does not know."""
    if said.get("keytype") == "ec" and said.get("curvename") in CURVES:
        return ec.generate_private_key(CURVES[said["curvename"]]())
    if said.get("keytype") == "rsa" and said.get("keysize") in SIZES:
        return rsa.generate_private_key(public_exponent=65537, key_size=said["keysize"])
    return None


def _names(said: str) -> Iterator[x509.GeneralName]:
    for one in said.split(","):
        kind, dummy, value = one.strip().partition(":")
        yield x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)


def _certificate(said: dict[str, Any]) -> x509.Certificate | None:
    """The first of what is in base64 once more."""
    try:
        raw = base64.b64decode(str(said.get("file_content", "")), validate=True)
        return x509.load_pem_x509_certificates(raw)[0] if raw.startswith(b"-----") else x509.load_der_x509_certificate(raw)
    except (ValueError, IndexError, binascii.Error):
        return None


def _public(one: Any) -> bytes:
    return bytes(one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
