"""The controller's side of a rotation, with the real ssh and ssh-keygen: what is pinned, what is added, what an authority signs, what is revoked."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_kinds import signed, words
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.known_hosts import KnownHosts, add, of_openssh, pinned
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.ssh_keygen import revoked, sign_host_key, ssh_authority

from tests.unit.conftest import FIXTURES

KEY = words((FIXTURES / "ssh/ed25519.pub").read_text(encoding="utf-8"))
OTHER = words((FIXTURES / "ssh/ecdsa256.pub").read_text(encoding="utf-8"))


def keygen(*words_: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words_], check=True, capture_output=True)


def known(file: Path, *names: str) -> KnownHosts:
    return KnownHosts(file, (str(file),), names or ("h",))


def test_the_file_and_the_names_are_those_of_the_connection(tmp_path: Path) -> None:
    options = ["-F", "none", "-o", f"UserKnownHostsFile={tmp_path}/k", "-o", "GlobalKnownHostsFile=/dev/null"]
    found = of_openssh("h", [*options, "-p", "2222", "-o", "StrictHostKeyChecking=yes"])
    assert (found.file, found.names, found.trusting) == (tmp_path / "k", ("[h]:2222", "h"), False)
    assert of_openssh("h", [*options, "-o", "HostKeyAlias=a", "-o", "StrictHostKeyChecking=no"]).names == ("a",)
    assert of_openssh("h", options, str(tmp_path / "mine")).file == tmp_path / "mine"


def test_what_is_pinned_is_found_under_hashed_names_and_the_second_name_too(tmp_path: Path) -> None:
    file = tmp_path / "k"
    file.write_text(f"h {KEY}\n@cert-authority *.test,h {OTHER}\n@revoked h {OTHER}\n")
    assert pinned(known(file, "[h]:2222", "h")) == ("h", {KEY}, {OTHER})
    keygen("-H", "-f", str(file))
    assert pinned(known(file))[1] == {KEY}
    assert pinned(known(file, "other")) == ("other", frozenset(), frozenset())


def test_lines_are_added_once_behind_an_unfinished_one_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "k"
    file.write_text(f"h {KEY}")
    file.chmod(0o644)
    assert add(known(file), [f"h {OTHER}", f"h {OTHER}", f"h {KEY}"]) == (f"h {OTHER}",)
    assert file.read_text() == f"h {KEY}\nh {OTHER}\n" and file.stat().st_mode & 0o777 == 0o644, "who may read it is not ours to say"
    assert add(known(file), [f"h {OTHER}"]) == ()


def test_a_new_file_is_for_its_owner_alone_and_a_link_stays_one(tmp_path: Path) -> None:
    add(known(tmp_path / "deep/k"), [f"h {KEY}"])
    assert (tmp_path / "deep/k").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to("deep/k")
    add(known(tmp_path / "link"), [f"h {OTHER}"])
    assert (tmp_path / "link").is_symlink() and OTHER in (tmp_path / "deep/k").read_text()


def test_hosts_that_come_at_once_lose_no_line(tmp_path: Path) -> None:
    lines = [f"h{number} {KEY}" for number in range(40)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda line: add(known(tmp_path / "k"), [line]), lines))
    assert sorted((tmp_path / "k").read_text().splitlines()) == sorted(lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".k.agility-lock", "k"]


def test_a_file_that_cannot_be_written_says_what_to_add_by_hand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match=f"add the lines by hand: h {KEY[:20]}"):
        add(known(tmp_path / "file" / "k"), [f"h {KEY}"])
    with pytest.raises(Problem, match="agility_known_hosts"):
        add(known(Path("/dev/null")), [f"h {KEY}"])


# ---------------------------------------------------------------- an authority, and what is revoked


def test_an_authority_signs_for_the_names_that_were_asked_for(tmp_path: Path) -> None:
    keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "ca"))
    authority = ssh_authority(str(tmp_path / "ca"))
    made = signed(sign_host_key(authority, KEY, "web-new", ("web-new", "10.91.0.11"), 47, 5))
    assert made and (made.principals, made.authority) == (("web-new", "10.91.0.11"), authority.public)
    (tmp_path / "ca.pub").unlink()
    assert ssh_authority(str(tmp_path / "ca")) == authority, "derived"


def test_a_key_with_a_password_is_not_asked_for_it_but_named(tmp_path: Path) -> None:
    keygen("-t", "ed25519", "-N", "a password", "-f", str(tmp_path / "ca"))
    with pytest.raises(Problem, match="ssh-keygen says"):
        sign_host_key(ssh_authority(str(tmp_path / "ca")), KEY, "h", ("h",), 1, 1)
    with pytest.raises(Problem):
        ssh_authority(str(tmp_path / "none"))


def test_a_list_says_which_keys_it_revokes(tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text(f"{KEY}\n")
    keygen("-k", "-f", str(tmp_path / "krl"), str(tmp_path / "k.pub"))
    assert revoked(tmp_path / "krl", [KEY, OTHER]) == (KEY,)


@pytest.mark.parametrize("content", [b"", b"ssh-ed25519 AAAA\n", b"SSHKRL\n\0cut"])
def test_a_list_that_sshd_could_not_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "krl").write_bytes(content)
    with pytest.raises(Problem, match="nothing was changed"):
        revoked(tmp_path / "krl", [KEY])
    with pytest.raises(Problem, match="nothing was changed"):
        revoked(tmp_path / "nowhere", [KEY])
