"""A key in escrow: encrypted on the host, kept only where the policy says so, and brought back with the commands of docs/escrow.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import STATE, TOP, Lab, Ran, on

PAGE = (TOP / "docs/escrow.md").read_text(encoding="utf-8")
MAKE, RECOVER = (block for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if not kind)
POLICY = """policy: {{name: escrow, version: "1"}}
extends: [hybrid-transition@1]
escrow:
  - {{id: new, host: web-new, mode: {0}, recipient: {{name: security-office, classical: "{1}", kem: "{2}"}}}}
  - {{id: old, host: web-old, mode: {0}, recipient: {{name: security-office, classical: "{1}", kem: "{2}"}}}}
"""


class Office:
    """The recipient, on a host that stands for the machine which is never connected."""

    def __init__(self, folder: Path) -> None:
        said = on("client", f"rm -rf /root/office && mkdir /root/office && cd /root/office && {MAKE}")
        self.folder, self.digests = folder, re.findall(r"^([0-9a-f]{64}) ", said, re.MULTILINE)
        for name in ("security-office.crt", "security-office.pub"):
            (folder / name).write_text(on("client", f"cat /root/office/{name}"), encoding="utf-8")

    def policy(self, mode: str) -> str:
        path = self.folder / f"{mode}.yml"
        path.write_text(POLICY.format(mode, *self.digests), encoding="utf-8")
        return str(path)

    def recovered(self, escrow: Path, digest: str) -> str:
        """The drill, with the commands of the page: what it prints last."""
        for ending in ("kem", "sealed"):
            on("client", f"printf %s '{(escrow / f'{digest}.{ending}').read_text().strip()}' >/root/office/{digest}.{ending}")
        return on("client", f"set -e; cd /root/office; {RECOVER.replace('DIGEST', digest)}").split()[0]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(tmp_path_factory.mktemp("office"))


def rotated(lab: Lab, host: str, office: Office, policy: str, *more: str, **variables: object) -> tuple[Ran, Path]:
    authority, folder = STATE / "ca", lab.tmp / "escrow"
    words = {"agility_authority": str(authority), "agility_policy": policy, "agility_escrow_recipients": str(office.folder)}
    words |= {"agility_escrow_folder": str(folder), "agility_services": ["nginx"], "agility_keys": ["ECDSA-P384"]}
    return lab.play("rotate_certificates", host, *more, **{**words, **variables}), folder


def test_a_key_is_kept_as_its_recipient_alone_can_read_it_and_the_drill_brings_it_back(lab: Lab, office: Office) -> None:
    ran, folder = rotated(lab, "web-new", office, office.policy("required"), "-vvv", agility_campaign="escrow")
    assert ran.rc == 0, ran.text[-3000:]
    (manifest,) = folder.glob("*.json")
    told, digest = json.loads(manifest.read_text()), manifest.stem
    assert sorted(path.name for path in folder.iterdir()) == [f"{digest}.{ending}" for ending in ("json", "kem", "sealed")]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600} and folder.stat().st_mode & 0o777 == 0o700
    assert (told["host"], told["recipient"]["name"], told["public_key_sha256"]) == ("web-new", "security-office", digest)
    assert told["recipient"]["kind"] == "ECDSA-P384 and ML-KEM-1024" and told["endpoints"] and told["transaction"]
    assert any("its key is kept for security-office" in reason for reason in ran.host("web-new")["plan"]["reasons"])
    assert ran.host("web-new")["rounds"] <= 4

    assert office.recovered(folder, digest) == digest
    ask = "echo | openssl s_client -connect web-new:443 -servername web-new 2>/dev/null | openssl x509 -noout -pubkey"
    assert on("client", ask) == on("client", "openssl pkey -in /root/office/recovered.key -pubout")

    key = on("web-new", "cat /etc/nginx/tls/*.ecdsa-p384-*.key")
    assert key == on("client", "cat /root/office/recovered.key"), "byte for byte"
    body = [line for line in key.splitlines() if len(line) > 40][:1]
    written = "".join(file.read_text(errors="replace") for file in lab.tmp.rglob("*") if file.is_file())
    assert body and body[0] not in ran.text and body[0] not in written
    assert on("web-new", "find /var/lib/crypto-agility/keys -type f") == ""
    assert lab.play("rollback", "web-new", agility_campaign="escrow").rc == 0


def test_without_a_word_of_the_policy_nothing_is_kept_whatever_variables_say(lab: Lab, office: Office) -> None:
    ran, folder = rotated(lab, "web-new", office, "hybrid-transition@1", agility_campaign="none")
    assert ran.rc == 0 and not folder.exists(), ran.text[-3000:]
    assert "is not kept: the policy does not allow it" in " ".join(ran.text.split())
    assert lab.play("rollback", "web-new", agility_campaign="none").rc == 0


def test_a_host_without_ml_kem_keeps_no_key_classically(lab: Lab, office: Office) -> None:
    before = on("web-old", "sha256sum /etc/nginx/tls/*")
    ran, folder = rotated(lab, "web-old", office, office.policy("required"))
    assert ran.rc != 0 and "cannot encrypt with ML-KEM" in ran.text and not folder.exists()
    assert on("web-old", "sha256sum /etc/nginx/tls/*") == before
