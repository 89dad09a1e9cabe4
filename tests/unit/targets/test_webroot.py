"""agent/webroot.sh: answers to an authority's challenges are put where it looks, nowhere else, and nothing of them stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.webroot import (
    compose_drop_tokens,
    compose_put_tokens,
    parse_tokens,
)

from .agent_host import NONCE, Host

TOKENS = {"-begins_with-a-dash": "one.thumbprint", "dEfGhIjKlMnOpQrStUvW": "two.thumbprint"}


@pytest.fixture
def webroot(any_host: Host) -> Path:
    folder = any_host.root / "web root $(touch evil); 'x'"
    folder.mkdir()
    return folder


def put(host: Host, root: Path, tokens: dict[str, str] | None = None) -> None:
    parse_tokens(host.send(compose_put_tokens("acme-1", str(root), tokens or TOKENS, NONCE)), NONCE, "h")


def drop(host: Host) -> None:
    parse_tokens(host.send(compose_drop_tokens("acme-1", NONCE)), NONCE, "h")


def shown(folder: Path) -> list[tuple[str, str, int]]:
    """Everything below it: name, content, mode."""
    found = sorted(folder.rglob("*"))
    return [(str(p.relative_to(folder)), p.read_text() if p.is_file() else "", p.lstat().st_mode & 0o777) for p in found]


def test_answers_can_be_read_by_the_server_and_written_by_nobody_and_leave_nothing(any_host: Host, webroot: Path) -> None:
    (webroot / "index.html").write_text("hello")
    before = shown(webroot)
    for dummy in range(2):  # ssh may send it again
        put(any_host, webroot)
    folder = ".well-known/acme-challenge"
    assert [one for one in shown(webroot) if one not in before] == [
        (".well-known", "", 0o755),
        (folder, "", 0o755),
        *((f"{folder}/{name}", text, 0o644) for name, text in TOKENS.items()),
    ]
    drop(any_host)
    assert shown(webroot) == before and not (any_host.state / "keys/acme-1").exists()
    drop(any_host)


def test_folders_and_answers_of_others_stay(any_host: Host, webroot: Path) -> None:
    folder = webroot / ".well-known/acme-challenge"
    folder.mkdir(parents=True)
    before = shown(webroot)
    put(any_host, webroot)
    drop(any_host)
    assert shown(webroot) == before, "an empty folder that was there"
    (folder / "dEfGhIjKlMnOpQrStUvW").write_text("of somebody else")
    before = shown(webroot)
    with pytest.raises(Problem, match=r"acme-challenge/dEfGhIjKlMnOpQrStUvW is there already"):
        put(any_host, webroot)
    drop(any_host)
    assert shown(webroot) == before


@pytest.mark.parametrize("link", [".well-known", ".well-known/acme-challenge", ".well-known/acme-challenge/dEfGhIjKlMnOpQrStUvW"])
def test_whoever_owns_the_webroot_leads_root_nowhere(any_host: Host, webroot: Path, link: str) -> None:
    elsewhere = any_host.root / "elsewhere"
    (elsewhere / "acme-challenge").mkdir(parents=True)
    before = shown(elsewhere)
    (webroot / link).parent.mkdir(parents=True, exist_ok=True)
    (webroot / link).symlink_to(elsewhere / "new" if link.endswith("W") else elsewhere)
    with pytest.raises(Problem, match=r"is a link|is there already"):
        put(any_host, webroot)
    drop(any_host)
    assert shown(elsewhere) == before and str((webroot / link).readlink()).startswith(str(elsewhere))


def test_a_webroot_that_is_not_there_is_named(host: Host, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="nowhere is no folder that can be entered"):
        put(host, tmp_path / "nowhere")
    for root in ("www", "/", "/..", "/var\n/www"):
        with pytest.raises(Problem, match="no absolute path of a folder"):
            compose_put_tokens("acme-1", root, TOKENS, NONCE)


def test_recover_takes_away_what_a_controller_that_died_left_there(host: Host, tmp_path: Path) -> None:
    root = tmp_path / "www"
    root.mkdir()
    put(host, root)
    os.utime(host.state / "keys/acme-1", (1, 1))
    host.ask(script.compose_recover(NONCE), answer.parse_transactions)
    assert shown(root) == [] and not (host.state / "keys/acme-1").exists()
