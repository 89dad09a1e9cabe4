"""The catalogue against the binaries that really run: every name that they print today has a row."""

from __future__ import annotations

import os
import shlex
import subprocess
import uuid
from collections.abc import Iterator

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_ask import ASKED as ASKED_OF_SSHD
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_ask import WIDE

from ..printed import ASKED, unknown
from .conftest import LAB, on
from .container import Container

HOSTS = ("web-new", "web-old", "web-legacy", "web-bare", "web-include", "client")
SINCE = {"openssl-list-tls-groups": "web-old web-legacy", "openssl-list-tls-signature-algorithms": "web-old web-legacy"}
SINCE |= {"openssl-list-kem-algorithms": "web-legacy", "openssl-list-signature-algorithms": "web-legacy"}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("host", HOSTS)
def test_every_name_that_a_host_prints_is_known(host: str, asked: str) -> None:
    command = ASKED[asked][0]
    if host in SINCE.get(asked, "").split():
        assert "nknown option" in on(host, f"{command} 2>&1; true"), "this version answers now: take it out of SINCE"
    else:
        assert unknown(asked, on(host, command)) == []


@pytest.mark.parametrize("host", HOSTS[:-1])
def test_sshd_lists_as_many_key_types_as_ssh_does(host: str) -> None:
    """A look asks sshd for them (services/openssh_ask.py), which saves a process on every host."""
    wide = on(host, f"{' '.join(map(shlex.quote, ASKED_OF_SSHD[WIDE]))} | sed -n 's/^hostbasedaccepted[a-z]* //p'")
    assert sorted(wide.strip().split(",")) == sorted(on(host, "ssh -Q key-sig").split())


@pytest.fixture(scope="module", params=["strongswan", "strongswan-new"])
def charon(request: pytest.FixtureRequest) -> Iterator[Container]:
    """A host with strongSwan, from an image that only this test needs."""
    if not os.environ.get("AGILITY_STRONGSWAN"):
        pytest.skip("make verify-policy builds the images of strongSwan; tests/fixtures/algorithms has what they printed")
    made = subprocess.run([LAB, "image", request.param], capture_output=True, text=True, check=False, timeout=900)
    assert made.returncode == 0, made.stdout + made.stderr
    container = Container(f"charon-{uuid.uuid4().hex[:8]}", request.param)
    yield container
    container.remove()


def test_every_name_that_swanctl_prints_is_known(charon: Container) -> None:
    charon.run("systemctl start strongswan")
    printed = charon.run("swanctl --list-algs")
    assert "key_exchange:" in printed or "ke:" in printed
    assert unknown("swanctl-list-algs", printed) == []
