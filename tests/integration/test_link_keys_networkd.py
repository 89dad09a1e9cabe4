"""The preshared key of a tunnel whose one end is networkd's, the other wg-quick's: replaced at both ends and brought back.

EMULATED: no kernel of the lab has WireGuard, so networkd cannot make the interface; wireguard-go runs it.  The real networkd of systemd 257 or later
reads the netdev, and answers networkctl; what its reload does to the interface is done by a script in its place (RELOAD), as `networkctl reload` does it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from .conftest import LAB, Lab, Ran, on
from .test_link_keys import PAIR, carries, in_use

NETDEV, KEY, BROKEN = (f"/etc/systemd/network/{name}" for name in ("50-wg1.netdev", "wg1.psk", "60-broken.netdev"))
FACTS = f"for f in {NETDEV} {KEY} /etc/wireguard/wg1.conf; do [ ! -e $f ] || {{ stat -c '%n %a %U %G %s %Y %i' $f; sha256sum $f; }}; done"
# Made on the host of what wg-quick has there, so that no key leaves it.
MAKE = f"""
umask 027
{{ printf '[NetDev]\\nName=wg1\\nKind=wireguard\\n\\n'
  sed -e '/^Address/d' -e 's/^\\[Interface\\]/[WireGuard]/' -e 's/^\\[Peer\\]/[WireGuardPeer]/' /etc/wireguard/wg1.conf; }} >{NETDEV}
mv /etc/wireguard/wg1.conf /root/wg1.conf
"""
IN_FILE = f"umask 027; sed -n 's/^PresharedKey = //p' {NETDEV} >{KEY} && sed -i 's|^PresharedKey = .*|PresharedKeyFile={KEY}|' {NETDEV}"
RELOAD = f"""#!/bin/sh
sed -e '/^\\[NetDev\\]/,/^$/d' -e 's/^\\[WireGuard\\]/[Interface]/' -e 's/^\\[WireGuardPeer\\]/[Peer]/' {NETDEV} |
  while IFS= read -r line; do
    case $line in PresharedKeyFile=*) echo "PresharedKey = $(cat "${{line#*=}}")" ;; *) printf '%s\\n' "$line" ;; esac
  done | wg setconf wg1 /dev/stdin
"""
PLACE = f"""
mkdir -p /run/systemd/system/systemd-networkd.service.d
printf '[Service]\\nExecReload=\\nExecReload=+/root/reload\\n' >/run/systemd/system/systemd-networkd.service.d/reload.conf
cat >/root/reload && chmod 700 /root/reload
{MAKE}
printf '[NetDev]\nName=wg9\nKind=wireguard\n[WireGuardPeer]\nPublicKey=short\n' >{BROKEN}
chgrp systemd-network {NETDEV} && systemctl daemon-reload && systemctl restart systemd-networkd
"""
REMOVE = f"""
rm -rf /run/systemd/system/systemd-networkd.service.d /root/reload && mv /root/wg1.conf /etc/wireguard/wg1.conf && rm -f {NETDEV} {KEY}
systemctl daemon-reload; systemctl stop systemd-networkd.socket systemd-networkd; systemctl restart wg-quick@wg1
"""


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    """tun-b's wg1 is networkd's."""
    done = subprocess.run([LAB, "host", *PAIR], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    carries()
    was = on("tun-a", "sha256sum </etc/wireguard/wg1.conf")
    subprocess.run([LAB, "exec", "tun-b", "sh", "-c", PLACE], input=RELOAD, text=True, check=True, timeout=60)
    yield
    on("tun-b", REMOVE)
    assert on("tun-a", "sha256sum </etc/wireguard/wg1.conf") == was
    carries()


def play(lab: Lab, here: str, there: str, *more: str, **variables: object) -> Ran:
    return lab.play("link_keys", here, "-i", "inventories/tunnels", *more, agility_link_interface="wg1", agility_link_peer=there, **variables)


def facts() -> list[str]:
    return [on(host, FACTS) for host in PAIR]


def rotated(lab: Lab, here: str, there: str, path: str) -> None:
    """And brought back."""
    before, old = facts(), in_use("tun-a")
    ran = play(lab, here, there)
    assert ran.rc == 0 and [ran.host(host)["status"] for host in PAIR] == ["changed"] * 2, ran.text[-3000:]
    new = in_use("tun-b")
    assert new == in_use("tun-a") != old and new in on("tun-b", f"cat {path}") and new not in ran.text and old not in ran.text
    for host in PAIR:
        assert [(one["proved"], one["handshake"]) for one in ran.host(host)["proofs"]] == [(True, True)]
    assert on("tun-b", f"stat -c '%a %G' {path}") == "640 systemd-network\n"
    assert "networkd sets all peers of wg1 anew" in " ".join(ran.host("tun-b")["plan"]["warnings"])
    carries()
    back = play(lab, here, there, agility_link_step="back")
    assert back.rc == 0 and facts() == before and in_use("tun-b") == in_use("tun-a") == old, back.text


def test_a_key_in_the_netdev_is_rotated_where_the_other_end_decides(lab: Lab) -> None:
    parsed = on("tun-b", "journalctl -u systemd-networkd --no-pager")
    assert "60-broken.netdev" in parsed and "50-wg1.netdev" not in parsed, "what networkd has to say against a file begins with its name"
    on("tun-b", f"rm {BROKEN}")
    rotated(lab, "tun-a", "tun-b", NETDEV)


def test_a_key_in_a_file_of_its_own_is_rotated_where_this_end_decides(lab: Lab) -> None:
    on("tun-b", f"{IN_FILE} && chgrp systemd-network {KEY} && systemctl reload systemd-networkd")
    carries()
    rotated(lab, "tun-b", "tun-a", KEY)


def test_a_reload_that_changes_nothing_takes_both_ends_back(lab: Lab) -> None:
    """As that of networkd before 257, where the version did not tell."""
    before = facts()
    on("tun-b", "mv /root/reload /root/was && printf '#!/bin/sh\\n' >/root/reload && chmod 700 /root/reload")
    try:
        ran = play(lab, "tun-a", "tun-b")
    finally:
        on("tun-b", "mv /root/was /root/reload")
    assert ran.rc != 0 and [ran.host(host)["status"] for host in PAIR] == ["reverted"] * 2, ran.text
    assert facts() == before and in_use("tun-a") == in_use("tun-b")
    carries()
