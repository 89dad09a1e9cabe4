"""links/ppk.py: from one PPK to another, and every mix of steps on the way is a tunnel, by what charon does with ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.move import common
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.ppk import (
    CONTRACT,
    ROTATE,
    Key,
    begun,
    fresh,
    mixed,
    replaced,
    settled,
    to_add,
    to_ask,
    unused,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_ppk import PlutoEnd
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_ppk import PpkEnd, read_end
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import IkeSa

from tests.fixtures.libreswan.load import text
from tests.fixtures.libreswan.ppks import OURS, Pluto, pluto
from tests.fixtures.strongswan.load import SITE, applied
from tests.unit.services.test_strongswan_ppk import SECRETS, at_hub, hub, placed, site

OLD = "secrets {\n  ppk-old {\n    id = old\n    secret = [redacted]\n  }\n}\n"
ENABLED, REQUIRED = "    ppk_id = old\n", "    ppk_id = old\n    ppk_required = yes\n"
KEY = Key("new", "old")
STARTS = {
    "none": (("", ""), ("", "")),
    "enabled": ((ENABLED, OLD), (ENABLED, OLD)),
    "required": ((REQUIRED, OLD), (REQUIRED, OLD)),
    "one end requires it": ((REQUIRED, OLD), (ENABLED, OLD)),
    "who answers takes any": ((ENABLED, OLD), ("", OLD)),
}
FAILS = "no tunnel"


def ends(start: str) -> tuple[Snapshot, Snapshot]:
    one, other = (site(more, **({SECRETS: secrets} if secrets else {})) for more, secrets in STARTS[start])
    return one, other


def of(snapshot: Snapshot) -> PpkEnd:
    return read_end(snapshot, "site", "vpn-b.site")


def step(snapshot: Snapshot, who: int, what: str, key: Key) -> Snapshot:
    """As one transaction does it."""
    slot, changes = to_add(of(snapshot), what, key), to_ask(of(snapshot), who, what, key)  # type: ignore[arg-type]
    then = applied(snapshot, changes)
    return placed(then, slot) if slot else then


def agreed(begins: PpkEnd | PlutoEnd, answers: PpkEnd | PlutoEnd) -> str:
    """The id of the PPK that a new tunnel has, "" = none: send_use_ppk() of ike_init.c, get_ppk_i() and get_ppk_r() of ike_auth.c; of libreswan 5.2
    get_connection_ppk_and_ppk_id() and get_connection_ppk() of keys.c, process_v2_IKE_AUTH_request_standard_payloads() of ikev2_ike_auth.c."""
    has, there = ({id_ for one in end.secrets for id_ in one.ids} for end in (begins, answers))
    without = FAILS if begins.required or answers.required else ""
    if isinstance(answers, PlutoEnd):
        return begins.id if begins.id and begins.id in has & there and answers.seen.ppk() != "off" else without
    if not begins.id or not there or begins.id not in has:
        return without
    if answers.id and answers.id != begins.id:
        return FAILS
    return begins.id if begins.id in there else without


def walked(start: str) -> list[tuple[Snapshot, Snapshot]]:
    """Both ends after each step; an end that is lost in one stays as it was, which is the state before."""
    now = list(ends(start))
    out = [(now[0], now[1])]
    key = Key("new", of(now[0]).id)
    for who, what in (*ROTATE, *CONTRACT):
        now[who] = step(now[who], who, what, key)
        out.append((now[0], now[1]))
    return out


@pytest.mark.parametrize("start", STARTS)
def test_whoever_is_lost_between_two_steps_a_tunnel_comes_up_whichever_end_begins(start: str) -> None:
    for one, other in walked(start):
        assert FAILS not in (agreed(of(one), of(other)), agreed(of(other), of(one)))


@pytest.mark.parametrize("start", [one for one in STARTS if one != "none"])
def test_a_tunnel_of_the_end_that_begins_has_a_ppk_at_every_step(start: str) -> None:
    assert [agreed(of(one), of(other)) for one, other in walked(start)] == ["old", "old", "old", "new", "new", "new", "new"]


def test_at_the_end_both_require_the_new_one_and_the_old_one_is_gone() -> None:
    for one in map(of, walked("required")[-1]):
        assert (one.id, one.required, [secret.ids for secret in one.secrets]) == ("new", True, [("new",)])


def test_both_have_both_secrets_before_either_asks_for_the_new_one() -> None:
    for pair in walked("enabled")[:-2]:
        both = [{id_ for secret in of(one).secrets for id_ in secret.ids} for one in pair]
        assert "new" not in {of(one).id for one in pair} or both == [{"old", "new"}] * 2


def test_two_steps_at_once_would_be_no_tunnel() -> None:
    """Why it is done in steps: the id of the end that begins has to be the one that the other asks for, required or not."""
    begins, answers = ends("enabled")
    assert agreed(of(step(step(begins, 0, "load", KEY), 0, "use", KEY)), of(answers)) == FAILS


def test_an_interrupted_rotation_is_known_again_by_the_files_and_goes_on() -> None:
    states = walked("enabled")
    known = [begun(of(one), of(other)) for one, other in states]
    assert known == [None, None, KEY, KEY, None, None, None], "one end with a key that the other does not have begins anew"
    for pair in states[2:4]:
        assert [step(one, who, "load", KEY).files for who, one in enumerate(pair)] == [one.files for one in pair], "what is done is not done again"


def test_a_second_rotation_waits_until_the_first_old_key_is_gone() -> None:
    states = walked("enabled")
    with pytest.raises(Problem, match="old, which new has replaced, is still there"):
        replaced(*map(of, states[4]))
    assert replaced(*map(of, states[6])) == "new"
    assert replaced(*map(of, walked("none")[4])) == "new", "where there was none nothing is left to be taken away"


def test_only_a_key_that_both_use_is_required() -> None:
    states = walked("enabled")
    assert settled(*map(of, states[4])) == KEY == settled(*map(of, states[5]))
    for state in states[:4]:
        with pytest.raises(Problem, match="do not both use a PPK that was made here"):
            settled(*map(of, state))


def test_ends_that_ask_for_different_ones_are_left_to_a_person() -> None:
    with pytest.raises(Problem, match=r"asks for the PPK old, .* for else"):
        replaced(of(site(ENABLED)), of(site("    ppk_id = else\n")))


def test_a_new_sa_is_one_that_was_not_there_with_a_ppk_or_without() -> None:
    sas = [IkeSa(str(n), f"spi{n}", "x25519", suite) for n, suite in enumerate(("A/B", "A/B/PPK", "A/B"))]
    assert [mixed(one) for one in sas] == [False, True, False]
    assert fresh(sas, sas[:1], ppk=True) == sas[1] and fresh(sas, sas[:2], ppk=True) is None and fresh(sas, sas[:1], ppk=False) == sas[2]
    assert common(sas, sas[:2]) == sas[1] and common(sas, ()) is None


# ---------------------------------------------------------------- a hub that takes anybody, and its spokes, each with a PPK of its own


def spoked() -> dict[str, Snapshot]:
    """A hub with two spokes, each of which has a first PPK by now."""
    hosts = {"hub": hub(), "vpn-a": site(), "vpn-e": site()}
    for spoke in ("vpn-a", "vpn-e"):
        for dummy, then in turned(hosts, spoke, Key(f"{spoke}-1", "")):
            hosts = then
    return hosts


def turned(hosts: dict[str, Snapshot], spoke: str, key: Key) -> list[tuple[str, dict[str, Snapshot]]]:
    """All hosts after each step of that spoke and the hub."""
    out = []
    for who, what in (*ROTATE, *CONTRACT):
        host = "hub" if who else spoke
        one = hosts[host]
        end = at_hub(one, f"{spoke}.site") if who else of(one)
        slot, changes = to_add(end, what, key), to_ask(end, who, what, key)
        then = applied(one, changes)
        hosts = {**hosts, host: placed(then, slot) if slot else then}
        out.append((what, hosts))
    return out


@pytest.mark.parametrize("required", ["", "    ppk_required = yes\n"])
def test_each_spoke_has_a_ppk_of_its_own_at_every_step_of_any_other(required: str) -> None:
    hosts = spoked()
    hosts["hub"] = replace(hosts["hub"], files={**hosts["hub"].files, SITE: hub(required).files[SITE]})
    for spoke, other in (("vpn-a", "vpn-e"), ("vpn-e", "vpn-a")):
        mine, theirs = [], []
        for what, then in turned(hosts, spoke, Key(f"{spoke}-2", f"{spoke}-1")):
            mine.append((what, agreed(of(then[spoke]), at_hub(then["hub"]))))
            theirs.append(agreed(of(then[other]), at_hub(then["hub"])))
            hosts = then
        assert mine == [
            ("load", f"{spoke}-1"),
            ("load", f"{spoke}-1"),
            ("use", f"{spoke}-2"),
            ("use", f"{spoke}-2"),
            ("contract", f"{spoke}-2"),
            ("contract", f"{spoke}-2"),
        ]
        assert set(theirs) == {of(hosts[other]).id} and of(hosts[spoke]).required
    assert {id_ for one in at_hub(hosts["hub"]).secrets for id_ in one.ids} == {"vpn-a-2", "vpn-e-2"}
    assert at_hub(hosts["hub"]).required == bool(required), "its connection is that of others, too, and stays as it is"


def test_an_interrupted_rotation_of_a_spoke_is_known_again_and_a_finished_one_is_over() -> None:
    hosts, key = spoked(), Key("vpn-a-2", "vpn-a-1")
    known = [begun(of(then["vpn-a"]), at_hub(then["hub"])) for dummy, then in turned(hosts, "vpn-a", key)]
    assert known == [None, key, None, None, None, None]
    used = turned(hosts, "vpn-a", key)[3][1]
    assert settled(of(used["vpn-a"]), at_hub(used["hub"])) == key
    with pytest.raises(Problem, match="vpn-a-1, which vpn-a-2 has replaced, is still there"):
        replaced(of(used["vpn-a"]), at_hub(used["hub"]))
    done = turned(hosts, "vpn-a", key)[5][1]
    assert replaced(of(done["vpn-a"]), at_hub(done["hub"])) == "vpn-a-2"


def test_an_id_that_another_spoke_has_is_not_given_again() -> None:
    hosts = spoked()
    assert unused("vpn-e-1", of(hosts["vpn-a"]), at_hub(hosts["hub"])) == "vpn-e-1-2"
    assert unused("vpn-e-3", of(hosts["vpn-a"]), at_hub(hosts["hub"])) == "vpn-e-3"


# ---------------------------------------------------------------- libreswan, with strongSwan and with libreswan

HAND = ': PPKS "old" "[redacted]"\n'
PLUTOS = {
    "none": ("", ""),
    "none, and off": ("\tppk=no\n", ""),
    "none, and on": ("\tppk=yes\n", ""),
    "enabled": ('\tppk=yes\n\tppk-ids="old"\n', HAND),
    "any that fits": ("\tppk=propose\n", HAND),
    "required": ('\tppk=insist\n\tppk-ids="old"\n', HAND),
}
WITH_CHARON = [
    *((one, "none") for one in ("none", "none, and off", "none, and on")),
    *((one, other) for one in ("enabled", "any that fits", "required") for other in ("enabled", "required", "who answers takes any")),
]
OF_TWO = [
    *((one, other) for one in list(PLUTOS)[:3] for other in list(PLUTOS)[:3]),
    *((one, other) for one in list(PLUTOS)[3:] for other in list(PLUTOS)[3:]),
]
Host = Pluto | Snapshot


def at(host: Host) -> PpkEnd | PlutoEnd:
    return host.end() if isinstance(host, Pluto) else of(host)


def a_pluto(start: str, host: str) -> Pluto:
    more, secrets = PLUTOS[start]
    return pluto(more, host, **({"hand": secrets} if secrets else {}))


def pairs(start: tuple[str, str], firm: bool) -> list[tuple[Host, Host]]:
    """Both ends after each step of a rotation, libreswan begins."""
    now: list[Host] = [a_pluto(start[0], "one"), a_pluto(start[1], "two") if firm else ends(start[1])[1]]
    out = [(now[0], now[1])]
    key = Key("new", at(now[0]).id)
    for who, what in (*ROTATE, *CONTRACT):
        one = now[who]
        slot, changes = to_add(at(one), what, key), to_ask(at(one), who, what, key, firm)
        if isinstance(one, Pluto):
            now[who] = one.changed(slot, changes)
        else:
            then = applied(one, changes)
            now[who] = placed(then, slot) if slot else then
        out.append((now[0], now[1]))
    return out


def both_ways(pair: tuple[Host, Host]) -> tuple[str, str]:
    one, other = map(at, pair)
    return agreed(one, other), agreed(other, one)


@pytest.mark.parametrize("start", WITH_CHARON)
def test_with_charon_a_tunnel_comes_up_at_every_step_whichever_end_begins(start: tuple[str, str]) -> None:
    found = [both_ways(pair) for pair in pairs(start, firm=False)]
    assert all(FAILS not in one for one in found[1:]) and (FAILS not in found[0] or start[1] == "who answers takes any")
    old = "" if start[1] == "none" else "old"
    assert [one for one, dummy in found][1:3] in ([old, old], ["", "new"]) and [one for one, dummy in found][3:] == ["new"] * 4
    assert found[-1] == ("new", "new")


@pytest.mark.parametrize("start", OF_TWO)
def test_of_two_libreswan_each_tunnel_has_a_ppk_at_every_step_whichever_end_begins(start: tuple[str, str]) -> None:
    walked = pairs(start, firm=True)
    found = [both_ways(pair) for pair in walked]
    assert all(FAILS not in one for one in found)
    if start[0] in list(PLUTOS)[3:]:
        assert all("" not in one for one in found), "no step leaves it out"
        wanted = [at(one).required for one in walked[0]]
        assert all(not before or at(one).required for pair in walked for before, one in zip(wanted, pair, strict=True)), (
            "who insists goes on insisting"
        )
    assert found[-3:] == [("new", "new")] * 3 and at(walked[3][0]).required


@pytest.mark.parametrize("firm", [False, True])
def test_at_the_end_libreswan_requires_the_new_one_and_the_old_one_is_gone(firm: bool) -> None:
    for pair in (pairs(("required", "required"), firm)[-1],):
        for one in map(at, pair):
            assert (one.id, one.required, [secret.ids for secret in one.secrets]) == ("new", True, [("new",)])
    begins = pairs(("required", "required"), firm)[-1][0]
    assert isinstance(begins, Pluto) and begins.files["/etc/ipsec.d/hand.secrets"] == "" and OURS in begins.files


def test_an_interrupted_rotation_of_libreswan_is_known_again() -> None:
    for firm in (False, True):
        states = pairs(("required", "required"), firm)
        assert [begun(*map(at, pair)) for pair in states] == [None, None, KEY, KEY, None, None, None]
        for pair in states[2:4]:
            for who, one in enumerate(pair):
                assert to_add(at(one), "load", KEY) is None and to_ask(at(one), who, "load", KEY, firm) == ()  # type: ignore[arg-type]
        assert settled(*map(at, states[4])) == KEY
        with pytest.raises(Problem, match="old, which new has replaced, is still there"):
            replaced(*map(at, states[4]))


def test_a_libreswan_is_the_spoke_of_a_hub_of_strongswan() -> None:
    """Walked here alone: the hub asks for none, and its connection stays."""
    now: list[Host] = [pluto(host="vpn-c"), hub()]
    for old, new in (("", "one"), ("one", "two")):
        key, found = Key(new, old), []
        for who, what in (*ROTATE, *CONTRACT):
            one = now[who]
            end = at(one) if isinstance(one, Pluto) else at_hub(one, "vpn-c.site")
            slot, changes = to_add(end, what, key), to_ask(end, who, what, key)
            now[who] = (
                one.changed(slot, changes) if isinstance(one, Pluto) else placed(applied(one, changes), slot) if slot else applied(one, changes)
            )
            begins, answers = now
            assert isinstance(answers, Snapshot)
            found.append(agreed(at(begins), at_hub(answers, "vpn-c.site")))
        assert found[1:] == [old, new, new, new, new] and found[0] in (old, "") and at(now[0]).required


# What the lab's daemons did: (who begins, the lines of L, what S asks for), by the heading in the fixture.
CASES: dict[str, tuple[str, str, str]] = {
    "L begins, insist, ppk-ids=old; S asks for new": ("L", '\tppk=insist\n\tppk-ids="old"\n', "    ppk_id = new\n"),
    "L begins, insist, ppk-ids=new,old; S asks for none": ("L", '\tppk=insist\n\tppk-ids="new,old"\n', ""),
    "L begins, yes, ppk-ids=other, which it has no secret of; S asks for none": ("L", '\tppk=yes\n\tppk-ids="other"\n', ""),
    "L begins, insist, ppk-ids=other; S asks for none": ("L", '\tppk=insist\n\tppk-ids="other"\n', ""),
    "L begins, no ppk line; S asks for new": ("L", "", "    ppk_id = new\n"),
    "S begins asking for new; L insists, ppk-ids=old, secrets of both": ("S", '\tppk=insist\n\tppk-ids="old"\n', REQUIRED.replace("old", "new")),
    "S begins asking for none; L yes, ppk-ids=old": ("S", '\tppk=yes\n\tppk-ids="old"\n', ""),
    "S begins asking for none; L insists": ("S", '\tppk=insist\n\tppk-ids="old"\n', ""),
    "S begins asking for new; L yes, secret of old alone": ("S", '\tppk=yes\n\tppk-ids="old"\n', "    ppk_id = new\n"),
    "S begins asking for new; L insists, secret of old alone": ("S", '\tppk=insist\n\tppk-ids="old"\n', "    ppk_id = new\n"),
    "S begins asking for new; L no ppk line": ("S", "", "    ppk_id = new\n"),
}
SAID = {part.partition("\n")[0]: part for part in text("ppk-5.2.txt").split("== ")[1:]}


@pytest.mark.parametrize("case", CASES)
def test_the_rules_by_which_it_is_walked_are_what_real_daemons_did(case: str) -> None:
    begins, more, asks = CASES[case]
    lib = pluto(more, hand=HAND + ("" if "alone" in case else HAND.replace("old", "new"))).end()
    swan = of(site(asks, **{SECRETS: OLD + OLD.replace("old", "new")}))
    found = agreed(lib, swan) if begins == "L" else agreed(swan, lib)
    assert ("established IKE SA" in SAID[case]) == (found != FAILS), SAID[case]
    used = [line.rpartition(" ")[2].strip("'") for line in SAID[case].splitlines() if "using PPK for PPK_ID" in line]
    assert (used or [""])[0] == (found if found != FAILS else "") and ("/PPK\n" in SAID[case]) == bool(used)
