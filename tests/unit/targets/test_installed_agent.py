"""The installed agent under every shell: what it does for its account, and what it refuses to a thief of that account."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, installed, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data

from .agent_host import DIGEST, NONCE, Host
from .installed_host import Installed

MODERN = "Ciphers aes256-gcm@openssh.com # ours\n"
HEADER = "# Written by quantumsafe.agility to satisfy the crypto-agility policy; undo it with its rollback playbook.\n"


@pytest.fixture
def there(host: Host) -> Installed:
    return Installed(host)


@pytest.fixture
def everywhere(any_host: Host) -> Installed:
    return Installed(any_host)


def refused(there: Installed, *changes: Change | script.Restore, service: str = "openssh", id_: str = "t-1") -> str:
    """The reason; nothing was changed, nothing ran, and no transaction is left."""
    before, ran = there.facts(), there.ran()
    report = there.apply(*changes, service=service, id_=id_)
    assert (report.state, report.error, there.facts(), there.ran()) == ("REFUSED", "refused-agent", before, ran), report
    assert not (there.host.state / "tx" / id_).exists()
    return report.message


def denied(there: Installed, data: str) -> str:
    """The reason why this data was answered by nothing."""
    before = there.facts()
    with pytest.raises(Problem) as caught:
        answer.parse_transactions(there.send(data), NONCE)
    assert (there.facts(), list(there.host.state.glob("tx/*"))) == (before, [])
    return str(caught.value)


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


# ---------------------------------------------------------------- what it does not change


@pytest.mark.parametrize(
    "line",
    [
        "AuthorizedKeysCommand /tmp/x\n",
        "Ciphers aes256-ctr\nAuthorizedKeysCommand /tmp/x\n",
        "Ciphers aes256-ctr AuthorizedKeysCommand\n",
        "Ciphers aes256-ctr # mine\n",
        "# a comment\n",
        "Ciphers $(id) # ours\n",
        "",
        "Ciphers aes256-ctr\rAuthorizedKeysCommand /tmp/x # ours\n",
    ],
)
def test_a_line_of_sshd_config_that_is_not_only_cryptography_is_refused_by_name(everywhere: Installed, line: str) -> None:
    change = everywhere.line("ssh/sshd_config", 2, line)
    assert "sshd_config:" in refused(everywhere, change)


def test_the_rest_of_a_line_stays_as_it_is(there: Installed) -> None:
    assert '3: "Ciphers aes256-ctr' in refused(there, there.line("ssh/sshd_config", 3, "Ciphers aes256-ctr # theirs\n"))


@pytest.mark.parametrize(
    "line",
    [
        "  ssl_protocols TLSv1.3; load_module /tmp/x.so;\n",
        "  ssl_protocols TLSv1.3; } load_module /tmp/x.so; server {\n",
        "  ssl_conf_command PrivateKey /tmp/x;\n",
        "  ssl_ciphers $x;\n",
        "  ssl_ciphers `id`;\n",
        "  ssl_certificate_key /etc/shadow;\n",
        "  # ssl_protocols TLSv1.3;\n",
        "  ssl_protocols TLSv1.3\n",
        "  include /tmp/x;\n",
        "  ssl_ciphers 'a'; ssl_engine 'x';\n",
    ],
)
def test_a_line_of_nginx_that_is_not_only_cryptography_is_refused_by_name(everywhere: Installed, line: str) -> None:
    assert "site:3:" in refused(everywhere, everywhere.line("nginx/sites-enabled/site", 3, line), service="nginx")


@pytest.mark.parametrize(
    "edits", [(Edit(2, 1, ()),), (Edit(1, 1, ()),), (Edit(1, 0, ("x;\n",)), Edit(2, 1, ())), (Edit(2, 1, ('a "Bearer xyz2";\n',)),)]
)
def test_no_refusal_tells_a_secret_that_the_look_hides(there: Installed, edits: tuple[Edit, ...]) -> None:
    path = there.host.write("nginx/sites-enabled/site", 'server_tokens off;\nproxy_set_header Authorization "Bearer xyz";\nlisten 1;\n')
    why = refused(there, Change(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), edits), service="nginx")
    assert "site:" in why
    assert "xyz" not in why.replace("xyz2", "")


def test_no_directive_hides_in_a_string(there: Installed) -> None:
    there.host.write("nginx/sites-enabled/site", "return 200 'a; b';\n")
    assert "site:1:" in refused(there, there.line("nginx/sites-enabled/site", 1, "return 200 'a; ssl_ciphers X; b';\n"), service="nginx")


@pytest.mark.parametrize(
    "name", ["ssh/../shadow", "/etc/passwd", "nginx/.htpasswd", "ssh/sshrc", "ssh/ssh_host_rsa_key", "ssh//sshd_config", "elsewhere"]
)
def test_a_path_that_is_no_configuration_is_refused(there: Installed, name: str) -> None:
    path = there.etc / name
    if not path.exists():
        path.write_text("x\n")
    change = Change(f"{there.etc}/{name}" if name[0] != "/" else name, hashlib.sha256(path.read_bytes()).hexdigest(), (Edit(1, 0, ("Ciphers a\n",)),))
    assert "outside of" in (why := refused(there, change)) or "is no configuration of" in why


@pytest.mark.parametrize("name", ["ssh/sshrc", "ssh/10-crypto-agility.conf.d/x", "nginx/conf.d/10-crypto-agility.conf"])
def test_no_other_file_is_created(there: Installed, name: str) -> None:
    assert refused(there, Change(f"{there.etc}/{name}", "", (Edit(1, 0, ("Ciphers a\n",)),)))


def test_a_created_file_holds_nothing_else_either_and_gets_no_other_mode(there: Installed) -> None:
    path = f"{there.etc}/ssh/sshd_config.d/10-crypto-agility.conf"
    assert "10-crypto-agility.conf:2:" in refused(there, Change(path, "", (Edit(1, 0, (HEADER, "PermitRootLogin yes\n")),)))
    assert "no file that it creates" in refused(there, Change(path, "", (Edit(1, 0, ("Ciphers a\n",)),), mode="4755"))


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_symbolic_link_out_is_not_followed(there: Installed, tmp_path: Path, linked: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x.conf").write_text("Ciphers a\n")
    link, name = (there.etc / "ssh/sshd_config.d/x.conf", "x.conf") if linked == "file" else (there.etc / "ssh/more", "more/x.conf")
    link.symlink_to(tmp_path / "out/x.conf" if linked == "file" else tmp_path / "out")
    path = f"{there.etc}/ssh/{'sshd_config.d/' if linked == 'file' else ''}{name}"
    assert "symbolic link" in refused(there, Change(path, hashlib.sha256(b"Ciphers a\n").hexdigest(), (Edit(1, 1, ("Ciphers b\n",)),)))


@pytest.mark.parametrize(
    "words",
    [
        ("openssh", "reload", "ssh.service,sshd.service", "ssh.socket,sshd.socket", "-", "sh", "-c", "id"),
        ("openssh", "reload", "ssh.service,sshd.service", "ssh.socket,sshd.socket", "-", "sshd", "-t", "-f", "/tmp/x"),
        ("openssh", "stop", "ssh.service,sshd.service", "ssh.socket,sshd.socket", "-", "sshd", "-t"),
        ("openssh", "reload", "evil.service", "ssh.socket,sshd.socket", "-", "sshd", "-t"),
        ("openssh", "reload", "ssh.service,sshd.service", "ssh.socket,sshd.socket", "$(id)", "sshd", "-t"),
        ("httpd", "reload", "a", "-", "-", "true"),
        ("nginx", "reload", "nginx.service", "-", "-", "nginx", "-t"),  # not the one whose file changes
    ],
)
def test_no_command_and_no_unit_outside_of_the_table_is_touched(there: Installed, words: tuple[str, ...]) -> None:
    data = there.data(there.transaction(there.line("ssh/sshd_config", 3, MODERN)))
    rows = ["\2".join(("ca_activate", *words)) if row.startswith("ca_activate") else row for row in data.split("\n")]
    before = there.facts()
    report = answer.parse_transaction(there.send("\n".join(rows)), NONCE)
    assert (report.state, report.error, there.facts(), there.ran()) == ("REFUSED", "refused-agent", before, "")


def test_a_word_with_a_line_end_is_not_sent_and_no_key_is_made(there: Installed) -> None:
    for message in (
        script.compose_keys("t-1", [(("-algorithm", "RSA"), "/k", "x\n")], NONCE),
        there.transaction(Change("/etc/ssh/x", "", (Edit(1, 0, ("Ciphers a\x02b\n",)),))),
        script.compose_apply(
            script.Transaction("t", 1, script.Identity(), "me", (script.Place("/k", 1, "root", "root", "600"),), (), DIGEST), {}, NONCE
        ),
    ):
        with pytest.raises(Problem, match="full become"):
            as_data(message)


# ---------------------------------------------------------------- what it brings back


def changed(there: Installed) -> tuple[Path, str]:
    """A confirmed change of sshd_config as t-1, and what stands there now."""
    path = there.etc / "ssh/sshd_config"
    there.apply(there.line("ssh/sshd_config", 3, MODERN))
    assert there.confirm().state == "CLEANED"
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_restore_of_another_path_or_of_what_is_not_kept_is_refused(there: Installed) -> None:
    path, now = changed(there)
    site = there.etc / "nginx/sites-enabled/site"
    other = hashlib.sha256(site.read_bytes()).hexdigest()
    assert "is no confirmed change of" in refused(there, script.Restore(str(site), other, "t-1", 1), service="nginx", id_="t-2")
    for of, number in (("t-9", 1), ("t-1", 2)):
        assert "is no confirmed change of" in refused(there, script.Restore(str(path), now, of, number), id_="t-2")
    assert "is no confirmed change of" in refused(there, script.Restore(str(path), now, "t-1", 1, "remove"), id_="t-2")


def test_what_somebody_wrote_since_is_not_taken_back(there: Installed) -> None:
    path, now = changed(there)
    path.write_text(path.read_text() + "PasswordAuthentication no\n")
    assert "is not as the change left it" in refused(there, script.Restore(str(path), now, "t-1", 1), id_="t-2")
    assert "is not as the change left it" in refused(there, script.Restore(str(path), "", "t-1", 1), id_="t-2")
    hardened = hashlib.sha256(path.read_bytes()).hexdigest()
    assert "by someone else since t-1" in refused(there, script.Restore(str(path), hardened, "t-1", 1), id_="t-2")
    there.apply(there.line("ssh/sshd_config", 3, "Ciphers aes256-ctr # ours\n"), id_="t-3")
    there.confirm("t-3")
    again = hashlib.sha256(path.read_bytes()).hexdigest()
    assert "by someone else since t-1" in refused(there, script.Restore(str(path), again, "t-1", 1), id_="t-4")


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
