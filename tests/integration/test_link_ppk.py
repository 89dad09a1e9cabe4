"""The PPK of a tunnel between two strongSwan 6.1: introduced, rotated, retired and taken back; the controller never sees it, and may die on the way."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Lab, Ran, on, started
from .test_ipsec import FACTS, HOSTS, SITE
from .test_link_keys import WATCH, Begun, when
from .test_migrate_links import QUIET, UP, carries_traffic

OURS = "/etc/swanctl/conf.d/agility-ppk-site.conf"
SETTINGS = {"agility_link_interface": "site", "agility_link_peer": "vpn-b"}
OLD = "b64-of-nobody-0123456789-0123456789-0123456789"
TX = "/var/lib/crypto-agility/tx"
# The steps in which the controller dies; all: load@vpn-a load@vpn-b use@vpn-a use@vpn-b contract@vpn-b contract@vpn-a.
DYING = os.environ.get("AGILITY_PPK_STEPS", "use@vpn-a").split()


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[list[str]]:
    """A tunnel with a PPK that a person wrote, required at both ends; it is there until the last test has ended."""
    started(*HOSTS)
    secret = f'secrets {{\\n  ppk-hand {{\\n    id = hand\\n    secret = "{OLD}"\\n  }}\\n}}\\n'
    asks = f"sed -i -e 's/version = 2/version = 2\\n    ppk_id = hand\\n    ppk_required = yes/' {SITE}"
    for host in HOSTS:
        on(host, f"cp -p {SITE} /root/site.conf && {QUIET} && {asks} && (umask 077; printf '{secret}' >/etc/swanctl/conf.d/hand.conf)")
        on(host, "swanctl --load-all --noprompt >/dev/null")
    on("vpn-a", UP)
    yield facts()
    for host in HOSTS:
        on(host, f"cp -p /root/site.conf {SITE} && rm -f /etc/swanctl/conf.d/hand.conf {OURS} && swanctl --load-all --noprompt >/dev/null")


def play(lab: Lab, *more: str, **variables: object) -> Ran:
    return lab.play("link_keys", "vpn-a", "-i", "inventories/vpn", *more, **SETTINGS, **variables)


def facts() -> list[str]:
    return [on(host, FACTS) for host in HOSTS]


def asks(host: str) -> str:
    return " ".join(re.findall(r"ppk_\w+=\S+", on(host, "swanctl --list-conns --raw")))


def loaded(host: str) -> list[str]:
    return re.findall(r"loaded ppk secret '(.*)'", on(host, "swanctl --load-creds --noprompt"))


def with_a_ppk() -> bool:
    """Whether there is one IKE SA, the same at both ends, and a PPK in it."""
    listed = [on(host, "swanctl --list-sas --raw") for host in HOSTS]
    spis = [re.findall(r"initiator-spi=(\w+)", one) for one in listed]
    return spis[0] == spis[1] and len(spis[0]) == 1 and all("ppk=yes" in one for one in listed)


def last_ppk(host: str) -> str:
    return re.findall(r"using PPK for PPK_ID '(.*)'", on(host, "journalctl -u strongswan --no-pager"))[-1]


def test_both_ends_come_to_a_new_ppk_that_no_one_else_sees_and_every_file_comes_back(lab: Lab, pristine: list[str]) -> None:
    watching = {host: on(host, WATCH).strip() for host in HOSTS}
    said = on("vpn-a", "ping -q -i 0.02 -I 10.92.1.1 10.92.2.1 >/root/pinged 2>&1 & echo $!").strip()
    ran = play(lab, "-vvv")
    on("vpn-a", f"kill -INT {said}")
    for host, pid in watching.items():
        on(host, f"kill {pid}")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in HOSTS] == ["changed"] * 2, ran.text
    (new,) = {asks(host) for host in HOSTS}
    key = new.removeprefix("ppk_id=")
    assert re.fullmatch("site-[0-9a-f]{6}", key) and with_a_ppk() and {last_ppk(host) for host in HOSTS} == {key}
    assert [loaded(host) for host in HOSTS] == [[f"ppk-{key}", "ppk-hand"]] * 2, "the old one is there until contract"
    for host in HOSTS:
        result = ran.host(host)
        assert result["evidence"]["sealed"] == "ML-KEM-768 and P-384"
        assert [(one["proved"], one["ppk"], one["asks"]) for one in result["proofs"]] == [(True, True, key)]
        assert on(host, f"stat -c '%a %U' {OURS}") == "600 root\n" and on(host, "ls /var/lib/crypto-agility/keys") == ""
    sent, back = (int(number) for number in re.findall(r"(\d+) packets transmitted, (\d+) received", on("vpn-a", "cat /root/pinged"))[0])
    assert sent > 100 and sent - back <= 3, "some may be on their way when the old SA ends, and when ping does"
    secrets = {re.findall(r"secret = 0s(.*)", on(host, f"cat {OURS}"))[0] for host in HOSTS}
    assert len(secrets) == 1
    seen = "".join(on(host, "tr '\\0' ' ' </root/seen; journalctl --no-pager") for host in HOSTS)
    written = "".join(file.read_text(errors="replace") for file in lab.tmp.rglob("*") if file.is_file())
    assert "openssl" in seen
    for secret in (*secrets, OLD):
        assert secret not in ran.text + written + seen

    ran = play(lab, agility_link_step="contract")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in HOSTS] == ["changed"] * 2, ran.text
    for host in HOSTS:
        assert asks(host) == f"ppk_id={key} ppk_required=yes" and loaded(host) == [f"ppk-{key}"]
        assert OLD not in on(host, "cat /etc/swanctl/conf.d/*")
        kept = on(host, f"grep -l {OLD} {TX}/*/old/* | xargs stat -c %a").split()
        assert kept and set(kept) == {"600"}, "for the way back"
    assert with_a_ppk() and last_ppk("vpn-b") == key and carries_traffic()

    ran = play(lab, agility_link_step="back")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in HOSTS] == ["changed"] * 2, ran.text
    assert facts() == pristine and [asks(host) for host in HOSTS] == ["ppk_id=hand ppk_required=yes"] * 2
    assert with_a_ppk() and last_ppk("vpn-b") == "hand" and carries_traffic()


@pytest.fixture
def by_hand(lab: Lab, pristine: list[str]) -> None:
    """Both ends as that person left them, whatever the test before did."""
    for dummy in range(2):  # a key that one end alone had got goes with another
        if facts() != pristine:
            assert play(lab, agility_link_step="back").rc == 0
    assert facts() == pristine and with_a_ppk()
    for host in HOSTS:
        on(host, f"rm -rf {TX}/link-*")


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize(("step", "host"), [one.split("@") for one in DYING])
def test_a_controller_that_dies_in_a_step_leaves_a_tunnel_and_the_next_run_goes_on(lab: Lab, tmp_path: Path, step: str, host: str) -> None:
    asked = {"agility_link_step": "contract" if step == "contract" else "rotate"}
    if step == "contract":
        assert play(lab).rc == 0
    begun = Begun(tmp_path, inventory="inventories/vpn", limit="vpn-a", settings={**SETTINGS, **asked})
    try:
        when(host, f"grep -qs RELOADED {TX}/link-*-{step}/journal")
    finally:
        begun.kill()
    assert asked_anew(), "while that end waits for its deadline"
    when(host, f"echo 0 >$(echo {TX}/link-*-{step})/deadline; grep -qs REVERTED {TX}/link-*-{step}/journal")
    assert asked_anew(), "that end went back by itself at its deadline"
    ran = play(lab, **asked)
    assert ran.rc == 0, ran.text
    (new,) = {asks(one) for one in HOSTS}
    assert new.startswith("ppk_id=site-") and with_a_ppk() and last_ppk("vpn-b") == new.split()[0].removeprefix("ppk_id=")
    said = ran.host("vpn-a")["plan"]["reasons"][0]
    assert ("which both have" in said) == (step == "use"), said


def asked_anew() -> bool:
    """Whether a tunnel that is established anew has a PPK."""
    on("vpn-a", UP)
    return with_a_ppk() and carries_traffic()
