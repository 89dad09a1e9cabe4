"""Hosts for the agent's tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .agent_host import SHELLS, Host
from .installed_host import Installed


def _host(tmp_path: Path, shell: str) -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.fail("the agent's tests run the real agent: they need root")
    missing = [words[0] for words in SHELLS.values() if not shutil.which(words[0])]
    if missing:
        pytest.fail(f"the agent is tested under four shells: install {', '.join(missing)}")
    host = Host(tmp_path, shell)
    yield host
    host.end()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    yield from _host(tmp_path, "dash")


@pytest.fixture(params=list(SHELLS))
def any_host(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    """The same host under each shell; "ash" comes with busybox utilities."""
    yield from _host(tmp_path, request.param)


@pytest.fixture
def there(host: Host) -> Installed:
    return Installed(host)


@pytest.fixture
def everywhere(any_host: Host) -> Installed:
    return Installed(any_host)
