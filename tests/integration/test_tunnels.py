"""Two ends of WireGuard and OpenVPN tunnels: audited side by side, OpenVPN made hybrid and taken back, and no key on the controller."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LAB, STATE, Lab, Ran, on

BOTH = "tun-a,tun-b"
FACTS = "cd / && find etc/openvpn etc/wireguard -type f | sort | xargs stat -c '%n %a %U %G %s %Y'; find /etc/openvpn /etc/wireguard -type f | sort | xargs sha256sum"
RULE = """
  - id: {id}
    match: {{protocol: {protocol}}}
    aspect: {aspect}
    {body}
    source: {{doc: house, force: requirement}}
    verified: 2026-11-27
"""
HYBRID = "allow: {construction: [hybrid], quantum_category: '>=3', name: [X25519MLKEM768]}"
KEYED = "require: {mode: required, shared: 'no', private: 'yes'}"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    """Every module begins with its hosts as they were built, and with tunnels that carry something."""
    done = subprocess.run([LAB, "host", "tun-a", "tun-b"], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    together()


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Whatever a test does, it leaves every byte, owner, mode and time as it was."""
    before = {host: on(host, FACTS) for host in ("tun-a", "tun-b")}
    yield
    assert {host: on(host, FACTS) for host in ("tun-a", "tun-b")} == before


@pytest.fixture
def policy(tmp_path: Path) -> str:
    return written(tmp_path, "prefer")


def written(folder: Path, stage: str) -> str:
    rules = RULE.format(id="kex", protocol="openvpn", aspect="key_exchange", body=HYBRID) + RULE.format(
        id="psk", protocol="wireguard", aspect="psk", body=KEYED
    )
    path = folder / f"{stage}.yml"
    stages = f"stages:\n  - {{protocol: openvpn, aspect: key_exchange, stage: {stage}}}\n"
    path.write_text(f'policy: {{name: tunnels, version: "1"}}\nrules:{rules}{stages}', encoding="utf-8")
    return str(path)


def play(lab: Lab, name: str, limit: str, policy: str, *more: str, **variables: object) -> Ran:
    services = {"agility_services": ["openvpn", "wireguard"], **variables}
    return lab.play(name, limit, "-i", "inventories/tunnels", *more, agility_policy=policy, **services)


def told(ran: Ran) -> str:
    return " ".join(ran.text.split())


def together() -> None:
    """All three tunnels carry a packet; a client of OpenVPN comes back within seconds."""
    for far in ("10.94.0.1", "10.95.0.1", "10.96.0.1"):
        on("tun-b", f"for n in $(seq 40); do ping -c 1 -W 1 {far} >/dev/null 2>&1 && exit; sleep 1; done; exit 1")


def agreed() -> list[str]:
    """The last group that each end's log names."""
    together()
    last = [on(host, "journalctl -u 'openvpn-*@site.service' -o cat | grep 'Control Channel: TLS' | tail -n 1") for host in ("tun-a", "tun-b")]
    return [
        found[1].upper() if (found := re.search(r"(?:key agreement: |temporary key: \d+ bits )(\w+)(?!.*key agreement)", line)) else line
        for line in last
    ]


def endpoints(ran: Ran, host: str) -> dict[str, dict[str, object]]:
    """By the name of the connection, or of the interface."""
    return {one["id"].split()[1]: one for one in ran.host(host)["endpoints"]}


def test_an_audit_of_both_ends_tells_what_wg_and_the_log_tell(lab: Lab, policy: str) -> None:
    assert agreed() == ["X25519", "X25519"]
    ran = play(lab, "audit", BOTH, policy)
    assert ran.rc == 0, ran.text
    for host, name in (("tun-a", "server/site.conf"), ("tun-b", "client/site.conf")):
        found = endpoints(ran, host)
        for interface, mode in (("wg0", "none"), ("wg1", "required")):
            facts = found[interface]["settings"]["psk"]["values"]
            assert facts[:3] == [f"mode={mode}", f"configured={mode}", f"effective={mode}"]
            assert ("preshared key: (hidden)" in on(host, f"wg show {interface}")) == (mode == "required")
            assert "in effect, the last handshake with 10.91.0." in found[interface]["notes"][0]
        notes = "".join(found[name]["notes"]).replace("x25519", "X25519")
        once_or_more = r"started: [1-9] × TLSv1\.3 TLS_AES_256_GCM_SHA384 with X25519(?!MLKEM|;)"  # a slow start makes a client call twice
        assert re.search(once_or_more, notes), notes
        states = {(one["endpoint"].split()[1], one["aspect"]): one["state"] for one in ran.host(host)["findings"]}
        assert states["wg0", "psk"] == "forbidden" and states["wg1", "psk"] == "compliant"
        assert ran.host(host)["rounds"] == 1


