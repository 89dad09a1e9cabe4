"""A folder in which nothing can be run: releases that are recorded speak for theirs, and only for theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.recorded import SSHD_DEFAULTS, STATUS, packages, recorded
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.offline import from_path
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import read

from tests.unit.conftest import captured

HOSTS = {
    "web-legacy": {"openssh-server": "8.4p1", "libssl1.1": "1.1.1w", "nginx-common": "1.18.0"},
    "web-old": {"openssh-server": "9.2p1", "libssl3": "3.0.22", "nginx-common": "1.22.1"},
    "web-new": {"openssh-server": "10.0p1", "libssl3t64": "3.5.7", "nginx-common": "1.26.3"},
}
SEEN = {name: SERVICES[name] for name in ("openssh", "nginx")}


def offline(live: Snapshot, installed: dict[str, str]) -> Snapshot:
    """The same files, and the list of what keys are there: a folder shows that, too."""
    kept = {id_: answer for id_, answer in live.answers.items() if id_ == "dropins"}
    return replace(live, answers=kept | recorded(installed))


def told(endpoint: Endpoint) -> dict[str, tuple[object, ...]]:
    return {aspect: (frozenset(found.values), found.values[:1], found.tiers) for aspect, found in endpoint.settings.items() if aspect != "session"}


@pytest.mark.parametrize("host", HOSTS)
def test_the_files_alone_tell_what_the_host_itself_told(host: str) -> None:
    live = captured(host)
    asked, guessed = read(live, SEEN), read(offline(live, HOSTS[host]), SEEN)
    assert [e.id for e in asked] == [e.id for e in guessed]
    for one, other in zip(asked, guessed, strict=True):
        assert told(one) == told(other)
        assert {a: c.names and frozenset(c.names) for a, c in one.capabilities.items()} == {
            a: c.names and frozenset(c.names) for a, c in other.capabilities.items()
        }


def test_whose_words_they_are_is_said_wherever_they_count() -> None:
    ssh, tls = read(offline(captured("web-old"), HOSTS["web-old"]), SEEN)
    assert ssh.version == "OpenSSH 9.2 (by table, not asked)" and tls.version == "nginx 1.22.1 (by table, not asked)"
    assert str(ssh.settings["host_key"].origin) == "default of OpenSSH 9.2 (by table, not asked)"
    assert ssh.settings["key_exchange"].evidence == "configured"
    assert ssh.capabilities["key_exchange"].source == "`ssh -Q kex` of OpenSSH 9.2 of Debian GNU/Linux 12 (bookworm), for nobody could ask this one"
    assert "of OpenSSL 3.0 of Debian" in tls.capabilities["key_exchange"].source


@pytest.mark.parametrize(
    "installed",
    [{}, {"openssh-server": "9.9p1"}, {"openssh-server": "10.01p1"}, {"libssl3": "3.0.22", "libssl1.1": "1.1.1w"}, {"libssl3": "3.1.2"}],
    ids=["nothing", "a release that is not here", "one that begins alike", "two libraries", "a library that is not here"],
)
def test_another_release_stays_unknown(installed: dict[str, str]) -> None:
    assert recorded(installed) == {}


def test_only_what_is_installed_counts_by_the_version_of_its_authors() -> None:
    status = (
        "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2+deb12u10\nDescription: x\n Version: 7\n\n"
        "Package: libssl3\nStatus: deinstall ok config-files\nVersion: 3.0.22-1~deb12u2\n\n"
        "Package: nginx-common\nStatus: install ok installed\nVersion: 1.18.0+dfsg-6\n\nbroken\n"
    )
    assert packages(status) == {"openssh-server": "9.2p1", "nginx-common": "1.18.0"}


def test_a_folder_with_dpkgs_list_is_read_with_it(tmp_path: Path) -> None:
    listed = tmp_path / STATUS.lstrip("/")
    listed.parent.mkdir(parents=True)
    listed.write_text("Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n")
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/ssh/sshd_config").write_text("KexAlgorithms -diffie-hellman-*,ecdh-*\nCiphers +aes256-cbc\n")
    (endpoint,) = SERVICES["openssh"].read(from_path(tmp_path, "image", "", {"openssh": SERVICES["openssh"].collect}))
    assert set(endpoint.settings["key_exchange"].values) == {
        *("sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com", "curve25519-sha256", "curve25519-sha256@libssh.org")
    }
    assert endpoint.settings["cipher"].values[-1] == "aes256-cbc" and len(endpoint.settings["cipher"].values) == 7


def test_every_row_is_of_one_release_and_says_whose_it_is() -> None:
    folder = Path(recorded.__code__.co_filename).parent / "data"
    rows = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert {name for name, row in rows.items() if name.startswith("openssh")} == {f"openssh-{release}" for release in ("8.4", "9.2", "10.0", "10.6")}
    for name, row in rows.items():
        assert row["of"] and row["packages"] and (name == "nginx" or name.endswith(f"-{row['release']}"))
        assert SSHD_DEFAULTS in row["answers"] or not name.startswith("openssh")
