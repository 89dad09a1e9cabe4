"""The PPK of a tunnel with an end of libreswan 5.2, or two: rotated, retired and taken back; the controller never sees it, and may die on the way.

The lab's kernel has no ESP: an emulator (tests/emulators/xfrm) lets pluto install its Child SAs; no packet goes through them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asked import asked

from .conftest import Lab, Ran, on
from .test_link_keys import WATCH, Begun, when
from .test_migrate_libreswan import OF_TWO, OLD_SWAN, SITE, SWAN, library, pluto_at, started, up

__all__ = ["library"]
if not asked("vpn"):
    pytest.skip("SKIPPED LOUDLY: `make verify-vpn` rotates the PPKs of tunnels of libreswan", allow_module_level=True)

HAND = "by-a-person-0123456789-0123456789-0123456789"
TX = "/var/lib/crypto-agility/tx"
PERSONS = "/etc/ipsec.d/hand.secrets"
OURS = {"pluto": "/etc/ipsec.d/agility-ppk-site.secrets", "charon": "/etc/swanctl/conf.d/agility-ppk-swan.conf"}
ASKS = '\\tppk=insist\\n\\tppk-ids="hand" # of a person\\n'
LINE = f"umask 077; printf '%s\\n' '# a key' ': PPKS \"hand\" \"{HAND}\"' >{PERSONS}"
PATHS = "/etc/ipsec.conf /etc/ipsec.secrets /etc/ipsec.d /etc/swanctl/swanctl.conf /etc/swanctl/conf.d"
FACTS = f"find {PATHS} -type f 2>/dev/null | sort | xargs stat -c '%n %a %U %G %s %Y'; find {PATHS} -type f 2>/dev/null | sort | xargs sha256sum"
# The steps in which the controller dies.
PAIRS = {
    "strongswan": "load@vpn-c load@vpn-b use@vpn-c use@vpn-b contract@vpn-b contract@vpn-c",
    "two": "load@vpn-f use@vpn-c use@vpn-f contract@vpn-c",
}
DYING = [(pair, one) for pair, steps in PAIRS.items() for one in steps.split()]


@dataclass(frozen=True)
class Pair:
    """begins, answers: of a rotation; both are libreswan, or the first."""

    begins: str
    answers: str
    pristine: list[str]

    @property
    def hosts(self) -> tuple[str, str]:
        return self.begins, self.answers

    @property
    def firm(self) -> bool:
        return self.answers != "vpn-b"

    def facts(self) -> list[str]:
        return [on(host, FACTS) for host in self.hosts]

    def play(self, lab: Lab, *more: str, **variables: object) -> Ran:
        named = {"agility_link_interface": "site", "agility_link_peer": self.answers}
        return lab.play("link_keys", self.begins, "-i", "inventories/vpn", *more, **named, **variables)


def with_charon(stack: ExitStack, library: Path) -> Pair:
    started("vpn-b", "vpn-c")
    secret = f'secrets {{\n  ppk-hand {{\n    id = hand\n    secret = "{HAND}"\n  }}\n}}'
    asks = OLD_SWAN.replace("local_addrs = 10.91.0.19", "local_addrs = 10.91.0.19\n ppk_id = hand\n ppk_required = yes")
    stack.callback(on, "vpn-b", f"rm -f {SWAN} /etc/swanctl/conf.d/hand.conf {OURS['charon']}; swanctl --load-all --noprompt >/dev/null", False)
    on("vpn-b", f"umask 077; cat >/etc/swanctl/conf.d/hand.conf <<'END'\n{secret}\nEND\nchmod 600 /etc/swanctl/conf.d/hand.conf")
    on("vpn-b", f"cat >{SWAN} <<'END'\n{asks}\nEND\nswanctl --load-all --noprompt >/dev/null")
    stack.enter_context(pluto_at("vpn-c", f"sed -i -e 's/sha2_512-dh31/sha2_512-dh19/' -e 's/^\\tppk=no$/{ASKS[:-2]}/' {SITE} && {LINE}", library))
    return Pair("vpn-c", "vpn-b", [])


def of_two(stack: ExitStack, library: Path) -> Pair:
    started("vpn-c", "vpn-f")
    for host, (me, here, net, other, there, far) in {"vpn-c": ("c", 21, 3, "f", 24, 6), "vpn-f": ("f", 24, 6, "c", 21, 3)}.items():
        text = OF_TWO.format(me=me, here=here, net=net, other=other, there=there, far=far) + '\tppk=insist\n\tppk-ids="hand"\n'
        psk = f'@vpn-{me}.lab.test @vpn-{other}.lab.test : PSK "lab psk 0123456789"'
        edit = f"printf '%s\\n' '{psk}' >/etc/ipsec.d/two.secrets && chmod 600 /etc/ipsec.d/two.secrets && cat >{SITE} <<'END'\n{text}END\n{LINE}"
        stack.callback(on, host, "rm -f /etc/ipsec.d/two.secrets", False)
        stack.enter_context(pluto_at(host, edit, library))
    return Pair("vpn-c", "vpn-f", [])


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, library: Path) -> Iterator[Pair]:
    """A tunnel with a PPK that a person wrote, required at both ends, until the last test has ended."""
    with ExitStack() as stack:
        found = {"strongswan": with_charon, "two": of_two}[request.param](stack, library)
        for host in found.hosts:
            stack.callback(on, host, f"rm -rf {PERSONS} {OURS['pluto']} {TX}/link-*", False)
        up("vpn-c")
        yield Pair(found.begins, found.answers, found.facts())


def names(host: str) -> str:
    """The id that this end names, and whether it insists."""
    if host == "vpn-b":
        line = next(one for one in on(host, "swanctl --list-conns --raw").splitlines() if one.startswith("list-conn event {swan "))
        return " ".join(re.findall(r"ppk_\w+=(\S+)", line)).replace("yes", "insist")
    ids = re.findall(r'ppk-ids="(.*)"', on(host, f"cat {SITE}"))
    return " ".join(ids + ["insist"] * ("PPK_INSIST" in on(host, "ipsec status | grep '\"site\":.*policy:'")))


def kept(host: str) -> list[str]:
    """The ids whose secrets are there."""
    if host == "vpn-b":
        return sorted(re.findall(r"ppk-(\S+) \{", on(host, "cat /etc/swanctl/conf.d/*.conf")))
    return sorted(re.findall(r': PPKS "(\S+)"', on(host, "cat /etc/ipsec.d/*.secrets")))


def has_ppk(pair: Pair, key: str) -> bool:
    """Whether the tunnel of now has this PPK: charon's list and journal tell it; of two libreswan their logs, and that one of them insists."""
    if not pair.firm:
        sas = on("vpn-b", "swanctl --list-sas --ike swan --raw")
        used = re.findall(r"using PPK for PPK_ID '(.*)'", on("vpn-b", "journalctl -u strongswan --no-pager"))
        return sas.count("list-sa event") == 1 and "ppk=yes" in sas and used[-1] == key
    newest = [re.findall(r"#(\d+): \"site\":\d+ ESTABLISHED_IKE_SA .*newest", on(host, "ipsec status")) for host in pair.hosts]
    logs = [on(host, "journalctl -u ipsec --no-pager") for host in pair.hosts]
    return all(f'"site" #{number[-1]}: PPK AUTH calculated as' in log for number, log in zip(newest, logs, strict=True))