def test_a_server_becomes_hybrid_alone_and_goes_back_byte_for_byte(lab: Lab, policy: str) -> None:
    ran = play(lab, "enforce", "tun-a", policy, agility_campaign="tunnel")
    assert ran.rc == 0 and ran.changed("tun-a") == 1, ran.text
    assert "openvpn server/site.conf is restarted: its sessions end" in told(ran)
    assert "tls-groups X25519MLKEM768/X25519:prime256v1\n" in on("tun-a", "cat /etc/openvpn/server/site.conf")
    assert agreed() == ["X25519MLKEM768", "X25519MLKEM768"]

    again = play(lab, "enforce", "tun-a", policy)
    assert again.rc == 0 and again.changed("tun-a") == 0, again.text
    assert "with X25519MLKEM768" in "".join(endpoints(again, "tun-a")["server/site.conf"]["notes"])
    assert play(lab, "rollback", "tun-a", policy, agility_campaign="tunnel").rc == 0
    assert agreed() == ["X25519", "X25519"]


def test_what_would_shut_out_the_other_end_is_refused_by_name(lab: Lab, tmp_path: Path) -> None:
    ran = play(lab, "enforce", "tun-a", written(tmp_path, "require"))
    assert ran.rc != 0 and "on one end alone may end the tunnel" in told(ran) and "migrate_links" in told(ran)
    assert agreed() == ["X25519", "X25519"]


def test_a_configuration_that_openvpn_would_not_start_with_is_found_before_the_restart(lab: Lab, policy: str) -> None:
    began = on("tun-a", "systemctl show -p ExecMainPID openvpn-server@site")
    on("tun-a", "mv /etc/openvpn/server/static.key /root/")
    try:
        ran = play(lab, "enforce", "tun-a", policy)
        assert ran.rc != 0 and "the check of openvpn says" in told(ran) and "static.key" in told(ran), ran.text
        assert on("tun-a", "systemctl show -p ExecMainPID openvpn-server@site") == began
    finally:
        on("tun-a", "mv /root/static.key /etc/openvpn/server/")


def test_no_byte_of_a_key_reaches_the_controller(lab: Lab, policy: str) -> None:
    state = STATE
    texts = [(state / "tunnel" / name).read_text() for name in ("tun-a.key", "tun-b.key", "psk", "static.key")]
    texts += [(state / "hosts" / host / "tls/ec.key").read_text() for host in ("tun-a", "tun-b")]
    keys = [line for text in texts for line in text.splitlines() if len(line) > 30 and not line.startswith("-")]
    assert len(keys) > 20
    ran = play(lab, "audit", BOTH, policy, "-vvv", agility_save_snapshot=True)
    planned = play(lab, "plan", "tun-a", policy, "-vvv", "--diff")
    assert ran.rc == planned.rc == 0, ran.text + planned.text
    written = "".join(file.read_text(errors="replace") for one in (ran, planned) for file in one.output.rglob("*") if file.is_file())
    assert "<tls-crypt>" in written and "PresharedKey = " in written
    for key in keys:
        assert key not in written + ran.text + planned.text


def test_a_key_in_the_file_alone_is_told_apart_from_the_one_in_effect(lab: Lab, policy: str) -> None:
    on("tun-a", 'cp -p /etc/wireguard/wg1.conf /root/wg1 && k=$(wg genpsk) && sed -i "s,^PresharedKey.*,PresharedKey = $k," /etc/wireguard/wg1.conf')
    try:
        found = endpoints(play(lab, "audit", "tun-a", policy), "tun-a")["wg1"]
        assert any("another than the one in effect" in note for note in found["notes"])
    finally:
        on("tun-a", "cat /root/wg1 >/etc/wireguard/wg1.conf && touch -r /root/wg1 /etc/wireguard/wg1.conf && rm /root/wg1")
