"""What the installed agent changes and brings back for nobody: what a thief of its account would try."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data

from .agent_host import DIGEST, NONCE
from .installed_host import Installed, refused

MODERN = "Ciphers aes256-gcm@openssh.com # ours\n"
HEADER = "# Written by quantumsafe.agility to satisfy the crypto-agility policy; undo it with its rollback playbook.\n"


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


@pytest.mark.parametrize("evil", [0, 1])
def test_of_several_changes_each_is_looked_at(there: Installed, evil: int) -> None:
    text = ["Ciphers a\n", "Ciphers a\n"]
    text[evil] = "AuthorizedKeysCommand /tmp/x\n"
    there.host.write("ssh/sshd_config.d/a.conf", "# a\n")
    changes = (there.line("ssh/sshd_config", 1, text[0], 0), there.line("ssh/sshd_config.d/a.conf", 1, text[1], 0))
    assert "AuthorizedKeysCommand" in refused(there, *changes)


def test_a_change_that_went_back_by_itself_is_no_hindrance(there: Installed) -> None:
    path, now = changed(there)
    there.apply(there.line("ssh/sshd_config", 3, "Ciphers aes256-ctr # ours\n"), id_="t-2")
    there.send(there.data(script.compose_revert("t-2", "a test", NONCE)))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == now
    assert "is no confirmed change of" in refused(there, script.Restore(str(path), now, "t-2", 1), id_="t-3")
    assert there.apply(script.Restore(str(path), now, "t-1", 1), id_="t-4").state == "RELOADED"


def test_a_file_that_changed_since_the_plan_is_left(there: Installed) -> None:
    change = there.line("ssh/sshd_config", 3, MODERN)
    path = there.etc / "ssh/sshd_config"
    path.write_text(path.read_text() + "# theirs\n")
    report = there.apply(change)
    assert (report.state, report.error) == ("REFUSED", "changed")
    assert path.read_text().endswith("# theirs\n")


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