def anew(pair: Pair, by: str) -> None:
    """The tunnel is made anew by this end, with what both have loaded now."""
    for host in {*pair.hosts} - {"vpn-b"}:  # the other would begin at once where it is to be up
        on(host, "ipsec down site >/dev/null 2>&1", check=False)
    if by == "vpn-b":
        on(by, "swanctl --initiate --ike swan --child net --timeout 10 >/dev/null")
    up(by if by != "vpn-b" else "vpn-c")


@pytest.mark.parametrize("made", ["strongswan", "two"], indirect=True)
def test_both_ends_come_to_a_new_ppk_that_no_one_else_sees_and_every_file_comes_back(lab: Lab, made: Pair) -> None:
    plan = made.play(lab, "--check")
    assert plan.rc == 0 and made.facts() == made.pristine, plan.text
    assert "pluto ends its SAs when it takes it anew (ipsec replace)" in plan.text
    watching = {host: on(host, WATCH).strip() for host in made.hosts}
    ran = made.play(lab, "-vvv")
    for host, pid in watching.items():
        on(host, f"kill {pid}")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in made.hosts] == ["changed"] * 2, ran.text
    key = names(made.begins).split()[0]
    assert re.fullmatch("site-[0-9a-f]{6}", key) and has_ppk(made, key)
    assert [names(host) for host in made.hosts] == ([f"{key} insist"] * 2 if made.firm else [key] * 2)
    assert [kept(host) for host in made.hosts] == [["hand", key]] * 2, "the old one is there until contract"
    for host in made.hosts:
        result = ran.host(host)
        assert [(one["proved"], one["ppk"], one["asks"]) for one in result["proofs"]] == [(True, True, key)], result
        ours = OURS["charon" if host == "vpn-b" else "pluto"]
        assert on(host, f"stat -c '%a %U' {ours}") == "600 root\n" and on(host, "ls /var/lib/crypto-agility/keys") == ""
    secrets = {re.findall(r" 0s(.*)", on(host, f"cat {OURS['charon' if host == 'vpn-b' else 'pluto']}"))[0] for host in made.hosts}
    assert len(secrets) == 1 and len(secrets.copy().pop()) > 40
    seen = "".join(on(host, "tr '\\0' ' ' </root/seen; journalctl --no-pager") for host in made.hosts)
    written = "".join(file.read_text(errors="replace") for file in lab.tmp.rglob("*") if file.is_file())
    for secret in (*secrets, HAND):
        assert secret not in ran.text + plan.text + written + seen
    for by in made.hosts:
        anew(made, by)
        assert has_ppk(made, key), by

    ran = made.play(lab, agility_link_step="contract")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in made.hosts] == ["changed"] * 2, ran.text
    assert [names(host) for host in made.hosts] == [f"{key} insist"] * 2 and [kept(host) for host in made.hosts] == [[key]] * 2
    for by in made.hosts:
        anew(made, by)
        assert has_ppk(made, key), by
    again = made.play(lab, agility_link_step="contract")
    assert again.rc == 0, again.text

    ran = made.play(lab, agility_link_step="back")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in made.hosts] == ["changed"] * 2, ran.text
    assert made.facts() == made.pristine and [names(host) for host in made.hosts] == ["hand insist"] * 2
    assert has_ppk(made, "hand")


