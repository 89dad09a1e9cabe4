"""services/strongswan_ppk.py: the PPK of one connection at one end, and the edits that change what it asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_ppk import (
    PpkEnd,
    Slot,
    added,
    asking,
    leaving,
    read_end,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.redact import redact

from tests.fixtures.strongswan.load import MAIN, SITE, applied, captured, file, having

OURS = "/etc/swanctl/conf.d/agility-ppk-site.conf"
THEIRS = "secrets {\n  ppk-one {\n    id = one\n    secret = [redacted]\n  }\n  ppk-other {\n    id = other\n    secret = [redacted]\n  }\n}\n"
SECRETS = "/etc/swanctl/conf.d/secrets.conf"


def site(more: str = "", **files: str) -> Snapshot:
    """vpn-a with this in its connection."""
    found = captured("vpn-a")
    text = (found.files[SITE].text or "").replace("version = 2\n", f"version = 2\n{more}")
    kept = {OURS: replace(file(OURS, ""), mode="0600")} if OURS in files else {}
    new = {path: replace(file(path, said), mode="0600") for path, said in files.items()}
    return replace(found, files={**found.files, SITE: file(SITE, text), **kept, **new})


def hub(more: str = "", **files: str) -> Snapshot:
    """vpn-b with a connection that takes anybody, and this in it."""
    found = captured("vpn-b")
    text = (
        "connections {\n  road {\n    version = 2\n"
        + more
        + "    remote {\n      id = *.lab.test\n    }\n    children {\n      net {\n      }\n    }\n  }\n}\n"
    )
    return replace(
        found, files={**found.files, SITE: file(SITE, text), **{path: replace(file(path, said), mode="0600") for path, said in files.items()}}
    )


def at_hub(snapshot: Snapshot, spoke: str = "vpn-a.site") -> PpkEnd:
    return read_end(snapshot, "road", spoke)


def placed(snapshot: Snapshot, slot: Slot) -> Snapshot:
    """The host with that secret, as the agent would bring it."""
    old = snapshot.files.get(slot.path)
    assert slot.sha256 == (old.sha256 if old else "")
    text = lines.split((old.text if old else "") or "")
    body = (*text[: slot.line - 1], *lines.split(f"{slot.lead} [redacted]\n{slot.behind}"), *text[slot.line - 1 + slot.delete :])
    return replace(snapshot, files={**snapshot.files, slot.path: replace(file(slot.path, "".join(body)), mode="0600")})


def end(snapshot: Snapshot) -> PpkEnd:
    return read_end(snapshot, "site", "vpn-b.site")


def diff(snapshot: Snapshot, changes: tuple[Change, ...]) -> list[str]:
    """Lines that go (-) and come (+)."""
    then = applied(snapshot, changes)
    out = []
    for path, kept in snapshot.files.items():
        old, new = (kept.text or "").splitlines(), (then.files[path].text or "").splitlines()
        out += [f"- {line.strip()}" for line in old if line not in new] + [f"+ {line.strip()}" for line in new if line not in old]
    return out


def test_a_first_secret_makes_a_file_and_the_next_stands_behind_it() -> None:
    first = placed(site(), added(end(site()), "site-1", ""))
    assert [(one.name, one.ids, one.replaces) for one in end(first).mine] == [("ppk-site-1", ("site-1",), "")]
    using = applied(first, asking(end(first), "site-1", False))
    second = placed(using, added(end(using), "site-2", "site-1"))
    assert [(one.ids, one.replaces, one.line, one.count) for one in end(second).mine] == [(("site-1",), "", 1, 7), (("site-2",), "site-1", 8, 7)]


def test_what_we_write_is_read_the_same_with_its_secret_cut_out() -> None:
    slot = added(end(site()), "site-1", "ppk")
    text = f"{slot.lead}U0VDUkVU\n{slot.behind}"
    assert "U0VDUkVU" not in redact(text) and redact(text).count("[redacted]") == 1
    assert end(site(**{OURS: redact(text)})).mine[0].replaces == "ppk"


def test_a_secret_that_was_never_used_gives_way_and_those_in_use_at_either_end_stay() -> None:
    first = placed(site(), added(end(site()), "site-1", ""))
    assert end(placed(first, added(end(first), "site-2", ""))).mine[0].ids == ("site-2",)
    kept = end(placed(first, added(end(first), "site-2", "site-1"))).mine
    assert [one.ids for one in kept] == [("site-1",), ("site-2",)], "the other end uses it, and this one takes any"


@pytest.mark.parametrize(
    ("more", "id_", "required", "expected"),
    [
        ("", "new", False, ["+ ppk_id = new"]),
        ("    ppk_id = one # agreed\n", "new", False, ["- ppk_id = one # agreed", "+ ppk_id = new # agreed"]),
        ('    ppk_id = "one"\n    ppk_required = yes\n', "one", False, ["- ppk_required = yes", "+ ppk_required = no"]),
        (
            "    ppk_id = one # agreed\n    ppk_required = yes\n",
            "",
            False,
            ["- ppk_id = one # agreed", "- ppk_required = yes", "+ ppk_required = no"],
        ),
        ("    ppk_id = one\n", "one", True, ["+ ppk_required = yes"]),
        ("    ppk_id = one\n    ppk_required = yes\n", "one", True, []),
    ],
)
def test_the_connection_asks_for_what_is_wanted_and_no_other_line_changes(more: str, id_: str, required: bool, expected: list[str]) -> None:
    found = site(more)
    changes = asking(end(found), id_, required)
    assert diff(found, changes) == expected
    then = end(applied(found, changes))
    assert (then.id, then.required) == (id_, required)


def test_the_old_secret_goes_where_it_stands_and_its_neighbours_stay() -> None:
    found = site("    ppk_id = new\n", **{SECRETS: THEIRS})
    changes = asking(end(found), "new", False, without="one")
    then = applied(found, changes)
    assert then.files[SECRETS].text == "secrets {\n  ppk-other {\n    id = other\n    secret = [redacted]\n  }\n}\n"


def test_a_secret_that_another_connection_asks_for_stays() -> None:
    second = "connections {\n  two {\n    remote_addrs = 10.0.0.9\n    ppk_id = one\n  }\n}\n"
    found = site("    ppk_id = new\n", **{SECRETS: THEIRS, "/etc/swanctl/conf.d/two.conf": second})
    assert asking(end(found), "new", False, without="one") == ()


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("secrets { ppk-one { id = one\n secret = [redacted] } }\n", "shares its lines"),
        ("secrets {\n  ppk-one {\n    id-a = one\n    id-b = two\n    secret = [redacted]\n  }\n}\n", "for several ids"),
        ("secrets {\n  ppk-one {\n    id = one\n  }\n  ppk-one {\n    secret = [redacted]\n  }\n}\n", "shares its lines"),
    ],
)
def test_an_old_secret_that_cannot_be_taken_away_alone_is_left_to_a_person(secret: str, why: str) -> None:
    with pytest.raises(Problem, match=why):
        asking(end(site("    ppk_id = new\n", **{SECRETS: secret})), "new", False, without="one")


def test_what_several_connections_inherit_is_not_changed_for_one() -> None:
    base = "common { ppk_id = one\n }\nconnections {\n a : common { remote_addrs = 10.0.0.8\n }\n b : common { remote_addrs = 10.0.0.9\n }\n}\n"
    found = having("forky", base)
    with pytest.raises(Problem, match="what b asks for would not be what it should"):
        asking(read_end(found, "a", "b.a"), "new", False)


@pytest.mark.parametrize(
    ("snapshot", "name", "why"),
    [
        (site(), "other", "no connection other"),
        (having("forky", "connections { any { version = 2\n ppk_id = one\n } }\n"), "any", "takes anybody and asks everybody for the PPK one"),
        (site('    ppk_id = "a b"\n'), "site", "other characters"),
        (replace(site(), files={**site().files, OURS: file(OURS, "secrets {\n}\n")}), "site", "holds secrets"),
    ],
)
def test_what_cannot_be_rotated_is_named(snapshot: Snapshot, name: str, why: str) -> None:
    with pytest.raises(Problem, match=why) as raised:
        read_end(snapshot, name, "vpn-b.site")
    assert "nothing was changed" in raised.value.remedy


def test_the_main_file_decides_which_folder_is_ours() -> None:
    assert end(site()).path == OURS and MAIN in site().files


def test_a_hub_has_a_file_for_each_tunnel_of_its_spokes_and_asks_for_no_id() -> None:
    found = hub()
    for spoke in ("vpn-a.site", "vpn-a.second", "vpn-e.site"):
        found = placed(found, added(at_hub(found, spoke), f"{spoke.replace('.', '-')}-1", ""))
    for spoke in ("vpn-a.site", "vpn-a.second", "vpn-e.site"):
        one = at_hub(found, spoke)
        assert (one.shared, one.id, one.path) == (True, "", f"/etc/swanctl/conf.d/agility-ppk-road@{spoke}.conf")
        assert [secret.ids for secret in one.mine] == [(f"{spoke.replace('.', '-')}-1",)] and len(one.secrets) == 3


def test_a_hub_lets_go_of_what_was_made_for_that_spoke_and_of_nothing_else() -> None:
    found = hub("    ppk_required = yes\n", **{SECRETS: THEIRS})
    one = at_hub(found)
    assert leaving(one, "one") == () == asking(one, "", True, without="one"), "a person wrote it, and other spokes may use it"
    found = placed(found, added(one, "site-1", "one"))
    found = placed(found, added(at_hub(found), "site-2", "site-1"))
    then = applied(found, asking(at_hub(found), "", True, without="site-1"))
    assert [secret.ids for secret in at_hub(then).mine] == [("site-2",)] and then.files[SITE] == found.files[SITE]


def test_a_host_whose_name_is_no_part_of_a_file_name_is_refused() -> None:
    with pytest.raises(Problem, match="would give its file an odd name"):
        at_hub(hub(), "../a.site")
