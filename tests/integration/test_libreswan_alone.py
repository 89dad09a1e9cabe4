"""One end of libreswan 5.2 gets another exchange in front, by ordinary `enforce`, while strongSwan 6.1 at the other end stays as it is; and goes back.

The emulator of XFRM (tests/emulators/xfrm) lets pluto install its Child SAs; no packet goes through them.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .conftest import Lab, Ran, on
from .test_libreswan import SITE
from .test_migrate_libreswan import NEW, OLD, SWAN, WHOLE, back_up, facts, library, pluto, policy, swan, tunnel, up

__all__ = ["library", "tunnel"]
AS_WRITTEN = f"ike={','.join(f'aes_gcm256-sha2_512-{group}' for group in ('dh21', 'dh20', 'modp8192', 'dh19'))} # as agreed with the other side"
WITHOUT_NEXT = f"sed -i '/^conn next/,$d' {SITE} && ipsec replace site >/dev/null"  # which this pluto cannot load, and so holds all of the host up


def play(lab: Lab, name: str, *more: str, **variables: object) -> Ran:
    return lab.play(name, "vpn-c", "-i", "inventories/vpn", *more, agility_services=["libreswan"], **variables)


def comes(what: str) -> bool:
    """Whether the one IKE SA with a child agrees on it, within a while."""
    for dummy in range(60):
        if [ike for ike, child in swan() if child] == [what]:
            return True
        time.sleep(0.25)
    return False


@WHOLE
@pytest.mark.usefixtures("tunnel")
def test_the_new_comes_in_front_the_tunnel_comes_back_with_the_old_and_all_goes_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    on("vpn-c", WITHOUT_NEXT)
    up("vpn-c")
    before, rules = facts(), policy(tmp_path, "prefer")
    ran = play(lab, "enforce", "--check", "--diff", agility_policy=rules)
    assert ran.rc == 0 and facts() == before and f"+\t{AS_WRITTEN}" in ran.text, ran.text
    ran = play(lab, "enforce", agility_campaign="alone", agility_policy=rules)
    assert ran.rc == 0 and ran.changed("vpn-c"), ran.text
    assert AS_WRITTEN in on("vpn-c", f"cat {SITE}")
    assert "libreswan site: pluto ends its SAs when it takes it anew (ipsec replace), and they are established anew: expect some seconds" in ran.text
    assert comes(OLD), "the other end has the old alone, and the tunnel is there before the run is over"
    again = play(lab, "enforce", agility_policy=rules)
    assert again.rc == 0 and not again.changed("vpn-c"), again.text
    back = play(lab, "rollback", agility_campaign="alone")
    assert back.rc == 0, back.text
    assert facts() == before and back_up()


@WHOLE
@pytest.mark.usefixtures("tunnel")
def test_the_other_end_may_follow_later_and_what_takes_away_is_refused(lab: Lab, tmp_path: Path) -> None:
    on("vpn-c", WITHOUT_NEXT)
    up("vpn-c")
    assert play(lab, "enforce", agility_campaign="first", agility_policy=policy(tmp_path, "prefer")).rc == 0
    on("vpn-b", f"sed -i s/ecp256/ecp521-ecp256/ {SWAN}; swanctl --load-all --noprompt >/dev/null")
    on("vpn-c", "ipsec replace site >/dev/null; ipsec up --asynchronous site >/dev/null")
    assert comes(NEW[0][0]) and pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH21"
    before = facts()
    ran = play(lab, "enforce", agility_policy=policy(tmp_path, "require"))
    assert ran.rc != 0 and "key_exchange of libreswan site would lose dh19 at one end alone" in ran.text, ran.text
    assert facts() == before and comes(NEW[0][0]), "the very same"
    back = play(lab, "rollback", agility_campaign="first")
    assert back.rc == 0 and comes(OLD), back.text


@WHOLE
@pytest.mark.usefixtures("tunnel")
def test_a_tunnel_that_does_not_come_again_takes_the_change_back(lab: Lab, tmp_path: Path) -> None:
    on("vpn-c", WITHOUT_NEXT)
    up("vpn-c")
    before = facts()
    text = on("vpn-b", f"cat {SWAN}")
    on("vpn-b", f": >{SWAN}; swanctl --load-all --noprompt >/dev/null")  # its SA stays; there will be no other
    ran = play(lab, "enforce", agility_policy=policy(tmp_path, "prefer"))
    assert ran.rc != 0 and "libreswan site carried packets before: no SA of site came back within 20 s" in ran.text, ran.text
    assert facts()["vpn_c"] == before["vpn_c"] and "DH19\n" in on("vpn-c", "ipsec status | grep 'site.*IKE algorithms'")
    on("vpn-b", f"cat >{SWAN} <<'END'\n{text}END\nswanctl --load-all --noprompt >/dev/null")
    on("vpn-c", "ipsec up --asynchronous site >/dev/null", check=False)
    assert comes(OLD)
