"""The keys and trustpoints of the emulated IOS-XE: what its commands ask, and what becomes of a certificate that is pasted.

The questions are those of public transcripts; the words of refusals are a guess.  A key is in no configuration: it is kept where `write memory` puts it.
What runs has the digits of a certificate, what starts names a file in nvram.  A configuration that is put back adds no certificate and takes none away
(napalm issue 463), which here ends the putting back.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

POINT, CHAIN = "crypto pki trustpoint", "crypto pki certificate chain"
BELOW = (
    "enrollment",
    "subject-name",
    "subject-alt-name",
    "fqdn",
    "serial-number",
    "ip-address",
    "revocation-check",
    "eckeypair",
    "rsakeypair",
    "hash",
)
CURVES = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "521": ec.SECP521R1()}
EC = re.compile(r"crypto key generate ec keysize (256|384|521) label (\S+)")
RSA = re.compile(r"crypto key generate rsa general-keys label (\S+) modulus (\d{3,4})")
VERB = re.compile(r"crypto pki (enroll|authenticate|import) (\S+)(?: certificate)?")
GONE = re.compile(rf"no {POINT} (\S+)")
ZERO = re.compile(r"crypto key zeroize (ec|rsa) (\S+)")
PASTE = '\nEnter the base 64 encoded {}certificate.\nEnd with a blank line or the word "quit" on a line by itself\n\n'
_REF = re.compile(r"( certificate (?:ca )?\S+) (nvram:\S+)\n")
_DIGITS = re.compile(r"( certificate (?:ca )?(\S+))\n((?:  .*\n)+)")


def mine(command: str) -> bool:
    return any(one.fullmatch(command) for one in (EC, RSA, VERB, GONE, ZERO))


def block_of(config: Any, head: str) -> list[str]:
    return next((block for block in config.blocks if block[0] == head), [])


def digits(certificate: x509.Certificate, ca: bool) -> list[str]:
    """As a configuration has it."""
    text = certificate.public_bytes(Encoding.DER).hex().upper()
    words = [text[at : at + 8] for at in range(0, len(text), 8)]
    rows = [f"  {' '.join(words[at : at + 9])}" for at in range(0, len(words), 9)]
    return [f" certificate {'ca ' if ca else ''}{certificate.serial_number:02X}", *rows, "  \tquit"]


def certificates(config: Any, name: str) -> list[tuple[bool, x509.Certificate]]:
    """(whether it is the authority's, it)."""
    out, ca, body = [], False, ""
    for line in block_of(config, f"{CHAIN} {name}")[1:]:
        if line.startswith(" certificate"):
            ca, body = " ca " in line, ""
        elif line.strip() == "quit":
            out.append((ca, x509.load_der_x509_certificate(bytes.fromhex(body))))
        else:
            body += line.replace(" ", "")
    return out


class Pki:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[str, str] = self._read("private.json")

    def _read(self, name: str) -> dict[str, str]:
        path = self.folder / name
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    # ------------------------------------------------------------ what starts

    def saved(self, text: str) -> str:
        """What starts, of what runs; keys and certificates go where they survive."""
        kept: dict[str, str] = {}

        def named(found: re.Match[str]) -> str:
            name = f"nvram:OurRoot#{hashlib.sha256(found[3].encode()).hexdigest()[:4]}{'CA' if ' ca ' in found[1] else ''}.cer"
            kept[name] = found[3]
            return f"{found[1]} {name}\n"

        text = _DIGITS.sub(named, text)
        (self.folder / "nvram.json").write_text(json.dumps(kept), encoding="utf-8")
        (self.folder / "private.json").write_text(json.dumps(self.keys), encoding="utf-8")
        return text

    def whole(self, text: str) -> str:
        """What runs, of what starts."""
        kept = self._read("nvram.json")
        return _REF.sub(lambda found: f"{found[1]}\n{kept[found[2]]}", text)

    # ------------------------------------------------------------ what is shown

    def context(self, config: Any, name: str) -> ssl.SSLContext:
        """Its certificate, its issuer's behind it."""
        found = sorted(certificates(config, name), key=lambda one: one[0])
        text = self.keys[self._label(config, name)] + "".join(one.public_bytes(Encoding.PEM).decode() for dummy, one in found)
        path = self.folder / "shown.pem"
        path.write_text(text, encoding="utf-8")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(path))
        return context

    @staticmethod
    def _label(config: Any, name: str) -> str:
        return next((line.split()[1] for line in block_of(config, f"{POINT} {name}")[1:] if line.split()[0] in ("eckeypair", "rsakeypair")), "")

    # ------------------------------------------------------------ commands

    async def do(self, shell: Any, command: str) -> str:
        config = shell.device.config
        if found := EC.fullmatch(command):
            return await self._generate(shell, found[2], "EC", ec.generate_private_key(CURVES[found[1]]))
        if found := RSA.fullmatch(command):
            said = f"The name for the keys will be: {found[1]}\n\n% The key modulus size is {found[2]} bits\n% Generating {found[2]} bit RSA keys, keys will be "
            made = await self._generate(shell, found[1], "RSA", rsa.generate_private_key(65537, int(found[2])))
            return made or f"{said}non-exportable...\n[OK] (elapsed time was 1 seconds)\n"
        if found := GONE.fullmatch(command):
            return await self._remove(shell, config, found[1])
        if found := ZERO.fullmatch(command):
            return await self._zeroize(shell, *found.groups())
        found = VERB.fullmatch(command)
        assert found
        if not block_of(config, f"{POINT} {found[2]}"):
            return f"% CA trustpoint {found[2]} is not known.\n"
        return str(await {"enroll": self._enroll, "authenticate": self._authenticate, "import": self._import}[found[1]](shell, config, found[2]))

    async def _generate(self, shell: Any, label: str, word: str, key: Any) -> str:
        if label in self.keys and not await yes(
            shell, f"% You already have {word} keys defined named {label}.\n% Do you really want to replace them? [yes/no]: "
        ):
            return "% Key generation was given up\n"
        self.keys[label] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return ""

    async def _remove(self, shell: Any, config: Any, name: str) -> str:
        said = "% Removing an enrolled trustpoint will destroy all certificates\n received from the related Certificate Authority.\n\n"
        if not block_of(config, f"{POINT} {name}"):
            return f"% CA trustpoint {name} is not known.\n"
        if not await yes(shell, f"{said}Are you sure you want to do this? [yes/no]: "):
            return ""
        config.blocks = [one for one in config.blocks if one[0] not in (f"{POINT} {name}", f"{CHAIN} {name}")]
        shell.device.keep("running", config.text)
        return "% Be sure to ask the CA administrator to revoke your certificates.\n"

    async def _zeroize(self, shell: Any, word: str, label: str) -> str:
        key = load_pem_private_key(self.keys[label].encode(), None) if label in self.keys else None
        if not isinstance(key, ec.EllipticCurvePrivateKey if word == "ec" else rsa.RSAPrivateKey):
            return f"% No keys of that type named {label} were found in configuration.\n"
        asks = f"% Keys to be removed are named '{label}'.\n% All router certs issued using these keys will also be removed.\n"
        if await yes(shell, f"{asks}Do you really want to remove these keys? [yes/no]: "):
            del self.keys[label]
        return ""

    async def _enroll(self, shell: Any, config: Any, name: str) -> str:
        lines = {line.split()[0]: line.split(None, 1)[1] for line in block_of(config, f"{POINT} {name}")[1:]}
        if (label := self._label(config, name)) not in self.keys:
            return "% Please generate the keys of this trustpoint first\n"
        shell.write(f"% Start certificate enrollment .. \n\n% The subject name in the certificate will include: {lines['subject-name']}\n")
        for word, question in (("serial-number", "Include the router serial number"), ("ip-address", "Include an IP address")):
            if word not in lines:
                await yes(shell, f"% {question} in the subject name? [{'yes/' if word == 'serial-number' else ''}no]: ")
        if not await yes(shell, "Display Certificate Request to terminal? [yes/no]: "):
            return ""
        pem = self._request(lines, label)
        again = "yes"
        while again == "yes":
            shell.write(f"Certificate Request follows:\n\n{pem}\n---End - This line not part of the certificate request---\n\n")
            again = "yes" if await yes(shell, "Redisplay enrollment request? [yes/no]: ") else "no"
        return ""

    def _request(self, lines: Mapping[str, str], label: str) -> str:
        key: Any = load_pem_private_key(self.keys[label].encode(), None)
        made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name.from_rfc4514_string(lines["subject-name"]))
        if hosts := lines.get("subject-alt-name"):
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in hosts.split(",")]), critical=False)
        return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    async def _authenticate(self, shell: Any, config: Any, name: str) -> str:
        if any(ca for ca, dummy in certificates(config, name)):
            return "% Please delete your existing CA certificate first.\n"
        found = await pasted(shell, "CA ")
        if found is None:
            return "% Error in receiving Certificate Authority certificate: status = FAIL, cert length = 0\n"
        prints = [found.fingerprint(one).hex().upper() for one in (hashes.MD5(), hashes.SHA1())]
        shell.write(f"Certificate has the following attributes:\n       Fingerprint MD5: {prints[0]}\n      Fingerprint SHA1: {prints[1]}\n\n")
        if not await yes(shell, "% Do you accept this certificate? [yes/no]: "):
            return "% Certificate was not accepted\n"
        self._add(shell, config, name, found, ca=True)
        return "Trustpoint CA certificate accepted.\n% Certificate successfully imported\n"

    async def _import(self, shell: Any, config: Any, name: str) -> str:
        held = certificates(config, name)
        if not any(ca for ca, dummy in held):
            return "% You must authenticate the Certificate Authority before you can import the router's certificate.\n"
        found = await pasted(shell, "")
        key: Any = load_pem_private_key(self.keys[self._label(config, name)].encode(), None)
        try:
            fits = found is not None and found.public_key() == key.public_key()
            for ca, one in held:
                if ca and found is not None:
                    found.verify_directly_issued_by(one)
        except (ValueError, TypeError, InvalidSignature):
            fits = False
        if not fits or found is None:
            return "% Failed to parse or verify imported certificate\n"
        self._add(shell, config, name, found, ca=False)
        return "% Router Certificate successfully imported\n"

    def _add(self, shell: Any, config: Any, name: str, found: x509.Certificate, ca: bool) -> None:
        head = f"{CHAIN} {name}"
        if not block_of(config, head):
            at = max(place for place, one in enumerate(config.blocks) if one[0].startswith((POINT, CHAIN)))
            config.blocks.insert(at + 1, [head])
        block = block_of(config, head)
        block[1:] = [*block[1:], *digits(found, ca)] if ca else [*digits(found, ca), *block[1:]]
        shell.device.keep("running", config.text)


async def yes(shell: Any, question: str) -> bool:
    shell.write(question)
    return str(await shell.read()).strip().lower() in ("y", "yes")


async def pasted(shell: Any, whose: str) -> x509.Certificate | None:
    shell.write(PASTE.format(whose))
    lines: list[str] = []
    while (line := await shell.read()) is not None and line.strip() not in ("", "quit"):
        lines.append(line.strip())
    try:
        return x509.load_pem_x509_certificate("\n".join(lines).encode())
    except ValueError:
        return None


def chains(text: str) -> list[str]:
    """Of a configuration that runs, or did."""
    return re.findall(rf"^{CHAIN} .*\n(?:  ?.*\n)+", text, re.MULTILINE)
