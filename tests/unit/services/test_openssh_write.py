"""How a wish gets into sshd's files, and that it counts there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, File, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh import SERVICE

from tests.unit.conftest import captured, files_of

MAIN = "/etc/ssh/sshd_config"
DROPIN = "/etc/ssh/sshd_config.d/10-crypto-agility.conf"
REDHAT = "/etc/ssh/sshd_config.d/50-redhat.conf"
POLICY = "/etc/crypto-policies/back-ends/opensshserver.config"
KEX = Wanted(("mlkem768x25519-sha256", "curve25519-sha256"))
KEX_LINE = "KexAlgorithms mlkem768x25519-sha256,curve25519-sha256"
WIDE = Wanted(("ssh-ed25519", "rsa-sha2-512"))
KNOWN = {
    "ssh-Q-kex": Answer((), 0, "mlkem768x25519-sha256\ncurve25519-sha256\n"),
    "ssh-Q-cipher": Answer((), 0, "aes256-ctr\naes128-ctr\n"),
    "ssh-Q-key-sig": Answer((), 0, "ssh-ed25519\nssh-rsa\nrsa-sha2-512\n"),
}


def written(snapshot: Snapshot, **aspects: Wanted) -> dict[str, str]:
    """path → text after the write."""
    out = {}
    for change in SERVICE.write(snapshot, {"sshd": aspects or {"key_exchange": KEX}}):
        assert change.path not in out
        file = next((file for file in snapshot.files.values() if change.path in (file.path, file.real)), None)
        out[change.path] = lines.apply(file.text or "" if file else "", change.edits)
        assert change.after == lines.sha256(out[change.path])
    return out


def tree(**texts: str) -> Snapshot:
    return files_of(texts, **KNOWN)


def accepting(text: str, names: str) -> Snapshot:
    return files_of({MAIN: text}, **KNOWN, **{"sshd-T": Answer((), 0, f"pubkeyacceptedalgorithms {names}\n")})


def test_an_unfinished_last_line_stays_unfinished_and_may_be_replaced_beside_an_added_one() -> None:
    after = written(tree(**{MAIN: "Port 22\r\nCiphers aes128-ctr"}), key_exchange=KEX, cipher=Wanted(("aes256-ctr",)))
    assert after == {MAIN: f"Port 22\r\n{KEX_LINE}\r\nCiphers aes256-ctr"}


def test_a_line_below_match_all_is_the_one_that_counts() -> None:
    text = "Match User x\nX11Forwarding no\nMatch all\nKexAlgorithms curve25519-sha256\n"
    assert written(tree(**{MAIN: text})) == {MAIN: text.replace("KexAlgorithms curve25519-sha256", KEX_LINE)}


def test_our_own_drop_in_grows_before_a_match_block_that_someone_put_there() -> None:
    texts = {MAIN: "Include /etc/ssh/sshd_config.d/*.conf\n", DROPIN: "Ciphers aes256-ctr\nMatch User x\n  X11Forwarding no\n"}
    assert written(tree(**texts)) == {DROPIN: f"Ciphers aes256-ctr\n{KEX_LINE}\nMatch User x\n  X11Forwarding no\n"}


def test_a_folder_that_is_read_below_a_match_line_too_gets_nothing_that_sshd_refuses_there() -> None:
    main = "Include /etc/ssh/sshd_config.d/*.conf\nMatch User x\nInclude /etc/ssh/sshd_config.d/*.conf\n"
    texts = {MAIN: main, "/etc/ssh/sshd_config.d/x.conf": "X11Forwarding no\n"}
    assert written(tree(**texts)) == {MAIN: main.replace("Match", f"{KEX_LINE}\nMatch")}


def rhel9(drop_in: str = REDHAT) -> Snapshot:
    """Red Hat: the policy of the system is included from a drop-in and is a link to a file of a package."""
    snapshot = tree(
        **{
            MAIN: "Include /etc/ssh/sshd_config.d/*.conf\nMatch User x\n X11Forwarding no\n",
            drop_in: f"Include {POLICY}\n",
            POLICY: "KexAlgorithms curve25519-sha256\nCiphers aes128-ctr\n",
        }
    )
    policy = replace(snapshot.files[POLICY], real="/usr/share/crypto-policies/DEFAULT/opensshserver.txt")
    return replace(snapshot, files={**snapshot.files, POLICY: policy})


def test_the_systems_crypto_policy_is_overridden_by_an_earlier_drop_in_and_never_edited() -> None:
    after = written(rhel9())
    assert list(after) == [DROPIN]
    assert after[DROPIN].endswith(f"{KEX_LINE}\n")


def test_where_our_drop_in_would_come_too_late_the_line_goes_before_the_include() -> None:
    after = written(rhel9("/etc/ssh/sshd_config.d/05-redhat.conf"))
    assert after == {MAIN: f"{KEX_LINE}\nInclude /etc/ssh/sshd_config.d/*.conf\nMatch User x\n X11Forwarding no\n"}


def test_what_the_command_line_sets_cannot_be_written() -> None:
    texts = {MAIN: "Port 22\n", "/etc/default/ssh": "SSHD_OPTS=-oKexAlgorithms=curve25519-sha256\n"}
    with pytest.raises(Inexpressible, match="/etc/default/ssh:1"):
        written(tree(**texts))


def test_an_edit_goes_to_the_file_behind_a_link_once() -> None:
    """A Match block that is read by two names is one block of one file."""
    text = "KexAlgorithms x\nMatch User x\nPubkeyAcceptedAlgorithms ssh-rsa\n"
    paths = [f"/etc/ssh/sshd_config.d/{name}.conf" for name in "ab"]
    snapshot = accepting("Include /etc/ssh/sshd_config.d/*.conf\n", "ssh-ed25519,rsa-sha2-512")
    files = {path: File(path, text, lines.sha256(text), len(text), real="/opt/a.conf") for path in paths}
    after = written(replace(snapshot, files={**snapshot.files, **files}), key_exchange=KEX, user_key=WIDE)
    assert after == {"/opt/a.conf": f"{KEX_LINE}\nMatch User x\nPubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512\n"}


def test_a_match_block_loses_what_the_policy_takes_away_and_nothing_else_changes() -> None:
    text = "Match User backup\n    PubkeyAcceptedAlgorithms rsa-sha2-512,ssh-rsa # old tape robot\n"
    after = written(accepting(text, "ssh-ed25519,rsa-sha2-512"), user_key=WIDE)
    assert after == {MAIN: text.replace("rsa-sha2-512,ssh-rsa", "rsa-sha2-512")}


def test_what_only_a_match_block_accepts_never_becomes_global() -> None:
    text = "PubkeyAcceptedAlgorithms ssh-ed25519,ssh-rsa\nMatch User backup\nPubkeyAcceptedAlgorithms rsa-sha2-512\n"
    after = written(accepting(text, "ssh-ed25519,ssh-rsa"), user_key=WIDE)
    assert after == {MAIN: text.replace("ssh-ed25519,ssh-rsa", "ssh-ed25519")}


def test_a_match_block_that_would_be_left_with_nothing_gets_what_the_policy_wants() -> None:
    text = "Match User backup\nPubkeyAcceptedAlgorithms ssh-rsa\n"
    assert written(accepting(text, "ssh-ed25519,rsa-sha2-512"), user_key=WIDE) == {MAIN: text.replace("ssh-rsa", "ssh-ed25519,rsa-sha2-512")}


def test_a_list_for_everybody_never_goes_below_match_all_where_it_would_beat_match_blocks() -> None:
    texts = {
        MAIN: "Match all\nInclude /etc/ssh/sshd_config.d/*.conf\n",
        "/etc/ssh/sshd_config.d/50-b.conf": "Match User y\nPubkeyAcceptedAlgorithms rsa-sha2-512\n",
    }
    snapshot = files_of(texts, **KNOWN, **{"sshd-T": Answer((), 0, "pubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512,ssh-rsa\n")})
    assert written(snapshot, user_key=WIDE) == {MAIN: f"PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512\n{texts[MAIN]}"}


def test_after_a_write_there_is_nothing_left_to_write() -> None:
    host = captured("web-include")
    endpoint = SERVICE.read(host)[0].settings["user_key"]
    wanted = Wanted(tuple(name for name in endpoint.values if name != "ssh-rsa"))
    changes = SERVICE.write(host, {"sshd": {"user_key": wanted}})
    assert [(change.path, len(change.edits)) for change in changes] == [(MAIN, 1)]
    after = lines.apply(host.files[MAIN].text or "", changes[0].edits)
    again = replace(host, files={**host.files, MAIN: replace(host.files[MAIN], text=after)})
    setting = SERVICE.read(again)[0].settings["user_key"]
    assert setting.values == wanted.names
    assert SERVICE.write(again, {"sshd": {"user_key": wanted}}) == ()
