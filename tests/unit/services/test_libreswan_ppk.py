"""services/libreswan_ppk.py: the PPK of one connection at one end, and the edits that change which id it names."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_ppk import (
    PlutoEnd,
    added,
    asking,
    leaving,
    main_file,
    read_end,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_status import STATUS

from tests.fixtures.libreswan.load import SITE, file
from tests.fixtures.libreswan.ppks import MAIN, OURS, PERSONS, Pluto, kept, pluto

HAND = '# a key\n: PPKS "hand" "[redacted]"\n@a @b : PPKS "else" 0s[redacted]\n'
NAMED = '\tppk=insist\n\tppk-ids="hand"\n'


def diff(before: Pluto, after: Pluto) -> list[str]:
    """Lines that go (-) and come (+)."""
    out: list[str] = []
    for path in {**before.files, **after.files}:
        lines = difflib.ndiff(before.files.get(path, "").splitlines(), after.files.get(path, "").splitlines())
        out += [f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "+-"]
    return out


def asked(host: Pluto, id_: str, required: bool, without: str = "") -> list[str]:
    return diff(host, host.changed(None, asking(host.end(), id_, required, without=without)))


def test_a_first_secret_makes_a_file_and_the_next_stands_behind_it() -> None:
    first = pluto().changed(added(pluto().end(), "site-1", ""), ())
    assert [(one.ids, one.replaces) for one in first.end().mine] == [(("site-1",), "")]
    assert first.secrets[OURS].splitlines()[1] == '"@vpn-c.lab.test" "@vpn-b.lab.test" : PPKS "site-1" 0s[redacted]', "for this tunnel and no other"
    second = first.changed(added(first.end(), "site-2", "site-1"), ())
    assert [(one.ids, one.replaces, one.line, one.count) for one in second.end().mine] == [(("site-1",), "", 1, 2), (("site-2",), "site-1", 3, 2)]
    assert [one.ids for one in second.changed(added(second.end(), "site-3", "site-1"), ()).end().mine] == [("site-1",), ("site-3",)]


@pytest.mark.parametrize(
    ("more", "id_", "required", "expected"),
    [
        ("", "new", False, ["+ ppk=yes", '+ ppk-ids="new"']),
        ("\tppk=no # for now\n", "new", True, ["- ppk=no # for now", "+ ppk=insist # for now", '+ ppk-ids="new"']),
        (NAMED, "new", True, ['- ppk-ids="hand"', '+ ppk-ids="new"']),
        (NAMED, "hand", False, ["- ppk=insist", "+ ppk=yes"]),
        ('\tppk=propose\n\tppk-ids="else,hand" # agreed\n', "hand", False, ['- ppk-ids="else,hand" # agreed', '+ ppk-ids="hand" # agreed']),
        (NAMED, "", False, ["- ppk=insist", "+ ppk=no"]),
        (NAMED, "hand", True, []),
        ("", "", False, []),
    ],
)
def test_the_connection_names_what_is_wanted_and_no_other_line_changes(more: str, id_: str, required: bool, expected: list[str]) -> None:
    host = pluto(more, hand=HAND)
    assert sorted(asked(host, id_, required)) == sorted(expected)


def test_the_old_secret_goes_where_it_stands_and_its_neighbours_stay() -> None:
    host = pluto(NAMED.replace("hand", "new"), hand=HAND)
    assert asked(host, "new", True, without="hand") == ['- : PPKS "hand" "[redacted]"']
    for said in ('\tppk=yes\n\tppk-ids="hand"\n', "\tppk=yes\n"):
        assert leaving(beside(host, said), "hand") == (), "another connection names it, or takes what fits"
    assert leaving(beside(host, '\tppk=yes\n\tppk-ids="else"\n'), "hand") and leaving(beside(host, "\tppk=no\n"), "hand")


def beside(host: Pluto, more: str, their: str = "@other.lab.test") -> PlutoEnd:
    """With a second connection, which pluto has loaded."""
    text = host.snapshot.files[SITE].text or ""
    files = {**host.snapshot.files, SITE: file(SITE, f"{text}\nconn second\n\talso=ends\n{more}\tauto=add\n")}
    told = host.snapshot.answers[STATUS]
    flags = "" if "ppk=no" in more else "PPK_ALLOW+"
    lines = [
        f'"second":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+{flags}ESN_NO;',
        f'"second":   our idtype: ID_FQDN; our id=@vpn-c.lab.test; their idtype: ID_FQDN; their id={their}',
    ]
    out = "\n".join((*told.out.splitlines(), *lines, ""))
    return read_end(
        replace(host.snapshot, files=files, answers={**host.snapshot.answers, STATUS: replace(told, out=out)}), "site", kept(host.secrets)
    )


def test_a_connection_between_the_same_two_that_names_no_id_would_take_up_the_new_one_and_is_refused() -> None:
    host = pluto(NAMED, hand=HAND)
    with pytest.raises(Problem, match="second, between the same two, names no id"):
        beside(host, "\tppk=yes\n", their="@vpn-b.lab.test")
    assert beside(host, '\tppk=yes\n\tppk-ids="else"\n', their="@vpn-b.lab.test").id == "hand"


def test_secrets_alone_end_no_sa_and_a_connection_that_changes_is_taken_up() -> None:
    end = pluto(NAMED, hand=HAND).end()
    assert (end.activation((OURS, PERSONS)).action, end.activation((OURS, SITE)).action) == ("secrets:", "secrets:site")
    assert end.activation(()).check == ("ipsec", "checkconfig")


def test_which_id_it_names_is_the_first_that_it_has_a_secret_for() -> None:
    def named(more: str, **secrets: str) -> tuple[str, bool]:
        end = pluto(more, **secrets).end()
        return end.id, end.required

    assert named('\tppk=insist\n\tppk-ids="gone, hand"\n', hand=HAND) == ("hand", True)
    assert named('\tppk=yes\n\tppk-ids="gone"\n', hand=HAND) == ("", False)
    assert named("\tppk=yes\n", hand=': PPKS "one" "[redacted]"\n') == ("one", False), "the only one there is"
    assert named("\tppk=yes\n") == ("", False) == named("", hand=HAND)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (pluto("\tppk=yes\n", hand=HAND), "names no id, and there are 2 PPKs"),
        (pluto(NAMED.replace("hand", "?"), hand=HAND.replace("hand", "?")), "other characters"),
    ],
)
def test_what_cannot_be_rotated_is_named(host: Pluto, why: str) -> None:
    with pytest.raises(Problem, match=why) as raised:
        host.end()
    assert "nothing was changed" in raised.value.remedy


def test_a_main_file_that_does_not_include_ours_is_named_with_the_line_that_it_lacks() -> None:
    with pytest.raises(Problem, match="does not include") as raised:
        pluto(NAMED, hand=HAND).end(includes=("/etc/ipsec.d/other*.secrets", "/etc/ipsec.secrets.d/*"))
    assert (raised.value.where, raised.value.remedy) == (MAIN, "add the line: include /etc/ipsec.d/*.secrets; nothing was changed")


def status(host: Pluto, old: str, new: str) -> Pluto:
    told = host.snapshot.answers[STATUS]
    assert old in told.out
    return replace(host, snapshot=replace(host.snapshot, answers={**host.snapshot.answers, STATUS: replace(told, out=told.out.replace(old, new))}))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("our auth:secret, their auth:secret", "our auth:ecdsa, their auth:ecdsa", "authenticates by ecdsa, and pluto may end itself"),
        ("+PPK_ALLOW+PPK_INSIST", "", "has loaded another ppk="),
        ("remote: 10.91.0.19;", "remote: %any;", "site takes anybody"),
        ('"site"', '"elsewhere"', "has not loaded the connection site"),
        ("our id=@vpn-c.lab.test", "our id=%none", "no line of secrets can name the ends"),
    ],
)
def test_what_pluto_has_loaded_decides(old: str, new: str, why: str) -> None:
    with pytest.raises(Problem, match=why):
        status(pluto(NAMED, hand=HAND), old, new).end()


def test_a_file_of_ours_that_others_may_read_is_refused() -> None:
    host = pluto(NAMED, hand=HAND, **{OURS: '# x\n@a @b : PPKS "x" 0s[redacted]\n'})
    found = kept(host.secrets)
    one, count = found.files[OURS]
    found.files[OURS] = (replace(one, mode="0644"), count)
    with pytest.raises(Problem, match="it is 0644 root, and holds secrets"):
        read_end(host.snapshot, "site", found)


def test_what_another_section_says_is_not_written_over() -> None:
    host = pluto("", hand=HAND)
    said = (host.snapshot.files[SITE].text or "").replace("conn ends\n", "conn ends\n\tppk=no\n")
    through = replace(host, snapshot=replace(host.snapshot, files={**host.snapshot.files, SITE: file(SITE, said)}))
    with pytest.raises(Problem, match="ppk= of site comes from another section"):
        asking(through.end(), "new", False)
    said = said.replace("conn ends\n\tppk=no\n", "conn ends\n").replace("conn %default\n", "conn %default\n\tppk=no\n")
    default = replace(host, snapshot=replace(host.snapshot, files={**host.snapshot.files, SITE: file(SITE, said)}))
    assert sorted(asked(default, "new", False)) == ['+ ppk-ids="new"', "+ ppk=yes"], "and %default may be"


def test_pluto_tells_where_its_secrets_are() -> None:
    found = pluto().snapshot
    assert main_file(found) == MAIN
    with pytest.raises(Problem, match="does not tell where its secrets are"):
        main_file(replace(found, answers={**found.answers, STATUS: Answer((), 33, "")}))
