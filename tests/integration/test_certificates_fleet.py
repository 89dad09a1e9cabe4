"""Twenty endpoints: from ECDSA to ECDSA and ML-DSA-65, and back, judged by openssl on another host each time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from .conftest import LAB as LAB_COMMAND
from .conftest import STATE, Lab, on

COUNT = int(os.environ.get("AGILITY_FLEET", "0"))
SCHEMES = ("ecdsa_secp256r1_sha256", "mldsa65")
# One line an endpoint and kind of client: host, what it offers, what was signed with, whether the chain holds, the certificate's digest.
ASK = """while read -r host address; do for scheme in %s; do
  said=$(echo | openssl s_client -connect $address:443 -servername $host -verify_hostname $host -verify_return_error -sigalgs $scheme 2>&1)
  echo $host $scheme $(echo "$said" | sed -n 's/^Peer signature type: //p') $(echo "$said" | sed -n 's/^Verification: //p') \
    $(echo "$said" | openssl x509 -noout -fingerprint -sha256 2>/dev/null | cut -d= -f2)
done; done"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[dict[str, str]]:
    if not COUNT:
        pytest.skip("SKIPPED LOUDLY: `make verify-certificates` rotates the certificates of 20 endpoints")
    subprocess.run([LAB_COMMAND, "up", f"HOSTS={COUNT}"], check=True, timeout=600)
    yield {f"plain-{number:02d}": f"10.91.0.{100 + number}" for number in range(1, COUNT + 1)}
    subprocess.run([LAB_COMMAND, "up", "HOSTS=0"], check=True, timeout=600)


def served(fleet: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    """(host, scheme that a client offers) → signature type, verification, digest; [] when it got nothing."""
    asked = "".join(f"{host} {address}\n" for host, address in fleet.items())
    done = subprocess.run(
        [LAB_COMMAND, "exec", "client", "sh", "-c", ASK % " ".join(SCHEMES)], input=asked, capture_output=True, text=True, check=True, timeout=300
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    return {(host, scheme): rest for host, scheme, *rest in rows}


def files(host: str) -> str:
    return on(
        host, "stat -c '%n %a %U %G %Y %s' /etc/nginx/tls/* /etc/nginx/sites-available/*; sha256sum /etc/nginx/tls/* /etc/nginx/sites-available/*"
    )


def test_twenty_endpoints_serve_a_second_certificate_and_go_back(lab: Lab, fleet: dict[str, str]) -> None:
    inventory = ("-i", str(STATE / "inventory-plain.yml"))
    before, on_disk = served(fleet), {host: files(host) for host in fleet}
    for host in fleet:
        assert before[host, SCHEMES[0]][:2] == ["ecdsa_secp256r1_sha256", "OK"]
        assert before[host, SCHEMES[1]][:1] != ["mldsa65"]

    began = time.monotonic()
    ran = lab.play(
        *("rotate_certificates", "plain", *inventory),
        agility_authority=str(STATE / "ca"),
        agility_keys=["ECDSA-P256", "ML-DSA-65"],
        agility_campaign="fleet",
    )
    took = time.monotonic() - began
    assert ran.rc == 0, ran.text[-5000:]
    dual = served(fleet)
    for host in fleet:
        assert ran.host(host)["rounds"] <= 4
        assert dual[host, SCHEMES[0]] == before[host, SCHEMES[0]], "classical clients see what they saw"
        assert dual[host, SCHEMES[1]][:2] == ["mldsa65", "OK"]
    assert len({dual[host, SCHEMES[1]][2] for host in fleet}) == len(fleet), "each has a key of its own"

    back = lab.play("rollback", "plain", *inventory, agility_campaign="fleet")
    assert back.rc == 0, back.text[-5000:]
    assert served(fleet) == before
    assert {host: files(host) for host in fleet} == on_disk
    print(f"fleet: {len(fleet)} endpoints in {took:.1f} s, {len(fleet) / took:.2f}/s")
