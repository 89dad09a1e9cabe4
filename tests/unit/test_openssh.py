"""sshd: what counts where, and how a wish is written.  Fixtures are captured hosts; small trees test one rule each."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh import SERVICE

from .conftest import captured, files_of, with_files

MAIN = "/etc/ssh/sshd_config"
KEX = Answer((), 0, "mlkem768x25519-sha256\ncurve25519-sha256\n")
PQ = Wanted(("mlkem768x25519-sha256", "curve25519-sha256"))


def said(**values: str) -> Answer:
    return Answer(("sshd", "-T"), 0, "".join(f"{k} {v}\n" for k, v in values.items()))


def written(snapshot: Snapshot, wanted: Wanted = PQ) -> dict[str, str]:
    """path → text after the write."""
    out = {}
    for change in SERVICE.write(snapshot, {"sshd": {"key_exchange": wanted}}):
        before = snapshot.files[change.path].text or "" if change.sha256 else ""
        out[change.path] = lines.apply(before, change.edits)
        assert change.after == lines.sha256(out[change.path])
    return out


def tree(**texts: str) -> Snapshot:
    return files_of(texts, **{"ssh-Q-kex": KEX, "sshd-T": said(kexalgorithms="curve25519-sha256")})


def test_the_effective_value_is_what_sshd_says_and_its_line_is_the_first() -> None:
    (endpoint,) = SERVICE.read(captured("web-include"))
    setting = endpoint.settings["key_exchange"]
    assert setting.values == ("curve25519-sha256", "ecdh-sha2-nistp256")
    assert str(setting.origin) == "/etc/ssh/sshd_config.d/10-site.conf:2"
    assert setting.evidence == "effective"


def test_a_default_says_whose_it_is() -> None:
    (endpoint,) = SERVICE.read(captured("web-legacy"))
    assert str(endpoint.settings["key_exchange"].origin) == "default of OpenSSH 8.4p1"


def test_capabilities_come_from_the_binary() -> None:
    assert "mlkem768x25519-sha256" in (SERVICE.read(captured("web-new"))[0].capabilities["key_exchange"].names or ())
    old = SERVICE.read(captured("web-old"))[0].capabilities["key_exchange"]
    assert "mlkem768x25519-sha256" not in (old.names or ())
    assert old.source == "ssh -Q kex"


def test_a_binary_that_cannot_be_asked_is_unknown_not_incapable() -> None:
    (endpoint,) = SERVICE.read(
        files_of({MAIN: "Port 22\n"}, **{"sshd-T": said(kexalgorithms="x"), "ssh-Q-kex": Answer((), None, problem="not found")})
    )
    assert endpoint.capabilities["key_exchange"].names is None


def test_offline_an_explicit_list_is_configured_and_a_change_to_the_default_is_unknown() -> None:
    (endpoint,) = SERVICE.read(files_of({MAIN: "Ciphers aes256-ctr\nKexAlgorithms +x\n"}))
    assert endpoint.settings["cipher"].evidence == "configured"
    assert "key_exchange" not in endpoint.settings
    assert any("kexalgorithms" in note for note in endpoint.notes)


def test_a_match_block_is_told_of() -> None:
    (endpoint,) = SERVICE.read(captured("web-include"))
    assert any(note.startswith("Match User backup sets PubkeyAcceptedAlgorithms") for note in endpoint.notes)


def test_the_winning_line_is_replaced_and_nothing_else() -> None:
    after = written(captured("web-include"))
    assert list(after) == ["/etc/ssh/sshd_config.d/10-site.conf"]
    before = captured("web-include").files["/etc/ssh/sshd_config.d/10-site.conf"].text or ""
    changed = [(a, b) for a, b in zip(lines.split(before), lines.split(after["/etc/ssh/sshd_config.d/10-site.conf"]), strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("  KexAlgorithms = mlkem768x25519-sha256,")
    assert changed[0][1].endswith("\r\n") == changed[0][0].endswith("\r\n")


def test_a_drop_in_that_sorts_first_wins_over_the_main_file() -> None:
    texts = {MAIN: "Include /etc/ssh/sshd_config.d/*.conf\nKexAlgorithms a\n", "/etc/ssh/sshd_config.d/5.conf": "KexAlgorithms b\n"}
    assert list(written(tree(**texts))) == ["/etc/ssh/sshd_config.d/5.conf"]


def test_an_include_behind_the_setting_does_not_win() -> None:
    texts = {MAIN: "KexAlgorithms a\nInclude /etc/ssh/sshd_config.d/*.conf\n", "/etc/ssh/sshd_config.d/5.conf": "KexAlgorithms b\n"}
    assert list(written(tree(**texts))) == [MAIN]


def test_without_a_line_a_drop_in_of_our_own_is_made_where_one_is_read() -> None:
    texts = {MAIN: "Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n", "/etc/ssh/sshd_config.d/50-x.conf": "X11Forwarding no\n"}
    after = written(tree(**texts))
    assert list(after) == ["/etc/ssh/sshd_config.d/10-crypto-agility.conf"]
    assert after["/etc/ssh/sshd_config.d/10-crypto-agility.conf"].endswith("KexAlgorithms mlkem768x25519-sha256,curve25519-sha256\n")


def test_without_an_include_the_line_goes_before_the_first_match_block() -> None:
    after = written(tree(**{MAIN: "Port 22\nMatch User bob\n  X11Forwarding no\n"}))
    assert after[MAIN] == "Port 22\nKexAlgorithms mlkem768x25519-sha256,curve25519-sha256\nMatch User bob\n  X11Forwarding no\n"


def test_a_missing_final_newline_stays_missing() -> None:
    assert written(tree(**{MAIN: "Port 22"}))[MAIN] == "KexAlgorithms mlkem768x25519-sha256,curve25519-sha256\nPort 22"


@pytest.mark.parametrize("names", [(), ("unheard-of",), ("mlkem768x25519-sha256", "x y")])
def test_what_sshd_would_not_start_with_is_never_written(names: tuple[str, ...]) -> None:
    with pytest.raises(Inexpressible):
        written(tree(**{MAIN: "Port 22\n"}), Wanted(names))


def test_an_old_sshd_gets_the_old_keyword() -> None:
    snapshot = captured("web-legacy")
    (change,) = SERVICE.write(snapshot, {"sshd": {"user_key": Wanted(("ssh-ed25519",))}})
    assert any("PubkeyAcceptedKeyTypes ssh-ed25519\n" in line for edit in change.edits for line in edit.insert)


def test_an_unreadable_include_is_asked_for() -> None:
    snapshot = files_of({MAIN: "Include /opt/x.conf\n"})
    assert SERVICE.missing(snapshot) == ("/opt/x.conf",)
    assert SERVICE.missing(with_files(snapshot, **{"/opt/x.conf": "Port 1\n"})) == ()
