"""What a script carries of the agent: all that its calls may come to, and no more."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import parts, script

from .agent_host import NONCE, SHELLS, TOKEN, Host, replace_line

KEYS, LINKS = ("ca_new_key", "ca_new_host_key", "ca_new_token_key", "ca_escrow"), ("ca_seal_make", "ca_seal_take", "ca_tunnels", "ca_ppk_loaded")


def functions(text: str) -> set[str]:
    return set(re.findall(r"\b(ca_\w+)\(\)", text))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_paragraph_of_the_agent_is_whole(shell: str) -> None:
    broken = [text for text in parts._PARAGRAPHS if subprocess.run([*SHELLS[shell], "-n"], input=text.encode(), check=False).returncode]
    assert not broken


def test_no_function_of_the_agent_is_lost_in_its_parts() -> None:
    assert functions("".join(parts._PARAGRAPHS)) == functions(parts.TRANSACTION)


def test_a_change_carries_what_its_way_back_needs_and_nothing_that_makes_keys_or_moves_links(host: Host) -> None:
    change = replace_line(host.write("f", "a\n"), 1, "b\n")
    carried = functions(script.compose_apply(host.transaction(change), {}, NONCE))
    assert {"ca_apply", "ca_cli", "ca_watch", "ca_at_boot", "ca_undo", "ca_back", "ca_follows", "ca_drop_tokens"} <= carried
    assert not carried & {*KEYS, *LINKS, "ca_confirm", "ca_forget", "ca_key_line"}


def test_a_key_that_is_put_in_its_place_brings_its_guard() -> None:
    place = script.Place("/etc/x.key", 1, "root", "root", "0600")
    text = script.compose_apply(script.Transaction("t-1", 60, script.Identity(), "me", (place,), ()), {}, NONCE)
    assert "ca_private" in functions(text)


def test_a_look_and_a_confirmation_carry_little() -> None:
    look, confirm = script.compose_collect({}, NONCE), script.compose_confirm("t-1", TOKEN, NONCE)
    assert "ca_lock" not in functions(look)
    assert not functions(confirm) & {"ca_apply", "ca_arm", "ca_back", "ca_validate", *KEYS, *LINKS}


def test_who_waits_for_the_confirmation_starts_no_program_but_sleep(any_host: Host) -> None:
    log = any_host.root / "started"
    for name in ("cat", "sha256sum", "awk", "stat", "wc", "sed", "id"):
        real = Path(shutil.which("busybox") or "") if any_host.shell == "ash" else Path(shutil.which(name) or "")
        any_host._program(name, f'#!/bin/sh\necho {name} >>{log}\nexec {real}{" " + name if any_host.shell == "ash" else ""} "$@"\n')
    any_host.host_key("ed25519")
    any_host.apply(replace_line(any_host.write("f", "old\n"), 1, "new\n"))
    beats = set()
    until = time.monotonic() + 20
    while len(beats) < 4 and time.monotonic() < until:
        time.sleep(0.1)
        beats |= {*(any_host.state / "tx/t-1/beat").read_text().splitlines()}
        if len(beats) == 2:  # the first look at who this machine is has ended
            log.unlink(missing_ok=True)
    assert len(beats) == 4
    assert not log.exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("breaks", "asked", "said"),
    [
        ("none", ["reload ssh.service nginx.service"], ""),
        (
            "nginx.service",
            ["reload ssh.service nginx.service", "reload ssh.service", "reload nginx.service"],
            "systemctl reload nginx.service failed",
        ),
        ("hangs", ["reload ssh.service nginx.service"], "systemctl reload ssh.service nginx.service took longer than 20 s"),
    ],
)
def test_units_reload_side_by_side_and_one_that_does_not_is_named(shell: str, breaks: str, asked: list[str], said: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*" >>{log}\ncase "$*" in *{breaks}*) exit 1 ;; esac\n[ {breaks} != hangs ] || exit 124\n')
    (tmp_path / "systemctl").chmod(0o755)
    body = "ca_code='' ca_message='' ca_way=back\nca_reload ssh.service nginx.service\nprintf '%s' \"$ca_message\"\n"
    done = subprocess.run([*SHELLS[shell], "-c", f"PATH={tmp_path}:$PATH\n{parts.needed(body)}\n{body}"], capture_output=True, text=True, check=False)
    assert (done.stdout, log.read_text(encoding="utf-8").splitlines()) == (said, asked)
