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
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_ppk import PpkEnd, read_end
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import IkeSa

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


def agreed(begins: PpkEnd, answers: PpkEnd) -> str:
    """The id of the PPK that a new tunnel has, "" = none: send_use_ppk() of ike_init.c, get_ppk_i() and get_ppk_r() of ike_auth.c."""
    has, there = ({id_ for one in end.secrets for id_ in one.ids} for end in (begins, answers))
    if not begins.id or not there:
        return FAILS if begins.required or answers.required else ""
    if begins.id not in has:
        return FAILS if begins.required or answers.required else ""
    if answers.id and answers.id != begins.id:
        return FAILS
    if begins.id not in there:
        return FAILS if begins.required or answers.required else ""
    return begins.id


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
