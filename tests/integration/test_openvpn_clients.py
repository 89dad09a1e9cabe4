"""A server of OpenVPN with two clients, each moved alone: hybrids come in, the classical goes once the other side can do without, and all of it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked import asked

from .conftest import Lab, Ran, on, started
from .test_tunnels import HYBRID, RULE, play, told

LONG = asked("vpn")
SERVER, NEWER, OLDER = HOSTS = ("tun-a", "tun-b", "tun-c")
FACTS = "cd / && find etc/openvpn -type f | sort | xargs stat -c '%n %a %U %G %s %Y'; find /etc/openvpn -type f | sort | xargs sha256sum"
ADDRESSES = {NEWER: "10.91.0.27", OLDER: "10.91.0.28"}
SITE = "/etc/openvpn/client/site.conf"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    started(*HOSTS)
    yield
    on(OLDER, "systemctl stop openvpn-client@site")  # other tests count who comes to the server


def policy(folder: Path, stage: str, entry: str = "") -> str:
    """entry: what it says of those who come to the server."""
    path = folder / f"{stage}{len(entry)}.yml"
    said = RULE.format(id="kex", protocol="openvpn", aspect="key_exchange", body=HYBRID)
    said += f"stages:\n  - {{protocol: openvpn, aspect: key_exchange, stage: {stage}}}\n"
    said += f"clients:\n  - {{id: road, host: {SERVER}, {entry}}}\n" if entry else ""
    path.write_text(f'policy: {{name: tunnels, version: "1"}}\nrules:{said}', encoding="utf-8")
    return str(path)


def run(lab: Lab, name: str, limit: str, policy: str) -> Ran:
    return play(lab, name, limit, policy, agility_services=["openvpn"], agility_campaign="road")


def came(client: str) -> str:
    """The last exchange that the server's log names of this client, since its process began."""
    on(client, "for n in $(seq 60); do ping -c 1 -W 1 10.94.0.1 >/dev/null 2>&1 && exit; sleep 0.3; done; exit 1")
    pid = "_PID=$(systemctl show -p ExecMainPID --value openvpn-server@site)"
    last = on(SERVER, f"journalctl -q -o cat {pid} | grep '{ADDRESSES[client]}:.*Control Channel: TLS' | tail -n 1")
    return last.rpartition("temporary key: ")[2].split()[-1]


def classical_only(client: str) -> None:
    """It tries again each 5 s where it is refused, not each minute."""
    on(client, f"cp -p {SITE} /root/site.conf; sed -i '1a tls-groups X25519\\nhand-window 5' {SITE}; systemctl restart openvpn-client@site")


def mended(client: str) -> None:
    on(client, f"cp -p /root/site.conf {SITE}; rm /root/site.conf; systemctl restart openvpn-client@site")


def shut_out(client: str) -> None:
    """It calls again and again, and gets no session."""
    count = f"journalctl -q -o cat -u openvpn-server@site | grep -c '{ADDRESSES[client]}:.*TLS handshake failed'"
    on(SERVER, f"was=$({count}); for n in $(seq 100); do [ $({count}) -gt $was ] && exit; sleep 0.3; done; exit 1")
    on(client, "! ping -c 1 -W 1 10.94.0.1 >/dev/null")


