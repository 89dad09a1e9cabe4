"""A server of OpenVPN and its two clients move together: hybrids in at both ends, the classical away at both, and all back to the byte.

For `make verify-vpn`; a server with one client is in test_openvpn_clients.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked import asked

from .conftest import Lab, Ran, on, started
from .test_link_keys import Begun, when
from .test_openvpn_clients import ADDRESSES, FACTS, HOSTS, NEWER, OLDER, SERVER, SITE, came, mended, shut_out
from .test_tunnels import HYBRID, RULE, play, told

pytestmark = pytest.mark.skipif(not asked("vpn"), reason="SKIPPED LOUDLY: `make verify-vpn` moves a server of OpenVPN and two clients together")
ALL = ",".join(HOSTS)
TX = "/var/lib/crypto-agility/tx"
CLASSICAL = f"sed -i '1a tls-groups X25519:prime256v1\\ndata-ciphers AES-256-CBC:AES-128-GCM' {SITE}; systemctl restart openvpn-client@site"
CIPHERS = "allow: {aead: true, status: [current], name: [AES-256-GCM]}"
# Whoever else may know this server is in no list.
ANSWERED = "clients:\n  - {id: road, host: tun-a, acknowledge: {reason: all clients are ours, approver: ciso, until: 2099-12-31}}\n"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    started(*HOSTS)
    yield
    on(OLDER, "systemctl stop openvpn-client@site")  # other tests count who comes to the server


@pytest.fixture
def before() -> Iterator[dict[str, str]]:
    """Both clients begin with classical groups alone; what the hosts are then."""
    for host in (NEWER, OLDER):
        on(host, f"cp -p {SITE} /root/site.conf; {CLASSICAL}")
    yield facts()
    for host in (NEWER, OLDER):
        mended(host)


def facts() -> dict[str, str]:
    return {host: on(host, FACTS) for host in HOSTS}


def policy(folder: Path, stage: str) -> str:
    path = folder / f"{stage}.yml"
    said = RULE.format(id="kex", protocol="openvpn", aspect="key_exchange", body=HYBRID)
    said += RULE.format(id="cipher", protocol="openvpn", aspect="cipher", body=CIPHERS)
    said += "stages:\n" + "".join(f"  - {{protocol: openvpn, aspect: {one}, stage: {stage}}}\n" for one in ("key_exchange", "cipher"))
    path.write_text(f'policy: {{name: tunnels, version: "1"}}\nrules:{said}{ANSWERED if stage == "require" else ""}', encoding="utf-8")
    return str(path)


def run(lab: Lab, name: str, policy: str, limit: str = ALL, **variables: object) -> Ran:
    return play(lab, name, limit, policy, **{"agility_services": ["openvpn"], "agility_campaign": "both", **variables})


def stages(lab: Lab, campaign: str = "both") -> dict[str, str]:
    found = {path.stem: json.loads(path.read_text())["stage"] for path in (lab.tmp / f"campaigns/{campaign}/links").glob("*/*.json")}
    return {host: found.get(host, "") for host in HOSTS}


def test_a_server_and_its_clients_are_expanded_and_contracted_together_and_come_back_to_the_byte(
    lab: Lab, tmp_path: Path, before: dict[str, str]
) -> None:
    assert (came(NEWER), came(OLDER)) == ("X25519", "X25519")
    ran = run(lab, "migrate_links", policy(tmp_path, "prefer"))
    assert ran.rc == 0 and [ran.changed(host) for host in HOSTS] == [1, 1, 1], ran.text
    assert "openvpn server/site.conf is restarted: its sessions end" in told(ran)
    taken = [ran.host(host)["taken"] for host in HOSTS]
    assert taken == sorted(taken) and len(set(taken)) == 3, "server, canary, the other client"
    proved = {host: [(one["with"], one["proved"], one.get("group")) for one in ran.host(host)["proofs"]] for host in HOSTS}
    assert proved == {
        SERVER: [(NEWER, False, None), (OLDER, False, None)],
        NEWER: [(SERVER, True, "X25519MLKEM768")],
        OLDER: [(SERVER, True, "X25519MLKEM768")],
    }, "whoever moves second proves it"
    assert (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519MLKEM768")
    again = run(lab, "migrate_links", policy(tmp_path, "prefer"))
    assert again.rc == 0 and not any(again.changed(host) for host in HOSTS), again.text

    strict = policy(tmp_path, "require")
    early = run(lab, "migrate_links", strict, f"{SERVER},{NEWER}", agility_step="contract")
    assert early.rc != 0 and f"{OLDER} is an end in this campaign, and was not looked at" in told(early), early.text
    ran = run(lab, "migrate_links", strict, agility_step="contract")
    assert ran.rc == 0 and [early.changed(NEWER), *(ran.changed(host) for host in HOSTS)] == [1, 1, 0, 1], "clients first"
    for host, path in ((SERVER, "/etc/openvpn/server/site.conf"), (NEWER, SITE), (OLDER, SITE)):
        text = on(host, f"cat {path}")
        assert "tls-groups X25519MLKEM768\n" in text and "tls-version-min 1.3\n" in text and "data-ciphers AES-256-GCM\n" in text, text
    assert (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519MLKEM768")
    assert set(stages(lab).values()) == {"contracted"}
    on(
        OLDER,
        f"cp -p {SITE} /root/new.conf; sed -i 's/^tls-groups .*/tls-groups X25519\\nhand-window 5/' {SITE}; systemctl restart openvpn-client@site",
    )
    shut_out(OLDER)
    on(OLDER, f"cp -p /root/new.conf {SITE}; rm /root/new.conf; systemctl restart openvpn-client@site")
    assert came(OLDER) == "X25519MLKEM768"

    alone = run(lab, "rollback", strict, OLDER, agility_campaign="both-expand")
    assert alone.rc != 0 and "its tunnel would end: the other end, tun-a, may take the new exchange alone" in told(alone), alone.text
    back = run(lab, "rollback_links", strict)
    assert back.rc == 0 and facts() == before, back.text
    assert (came(NEWER), came(OLDER)) == ("X25519", "X25519")


def test_a_client_whose_tunnel_does_not_come_back_goes_back_alone_and_a_server_that_strangers_may_call_stays(
    lab: Lab, tmp_path: Path, before: dict[str, str]
) -> None:
    assert run(lab, "migrate_links", policy(tmp_path, "prefer")).rc == 0
    both = facts()
    unanswered = tmp_path / "unanswered.yml"
    unanswered.write_text(Path(policy(tmp_path, "require")).read_text(encoding="utf-8").replace(ANSWERED, ""), encoding="utf-8")
    on(OLDER, "nft 'add table inet cut; add chain inet cut in { type filter hook input priority 0; }'")
    on(OLDER, "nft 'add rule inet cut in udp sport 1194 drop'")
    try:
        ran = run(lab, "migrate_links", str(unanswered), agility_step="contract", agility_serial=["1"], agility_confirm_timeout=40)
    finally:
        on(OLDER, "nft delete table inet cut")
    assert ran.rc != 0 and [ran.host(host)["status"] for host in (NEWER, OLDER)] == ["changed", "reverted"], ran.text
    assert f"the log of {OLDER} names no new session" in told(ran), ran.text
    assert on(OLDER, FACTS) == both[OLDER] and on(SERVER, FACTS) == both[SERVER]
    assert (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519MLKEM768")
    ran = run(lab, "migrate_links", str(unanswered), agility_step="contract")
    assert ran.rc != 0 and ran.changed(OLDER) == 1 and "the policy names no time over which they are watched" in told(ran), ran.text
    assert on(SERVER, FACTS) == both[SERVER] and (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519MLKEM768")
    assert run(lab, "rollback_links", policy(tmp_path, "prefer")).rc == 0 and facts() == before


def test_a_server_one_of_whose_clients_does_not_come_back_goes_back(lab: Lab, tmp_path: Path, before: dict[str, str]) -> None:
    came(OLDER)
    last = on(SERVER, f"journalctl -q -o cat -u openvpn-server@site | grep -o '{ADDRESSES[OLDER]}:[0-9]*' | tail -n 1")
    port = last.strip().rpartition(":")[2]  # of its session of now: from another one it gets nowhere
    on(OLDER, "nft 'add table inet cut; add chain inet cut out { type filter hook output priority 0; }'")
    on(OLDER, f"nft 'add rule inet cut out udp dport 1194 udp sport != {port} drop'")
    try:
        ran = run(lab, "migrate_links", policy(tmp_path, "prefer"), agility_campaign="cut", agility_confirm_timeout=40)
    finally:
        on(OLDER, "nft delete table inet cut")
    assert ran.rc != 0 and ran.host(SERVER)["status"] == "reverted", ran.text
    assert f"the tunnel server/site.conf with {OLDER} did not come back" in told(ran), ran.text
    assert facts() == before and (came(NEWER), came(OLDER)) == ("X25519", "X25519")


def test_a_controller_that_dies_in_any_step_leaves_all_tunnels_and_the_next_run_goes_on(lab: Lab, tmp_path: Path, before: dict[str, str]) -> None:
    stage = {"expand": "prefer", "contract": "require"}
    for step, dying in (("expand", (SERVER, NEWER)), ("contract", (NEWER, SERVER))):
        asks = {"agility_policy": policy(tmp_path, stage[step]), "agility_campaign": "dying", "agility_step": step, "ansible_become": "true"}
        for host in dying:
            begun = Begun(tmp_path, limit=ALL, settings=asks, playbook="migrate_links")
            try:
                when(host, f"grep -qs RELOADED {TX}/dying-{step}-*/journal")
            finally:
                begun.kill()
            assert came(NEWER) and came(OLDER), "while that host waits for its deadline"
            when(host, f"echo 0 >$(echo {TX}/dying-{step}-*)/deadline; grep -qs REVERTED {TX}/dying-{step}-*/journal")
            assert came(NEWER) and came(OLDER), "that host went back by itself at its deadline"
            on(host, f"rm -r {TX}/dying-{step}-*")
        ran = run(lab, "migrate_links", asks["agility_policy"], agility_step=step, agility_campaign="dying")
        assert ran.rc == 0 and (came(NEWER), came(OLDER)) == ("X25519MLKEM768", "X25519MLKEM768"), ran.text
    assert set(stages(lab, "dying").values()) == {"contracted"}
    assert run(lab, "rollback_links", policy(tmp_path, "prefer"), agility_campaign="dying").rc == 0 and facts() == before
