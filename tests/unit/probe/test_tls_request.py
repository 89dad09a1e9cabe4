"""Whom a server asks for certificates, as a new connection sees it: openssl s_server is the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls import probe_tls
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls_request import authorities

from .peers import certificate, s_server


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("asks", [True, False])
def test_the_names_of_the_authorities_are_those_of_the_servers_bundle(tmp_path: Path, version: str, asks: bool) -> None:
    path, one = certificate(tmp_path)
    with s_server("-cert", str(path), version, *(("-Verify", "1", "-CAfile", str(path)) if asks else ())) as port:
        seen = probe_tls("127.0.0.1", port)
    assert not seen.failure
    assert seen.asks == ((one.subject.public_bytes(),) if asks else None)


def test_a_request_that_was_cut_off_is_an_error() -> None:
    with pytest.raises(ValueError, match="cut off"):
        authorities(b"\0\0\x20\0\x2f\0")