@pytest.mark.parametrize("made", ["strongswan", "two"], indirect=True)
def test_a_first_ppk_comes_to_a_tunnel_that_had_none_and_goes_again(lab: Lab, made: Pair) -> None:
    held = "tar -C / -cpf /root/held.tar $(cd / && ls -d etc/ipsec.d etc/swanctl/conf.d 2>/dev/null)"
    bare = dict.fromkeys(made.hosts, f"{held} && sed -i -e '/ppk-ids=/d' -e 's/ppk=insist/ppk=no/' {SITE} && : >{PERSONS}")
    taken = "ipsec rereadsecrets && ipsec replace site"
    bare["vpn-b"] = f"{held} && sed -i '/ppk_/d' {SWAN} && rm /etc/swanctl/conf.d/hand.conf"
    for host in made.hosts:
        on(host, f"{bare[host]} && {{ {'swanctl --load-all --noprompt' if host == 'vpn-b' else taken}; }} >/dev/null")
        on(host, f"rm -rf {TX}/link-*")
    anew(made, "vpn-c")
    before = made.facts()
    ran = made.play(lab)
    assert ran.rc == 0, ran.text
    key = names("vpn-c").split()[0]
    assert key.startswith("site-") and has_ppk(made, key) and [kept(host) for host in made.hosts] == [[key]] * 2
    ran = made.play(lab, agility_link_step="contract")
    assert ran.rc == 0 and [names(host) for host in made.hosts] == [f"{key} insist"] * 2, ran.text
    ran = made.play(lab, agility_link_step="back")
    assert ran.rc == 0 and made.facts() == before, ran.text
    up("vpn-c")
    for host in made.hosts:
        on(
            host,
            f"rm -f {OURS['pluto']}; tar -C / -xpf /root/held.tar && {{ {'swanctl --load-all --noprompt' if host == 'vpn-b' else taken}; }} >/dev/null",
        )
        on(host, f"rm -rf {TX}/link-*")
    anew(made, "vpn-c")
    assert made.facts() == made.pristine


@pytest.mark.parametrize(("made", "where"), DYING, indirect=["made"])
def test_a_controller_that_dies_in_a_step_leaves_a_tunnel_and_the_next_run_goes_on(lab: Lab, made: Pair, tmp_path: Path, where: str) -> None:
    step, host = where.split("@")
    for dummy in range(2):  # a key that one end alone had got goes with another
        if made.facts() != made.pristine:
            assert made.play(lab, agility_link_step="back").rc == 0
    assert made.facts() == made.pristine
    for one in made.hosts:
        on(one, f"rm -rf {TX}/link-*")
    told = {"agility_link_step": "contract" if step == "contract" else "rotate"}
    if step == "contract":
        assert made.play(lab).rc == 0
    named = {"agility_link_interface": "site", "agility_link_peer": made.answers}
    begun = Begun(tmp_path, inventory="inventories/vpn", limit=made.begins, settings={**named, **told})
    try:
        when(host, f"grep -qs RELOADED {TX}/link-*-{step}/journal")
    finally:
        begun.kill()
    time.sleep(1)
    for by in made.hosts:
        anew(made, by)  # while that end waits for its deadline
    when(host, f"echo 0 >$(echo {TX}/link-*-{step})/deadline; grep -qs REVERTED {TX}/link-*-{step}/journal")
    for by in made.hosts:
        anew(made, by)  # that end went back by itself
    ran = made.play(lab, **told)
    assert ran.rc == 0, ran.text
    key = names(made.begins).split()[0]
    assert key.startswith("site-") and has_ppk(made, key)
    said = ran.host(made.begins)["plan"]["reasons"][0]
    assert ("which both have" in said) == (step == "use"), said
