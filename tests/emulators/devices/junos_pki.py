"""The PKI of the emulated Junos device: keys, requests and certificates in files of their own, and the little of its shell that brings a file.

From Juniper's CLI reference, the keywords for PKI of Juniper's own tests (what `show … detail` prints, in 15.1X49) and public transcripts ("Generated
key pair", "Local certificate loaded successfully", a request with its fingerprints).  Guesses: what it says when something is refused or is not
there; how an EC key is called; that an address stands bare.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

CURVES = {"256": ec.SECP256R1, "384": ec.SECP384R1}
SIZES = ("1024", "2048", "4096")
KEY, REQUEST, LOCAL = "key-pair", "certificate-request", "local-certificate"
CLEARED = {KEY: "Key pair deleted successfully", REQUEST: "Certificate request deleted successfully", LOCAL: "Local certificate deleted successfully"}


class Store:
    """Files on its disk: they stay when it starts again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pki.json"
        self.kept: dict[str, dict[str, str]] = {KEY: {}, REQUEST: {}, LOCAL: {}, "files": {}}
        if self.path.is_file():
            self.kept |= json.loads(self.path.read_text(encoding="utf-8"))

    def _save(self) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.kept), encoding="utf-8")
        new.rename(self.path)

    def does(self, command: str) -> str:
        """What it says; "" = no such command."""
        table = {
            r'start shell command "(.*)"': self._shell,
            r"request security pki generate-key-pair certificate-id (\S+) size (\d+) type (\S+)": self._key,
            r'request security pki generate-certificate-request certificate-id (\S+) subject "([^"]*)"(.*)': self._request,
            r"request security pki local-certificate load certificate-id (\S+) filename (\S+)": self._load,
            r"clear security pki (key-pair|certificate-request|local-certificate) certificate-id (\S+)": self._clear,
        }
        for pattern, does in table.items():
            if found := re.fullmatch(pattern, command):
                said = str(does(*found.groups()))
                self._save()
                return said or "\n"
        return ""

    # ------------------------------------------------------------ its shell

    def _shell(self, command: str) -> str:
        files = self.kept["files"]
        if found := re.fullmatch(r"rm -rf (\S+)", command):
            self.kept["files"] = {path: text for path, text in files.items() if path != found[1] and not path.startswith(f"{found[1]}/")}
        elif found := re.fullmatch(r"mkdir -m 700 (\S+)", command):
            if found[1] in files:
                return f"mkdir: {found[1]}: File exists\n"
            files[found[1]] = ""
        elif found := re.fullmatch(r"\((echo .*)\) >> ((\S+)/\S+)", command):
            if found[3] not in files:
                return f"sh: cannot create {found[2]}: No such file or directory\n"
            rows = (one.removeprefix("echo ") for one in found[1].split("; "))
            files[found[2]] = files.get(found[2], "") + "".join(f"{one}\n" for one in rows)
        else:
            return "sh: not modelled\n"
        return ""

    # ------------------------------------------------------------ its PKI

    def _key(self, name: str, size: str, kind: str) -> str:
        if name in self.kept[KEY]:
            return f"error: Key pair with certificate-id {name} already exists\n"
        if (kind, size) not in {*(("ecdsa", one) for one in CURVES), *(("rsa", one) for one in SIZES)}:
            return "error: invalid key size\n"
        key: Any = ec.generate_private_key(CURVES[size]()) if kind == "ecdsa" else rsa.generate_private_key(65537, int(size))
        self.kept[KEY][name] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return f"Generated key pair {name}, key size {size} bits\n"

    def _request(self, name: str, subject: str, rest: str) -> str:
        if name not in self.kept[KEY]:
            return f"error: Keypair doesn't exist for {name}\n"
        if name in self.kept[REQUEST]:
            return f"error: Certificate request {name} already exists\n"
        words = rest.split()
        said = dict(zip(words[::2], words[1::2], strict=True))
        if set(said) - {"domain-name", "ip-address", "ipv6-address", "digest", "email"} or len(said) != len(words) / 2:
            return "syntax error.\n"
        names: list[x509.GeneralName] = [x509.DNSName(said["domain-name"])] if "domain-name" in said else []
        names += [x509.IPAddress(ipaddress.ip_address(said[word])) for word in ("ip-address", "ipv6-address") if word in said]
        called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject.removeprefix("CN="))])
        build = x509.CertificateSigningRequestBuilder().subject_name(called)
        build = build.add_extension(x509.SubjectAlternativeName(names), critical=False)
        key: Any = load_pem_private_key(self.kept[KEY][name].encode(), None)
        made = build.sign(key, hashes.SHA256())
        text = made.public_bytes(Encoding.PEM).decode()
        self.kept[REQUEST][name] = text
        return f"Generated certificate request\n{text}Fingerprint:\n{_prints(made.public_bytes(Encoding.DER))}"

    def _load(self, name: str, path: str) -> str:
        text = self.kept["files"].get(path)
        if text is None:
            return f"error: cannot open {path}: No such file or directory\n"
        if name not in self.kept[KEY] or name in self.kept[LOCAL]:
            return f"error: load certid<{name}>\n"
        try:
            made = x509.load_pem_x509_certificate(text.encode())
        except ValueError:
            return "error: failed to parse the certificate\n"
        mine: Any = load_pem_private_key(self.kept[KEY][name].encode(), None)
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if made.public_key().public_bytes(*form) != mine.public_key().public_bytes(*form):
            return "error: the certificate does not match the key pair\n"
        self.kept[LOCAL][name] = text
        self.kept[REQUEST].pop(name, None)
        return "Local certificate loaded successfully\n"

    def _clear(self, what: str, name: str) -> str:
        if self.kept[what].pop(name, None) is None:
            return f"error: {what} {name} does not exist\n"
        return f"{CLEARED[what]}\n"

    def requests(self) -> str:
        return "".join(
            f"Certificate identifier: {name}\n  Issued to: {_common(x509.load_pem_x509_csr(text.encode()).subject)}\n"
            f"  Public key algorithm: {_algorithm(x509.load_pem_x509_csr(text.encode()).public_key())}\n"
            for name, text in self.kept[REQUEST].items()
        )

    def detail(self) -> str:
        return "\n".join(_detail(name, x509.load_pem_x509_certificate(text.encode())) for name, text in self.kept[LOCAL].items())

    def pair(self, name: str) -> str:
        """Its key and its certificate, "" where one of them is not there."""
        key, leaf = self.kept[KEY].get(name, ""), self.kept[LOCAL].get(name, "")
        return key + leaf if key and leaf else ""


