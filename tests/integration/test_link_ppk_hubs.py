"""Each spoke of a hub that takes anybody, and each of two tunnels of one host, has a PPK of its own; the controller may die at any step."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Lab, Ran, on
from .test_hubs import END, HOSTS, LOAD, ROAD, SPOKES, connection, facts, given, pinging, pristine, spoke, up
from .test_link_keys import Begun, when

__all__ = ["pristine"]  # a fixture of this module, too: hosts as they were built, with secrets for a second tunnel

SETTINGS = {"agility_link_interface": "site", "agility_link_peer": "vpn-b"}
TX = "/var/lib/crypto-agility/tx"
SECOND = connection("second", "18", "10.91.0.19", ("a2.lab.test", "vpn-b.lab.test"), ("10.92.1.2/32", "10.92.2.1/32"))
# The steps of vpn-a and its hub in which the controller dies, as far as they are asked for.
STEPS = os.environ.get("AGILITY_PPK_HUB_STEPS", "").split()


def play(lab: Lab, limit: str, *more: str, **variables: object) -> Ran:
    return lab.play("link_keys", limit, "-i", "inventories/vpn", "-f", "2", *more, **{**SETTINGS, **variables})


def asks(host: str, name: str = "site") -> str:
    line = next(one for one in on(host, "swanctl --list-conns --raw").splitlines() if one.startswith(f"list-conn event {{{name} "))
    return " ".join(re.findall(r"ppk_\w+=\S+", line))


def mixed(host: str) -> list[bool]:
    """Of each IKE SA whether a PPK is in it."""
    return ["ppk=yes" in one for one in on(host, "swanctl --list-sas --raw").split("list-sa event")[1:]]


def secrets() -> dict[str, str]:
    """Where the hub keeps what was made for a spoke → the secret."""
    found = on("vpn-b", "cd /etc/swanctl/conf.d && grep -H 'secret = 0s' agility-ppk-* || true")
    return dict(re.findall(r"^(\S+?):\s*secret = 0s(.*)$", found, re.MULTILINE))


def all_carry_anew() -> bool:
    """Whether every tunnel that is made anew now carries packets."""
    for host in SPOKES:
        on(host, END)
    up()
    return True


@pytest.fixture
def hub() -> Iterator[dict[str, str]]:
    given("vpn-b", ROAD)
    for host in SPOKES:
        given(host, spoke(host))
    up()
    yield facts()
    for host in HOSTS:
        on(host, f"rm -rf {TX}/link-* /etc/swanctl/conf.d/agility-ppk-*; {LOAD}")


def test_two_spokes_of_one_batch_get_a_ppk_each_and_the_hub_comes_back_to_the_byte(lab: Lab, hub: dict[str, str]) -> None:
    both = ",".join(SPOKES)
    with pinging() as lost:
        ran = play(lab, both, "-vvv", agility_serial=2)
    assert ran.rc == 0 and {ran.host(host)["status"] for host in HOSTS} == {"changed"}, ran.text
    assert max(lost().values()) <= 3, lost()
    keys = {host: asks(host).removeprefix("ppk_id=") for host in SPOKES}
    assert len(set(keys.values())) == 2 and all(re.fullmatch("site-[0-9a-f]{6}", one) for one in keys.values())
    assert asks("vpn-b", "road") == "" and mixed("vpn-b") == [True, True] and [mixed(host) for host in SPOKES] == [[True], [True]]
    made = secrets()
    assert set(made) == {f"agility-ppk-road@{host}.site.conf" for host in SPOKES} and len(set(made.values())) == 2
    assert set(on("vpn-b", "stat -c '%a %U' /etc/swanctl/conf.d/agility-ppk-*").splitlines()) == {"600 root"}
    written = "".join(file.read_text(errors="replace") for file in lab.tmp.rglob("*") if file.is_file())
    assert not any(secret in ran.text + written for secret in made.values())
    said = " ".join(ran.host("vpn-b")["plan"]["warnings"])
    assert "it takes anybody: it asks for no id" in said and "road is not changed" in said

    ran = play(lab, both, agility_serial=2, agility_link_step="contract")
    assert ran.rc == 0, ran.text
    for host, key in keys.items():
        assert asks(host) == f"ppk_id={key} ppk_required=yes"
    assert all_carry_anew() and mixed("vpn-b") == [True, True]

    ran = play(lab, both, agility_serial=2, agility_link_step="back")
    assert ran.rc == 0 and facts() == hub, ran.text
    assert mixed("vpn-b") == [False, False] and all_carry_anew()


@pytest.fixture
def verifying() -> None:
    if not STEPS:
        pytest.skip("SKIPPED LOUDLY: `make verify-vpn` rotates the PPK of two tunnels of one host")


@pytest.mark.usefixtures("verifying", "hub")
def test_two_tunnels_of_one_spoke_have_a_ppk_each_and_rotate_one_by_one(lab: Lab) -> None:
    given("vpn-a", spoke("vpn-a"), SECOND)
    for name in ("site", "second"):
        on("vpn-a", f"swanctl --initiate --child net --ike {name} >/dev/null")
    before = facts()
    for name in ("site", "second"):
        ran = play(lab, "vpn-a", agility_link_interface=name)
        assert ran.rc == 0, ran.text
        ran = play(lab, "vpn-a", agility_link_interface=name, agility_link_step="contract")
        assert ran.rc == 0, ran.text
    first = {name: asks("vpn-a", name) for name in ("site", "second")}
    assert len(set(first.values())) == 2 and set(secrets()) == {f"agility-ppk-road@vpn-a.{name}.conf" for name in first}
    made = secrets()
    ran = play(lab, "vpn-a")
    assert ran.rc == 0, ran.text
    assert asks("vpn-a", "second") == first["second"] and asks("vpn-a") not in first["site"] and sorted(mixed("vpn-b")) == [False, True, True]
    assert secrets()["agility-ppk-road@vpn-a.second.conf"] == made["agility-ppk-road@vpn-a.second.conf"]
    for name in ("site", "site", "second"):
        back = play(lab, "vpn-a", agility_link_interface=name, agility_link_step="back")
        assert back.rc == 0, back.text
    assert facts() == before


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(("step", "host"), [one.split("@") for one in STEPS])
def test_a_controller_that_dies_in_a_step_leaves_all_tunnels_and_the_next_run_goes_on(lab: Lab, tmp_path: Path, step: str, host: str) -> None:
    assert play(lab, "vpn-e").rc == 0, "the other spoke, which has its own meanwhile"
    asked = {"agility_link_step": "contract" if step == "contract" else "rotate"}
    for before in ("rotate", "contract", "rotate") if step == "contract" else ():  # a first key has no old one that would have to go
        assert play(lab, "vpn-a", agility_link_step=before).rc == 0
    for one in ("vpn-a", "vpn-b"):
        on(one, f"rm -rf {TX}/link-*-{step}")  # of before, and of the other spoke
    begun = Begun(tmp_path, inventory="inventories/vpn", limit="vpn-a", settings={**SETTINGS, **asked})
    try:
        when(host, f"grep -qs RELOADED {TX}/link-*-{step}/journal")
    finally:
        begun.kill()
    assert all_carry_anew(), "while that end waits for its deadline"
    when(host, f"echo 0 >$(echo {TX}/link-*-{step})/deadline; grep -qs REVERTED {TX}/link-*-{step}/journal")
    assert all_carry_anew(), "that end went back by itself at its deadline"
    ran = play(lab, "vpn-a", **asked)
    assert ran.rc == 0, ran.text
    new = asks("vpn-a").split()[0].removeprefix("ppk_id=")
    assert new.startswith("site-") and mixed("vpn-b") == [True, True] and all_carry_anew()
    said = ran.host("vpn-a")["plan"]["reasons"][0]
    assert ("which both have" in said) == (step == "use"), said
