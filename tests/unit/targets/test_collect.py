"""What the agent shows of a host, in the corners: see also test_agent.py."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Collect, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.redact import redact

from .agent_host import NONCE, Host

NOBODY = 65534


def look(
    host: Host, *globs: str, commands: dict[str, tuple[str, ...]] | None = None, second_tries: dict[str, str] | None = None, user: int = 0
) -> Snapshot:
    request = Collect(needs=("/",), files=tuple(globs), commands=commands or {}, second_tries=second_tries or {})
    return host.snapshot(host.send(script.compose_collect({"demo": request}, NONCE), user))


def test_random_texts_arrive_byte_for_byte(any_host: Host) -> None:
    dice = random.Random(1)
    for number in range(60):
        any_host.write(f"f{number}", "".join(dice.choice("ab |#;\t\r\n\n\001é\\'\"$%&") for _ in range(dice.randrange(80))))
    seen = look(any_host, f"{any_host.etc}/*")
    assert len(seen.files) == 60
    assert all(file.text is not None and file.text.encode() == Path(path).read_bytes() for path, file in seen.files.items())


def test_metadata_and_the_target_of_a_link_are_told(host: Host) -> None:
    path = host.write("real", "x\n")
    os.chown(path, 1, 2)
    path.chmod(0o4640)
    (host.etc / "link").symlink_to("real")
    file = look(host, f"{host.etc}/link").files[f"{host.etc}/link"]
    assert (file.real, file.mode, file.owner, file.group, file.text) == (str(path), "4640", "daemon", "bin", "x\n")


def test_a_version_that_a_package_manager_left_beside_is_told(any_host: Host) -> None:
    path = str(any_host.write("f", "x\n"))
    any_host.write("f.dpkg-dist", "y\n")
    seen = look(any_host, path).files
    assert {name: file.pending for name, file in seen.items()} == {path: f"{path}.dpkg-dist"}


def test_an_empty_file_of_the_first_service_is_not_lost(host: Host) -> None:
    host.write("empty", "")
    host.write("full", "x\n")
    requests = {name: Collect(needs=("/",), files=(f"{host.etc}/{name}",)) for name in ("empty", "full")}
    seen = host.snapshot(host.send(script.compose_collect(requests, NONCE)))
    assert [file.text for file in seen.files.values()] == ["", "x\n"]


SECRETS = (
    "ssl_password file-is-not-kept;",
    'proxy_set_header Authorization "Basic c2VjcmV0";',
    "password = s3cret",
    "api_key: s3cret",
    "  token\ts3cret;",
    'conn : PSK "s3cret"',
    "%any :PSK 0xs3cret",
    "ppk = s3cret",
    "'secret': 's3cret',",
    'secure_link_secret "s3cret" ;',
    "ssl_passphrase_command = 'echo s3cret'",
    "archive_command = 'PGPASSWORD=s3cret cp %p /x'",
    "primary_conninfo 'host=a passfile=s3cret'",
    'host all all 0.0.0.0/0 ldap ldapserver=a ldapbindpasswd="s3cret"',
    'host all all 0.0.0.0/0 radius radiussecrets="s3cret"',
    "  stats auth admin:s3cret",
    "user joe insecure-password s3cret",
    "bind :443 ssl ca-sign-pass s3cret",
    'ssl_certificate_key "store:pkcs11:token=edge;object=www?pin-value=s3cret";',
    "key = pkcs11:token=edge;object=www token=s3cret",
    "ike-1 { id-a = srv secret = 0xs3cret }",
    "token { handle = 05 pin = s3cret }",
    "local { auth = psk } secrets { ike { secret = s3cret } }",
    "\tppk=s3cret",
    "\tppk = yes # and the ppk = s3cret",
)
HARMLESS = (
    "ssl_password_file /etc/nginx/pass;",
    "ssl_ciphers HIGH:!aNULL:!PSK:!MD5;",
    "ssl_ciphers 'ECDHE-PSK-AES128-GCM-SHA256:PSK:!SRP';",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "server_tokens off;",
    "ssl_session_tickets on;",
    "password_encryption = scram-sha-256",
    "host all all 0.0.0.0/0 password",
    "ssl_passphrase_command_supports_reload = off",
    "ssl_conf_command Groups X25519;",
    "stats enable",
    'ssl_certificate_key "store:pkcs11:token=edge;object=www?pin-source=file:/etc/pin";',
    "key = PKCS11:object=www;TOKEN=edge",
    "http-request auth unless a",
    "local { auth = psk } remote { auth = PSK } children { net { } }",
    "\tauthby=psk # as agreed",
    "\tppk=insist # as agreed",
    "spinning wheel",
)


@pytest.mark.parametrize("line", SECRETS)
def test_the_value_of_a_secret_stays_on_the_host(host: Host, line: str) -> None:
    path = str(host.write("f", f"before\n{line}\nafter\n"))
    file = look(host, path).files[path]
    assert file.redacted and file.text is not None
    assert "s3cret" not in file.text and "c2VjcmV0" not in file.text and "not-kept" not in file.text
    assert file.text.split("\n")[0] == "before" and file.text.split("\n")[2:] == ["after", ""]
    assert redact(f"before\n{line}\nafter\n") == file.text


@pytest.mark.parametrize("end", ["\\", ""])
def test_a_secret_in_quotes_that_runs_over_lines_stays_whole_on_the_host(any_host: Host, end: str) -> None:
    text = f'secrets {{\n  ike {{ secret = "s3cret{end}\n  more \\" s3cret{end}\n  last s3cret" }}\n}}\nversion = 2 # "\n'
    path = str(any_host.write("f", text))
    file = look(any_host, path).files[path]
    assert file.text == 'secrets {\n  ike { secret = "[redacted]\n[redacted]\n[redacted]" }\n}\nversion = 2 # "\n'
    assert file.redacted and redact(text) == file.text


def test_what_only_looks_like_a_secret_is_shown(any_host: Host) -> None:
    text = "\n".join(HARMLESS) + "\n"
    path = str(any_host.write("f", text))
    file = look(any_host, path).files[path]
    assert (file.text, file.redacted) == (text, False)
    assert redact(text) == text


def test_a_private_key_is_cut_out_line_by_line(any_host: Host) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    path = str(any_host.write("f", f"a\n{key}b\n"))
    assert look(any_host, path).files[path].text == "a\n[redacted]\n[redacted]\n[redacted]\nb\n"


BLOCKS = ("key", "secret", "tls-auth", "tls-crypt", "tls-crypt-v2", "pkcs12", "auth-user-pass", "http-proxy-user-pass", "auth-gen-token-secret")


@pytest.mark.parametrize("name", BLOCKS)
def test_a_secret_block_of_openvpn_stays_on_the_host_and_its_tags_do_not(any_host: Host, name: str) -> None:
    text = f"client\n <{name}>\nuser\ns3cret\n</{name}x>\n  </{name}>\nport 1\n<ca>\nshown\n</ca>\n"
    path = str(any_host.write("f", text))
    file = look(any_host, path).files[path]
    assert file.redacted
    assert file.text == f"client\n <{name}>\n[redacted]\n[redacted]\n[redacted]\n  </{name}>\nport 1\n<ca>\nshown\n</ca>\n" == redact(text)


def test_a_static_key_of_openvpn_is_cut_out_wherever_it_stands(any_host: Host) -> None:
    key = "-----BEGIN OpenVPN Static key V1-----\nc2VjcmV0\n-----END OpenVPN Static key V1-----\n"
    path = str(any_host.write("f", f"a\n{key}b\n"))
    assert look(any_host, path).files[path].text == "a\n[redacted]\n[redacted]\n[redacted]\nb\n" == redact(f"a\n{key}b\n")


def test_a_key_of_wireguard_stays_on_the_host_in_every_way_to_write_it(any_host: Host) -> None:
    text = (
        "[Interface]\nprivatekey=c2VjcmV0=\n[WireGuardPeer]\nPresharedKeyFile=/etc/wg/psk\nPresharedKey= \\\n# between\n  c2VjcmV0= \\\n"
        "c2VjcmV0\nPublicKey = shown=\nPostUp = wg set %i peer shown= preshared-key <(echo c2VjcmV0=)\n"
    )
    path = str(any_host.write("f", text))
    file = look(any_host, path).files[path]
    assert file.text == redact(text) and "c2VjcmV0" not in file.text
    assert "PresharedKeyFile=/etc/wg/psk\n" in file.text and "PublicKey = shown=\n" in file.text and file.text.count("\n") == text.count("\n")


def test_a_file_that_is_no_text_is_named_and_not_shown(any_host: Host) -> None:
    any_host.write("nul", b"a\0b\nc\n")
    any_host.write("latin", "größe\n".encode("latin-1"))
    any_host.write("large", "x\n" * (script.MAX_FILE // 2 + 1))
    any_host.write("both", b"a\npassword = s3cret\n\0\n")
    any_host.write("last", b"ab\ncd\0")
    seen = look(any_host, f"{any_host.etc}/*").files
    assert {Path(path).name: (file.text, file.problem) for path, file in seen.items()} == {
        "nul": (None, "not a text file: NUL at byte 1"),
        "latin": (None, "not UTF-8 text: byte 2 is 0xf6"),
        "large": (None, "too large to be read"),
        "both": (None, "not a text file: NUL at byte 20"),
        "last": (None, "not a text file: NUL at byte 5"),
    }


def test_a_file_that_may_not_be_read_is_named(host: Host) -> None:
    path = host.write("private", "x\n")
    path.chmod(0o600)
    for folder in (host.etc, *host.etc.parents[:-2]):
        folder.chmod(0o755)
    seen = look(host, str(path), user=NOBODY)
    assert seen.files[str(path)].text is None and "privilege" in seen.files[str(path)].problem
    assert seen.facts["uid"] == str(NOBODY)


def test_a_command_is_ended_in_time_and_the_next_one_runs(any_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "COMMAND_TIME", 1)
    answers = look(any_host, commands={"slow": ("sleep", "30"), "next": ("echo", "here")}).answers
    assert (answers["slow"].rc, answers["slow"].problem) == (None, "timed out")
    assert answers["next"].out == "here"


def test_commands_that_end_in_time_run_once(any_host: Host) -> None:
    log = any_host.root / "ran"
    look(any_host, commands={name: ("sh", "-c", f"echo {name} >>{log}") for name in ("a", "b")})
    assert log.read_text() == "a\nb\n"


def test_a_second_try_is_made_only_where_the_first_one_failed(host: Host) -> None:
    commands = {"good": ("true",), "bad": ("false",), "for-good": ("echo", "1"), "for-bad": ("echo", "2"), "for-that": ("echo", "3")}
    tries = {"for-good": "good", "for-bad": "bad", "for-that": "for-good"}
    answers = look(host, commands=commands, second_tries=tries).answers
    assert answers["for-bad"].out == "2"
    assert not {"for-good", "for-that"} & set(answers), "what was never tried has not failed"


def test_a_command_that_floods_its_standard_error_does_not_drown_the_next(host: Host) -> None:
    answers = look(host, commands={"flood": ("sh", "-c", "yes | head -c 1000000 >&2"), "next": ("sh", "-c", "echo here >&2")}).answers
    assert answers["flood"].ok
    assert len(answers["flood"].err) <= 262144
    assert answers["next"].err == "here"


def test_a_command_that_floods_its_output_is_cut_off_and_the_others_are_whole(any_host: Host) -> None:
    commands = {"before": ("echo", "b"), "flood": ("yes",), "large": ("head", "-c", "9000000", "/dev/zero"), "after": ("echo", "a")}
    answers = look(any_host, commands=commands).answers
    assert (answers["before"].out, answers["after"].out) == ("b", "a")
    for name in ("flood", "large"):
        assert (answers[name].rc, answers[name].problem) == (None, "said too much")
        assert len(answers[name].out) <= 4 << 20


def test_a_command_that_ignores_the_signal_to_end_is_ended_all_the_same(any_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "COMMAND_TIME", 1)
    answers = look(any_host, commands={"deaf": ("sh", "-c", "trap '' TERM; while :; do sleep 9; done"), "next": ("echo", "here")}).answers
    assert answers["deaf"].problem == "timed out"
    assert answers["next"].out == "here"


def test_a_host_that_cannot_end_a_command_in_time_is_told_so(host: Host) -> None:
    text = script.compose_collect({}, NONCE).replace("command -v timeout", "command -v no-timeout").replace("tr timeout", "tr no-timeout")
    with pytest.raises(Problem, match="no-timeout"):
        host.snapshot(host.send(text))


def test_without_base64_the_answer_comes_in_hex(host: Host) -> None:
    path = str(host.write("f", "größe\n"))
    text = script.compose_collect({"demo": Collect(needs=("/",), files=(path,))}, NONCE)
    output = host.send(text.replace("command -v base64", "command -v no-base64"))
    assert f"==CA:{NONCE}:hex==" in output
    assert host.snapshot(output).files[path].text == "größe\n"


def test_a_missing_utility_is_named(host: Host) -> None:
    text = script.compose_collect({}, NONCE).replace("for ca_tool in awk", "for ca_tool in no-such-awk")
    with pytest.raises(Problem, match="no-such-awk"):
        host.snapshot(host.send(text))


def test_a_collect_leaves_nothing(host: Host) -> None:
    look(host, f"{host.etc}/*")
    assert not host.state.exists()


def test_facts_say_who_the_host_is(any_host: Host) -> None:
    seen = look(any_host)
    assert seen.facts["systemd"] == "no"
    assert seen.facts["uid"] == "0"
    flag = Path("/proc/sys/crypto/fips_enabled")
    assert seen.facts["fips"] == (flag.read_text().strip() if flag.exists() else "0")
    assert seen.identity.boot.startswith(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