def expanded(lab: Lab, folder: Path) -> str:
    """The server has both; one client came with the new and one without; its files as they are then."""
    ran = run(lab, "enforce", SERVER, policy(folder, "prefer"))
    assert ran.rc == 0 and ran.changed(SERVER) == 1, ran.text
    classical_only(OLDER)
    assert (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519")
    return on(SERVER, FACTS)


def contracted(lab: Lab, ran: Ran) -> None:
    assert ran.rc == 0 and ran.changed(SERVER) == 1, ran.text
    text = on(SERVER, "cat /etc/openvpn/server/site.conf")
    assert "tls-groups X25519MLKEM768\n" in text and "tls-version-min 1.3\n" in text
    assert came(NEWER) == "X25519MLKEM768"


def test_a_server_contracts_when_somebody_answers_for_who_cannot_and_comes_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    before, now = on(SERVER, FACTS), expanded(lab, tmp_path)
    early = run(lab, "enforce", SERVER, policy(tmp_path, "require", "watch: 1m"))
    assert early.rc != 0 and "on one end alone may end the tunnel" in told(early), early.text
    assert any(why in told(early) for why in ("1 did not agree on what stays", "the journal of OpenVPN reaches back")), early.text
    assert "1 agreed on X25519MLKEM768" in told(early) and "1 agreed on x25519" in told(early), early.text
    assert on(SERVER, FACTS) == now
    assert not any(who in early.text + str(early.host(SERVER)) for who in ("10.91.0.27", "10.91.0.28", "[tun-c]")), "they are counted"

    answered = "acknowledge: {reason: it gets a new client, approver: ciso, until: 2099-12-31}"
    ran = run(lab, "enforce", SERVER, policy(tmp_path, "require", answered))
    assert "whoever lacks what stays is cut off; ciso answers for them until 2099-12-31: it gets a new client (road)" in told(ran), ran.text
    contracted(lab, ran)
    shut_out(OLDER)
    back = run(lab, "rollback", SERVER, policy(tmp_path, "prefer"))
    assert back.rc == 0 and on(SERVER, FACTS) == before, back.text
    assert (came(NEWER), came(OLDER)) == ("X25519", "X25519")
    mended(OLDER)


def test_a_server_and_its_client_get_the_new_together_and_go_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    """test_migrate_openvpn.py does the rest."""
    classical_only(NEWER)
    before = {host: on(host, FACTS) for host in (SERVER, NEWER)}
    ran = run(lab, "migrate_links", f"{SERVER},{NEWER}", policy(tmp_path, "prefer"))
    assert ran.rc == 0, ran.text
    proofs = [(one["with"], one["proved"], one.get("logs")) for host in before for one in ran.host(host)["proofs"]]
    assert proofs == [(NEWER, False, None), (SERVER, True, [NEWER, SERVER])] and came(NEWER) == "X25519MLKEM768", "whoever moves second proves it"
    back = run(lab, "rollback_links", f"{SERVER},{NEWER}", policy(tmp_path, "prefer"))
    assert back.rc == 0 and {host: on(host, FACTS) for host in before} == before, back.text
    mended(NEWER)


@pytest.mark.skipif(
    not LONG, reason="SKIPPED LOUDLY: `make verify-vpn` waits until a minute of the journal shows that all that came agreed on the hybrid"
)
def test_or_when_all_that_came_in_the_time_of_the_policy_can_and_then_a_client_follows(lab: Lab, tmp_path: Path) -> None:
    before, client = on(SERVER, FACTS), on(NEWER, FACTS)
    expanded(lab, tmp_path)
    mended(OLDER)  # its owner was told, and has followed
    oldest = "journalctl -q -o short-unix _COMM=openvpn | head -n 1 | cut -d . -f 1"
    on(SERVER, f"was=$({oldest}); until [ $(($(date +%s) - was)) -gt 65 ]; do sleep 1; done")
    on(NEWER, "systemctl restart openvpn-client@site")
    on(OLDER, "systemctl restart openvpn-client@site")
    assert (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519MLKEM768")
    contracted(lab, run(lab, "enforce", SERVER, policy(tmp_path, "require", "watch: 1m")))
    assert came(OLDER) == "X25519MLKEM768"

    ran = run(lab, "enforce", f"{NEWER},{OLDER}", policy(tmp_path, "require"))
    assert ran.changed(NEWER) == 1 and ran.changed(OLDER) == 0, ran.text
    assert "OpenVPN 2.6.14 does not name in its log what it agreed on with its server" in told(ran), ran.text
    assert "tls-groups X25519MLKEM768\n" in on(NEWER, f"cat {SITE}") and came(NEWER) == "X25519MLKEM768"
    for host, was in ((NEWER, client), (SERVER, before)):  # a client first: at this stage it has nothing else to offer
        back = run(lab, "rollback", host, policy(tmp_path, "prefer"))
        assert back.rc == 0 and on(host, FACTS) == was, back.text
    assert (came(NEWER), came(OLDER)) == ("X25519", "X25519")
