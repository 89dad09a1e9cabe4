"""The certificates of the emulated VyOS device: what `generate pki certificate-request install` asks and does, what a commit checks, and what is served.

From vyos-1x (src/op_mode/pki.py, vyos/utils/misc.py, src/conf_mode/pki.py and service_https.py): a key goes into the candidate of the session; where
no session is open it is printed, as a command to type.
"""

from __future__ import annotations

import base64
import ipaddress
import textwrap
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

COMMAND = "generate pki certificate-request install "
HTTPS = "service https certificates"
CURVES = {"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1}
SIZES = ("512", "1024", "2048", "4096")
QUESTIONS = (("country code", "GB"), ("state", "Some-State"), ("locality", "Some-City"), ("organization name", "VyOS"), ("common name", "vyos.io"))
PARTS = (x509.NameOID.COUNTRY_NAME, x509.NameOID.STATE_OR_PROVINCE_NAME, x509.NameOID.LOCALITY_NAME, x509.NameOID.ORGANIZATION_NAME)
NOTE = "Note: If you plan to use the generated key on this router, do not encrypt the private key.\n"
EXAMPLE = "Enter alternative names in a comma separate list, example: ipv4:1.1.1.1,ipv6:fe80::1,dns:vyos.net,rfc822:user@vyos.net\n"


async def generate(shell: Any, name: str) -> str:
    """What it says in the end."""
    kind = await shell.hears("Enter private key type: [rsa, dsa, ec] (Default: rsa) ") or "rsa"
    default = {"rsa": "2048", "ec": "256"}.get(kind, "")
    size = await shell.hears(f"Enter private key bits: (Default: {default}) ") or default
    if (kind, size) not in {*(("ec", one) for one in CURVES), *(("rsa", one) for one in SIZES)}:
        return "Invalid response\n"  # it would ask again, which no test of ours answers
    key: Any = ec.generate_private_key(CURVES[size]()) if kind == "ec" else rsa.generate_private_key(65537, int(size))
    said = [await shell.hears(f"Enter {what}: (Default: {usual}) ") or usual for what, usual in QUESTIONS]
    parts = [x509.NameAttribute(part, one) for part, one in zip((*PARTS, x509.NameOID.COMMON_NAME), said, strict=True)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts))
    if await shell.hears("Do you want to configure Subject Alternative Names? [y/N] ") in ("y", "yes"):
        shell.write(EXAMPLE)
        names = list(_names(await shell.hears("Enter Subject Alternative Names: ")))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    shell.write(NOTE)
    if await shell.hears("Do you want to encrypt the private key with a passphrase? [y/N] ") in ("y", "yes"):
        return "Enter passphrase: \n"
    request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    body = base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()
    statement = ("pki", "certificate", name, "private", "key", body)
    shown = f"Certificate request:\n{request}\n\n"
    if not shell.configuring:
        return f"{shown}You are not in configure mode, commands to install manually from configure mode:\nset {' '.join(statement)}\n"
    shell.edits.append(("set", statement))
    return f'{shown}1 value(s) installed. Use "compare" to see the pending changes, and "commit" to apply.\n'


def _names(said: str) -> Iterator[x509.GeneralName]:
    for one in said.split(","):
        kind, dummy, value = one.strip().partition(":")
        yield x509.IPAddress(ipaddress.ip_address(value)) if kind in ("ipv4", "ipv6") else x509.DNSName(value)


def wrong(config: Any) -> tuple[str, str]:
    """The node whose script refuses a commit, and why; ("", "") = none does."""
    for kind in ("certificate", "ca"):
        for one in config.said:
            if one[:2] == ("pki", kind) and one[3:4] == ("certificate",) and not _readable(one[-1]):
                return "pki", f'Invalid certificate on {"CA " if kind == "ca" else ""}certificate "{one[2]}"'
    name, above = config.value(f"{HTTPS} certificate"), config.value(f"{HTTPS} ca-certificate")
    if name:
        if not any(one[:3] == ("pki", "certificate", name) for one in config.said):
            return "service https", f'Certificate "{name}" not found in configuration!'
        for word, path in (("certificate", "certificate"), ("private key", "private key")):
            if not config.value(f"pki certificate {name} {path}"):
                return "service https", f'PEM {word} for "{name}" missing in configuration!'
    if name and above and not config.value(f"pki ca {above} certificate"):
        return "service https", f'CA Certificate "{above}" not found in configuration!'
    return "", ""


def _readable(body: str) -> bool:
    try:
        x509.load_der_x509_certificate(base64.b64decode(body, validate=True))
    except ValueError:
        return False
    return True


def served(config: Any) -> str:
    """Key, certificate, and the authority that a line adds, PEM; "" = its own."""
    name, above = config.value(f"{HTTPS} certificate"), config.value(f"{HTTPS} ca-certificate")
    if not name:
        return ""
    key = load_der_private_key(base64.b64decode(config.value(f"pki certificate {name} private key")), None)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    bodies = (config.value(f"pki certificate {name} certificate"), config.value(f"pki ca {above} certificate") if above else "")
    return text + "".join(_pem(one) for one in bodies if one)


def _pem(body: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{textwrap.fill(body, 64)}\n-----END CERTIFICATE-----\n"
