"""What sshd_config says and what counts.  Every claim about sshd was tried with `sshd -T -f FILE` of OpenSSH 8.4p1, 9.2p1 and 10.0p2."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import keyword
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_config import KEYWORDS
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.snapshot_json import snapshot_from_json

from tests.unit.conftest import FIXTURES, captured, files_of, with_files

MAIN = "/etc/ssh/sshd_config"
RSA_SHA2 = "rsa-sha2-512,rsa-sha2-256"


def said(*lines: str) -> Answer:
    return Answer(("sshd", "-T"), 0, "".join(f"{line}\n" for line in lines))


def read(snapshot: Snapshot) -> Endpoint:
    (endpoint,) = SERVICE.read(snapshot)
    return endpoint


def ciphers(text: str) -> tuple[str, ...]:
    return read(files_of({MAIN: text})).settings["cipher"].values


def test_what_sshd_prints_counts_however_it_writes_the_names() -> None:
    """As 10.6 prints it."""
    found = read(
        files_of({MAIN: ""}, **{"sshd-T": said("Port 22", "ListenAddress 0.0.0.0:22", "KexAlgorithms curve25519-sha256", "Ciphers aes256-ctr")})
    )
    assert found.settings["key_exchange"].values == ("curve25519-sha256",) and found.settings["cipher"].values == ("aes256-ctr",)
    assert found.settings["cipher"].evidence == "effective" and found.addresses == (("*", 22),)


@pytest.mark.parametrize(
    "line",
    [
        "Ciphers aes256-ctr",
        "\tcIPHERS  aes256-ctr \t",
        "Ciphers=aes256-ctr",
        "Ciphers = aes256-ctr\r",
        "=Ciphers aes256-ctr",
        'Ciphers "aes256-ctr"',
        "Ciphers 'aes256-ctr'",
        'Ciphers aes256"-ctr"',
        'Ciphers="aes256-ctr"',
        '"Ciphers" aes256-ctr',
        "Ciphers aes256-ctr # why",
        "Ciphers aes256-ctr\f",
    ],
)
def test_every_way_to_write_a_value_is_read_and_replaced(line: str) -> None:
    assert ciphers(f"# x\n{line}\n") == ("aes256-ctr",)
    (directive,) = keyword.parse(line, MAIN).directives
    after = keyword.replaced(line, directive, "aes128-ctr")
    assert ciphers(f"{after}\n") == ("aes128-ctr",)
    assert after.endswith("\r") == line.endswith("\r")


@pytest.mark.parametrize(
    ("text", "arguments"), [("Banner /a\u00a0b", ("/a\u00a0b",)), ('AllowUsers a\\ b "c\\"d" e\\f', ("a b", 'c"d', "e\\f")), ("X a#b", ("a#b",))]
)
def test_only_blanks_part_words_and_only_a_few_characters_can_be_escaped(text: str, arguments: tuple[str, ...]) -> None:
    assert keyword.parse(text, MAIN).directives[0].arguments == arguments


@pytest.mark.parametrize("line", ['Banner "x', "ForceCommand echo don't", '"Ciphers aes256-ctr', 'Banner "a\\"'])
def test_what_sshd_refuses_is_refused_by_line(line: str) -> None:
    with pytest.raises(Unparsable, match=f"{MAIN}:2"):
        keyword.parse(f"Port 22\n{line}\n", MAIN)


def test_match_all_ends_a_block_and_what_follows_is_global() -> None:
    assert ciphers("Match User x\nX11Forwarding no\nMatch all\nCiphers aes256-ctr\n") == ("aes256-ctr",)
    assert ciphers("Ciphers aes128-ctr\nMatch all\nCiphers aes256-ctr\n") == ("aes128-ctr",)


def test_match_all_beats_what_stands_outside_in_the_one_list_that_may_stand_there() -> None:
    texts = {MAIN: "PubkeyAcceptedAlgorithms ssh-ed25519\nMatch all\nPubkeyAcceptedAlgorithms ssh-rsa\nMatch all\nPubkeyAcceptedAlgorithms a\n"}
    setting = read(files_of(texts, **{"sshd-T": said("pubkeyacceptedalgorithms ssh-rsa")})).settings["user_key"]
    assert (setting.values, str(setting.origin)) == (("ssh-rsa",), f"{MAIN}:3")


def test_match_all_in_a_file_that_is_included_under_a_condition_is_conditional() -> None:
    texts = {MAIN: "Match User x\nInclude /etc/ssh/i\n", "/etc/ssh/i": "Match all\nPubkeyAcceptedAlgorithms ssh-rsa\n"}
    endpoint = read(files_of(texts, **{"sshd-T": said("pubkeyacceptedalgorithms ssh-ed25519")}))
    assert "Match User x" in str(endpoint.settings["user_key"].origin)


def test_what_a_match_block_lets_in_is_judged_too_and_the_weaker_evidence_is_told() -> None:
    setting = read(captured("web-include")).settings["user_key"]
    assert setting.values[-1] == "ssh-rsa"
    assert str(setting.origin) == "default of OpenSSH 10.0p2; /etc/ssh/sshd_config:17 in Match User backup adds ssh-rsa"
    assert setting.evidence == "configured"


@pytest.mark.parametrize(
    ("value", "added"), [("+ssh-rsa", ("ssh-rsa",)), ("^ssh-rsa", ("ssh-rsa",)), ("-ssh-ed25519", ()), ("rsa-*,ssh-rsa", ("ssh-rsa",))]
)
def test_a_change_to_the_default_in_a_match_block_is_worked_out_from_the_default(value: str, added: tuple[str, ...]) -> None:
    default = f"ssh-ed25519,{RSA_SHA2}"
    answers = {"sshd-T": said(f"pubkeyacceptedalgorithms {default}"), "ssh-Q-key-sig": Answer((), 0, "\n".join([*default.split(","), "ssh-rsa"]))}
    setting = read(files_of({MAIN: f"Match User x\nPubkeyAcceptedAlgorithms {value}\n"}, **answers)).settings["user_key"]
    assert setting.values == (*default.split(","), *added)


def test_a_change_to_a_default_that_is_not_known_is_unknown() -> None:
    texts = {MAIN: "PubkeyAcceptedAlgorithms ssh-ed25519\nMatch User x\nPubkeyAcceptedAlgorithms +ssh-rsa\n"}
    endpoint = read(files_of(texts, **{"sshd-T": said("pubkeyacceptedalgorithms ssh-ed25519")}))
    assert "user_key" not in endpoint.settings
    assert any(f"{MAIN}:3" in note for note in endpoint.notes)


def test_host_keys_are_those_that_sshd_loads_not_those_that_lie_about() -> None:
    assert set(read(captured("web-old")).settings["host_key"].values) == {"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"}


def test_a_host_certificate_is_a_host_key_of_its_own() -> None:
    host = captured("web-new")
    told = said(host.answers["sshd-T"].out, "hostcertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")
    certified = with_files(host, **{"/etc/ssh/ssh_host_ed25519_key-cert.pub": "ssh-ed25519-cert-v01@openssh.com AAAA\n"})
    endpoint = read(replace(certified, answers={**host.answers, "sshd-T": told}))
    assert "ssh-ed25519-cert-v01@openssh.com" in endpoint.settings["host_key"].values
    assert "ssh-ed25519-cert-v01@openssh.com" in (endpoint.capabilities["host_key"].names or ())


def test_a_host_key_elsewhere_is_asked_for_and_without_its_public_half_nothing_is_claimed() -> None:
    text = {MAIN: "HostKey /srv/key\n"}
    known = {"sshd-T": said("hostkey /srv/key", f"hostkeyalgorithms ssh-ed25519,{RSA_SHA2}"), "ssh-Q-key-sig": Answer((), 0, "ssh-ed25519\n")}
    assert SERVICE.missing(files_of(text)) == ("/srv/key.pub",)
    for unread in (text, {**text, "/srv/key.pub": "\n"}):
        blind = read(files_of(unread, **known))
        assert blind.settings["host_key"].values == ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
        assert blind.capabilities["host_key"].names is None
    seen = read(files_of({**text, "/srv/key.pub": "ssh-ed25519 AAAA\n"}, **known))
    assert seen.settings["host_key"].values == ("ssh-ed25519",)


def test_a_key_whose_public_half_is_gone_is_a_key_all_the_same() -> None:
    known = {
        "sshd-T": said("hostkey /etc/ssh/ssh_host_rsa_key", "hostkey /etc/ssh/ssh_host_ed25519_key", f"hostkeyalgorithms ssh-ed25519,{RSA_SHA2}")
    }
    known |= {"ssh-Q-key-sig": Answer((), 0, "ssh-ed25519\n"), "dropins": Answer((), 2, "/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_rsa_key\n")}
    endpoint = read(files_of({MAIN: "\n", "/etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA\n"}, **known))
    assert endpoint.settings["host_key"].values == ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
    assert endpoint.capabilities["host_key"].source == "the type of the host key /etc/ssh/ssh_host_rsa_key.pub could not be read"


def test_a_routing_domain_behind_an_address_is_no_part_of_the_port() -> None:
    assert read(files_of({MAIN: "\n"}, **{"sshd-T": said("listenaddress [::1]:2222 rdomain vrf1")})).addresses == (("::1", 2222),)


def test_offline_the_ports_come_from_the_file() -> None:
    assert read(files_of({MAIN: "Port 77\nPort 78\n"})).addresses == (("*", 77), ("*", 78))


def test_behind_a_socket_unit_the_ports_are_those_of_the_unit() -> None:
    unit = "[Socket]\nListenStream=22\nAccept=no\n"
    changed = "[Socket]\nListenStream=\nListenStream=0.0.0.0:2222\nListenStream=[::1]:2223\nListenStream=/run/x\n"
    wanted, more = "/etc/systemd/system/sockets.target.wants/ssh.socket", "/etc/systemd/system/ssh.socket.d/port.conf"
    host = {MAIN: "\n", wanted: unit}
    assert read(files_of(host, **{"sshd-T": said("listenaddress 0.0.0.0:99")})).addresses == (("*", 22),)
    assert read(files_of({**host, more: changed})).addresses == (("*", 2222), ("::1", 2223))


def test_a_socket_unit_of_systemds_own_is_none_of_sshds() -> None:
    unit = "/etc/systemd/system/sockets.target.wants/sshd-vsock.socket"
    assert read(files_of({MAIN: "\n", unit: "[Socket]\nListenStream=vsock::22\n"}, **{"sshd-T": said("listenaddress [::]:99")})).addresses == (
        ("*", 99),
    )


def test_another_port_on_the_command_line_counts_and_another_file_is_refused() -> None:
    host = {MAIN: "Port 22\n", "/etc/default/ssh": "SSHD_OPTS='-p 2222 -u0'\n"}
    assert read(files_of(host, **{"sshd-T": said("listenaddress [::]:22")})).addresses == (("*", 2222),)
    with pytest.raises(Unparsable, match="/etc/default/ssh:1: sshd is started with -f /srv/other"):
        read(files_of({MAIN: "\n", "/etc/default/ssh": "SSHD_OPTS=-f/srv/other\n"}))


def test_options_on_the_command_line_beat_the_file() -> None:
    """RHEL 8 hands its crypto policy to sshd so; Debian has SSHD_OPTS."""
    policy = "/etc/crypto-policies/back-ends/opensshserver.config"
    texts = {MAIN: "Ciphers aes128-ctr\n", policy: "CRYPTO_POLICY='-oCiphers=aes256-ctr -oKexAlgorithms=curve25519-sha256'\n"}
    endpoint = read(files_of(texts, **{"sshd-T": said("ciphers aes128-ctr")}))
    setting = endpoint.settings["cipher"]
    assert (setting.values, str(setting.origin), setting.evidence) == (("aes256-ctr",), f"{policy}:1", "configured")
    opted_out = {**texts, "/etc/sysconfig/sshd": "CRYPTO_POLICY=\n"}
    assert read(files_of(opted_out, **{"sshd-T": said("ciphers aes128-ctr")})).settings["cipher"].values == ("aes128-ctr",)
    changed = {MAIN: "\n", "/etc/default/ssh": 'SSHD_OPTS="-o Ciphers=+aes256-cbc"\n'}
    assert "cipher" not in read(files_of(changed, **{"sshd-T": said("ciphers aes128-ctr")})).settings


def test_key_exchanges_of_gssapi_stand_beside_the_list_and_are_told_of() -> None:
    endpoint = read(files_of({MAIN: "\n"}, **{"sshd-T": said("gssapikeyexchange yes", "gssapikexalgorithms gss-group14-sha256-")}))
    assert any("gss-group14-sha256-" in note for note in endpoint.notes)


GONE = Answer(("sshd", "-T"), 255, err="Missing privilege separation directory: /run/sshd\n")


def test_a_host_whose_sshd_waits_behind_a_socket_is_still_asked() -> None:
    """`sshd -G` (9.3 and later) needs no /run/sshd; for older ones a mount namespace of its own has one."""
    ids = list(SERVICE.collect.commands)
    assert ids[:4] == ["sshd-T-wide", "sshd-T", "sshd-G", "sshd-T-apart"]
    assert {one: ids.index(after) < ids.index(one) for one, after in SERVICE.collect.second_tries.items()} == {
        **dict.fromkeys((*ids[1:4], "ssh-Q-key-sig"), True)
    }
    for other in ("sshd-G", "sshd-T-apart"):
        setting = read(files_of({MAIN: "\n"}, **{"sshd-T": GONE, other: said("ciphers aes256-ctr")})).settings["cipher"]
        assert (setting.values, setting.evidence) == (("aes256-ctr",), "effective")


def test_sshd_itself_lists_the_key_types_that_it_knows() -> None:
    wide = {"sshd-T-wide": said("hostbasedacceptedalgorithms ssh-ed25519,ssh-dss", "pubkeyacceptedalgorithms ssh-ed25519")}
    endpoint = read(files_of({MAIN: "\n"}, **wide))
    assert endpoint.settings["user_key"].values == ("ssh-ed25519",)
    assert endpoint.capabilities["user_key"].names == ("ssh-ed25519", "ssh-dss")
    assert endpoint.capabilities["key_exchange"].names is None, "that list says nothing of exchanges"


def test_what_an_administrator_set_for_host_based_logins_is_no_capability() -> None:
    plain = {"sshd-T": said("hostbasedacceptedalgorithms ssh-ed25519")}
    assert read(files_of({MAIN: "\n"}, **plain)).capabilities["user_key"].names is None


@pytest.mark.parametrize("host", ["socket-11", "socket-13"])
def test_a_captured_host_behind_a_socket_unit(host: str) -> None:
    snapshot = snapshot_from_json((FIXTURES / "openssh" / f"{host}.json").read_text(encoding="utf-8"))
    assert not snapshot.answers["sshd-T"].ok
    endpoint = read(snapshot)
    assert set(endpoint.settings) == set(KEYWORDS)
    assert endpoint.settings["cipher"].evidence == "effective"
    assert endpoint.addresses == (("*", 22),)
    assert "ssh-dss" not in endpoint.settings["host_key"].values, "a key that lies there and is not loaded"
    activation = SERVICE.activation(snapshot, (endpoint,))
    assert (activation.action, activation.check[0], activation.ports) == ("restart", "sh", (22,))


def test_without_any_answer_the_reason_is_told() -> None:
    endpoint = read(files_of({MAIN: "\n"}, **{"sshd-T": GONE}))
    assert not endpoint.settings
    assert any("Missing privilege separation directory" in note for note in endpoint.notes)


def test_behind_a_socket_the_check_brings_its_own_directory_and_a_restart_hands_the_socket_over() -> None:
    plain, socket = (
        files_of({MAIN: "\n"}),
        files_of({MAIN: "\n", "/etc/systemd/system/sockets.target.wants/ssh.socket": "[Socket]\nListenStream=22\n"}),
    )
    assert SERVICE.activation(plain, SERVICE.read(plain)).check == ("sshd", "-t")
    assert [SERVICE.activation(host, ()).action for host in (plain, socket)] == ["reload", "restart"]
    for snapshot in (socket, files_of({MAIN: "\n"}, **{"sshd-T": GONE})):
        check = SERVICE.activation(snapshot, SERVICE.read(snapshot)).check
        assert check[:2] == ("sh", "-c")
        assert "\n" not in check[2], "a word is a line for the agent"
