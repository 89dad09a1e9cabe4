"""services/strongswan_legacy_write.py: new exchanges in front at one end of a tunnel of ipsec.conf; nothing is taken away there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Plan, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.stroke_status import STATUS
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_legacy import SERVICE

from tests.fixtures.stroke.load import LAB, MAIN, capable, having, lab, loaded
from tests.fixtures.strongswan.load import HERE, applied
from tests.unit.conftest import CORPUS, policy_of

HYBRID = "x25519-ke1_mlkem768"
GCM = "aes256gcm16-prfsha384"
POLICY = HERE / "policy.yml"
FOLDER = CORPUS / "strongswan-ipsec-conf"


def conn(*said: str, name: str = "x", lead: str = "\t") -> str:
    return "\n".join((f"conn {name}", *(f"{lead}{line}" for line in ("auto=add", "right=192.0.2.9", *said)), ""))


def written(snapshot: Snapshot, path: str = MAIN, **wanted: tuple[str, ...]) -> str:
    """The file then; wanted: id (with "__" for "/") → exchanges."""
    wishes = {f"strongswan-legacy {id_.replace('__', '/')}": {"key_exchange": Wanted(names)} for id_, names in wanted.items()}
    return applied(snapshot, SERVICE.write(snapshot, wishes)).files[path].text or ""


def now(snapshot: Snapshot, id_: str) -> tuple[str, ...]:
    return next(one for one in SERVICE.read(snapshot) if one.id == f"strongswan-legacy {id_}").settings["key_exchange"].values


# ---------------------------------------------------------------- what is written


def test_the_new_stands_in_front_and_every_other_byte_stays() -> None:
    after = written(loaded(LAB, "site", "road"), site=(HYBRID, "x25519"), site__esp=(HYBRID, "x25519"))
    assert after == LAB.replace(
        "\trightsubnet=10.92.2.1/32\n\tike=aes256gcm16-prfsha384-x25519! # as", f"\trightsubnet=10.92.2.1/32\n\tike={GCM}-{HYBRID},{GCM}-x25519! # as"
    ).replace("esp=aes256gcm16-x25519!", f"esp=aes256gcm16-{HYBRID},aes256gcm16-x25519!")


@pytest.mark.parametrize(
    ("value", "then"),
    [
        (f"{GCM}-x25519!", f"{GCM}-{HYBRID},{GCM}-x25519!"),
        (f'"{GCM}-x25519, aes128-sha256-x25519!" # two', f'"{GCM}-{HYBRID},aes128-sha256-{HYBRID},{GCM}-x25519, aes128-sha256-x25519!" # two'),
        (f"{GCM}-x25519, aes128-sha256-x25519!", f"{GCM}-{HYBRID},aes128-sha256-{HYBRID},{GCM}-x25519, aes128-sha256-x25519!"),
    ],
    ids=["plain", "quotes", "blanks"],
)
def test_quotes_blanks_comments_and_line_ends_stay(value: str, then: str) -> None:
    for lead, end in (("\t", "\n"), ("  ", "\r\n")):
        said = conn(f"ike={value}", lead=lead).replace("\n", end)
        assert written(loaded(said, "x"), x=(HYBRID, "x25519")) == said.replace(value, then)


def test_what_charon_takes_by_itself_stays_behind_what_was_not_closed() -> None:
    seen = loaded(conn("ike=aes256-sha256-x25519"), "x")
    before = now(seen, "x")
    assert before[0] == "x25519" and len(before) > 5
    after = written(seen, x=(HYBRID, *before))
    assert f"\tike=aes256-sha256-{HYBRID},aes256-sha256-x25519\n" in after
    assert now(loaded(after, "x"), "x") == (HYBRID, *before)


@pytest.mark.parametrize(
    "said", ["conn x # mine\n  auto=add\n", "conn x\n  auto=add\n  ike=\n", "conn x\n  also=y\n  auto=add\n\nconn y\n  right=192.0.2.9\n"]
)
def test_where_no_line_is_one_comes_that_leaves_the_defaults_behind_it(said: str) -> None:
    seen = loaded(said, "x")
    before = now(seen, "x")
    after = written(seen, x=(HYBRID, *before))
    line = f"  ike=aes256gcm16-aes128gcm16-prfsha512-prfsha384-prfsha256-{HYBRID}\n"
    assert line in after and after.replace(line, "  ike=\n" if "ike=" in said else "") == said
    assert now(loaded(after, "x"), "x") == (HYBRID, *before)


def test_a_section_without_a_line_of_its_own_and_a_file_without_a_last_line_end() -> None:
    seen = loaded("conn %default\n    auto=add\n\nconn x", "x")
    assert written(seen, x=(HYBRID, *now(seen, "x"))).endswith(f"conn x\n\tike=aes256gcm16-aes128gcm16-prfsha512-prfsha384-prfsha256-{HYBRID}")


def test_ah_has_a_line_of_its_own_and_keeps_its_mac() -> None:
    said = conn(f"ike={GCM}-x25519!", "ah=sha256-x25519!")
    assert f"ah=sha256-{HYBRID},sha256-x25519!" in written(loaded(said, "x"), x__ah=(HYBRID, "x25519"))


def test_a_line_of_an_included_file_is_written_there() -> None:
    more = {"/etc/ipsec.d/site.conf": conn(f"ike={GCM}-x25519!")}
    seen = loaded("include ipsec.d/*.conf\n", "x", **more)
    assert f"ike={GCM}-{HYBRID},{GCM}-x25519!" in written(seen, "/etc/ipsec.d/site.conf", x=(HYBRID, "x25519"))


def test_what_two_connections_share_is_written_once_when_both_wish_it_and_refused_else() -> None:
    said = f"conn %default\n\tike={GCM}-x25519!\n\n" + conn(name="a") + "\n" + conn("also=base", name="b") + "\nconn base\n\tleft=192.0.2.1\n"
    seen = loaded(said, "a", "b")
    assert written(seen, a=(HYBRID, "x25519"), b=(HYBRID, "x25519")) == said.replace("ike=", f"ike={GCM}-{HYBRID},")
    with pytest.raises(Inexpressible, match=r"strongswan-legacy b would say .* and shall stay"):
        written(seen, a=(HYBRID, "x25519"))
    with pytest.raises(Inexpressible, match="share this line"):
        written(seen, a=(HYBRID, "x25519"), b=("x25519-ke1_mlkem1024", "x25519"))


def test_a_line_that_comes_for_one_is_refused_where_another_would_take_it_up() -> None:
    seen = loaded(conn(name="a") + "\n" + conn("also=a", name="b"), "a", "b")
    with pytest.raises(Inexpressible, match=r"strongswan-legacy b would say .* and shall stay"):
        written(seen, a=(HYBRID, *now(seen, "a")))


# ---------------------------------------------------------------- what is refused


def test_taking_something_away_at_one_end_is_refused_by_name() -> None:
    with pytest.raises(
        Inexpressible, match=r"ipsec.conf:17: key_exchange of strongswan-legacy site would lose x25519 at one end alone.*migrate_links"
    ):
        written(lab(), site=("ecp384",))
    wishes = {"strongswan-legacy site": {"cipher": Wanted(("aes256gcm16", "aes128gcm16"))}}
    with pytest.raises(Inexpressible, match="cipher of strongswan-legacy site is not written by this release"):
        SERVICE.write(lab(), wishes)
    assert SERVICE.write(lab(), {"strongswan-legacy site": {}}) == ()


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (loaded(LAB, "road"), "charon has not loaded site.*run ipsec update"),
        (having(LAB), "charon does not answer ipsec statusall"),
    ],
    ids=["not loaded", "not running"],
)
def test_what_cannot_be_known_or_done_is_refused_by_name(seen: Snapshot, why: str) -> None:
    with pytest.raises(Inexpressible, match=why):
        written(seen, site=(HYBRID, "x25519"))


def test_a_name_that_no_command_line_takes_is_refused() -> None:
    with pytest.raises(Inexpressible, match="a name of other than letters"):
        SERVICE.write(loaded(conn(f"ike={GCM}-x25519!", name="x;y"), "x;y"), {"strongswan-legacy x;y": {"key_exchange": Wanted((HYBRID, "x25519"))}})


def test_esp_without_a_line_is_left_alone() -> None:
    seen = loaded(conn(f"ike={GCM}-x25519!"), "x")
    with pytest.raises(Inexpressible, match=r"write them down first \(esp=\)"):
        written(seen, x__esp=(HYBRID,))


# ---------------------------------------------------------------- a plan


def planned(seen: Snapshot, stage: str = "prefer") -> Plan:
    policy = policy_of(str(POLICY))
    policy = replace(policy, stages=tuple(replace(one, stage=stage) if one.aspect == "key_exchange" else one for one in policy.stages))
    found = SERVICE.read(seen)
    needs = {one.id: resolve(policy, target_of("h", (), one), date(2026, 11, 28)) for one in found}
    return make_plan(seen, {SERVICE.name: SERVICE}, found, needs, policy.digest, date(2026, 11, 28), lambda: None)


def test_prefer_plans_the_hybrids_of_the_group_that_is_there_and_is_content_then() -> None:
    seen = loaded(LAB, "site", "road")
    plan = planned(seen)
    assert [(a.service, a.action, a.units[0]) for a in plan.activations] == [
        ("strongswan-legacy", "update:site,road", "strongswan-starter.service"),
    ]
    then = applied(seen, plan.changes)
    assert now(then, "site") == ("x25519-ke1_mlkem1024", HYBRID, "x25519") == now(then, "site/esp")
    assert now(then, "road")[-len(now(seen, "road")) :] == now(seen, "road"), "what was not closed keeps the defaults behind it"
    assert planned(then).changes == ()


def test_the_plan_says_what_ipsec_update_does_to_the_sas() -> None:
    seen = replace(loaded(LAB, "site", "road"), answers={**loaded(LAB, "site").answers, STATUS: lab().answers[STATUS]})
    assert [said for said in planned(seen).warnings if " site: " in said] == [
        "strongswan-legacy site: its SAs stay as they are until they are established anew (ipsec down, ipsec up): a rekeying is not enough"
    ]
    assert [one.endpoint for one in planned(seen).probes] == ["strongswan-legacy road"], "which takes anybody, and would answer in the place of site"
    start = loaded(LAB.replace("auto=add", "auto=start"), "site", "road")
    assert "beside the SA that is there, which stays until it ends (auto=start)" in planned(start).warnings[0]
    more = loaded(LAB + conn(f"ike={GCM}-{HYBRID}!", name="new"), "site", "road")
    assert f"strongswan-legacy new: charon has not loaded it, and takes it up as well ({MAIN}:31)" in planned(more).warnings


def test_ikev1_has_no_ml_kem_and_does_not_hold_up_the_others() -> None:
    said = conn(f"ike={GCM}-x25519!", "keyexchange=ikev1", name="old") + "\n" + conn(f"ike={GCM}-x25519!", "keyexchange=ikev2", name="new")
    status = (
        "Connections:\n         old:  %any...192.0.2.9  IKEv1\n         new:  %any...192.0.2.9  IKEv2\nSecurity Associations (0 up, 0 connecting):\n"
    )
    seen = having(said, status, capable())
    old = next(one for one in SERVICE.read(seen) if one.id == "strongswan-legacy old").capabilities["key_exchange"]
    assert old.names and not [name for name in old.names if "mlkem" in name] and "IKEv1" in old.source
    then = applied(seen, planned(seen).changes)
    assert now(then, "old") == ("x25519",) and now(then, "new")[0] == "x25519-ke1_mlkem1024"


def test_require_is_refused_at_one_end_and_a_charon_without_ml_kem_is_left_as_it_is() -> None:
    with pytest.raises(Inexpressible, match="both ends of a tunnel move together"):
        planned(loaded(conn(f"ike={GCM}-{HYBRID},{GCM}-x25519!"), "x"), "require")
    assert planned(lab()).changes == ()


# ---------------------------------------------------------------- real files


def test_of_real_files_lines_grow_in_front_and_nothing_else_changes() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"no file tried: ../shared/corpus/{FOLDER.name} is not beside this checkout")
    tried = 0
    for path in sorted(FOLDER.glob("*ipsec.conf")):
        said = path.read_text(encoding="utf-8", errors="replace")
        names = dict.fromkeys(one.id.split()[1].partition("/")[0] for one in SERVICE.read(having(said)))
        seen = loaded(said, *names)
        try:
            changes = planned(seen).changes
        except Inexpressible:
            continue
        tried += bool(changes)
        before, after = said.splitlines(), (applied(seen, changes).files[MAIN].text or "").splitlines()
        new = [line for line in after if line not in before]
        assert all("mlkem" in line for line in new)
        kept = [line for line in after if line in before or line.split("=")[-1].rpartition(",")[2] in said]
        assert len(after) >= len(before) and len(kept) >= len(before)
    assert tried > 3, "nothing was written"


# ---------------------------------------------------------------- both ends together


def moved(snapshot: Snapshot, step: str, **wanted: tuple[str, ...]) -> str:
    wishes = {f"strongswan-legacy {id_.replace('__', '/')}": {"key_exchange": Wanted(names)} for id_, names in wanted.items()}
    write = SERVICE.narrow if step == "contract" else SERVICE.widen
    assert write is not None
    return applied(snapshot, write(snapshot, wishes)).files[MAIN].text or ""


def test_what_is_taken_away_is_whole_proposals_and_then_the_list_is_closed() -> None:
    both = f"ike={GCM}-{HYBRID}, {GCM}-x25519{{}} # two", f'esp="aes256gcm16-{HYBRID},aes256gcm16-x25519{{}}"'
    for closed in ("!", ""):
        said = conn(*(one.format(closed) for one in both))
        seen = loaded(said, "x")
        after = moved(seen, "contract", x=(HYBRID,), x__esp=(HYBRID,))
        assert after == conn(f"ike={GCM}-{HYBRID}! # two", f'esp="aes256gcm16-{HYBRID}!"')
        assert now(loaded(after, "x"), "x") == now(loaded(after, "x"), "x/esp") == (HYBRID,)


def test_a_list_that_nothing_leaves_is_closed_with_the_other_of_its_connection() -> None:
    """charon has proposals without an exchange of their own behind those of ESP."""
    said = conn(f"ike={GCM}-{HYBRID},{GCM}-x25519!", f"esp=aes256gcm16-{HYBRID} # mine")
    assert moved(loaded(said, "x"), "contract", x=(HYBRID,)) == conn(f"ike={GCM}-{HYBRID}!", f"esp=aes256gcm16-{HYBRID}! # mine")


def test_other_connections_stay_and_the_new_comes_as_at_one_end() -> None:
    said = conn(f"ike={GCM}-x25519!", "esp=aes256gcm16-x25519!") + "\n" + conn(f"ike={GCM}-x25519", name="y").replace("192.0.2.9", "192.0.2.8")
    seen = loaded(said, "x", "y")
    after = moved(seen, "expand", x=(HYBRID, "x25519"), x__esp=(HYBRID, "x25519"))
    assert after == written(seen, x=(HYBRID, "x25519"), x__esp=(HYBRID, "x25519"))
    assert moved(loaded(after, "x", "y"), "contract", x=(HYBRID,), x__esp=(HYBRID,)).partition("conn y")[2] == said.partition("conn y")[2]


@pytest.mark.parametrize("step", ["expand", "contract"])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (conn(f"ike={GCM}-{HYBRID},{GCM}-x25519!"), r"strongswan-legacy x/esp leaves its proposals to the defaults.*write them down first \(esp=\)"),
        (
            conn("keyexchange=ikev1", f"ike={GCM}-{HYBRID},{GCM}-x25519!", f"esp=aes256gcm16-{HYBRID},aes256gcm16-x25519!"),
            "strongswan-legacy x is IKEv1",
        ),
    ],
    ids=["no esp", "IKEv1"],
)
def test_what_cannot_move_is_refused_by_name(said: str, why: str, step: str) -> None:
    exchanges = (HYBRID,) if step == "contract" else ("x25519-ke1_mlkem1024", HYBRID, "x25519")
    seen = loaded(said, "x")
    if "ikev1" in said:
        status = seen.answers[STATUS]
        told = {**seen.answers, STATUS: replace(status, out=status.out.replace("IKEv2", "IKEv1"))}
        seen = replace(seen, answers=told)
    with pytest.raises(Inexpressible, match=why):
        moved(seen, step, x=exchanges)


def test_connections_that_share_their_ike_sa_are_refused_by_name() -> None:
    said = "\n".join(conn(f"ike={GCM}-x25519!", f"rightsubnet=10.0.{number}.0/24", "esp=aes256gcm16-x25519!", name=f"x{number}") for number in (1, 2))
    seen = loaded(said, "x1")
    status = seen.answers[STATUS]
    heads = status.out.replace("Security", "       x2:   child:  dynamic === dynamic TUNNEL\nSecurity")
    seen = replace(seen, answers={**seen.answers, STATUS: replace(status, out=heads)})
    for name, other in (("x1", "x2"), ("x2", "x1")):
        with pytest.raises(Inexpressible, match=f"strongswan-legacy {name} has everything of IKE in common with {other}"):
            moved(seen, "expand", **{name: (HYBRID, "x25519")})


def test_a_proposal_that_holds_both_is_not_put_together_anew() -> None:
    said = conn(f"ike={GCM}-{HYBRID}-ecp384!", f"esp=aes256gcm16-{HYBRID}!")
    with pytest.raises(Inexpressible, match="write what stays and what goes as proposals of their own"):
        moved(loaded(said, "x"), "contract", x=(HYBRID,))