def _common(name: x509.Name) -> str:
    return next((str(one.value) for one in name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)), "")


def _algorithm(key: Any) -> str:
    return f"{'rsaEncryption' if isinstance(key, rsa.RSAPublicKey) else 'ecdsaEncryption'}({key.key_size} bits)"


def _prints(der: bytes) -> str:
    rows = ((hashlib.sha1(der, usedforsecurity=False), "sha1"), (hashlib.md5(der, usedforsecurity=False), "md5"))
    return "".join(f"    {made.digest().hex(':')} ({word})\n" for made, word in rows)


def _detail(name: str, one: x509.Certificate) -> str:
    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        found = x509.SubjectAlternativeName([])
    addresses = [ipaddress.ip_address(str(each)) for each in found.get_values_for_type(x509.IPAddress)]
    four, six = (next((str(each) for each in addresses if each.version == version), f"ipv{version} empty") for version in (4, 6))
    host = next(iter(found.get_values_for_type(x509.DNSName)), "fqdn empty")
    bytes_of = one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex(":")
    return f"""\
Certificate identifier: {name}
  Certificate version: 3
  Serial number: {one.serial_number:08x}
  Issuer:
    Common name: {_common(one.issuer)}
  Subject:
    Common name: {_common(one.subject)}
  Subject string:
    {one.subject.rfc4514_string()}
  Alternate subject: email empty, {host}, {four}, {six}
  Validity:
    Not before: {_day(one.not_valid_before_utc)}
    Not after: {_day(one.not_valid_after_utc)}
  Public key algorithm: {_algorithm(one.public_key())}
    {bytes_of[:89]}
  Signature algorithm: sha256WithRSAEncryption
  Fingerprint:
{_prints(one.public_bytes(Encoding.DER))}  Auto-re-enrollment:
    Status: Disabled
    Next trigger time: Timer not started
"""


def _day(moment: Any) -> str:
    """A day of one digit stands behind a blank."""
    return f"{moment:%m}-{moment.day:2}-{moment:%Y %H:%M} UTC"
