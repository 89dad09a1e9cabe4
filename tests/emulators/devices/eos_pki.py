"""The certificates of the emulated EOS device: files of `certificate:` and `sslkey:`, what makes and copies them, and what an ssl profile serves of them.

From the sources in the head of eos_keeping.py: questions, `dir`, `copy terminal:` with its control-d.  A guess are the words of refusals, that a key is
made anew over one of the same name, and that a profile whose files are missing or do not fit serves nothing.  Of `bash` it runs one command, for real.
Files are on the disk at once, whatever `write memory` does; those of /tmp go with the power.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from https import certificate

END = "\x04"
PLACES = {"certificate:": "certificates", "sslkey:": "sslkeys"}
TEXTS = "/persist/secure/ssl/certs/"
NAME = r"[\w.-]+"
QUESTIONS = ("Common Name", "Two-Letter Country Code", "State", "Locality Name", "Organization Name", "Organization Unit Name", "Email address")
MORE = ("IP addresses", "DNS names", "Email addresses", "URIs")
DONE, LOST = "Copy completed successfully.\n", "% Error copying {} to {} (No such file or directory)\n"


class Files:
    def __init__(self, folder: Path, named: str) -> None:
        """named: the configuration, whose certificates somebody has put there before its first start."""
        self.folder, self.temporary = folder, dict[str, str]()
        if not (folder / "certificates").is_dir():
            for place in PLACES.values():
                (folder / place).mkdir()
            self._put("certificate:", "ARISTA_ROOT_CA.crt", "no certificate, as far as anybody here reads it\n")
            for name, key in re.findall(rf"^ +certificate ({NAME}) key ({NAME})$", named, re.MULTILINE):
                text = Path(certificate(type("Own", (), {"folder": folder}), "edge1")).read_text(encoding="utf-8")
                at = text.index("-----BEGIN CERTIFICATE")
                self._put("certificate:", name, text[at:])
                self._put("sslkey:", key, text[:at])

    def _put(self, place: str, name: str, text: str) -> None:
        whole = self.folder / f"{name}.new"
        whole.write_text(text, encoding="utf-8")
        whole.rename(self.folder / PLACES[place] / name)

    def _read(self, place: str, name: str) -> str:
        path = self.folder / PLACES[place] / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    # ------------------------------------------------------------ what is served

    def context(self, name: str, key: str, chain: list[str]) -> ssl.SSLContext:
        """Raises OSError where the profile is not valid."""
        text = self._read("sslkey:", key) + "".join(self._read("certificate:", one) for one in (name, *chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".pem") as kept:
            kept.write(text)
            kept.flush()
            context.load_cert_chain(kept.name)
        return context

    # ------------------------------------------------------------ commands

    async def do(self, shell: Any, command: str) -> str | None:
        """None = no command of ours."""
        table: dict[str, Callable[..., Any]] = {
            rf"security pki key generate rsa (2048|4096) ({NAME})": self._key,
            rf"security pki certificate generate signing-request key ({NAME})": lambda name: self._request(shell, name),
            rf"copy terminal: file:/tmp/({NAME})": lambda name: self._pasted(shell, name),
            rf"copy file:/tmp/({NAME}) certificate:({NAME})": self._copy,
            rf"delete (certificate:|sslkey:|file:/tmp/)({NAME})": self._delete,
            r"dir (sslkey:|certificate:)": self._dir,
            rf"bash timeout 10 (awk .*{TEXTS}\*)": self._bash,
        }
        hit = next(((said, found) for pattern, said in table.items() if (found := re.fullmatch(pattern, command))), None)
        if not hit:
            return None
        said = hit[0](*hit[1].groups())
        return str(said if isinstance(said, str) else await said)

    def _key(self, bits: str, name: str) -> str:
        key = rsa.generate_private_key(65537, int(bits))
        self._put("sslkey:", name, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
        return ""

    async def _request(self, shell: Any, name: str) -> str:
        if not (text := self._read("sslkey:", name)):
            return f"% Error generating CSR: key {name} does not exist\n"
        said = {what: await shell.hears(f"{what} for use in subject: ") for what in QUESTIONS}
        more = {what: (await shell.hears(f"{what} (space separated) for use in subject-alternative-name: ")).split() for what in MORE}
        named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, said["Common Name"])])
        names = [*map(x509.DNSName, more["DNS names"]), *(x509.IPAddress(ipaddress.ip_address(one)) for one in more["IP addresses"])]
        builder = x509.CertificateSigningRequestBuilder().subject_name(named)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False) if names else builder
        key: Any = load_pem_private_key(text.encode(), None)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    async def _pasted(self, shell: Any, name: str) -> str:
        self.temporary[name] = await shell.until(END, "enter input line by line; when done enter one or more control-d\n")
        return DONE

    def _copy(self, old: str, new: str) -> str:
        if old not in self.temporary:
            return LOST.format(f"file:/tmp/{old}", f"certificate:{new}")
        self._put("certificate:", new, self.temporary[old])
        return DONE

    def _delete(self, place: str, name: str) -> str:
        if place not in PLACES:
            return "" if self.temporary.pop(name, "") else f"% Error deleting {place}{name} (No such file or directory)\n"
        path = self.folder / PLACES[place] / name
        if not path.is_file():
            return f"% Error deleting {place}{name} (No such file or directory)\n"
        path.unlink()
        return ""

    def _dir(self, place: str) -> str:
        found = sorted((self.folder / PLACES[place]).iterdir())
        rows = "".join(f"       -rw-  {one.stat().st_size:10}           Nov 27 10:00  {one.name}\n" for one in found)
        return f"Directory of {place}/\n\n{rows or 'No files in directory' + chr(10)}\nNo space information available\n"

    def _bash(self, command: str) -> str:
        here = f"{self.folder / 'certificates'}/"
        done = subprocess.run(["bash", "-c", command.replace(TEXTS, here)], capture_output=True, text=True, check=False, timeout=10)
        failed = f"% '{command}' returned error code:{done.returncode}\n" if done.returncode else ""
        return (done.stdout + done.stderr).replace(here, TEXTS) + failed
