"""The installed agent under every shell: what it does for its account, and what it takes for no data."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, installed, script

from .agent_host import DIGEST, NONCE
from .installed_host import Installed, denied

MODERN = "Ciphers aes256-gcm@openssh.com # ours\n"
HEADER = "# Written by quantumsafe.agility to satisfy the crypto-agility policy; undo it with its rollback playbook.\n"


# ---------------------------------------------------------------- what it does


def test_a_look_shows_what_the_services_ask_for_and_no_more(everywhere: Installed) -> None:
    seen = everywhere.look()
    assert {"/etc/ssh/sshd_config", "/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled/site"} <= set(seen)
    assert not any("htpasswd" in path for path in seen)
    assert "sshd -T" in everywhere.ran()


def test_a_change_is_made_confirmed_and_undone(everywhere: Installed) -> None:
    path, before = everywhere.etc / "ssh/sshd_config", everywhere.facts()
    report = everywhere.apply(everywhere.line("ssh/sshd_config", 3, MODERN))
    assert (report.state, report.message) == ("RELOADED", "")
    assert MODERN in path.read_text()
    assert everywhere.confirm().state == "CLEANED"
    now = hashlib.sha256(path.read_bytes()).hexdigest()
    undo = script.Restore(str(path), now, "t-1", 1)
    assert everywhere.apply(undo, id_="t-2").state == "RELOADED"
    assert everywhere.confirm("t-2").state == "CLEANED"
    assert everywhere.facts() == before


def test_a_change_that_nobody_confirms_goes_back_by_itself(there: Installed) -> None:
    before = there.facts()
    there.host.sent = 0
    message = script.compose_apply(
        script.Transaction("t-1", 1, script.Identity(), "a test", (there.line("ssh/sshd_config", 3, MODERN),), (), DIGEST), {}, NONCE
    )
    rows = there.data(message).split("\n")
    rows.insert(-3, "\2".join(("ca_activate", "openssh", "reload", "ssh.service,sshd.service", "ssh.socket,sshd.socket", "-", "sshd", "-t")))
    look = rows.pop(rows.index(next(row for row in rows if row.startswith("ca_look"))))
    apply = rows.pop(rows.index("ca_apply"))
    rows[-2:-2] = [apply, look]
    there.send("\n".join(rows))
    there.host.wait("REVERTED")
    assert there.facts() == before


def test_the_files_that_a_service_creates_can_be_created_and_removed(everywhere: Installed) -> None:
    path, before = everywhere.etc / "ssh/sshd_config.d/10-crypto-agility.conf", everywhere.facts()
    text = HEADER + "KexAlgorithms mlkem768x25519-sha256\n"
    report = everywhere.apply(Change(str(path), "", (Edit(1, 0, tuple(text.splitlines(True))),), hashlib.sha256(text.encode()).hexdigest()))
    assert (report.state, report.message, path.read_text()) == ("RELOADED", "", text)
    everywhere.confirm()
    assert everywhere.apply(script.Restore(str(path), hashlib.sha256(text.encode()).hexdigest(), "t-1", 1, "remove"), id_="t-2").state == "RELOADED"
    assert everywhere.confirm("t-2").state == "CLEANED"
    assert everywhere.facts() == before


@pytest.mark.parametrize(
    ("number", "delete", "text"),
    [
        (3, 1, "  ssl_protocols TLSv1.3;\n"),
        (3, 0, "  ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;\n"),
        (2, 1, "  listen 443 ssl; ssl_ecdh_curve X25519MLKEM768:X25519; server_name a;\n"),
        (1, 1, "server { ssl_ciphers 'ECDHE-RSA-AES256-GCM-SHA384:!aNULL';\n"),
        (3, 1, ""),
    ],
)
def test_what_nginx_is_given_may_stand_on_a_line_of_its_own_or_among_others(everywhere: Installed, number: int, delete: int, text: str) -> None:
    report = everywhere.apply(everywhere.line("nginx/sites-enabled/site", number, text, delete), service="nginx")
    assert (report.state, report.message) == ("RELOADED", "")


def test_what_is_sent_twice_is_done_once_and_told_twice(there: Installed) -> None:
    data = there.data(there.transaction(there.line("ssh/sshd_config", 3, MODERN)))
    first, second = (answer.parse_transaction(there.send(data), NONCE) for dummy in range(2))
    assert (first.state, second.state, second.error) == ("RELOADED", "RELOADED", "")
    assert first.journal == second.journal


def test_names_of_people_need_not_be_ascii(everywhere: Installed) -> None:
    data = everywhere.data(everywhere.transaction(everywhere.line("ssh/sshd_config", 3, MODERN)))
    report = answer.parse_transaction(everywhere.send(data.replace("a test", "Jürgen, campaign Frühling")), NONCE)
    assert (report.state, report.started_by) == ("RELOADED", "Jürgen, campaign Frühling")


# ---------------------------------------------------------------- what is no data for it


def test_a_script_is_no_data(everywhere: Installed) -> None:
    everywhere.host.sent = 0
    said = everywhere.send(script.compose_status("", NONCE) + f"\ntouch {everywhere.host.root}/pwned\n")
    assert (said, (everywhere.host.root / "pwned").exists()) == ("crypto-agility: no data for the installed agent; nothing was done\n", False)


def test_what_was_cut_off_on_its_way_does_nothing(there: Installed) -> None:
    data, before = there.data(there.transaction(there.line("ssh/sshd_config", 3, MODERN))), there.facts()
    for at in range(0, len(data) - 1, 7):
        there.send(data[:at])
    there.send(data[: -len(NONCE) // 2 - 1])
    assert (there.facts(), list(there.host.state.glob("tx/*"))) == (before, [])


def test_more_than_it_takes_is_refused(there: Installed) -> None:
    assert "more than 262144 bytes" in denied(there, there.raw(("ca_status", "a" * 300000)))


def test_data_for_another_release_is_refused_before_anything_else(there: Installed) -> None:
    data = there.data(there.transaction(there.line("ssh/sshd_config", 3, MODERN))).replace(there.sha256, "0" * 64)
    assert "another release" in denied(there, data)
    assert "install_agent" in denied(there, data)


@pytest.mark.parametrize(
    "calls",
    [
        [("ca_put", "x")],
        [("eval", "touch /tmp/x")],
        [("ca_apply",)],
        [("ca_step", 1, "line", ":x")],
        [("ca_new_key", "t-1", 1, "-", "-")],
        [("ca_status",), ("ca_status",)],
        [("ca_status", "../x")],
        [("ca_status", "$(id)")],
        [("ca_revert", "t-1/../..", "why")],
        [("ca_confirm", "t-1", "x" * 1001)],
        [("ca_recover", "yes", "1", "x")],
        [("ca_recover", "maybe")],
        [("ca_look", "all", "httpd")],
        [("ca_look", "rm", "openssh")],
        [("ca_open", "t-1", 60, DIGEST, "-", "-", "me")],
        [("ca_open", "t-1", "1+1", DIGEST, "-", "-", "me"), ("ca_apply",), ("ca_look", "all", "-")],
        [("ca_open", "t-1", 60, DIGEST, "-", "-", "me"), ("ca_apply",), ("ca_look", "all", "-")],
    ],
)
def test_a_call_that_is_none_or_a_word_of_another_shape_is_refused(there: Installed, calls: list[tuple[object, ...]]) -> None:
    report = there.send(there.raw(*calls))
    assert "refused-agent" in answer.body(report, NONCE)
    assert list(there.host.state.glob("tx/*")) == []


@pytest.mark.parametrize(
    "extra",
    ["/etc/shadow", "/etc/nginx/.htpasswd", "/etc/nginx/../shadow.conf", "/etc/nginx/.?/a.conf", "/etc/nginx/*", "/root/x.pem", "etc/x.conf"],
)
def test_it_reads_no_file_that_is_neither_configuration_nor_certificate_of_a_service(there: Installed, extra: str) -> None:
    with pytest.raises(Problem, match=r"it reads|outside of what it reads"):
        there.look(there.place(extra))


def test_it_reads_further_configuration_and_what_it_kept(there: Installed) -> None:
    there.host.write("nginx/odd.conf", "# odd\n")
    there.apply(there.line("ssh/sshd_config", 3, MODERN))
    there.confirm()
    kept = str(there.host.state / "tx/t-1/old/1")
    seen = there.look(there.place("/etc/nginx/odd.conf"), kept)
    assert "aes128-cbc" in seen[kept]
    assert seen["/etc/nginx/odd.conf"] == "# odd\n"


def test_the_callers_environment_does_not_come_in(there: Installed, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("sshd", "awk", "head", "readlink", "stat"):
        (evil / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
        (evil / name).chmod(0o755)
    environment = {"PATH": f"{evil}:{os.environ['PATH']}", "ENV": f"{evil}/awk", "BASH_ENV": f"{evil}/awk", "IFS": "/", "ca_state": "/tmp"}
    there.send(there.data(script.compose_collect({}, NONCE)), environment)
    assert not (tmp_path / "pwned").exists()


# ---------------------------------------------------------------- what sudo is told


def test_the_rule_is_one_line_for_one_account_one_file_and_no_argument(tmp_path: Path) -> None:
    assert installed.rule("operator") == f'operator ALL=(root) NOPASSWD: sha256:{installed.digest()} /usr/local/libexec/crypto-agility/agent ""\n'
    (tmp_path / "agent").write_text(installed.text())
    said = subprocess.run(["sha256sum", str(tmp_path / "agent")], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == installed.digest()


@pytest.mark.parametrize("user", ["", "root", "a b", "%wheel", "ALL", "x\ny ALL=(ALL) ALL", "#0", "a,b"])
def test_no_other_account_is_written_into_it(user: str) -> None:
    with pytest.raises(Problem, match="is no account"):
        installed.rule(user)
