"""Zones with regimes and people, overrides, life cycles, parts, peers, windows: what each means, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Certificate
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.calendar import minutes, rrule_flaw, spelled
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.dump import dump
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, baselines, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Resolver, Target, judge, rank, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.zones import approver_of, owner_of

from ..conftest import TOP
from .test_exceptions import endpoint
from .texts import HEAD, RULES, exception, known, of, rule

TODAY = date(2026, 11, 23)
TRANSITION = HEAD + "extends: [hybrid-transition@1]\n"
X25519MLKEM768, X25519 = known("tls", "key_exchange", "X25519MLKEM768"), known("tls", "key_exchange", "X25519")
NSS = (
    'policy: {name: nss, version: "1", regimes: [nss]}\n'
    + RULES
    + rule(id="nss-kex", allow="{name: [SecP384r1MLKEM1024]}")
    + "stages: [{stage: require}]\n"
)
ZONES = "zones:\n  enclave: {groups: [e], regimes: [nss]}\n  web: {groups: [w]}\n"


def kex(policy: Policy, *groups: str, host: str = "h", day: date = TODAY, protocol: str = "tls"):
    return resolve(policy, Target(host, groups, protocol), day)["key_exchange"]


def allowed(requirement, day: date = TODAY) -> set[str]:
    return {a.id for a in ALL if (a.protocol, a.aspect) == ("tls", "key_exchange") and judge(requirement, a, day).kind == "allowed"}


# ---------------------------------------------------------------- regimes


def test_a_baseline_outside_its_regime_answers_not_applicable_never_pass() -> None:
    policy = of(HEAD + "extends: [nss.yml]\n" + ZONES, others={"nss.yml": NSS})
    outside, inside = kex(policy, "w"), kex(policy, "e")
    assert (outside.applicable, inside.applicable) == (False, True)
    (finding,) = assess((endpoint(),), lambda e: {"key_exchange": outside}, TODAY)
    assert (finding.state, finding.severity, finding.wanted) == ("not-applicable", "none", ())
    assert "nss-kex speak only for nss" in finding.message
    assert allowed(inside) == {"SecP384r1MLKEM1024"}


def test_the_stages_and_lives_of_a_regime_stay_in_it() -> None:
    nss = NSS + "algorithms: {X25519MLKEM768: {state: retired, from: 2026-01-01}}\n"
    policy = of(TRANSITION.replace("]", ", nss.yml]") + ZONES.replace(", regimes: [nss]", ""), others={"nss.yml": nss})
    assert kex(policy, "e").stage == "prefer"
    assert judge(kex(policy, "e"), X25519MLKEM768, TODAY).kind == "allowed"
    within = of(HEAD + "extends: [nss.yml]\n" + ZONES, others={"nss.yml": nss})
    assert kex(within, "e").stage == "require"
    assert judge(kex(within, "e"), X25519MLKEM768, TODAY).kind == "retired"


@pytest.mark.parametrize(("said", "host", "group"), [("hosts: [gw-1]", "gw-1", "w"), ("groups: [mission]", "gw-2", "mission")])
def test_a_host_or_a_group_is_in_a_regime_without_a_zone_for_it(said: str, host: str, group: str) -> None:
    policy = of(HEAD + "extends: [nss.yml]\n" + f"regimes: {{nss: {{{said}}}}}\n", others={"nss.yml": NSS})
    inside, outside = kex(policy, group, host=host), kex(policy, "w", host="gw-3")
    assert (inside.applicable, inside.stage) == (True, "require")
    assert (outside.applicable, outside.stage) == (False, "observe")
    asks = Resolver(policy, TODAY)
    assert [asks(Target(name, groups, "tls"))["key_exchange"].applicable for name, groups in ((host, (group,)), ("gw-3", ("w",)))] == [True, False]


def test_a_regime_that_nothing_speaks_for_is_refused() -> None:
    with pytest.raises(PolicyError, match="nothing here speaks for the regime nsss; did you mean nss"):
        of(HEAD + "extends: [nss.yml]\nregimes: {nsss: {hosts: [gw-1]}}\n", others={"nss.yml": NSS})


def test_regimes_that_meet_on_a_host_and_allow_nothing_are_an_error_before_any_host_is_asked() -> None:
    here = RULES + rule(allow="{name: [X25519MLKEM768]}") + "regimes: {nss: {hosts: [gw-1]}}\n"
    with pytest.raises(PolicyError, match=r"together allow no key_exchange"):
        of(HEAD + "extends: [nss.yml]\n" + here, others={"nss.yml": NSS})


def test_a_jurisdiction_is_a_regime() -> None:
    policy = of(HEAD + "extends: [nss.yml]\nzones: {z: {groups: [e], jurisdiction: [nss]}}\n", others={"nss.yml": NSS})
    assert kex(policy, "e").applicable


def test_regimes_that_meet_in_a_zone_and_allow_nothing_are_an_error_that_cites_both() -> None:
    other = (
        NSS.replace("name: nss", "name: de")
        .replace("regimes: [nss]", "regimes: [de]")
        .replace("nss-kex", "de-kex")
        .replace("SecP384r1MLKEM1024", "X25519MLKEM768")
    )
    files = {"nss.yml": NSS.replace("doc: x", "doc: NSA"), "de.yml": other.replace("doc: x", "doc: BSI")}
    apart = "zones: {a: {groups: [a], regimes: [nss]}, b: {groups: [b], jurisdiction: [de]}}\n"
    assert allowed(kex(of(HEAD + "extends: [nss.yml, de.yml]\n" + apart, others=files), "b")) == {"X25519MLKEM768"}
    with pytest.raises(PolicyError, match=r"\(BSI\) and .*\(NSA\) together allow no key_exchange"):
        of(HEAD + "extends: [nss.yml, de.yml]\nzones: {a: {groups: [a], regimes: [nss], jurisdiction: [de]}}\n", others=files)


# ---------------------------------------------------------------- overrides

OVERRIDE = "overrides:\n  - {id: enclave-nss, match: {zone: enclave}, replace: [kex-tls], with: nss.yml, reason: mission, approver: ciso, stages: [{stage: require, from: 2027-01-01}]}\n"


def test_an_override_replaces_what_it_says_where_it_says_and_nothing_else() -> None:
    policy = of(TRANSITION + ZONES + OVERRIDE, others={"nss.yml": NSS})
    assert allowed(kex(policy, "e")) == {"SecP384r1MLKEM1024"}
    assert [r.id for r in kex(policy, "e").replaced] == ["kex-tls"]
    assert kex(policy, "e").rule.id == "enclave-nss/nss-kex"
    assert allowed(kex(policy, "w")) == allowed(kex(of(TRANSITION)))
    both = resolve(policy, Target("h", ("e",), "tls"), TODAY), resolve(of(TRANSITION), Target("h", ("e",), "tls"), TODAY)
    assert both[0]["cipher"].rules == both[1]["cipher"].rules


def test_an_override_of_a_regime_that_the_host_is_not_in_loosens_nothing() -> None:
    policy = of(TRANSITION + ZONES.replace(", regimes: [nss]", "") + OVERRIDE, others={"nss.yml": NSS})
    assert allowed(kex(policy, "e")) == allowed(kex(of(TRANSITION)))


def test_the_stages_of_an_override_hold_in_its_scope_only() -> None:
    policy = of(TRANSITION + ZONES + OVERRIDE, others={"nss.yml": NSS})
    assert (kex(policy, "e", day=date(2026, 12, 31)).stage, kex(policy, "e", day=date(2027, 1, 1)).stage) == ("prefer", "require")
    assert kex(policy, "w", day=date(2027, 1, 1)).stage == "prefer"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"replace: [kex-tls]": "replace: [kex-tsl]"}, "no rule is called kex-tsl; did you mean kex-tls"),
        ({"replace: [kex-tls]": "replace: [kex-tls, cipher-tls]"}, "replaces cipher-tls and puts no rule on cipher in its place"),
        ({"zone: enclave": "zone: enclaev"}, "no zone is called enclaev"),
        ({"match: {zone: enclave}": "match: {}"}, "names no scope"),
        ({"with: nss.yml, ": ""}, "needs either with or rules"),
        ({"with: nss.yml": "with: gone.yml"}, "p.yml:7: cannot read 'gone.yml'"),
        ({"approver: ciso, ": ""}, "'approver' is a required property"),
    ],
)
def test_an_override_that_cannot_hold_is_refused(changes: dict[str, str], what: str) -> None:
    text = OVERRIDE
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(PolicyError) as error:
        of(TRANSITION + ZONES + text, others={"nss.yml": NSS})
    assert what in str(error.value)


def test_a_policy_that_is_extended_cannot_loosen_the_one_that_extends_it() -> None:
    base = HEAD + ZONES + RULES + rule(id="weak", allow="{status: current}")
    base += "overrides:\n  - {id: sly, match: {zone: web}, replace: [own], reason: r, approver: a, rules: [{id: any, aspect: key_exchange, allow: {status: current}, source: {doc: x, force: draft}}]}\n"
    with pytest.raises(PolicyError, match="override sly may not replace own"):
        of(HEAD + "extends: [b.yml]\n" + RULES + rule(id="own"), others={"b.yml": base})


# ---------------------------------------------------------------- zones, people, peers


def test_owner_and_approver_are_named_by_aspect() -> None:
    policy = of(
        HEAD
        + "zones:\n  z: {groups: [g], owner: {default: net, certificate: pki}, approver: ciso, exposure: public, data_lifetime: 7y, flows: [backup]}\n"
    )
    assert (owner_of(policy, "h", ["g"]), owner_of(policy, "h", ["g"], "certificate"), owner_of(policy, "h", [])) == ("net", "pki", "")
    assert approver_of(policy, "h", ["g"], "cipher") == "ciso"
    assert (policy.zones["z"].data_lifetime, policy.zones["z"].flows) == (7, ("backup",))


def test_a_zone_is_defined_once_so_that_nobody_drops_its_regimes_in_silence() -> None:
    with pytest.raises(PolicyError, match=r"zone enclave is also defined at b.yml:3"):
        of(HEAD + "extends: [b.yml]\nzones: {enclave: {groups: [e]}}\n", others={"b.yml": HEAD + ZONES})


def test_the_register_of_peers_is_kept() -> None:
    text = "zones: {b2b: {groups: [b2b]}}\npeers: {acme: {kind: partner, contact: noc@acme.example, zone: b2b, promised: 2027-06-30, evidence: ticket 7}}\n"
    peer = of(HEAD + text).peers["acme"]
    assert (peer.kind, peer.promised, peer.zone, peer.done) == ("partner", "2027-06-30", "b2b", False)
    with pytest.raises(PolicyError, match="no zone is called b2c"):
        of(HEAD + text.replace("zone: b2b", "zone: b2c"))


# ---------------------------------------------------------------- the life of an algorithm


def living(entry: str) -> Policy:
    return of(TRANSITION + f"algorithms: {{{entry}}}\n")


def test_a_whole_life_in_one_line() -> None:
    policy = living(
        "X25519MLKEM768: {state: candidate, from: 2026-01-01, approve: 2027-01-01, prefer: 2028-01-01, deprecate: 2034-01-01, retire: 2036-01-01}"
    )
    days = {2026: "fallback", 2027: "allowed", 2028: "allowed", 2034: "deprecated", 2036: "retired"}
    assert {year: judge(kex(policy), X25519MLKEM768, date(year, 1, 1)).kind for year in days} == days


def test_a_candidate_is_tolerated_and_never_added() -> None:
    assert "X25519MLKEM768" not in allowed(kex(living("X25519MLKEM768: {state: candidate, from: 2026-01-01}")))


def test_preferred_comes_first_among_what_is_allowed_and_allows_nothing() -> None:
    policy = living("SecP384r1MLKEM1024: {state: preferred, from: 2026-01-01}, secp521r1: {state: preferred, from: 2026-01-01}")
    rows = [known("tls", "key_exchange", name) for name in ("X25519MLKEM768", "SecP384r1MLKEM1024", "secp521r1", "X25519")]
    assert [a.id for a in rank(kex(policy), rows, TODAY)[0]] == ["SecP384r1MLKEM1024", "X25519MLKEM768", "secp521r1", "x25519"]


def test_no_part_can_lift_a_state_that_another_part_gives() -> None:
    base = TRANSITION + "algorithms: {X25519MLKEM768: {state: deprecated, from: 2026-01-01}}\n"
    for state in ("candidate", "approved", "preferred"):
        policy = of(HEAD + f"extends: [b.yml]\nalgorithms: {{X25519MLKEM768: {{state: {state}, from: 2026-02-01}}}}\n", others={"b.yml": base})
        assert judge(kex(policy), X25519MLKEM768, TODAY).kind == "deprecated"


def test_one_line_retires_a_part_in_every_protocol() -> None:
    policy = living("sntrup761: {state: retired, from: 2026-01-01, hybrids: any}")
    gone = {(a.protocol, a.id) for a in ALL if "sntrup761" in a.parts}
    assert gone
    for protocol, id_ in gone:
        assert judge(kex(policy, protocol=protocol), known(protocol, "key_exchange", id_), TODAY).kind == "retired"


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("sntrup761: {state: retired, from: 2026-01-01}", "say hybrids: any"),
        ("sntrup761x: {state: retired, from: 2026-01-01, hybrids: any}", "no algorithm has the part sntrup761x"),
        ("X25519: {state: preferred, from: 2026-01-01, approve: 2027-01-01}", "a life goes candidate"),
        ("X25519: {state: deprecated, from: 2026-01-01, retire: 2025-01-01}", "a life goes candidate"),
        ("X25519: {state: retired, from: 2026-01-01, broken: true}", "broken needs a retirement and an approver"),
        ("X25519: {state: deprecated, from: 2026-01-01, broken: true, approver: ciso}", "broken needs a retirement"),
        ("X25519: {state: gone, from: 2026-01-01}", "'gone' is not one of"),
    ],
)
def test_a_life_that_cannot_be_is_refused(entry: str, what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:3") as error:
        living(entry)
    assert what in str(error.value)


# ---------------------------------------------------------------- rules: parts, dates, facts, what follows


def test_a_rule_on_parts_names_its_quantifier() -> None:
    anyone = of(HEAD + RULES + rule(allow="{parts: {any: [ML-KEM-1024]}}"))
    everyone = of(HEAD + RULES + rule(allow="{parts: {all: [ML-KEM-1024]}}"))
    assert "SecP384r1MLKEM1024" in allowed(kex(anyone))
    assert all(set(a.parts or (a.id,)) <= {"ML-KEM-1024", a.id} for a in ALL if a.id in allowed(kex(everyone)))
    assert "SecP384r1MLKEM1024" not in allowed(kex(everyone))
    with pytest.raises(PolicyError, match="no algorithm has the part ML-KEM-1025"):
        of(HEAD + RULES + rule(allow="{parts: {any: [ML-KEM-1025]}}"))


@pytest.mark.parametrize(("day", "kind"), [(date(2028, 12, 31), "allowed"), (date(2029, 1, 1), "deprecated"), (date(2031, 1, 1), "forbidden")])
def test_two_dates_that_end_the_same_thing(day: date, kind: str) -> None:
    policy = of(HEAD + RULES + rule(allow="{status: current}", deprecated_after="{X25519: 2028-12-31}", disallowed_after="{X25519: 2030-12-31}"))
    assert judge(kex(policy), X25519, day).kind == kind


def test_quantum_safe_key_exchange_at_require_leaves_tls13_only_under_a_rule_of_its_own() -> None:
    policy = of(TRANSITION + "stages: [{aspect: key_exchange, stage: require, from: 2029-01-01}]\n")
    before, first = date(2028, 12, 31), date(2029, 1, 1)
    during = resolve(policy, Target("h", (), "tls"), before)["version"]
    after = resolve(policy, Target("h", (), "tls"), first)["version"]
    tls12 = known("tls", "version", "TLSv1.2")
    assert judge(during, tls12, before).kind == "allowed", "the classical fallback is tolerated until require begins"
    assert (judge(after, tls12, first).kind, after.stage) == ("forbidden", "require")
    assert "pq-implies-tls13" in [r.id for r in after.rules]


FACTS = HEAD + RULES + rule(id="cert", aspect="certificate", allow=None, require='{key: [ECDSA-P256+, RSA-3072+, ML-DSA-65+], lifetime: "<=100d"}')


@pytest.mark.parametrize(
    ("key", "lifetime", "state"),
    [
        ("ECDSA-P384", None, "unknown"),
        ("ECDSA-P384", 100, "compliant"),
        ("ECDSA-P384", 101, "forbidden"),
        ("RSA-2048", 90, "forbidden"),
        ("ML-DSA-65", None, "unknown"),
        ("ED25519", None, "forbidden"),
    ],
)
def test_certificates_are_judged_by_facts_and_what_nobody_read_is_unknown(key: str, lifetime: int | None, state: str) -> None:
    one = endpoint()
    certified = replace(one, certificates=(Certificate("/etc/c.pem", key=key, lifetime=lifetime),))
    (finding,) = assess((certified,), lambda e: resolve(of(FACTS), Target("h", (), "tls"), TODAY), TODAY)
    assert (finding.state, finding.origin) == (state, "/etc/c.pem")


def test_what_a_back_end_does_not_show_is_unknown_by_name_never_a_pass() -> None:
    policy = of(HEAD + RULES + rule(id="early", aspect="session", allow=None, require="{early_data: never}"))
    (finding,) = assess((endpoint(),), lambda e: resolve(policy, Target("h", (), "tls"), TODAY), TODAY)
    assert finding.state == "unknown"
    assert "nginx shows nothing of its session" in finding.message


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"aspect": "session"}, "session has no algorithms to allow"),
        ({"require": "{x: y}"}, "key_exchange needs allow"),
        ({"allow": None}, "key_exchange needs allow"),
        ({"fallback": "{until: 2030-01-01}"}, "fallback says until when, but not what"),
        ({"verified": "2026-02-30"}, "2026-02-30 is no date"),
    ],
)
def test_a_rule_says_what_its_aspect_can_hold(changes: dict[str, str | None], what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:3") as error:
        of(HEAD + RULES + rule(**changes))
    assert what in str(error.value)


# ---------------------------------------------------------------- windows and freezes


@pytest.mark.parametrize(
    "text", ["FREQ=WEEKLY;BYDAY=TU;BYHOUR=1", "FREQ=MONTHLY;BYDAY=-1SU,1SA;BYHOUR=2;BYMINUTE=30", "FREQ=DAILY;INTERVAL=2;UNTIL=20271231T000000Z"]
)
def test_recurrence_rules_are_taken(text: str) -> None:
    assert rrule_flaw(text) == ""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("BYDAY=TU", "FREQ is missing"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY cannot be XX"),
        ("FREQ=WEEKLY;BYHOUR=24", "BYHOUR cannot be 24"),
        ("FREQ=WEEKLY;BYDAY=1TU", "FREQ must be MONTHLY or YEARLY"),
        ("FREQ=WEEKLY;FREQ=DAILY", "stands twice"),
        ("FREQ=SECONDLY", "FREQ cannot be SECONDLY"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=20271399", "UNTIL cannot be"),
        ("every tuesday", "is no part of a recurrence rule"),
        ("FREQ=DAILY;", "an empty part"),
        ("FREQ=DAILY;BYHOUR=٣", "BYHOUR cannot be"),
    ],
)
def test_other_recurrence_rules_are_refused_with_the_part(text: str, what: str) -> None:
    assert what in rrule_flaw(text)


def test_windows_and_freezes_are_kept_with_their_time_zone() -> None:
    policy = of(
        'policy: {name: t, version: "1", timezone: Europe/Berlin}\n'
        + ZONES
        + "windows: [{id: w, zone: web, rrule: FREQ=DAILY, duration: 2h, reserve: 30m}]\n"
        "freezes: [{id: f, from: 2026-12-18T00:00, to: 2027-01-04T06:00, timezone: UTC}]\n"
    )
    assert (policy.windows[0].duration, policy.windows[0].reserve, policy.windows[0].timezone) == (120, 30, "Europe/Berlin")
    assert policy.freezes[0].timezone == "UTC"
    assert minutes("1d") == 1440


@pytest.mark.parametrize("span", ["90m", "2h", "1d", "90d", "99999d", "99999h", "99999m"])
def test_a_span_is_spelled_so_that_the_schema_takes_it_again(span: str) -> None:
    """ "90d" used to become "129600m" in a resolved policy, which is a digit too long."""
    text = spelled(minutes(span))
    assert minutes(text) == minutes(span) and len(text) <= 6


def test_the_example_survives_its_dump() -> None:
    policy = of((TOP / "policies/enterprise.yml").read_text(encoding="utf-8"))
    assert of(dump(policy)).digest == policy.digest


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("windows: [{id: w, rrule: FREQ=NEVER, duration: 2h}]", "window w: FREQ cannot be NEVER"),
        ("windows: [{id: w, rrule: FREQ=DAILY, duration: 2h, reserve: 3h}]", "leaves no time"),
        ("windows: [{id: w, rrule: FREQ=DAILY, duration: soon}]", "has not the form"),
        ("windows: [{id: w, rrule: FREQ=DAILY, duration: 2h, timezone: Mars/Base}]", "no time zone is called Mars/Base"),
        ("windows: [{id: w, zone: nowhere, rrule: FREQ=DAILY, duration: 2h}]", "no zone is called nowhere"),
        ("freezes: [{id: f, from: 2027-01-01T00:00, to: 2026-01-01T00:00}]", "ends before it begins"),
        ("freezes: [{id: f, from: 2027-02-30T00:00, to: 2027-03-01T00:00}]", "is no moment"),
    ],
)
def test_a_window_that_could_never_open_is_refused(text: str, what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:2") as error:
        of(HEAD + text + "\n")
    assert what in str(error.value)


@pytest.mark.parametrize("zone", ["../../../etc/passwd", "/etc/passwd", "Nowhere", ""])
def test_a_time_zone_is_a_name_not_a_path(zone: str) -> None:
    with pytest.raises(PolicyError, match="no time zone is called"):
        of(f'policy: {{name: t, version: "1", timezone: "{zone}"}}\n')


# ---------------------------------------------------------------- the dump

FULL = (
    TRANSITION
    + ZONES
    + "  z: {hosts: [h], owner: {default: a, cipher: b}, approver: c, exposure: public, data_lifetime: 7y, pki: private, jurisdiction: [de], flows: [api]}\n"
    + OVERRIDE
    + "algorithms:\n  sntrup761: {state: deprecated, from: 2028-01-01, retire: 2030-01-01, hybrids: any, broken: true, approver: ciso, reason: 'no: yes'}\n"
    + "  X25519MLKEM768: [{state: preferred, from: 2026-01-01}, {state: approved, from: 2026-01-01, deprecate: 2035-01-01, regimes: [nss]}]\n"
    + "regimes: {nss: {groups: [n], hosts: [till-1]}}\n"
    + "peers: {acme: {kind: vendor, contact: x, hosts: [h], promised: 2027-01-01, done: true}}\n"
    + "windows: [{id: w, zone: web, rrule: FREQ=DAILY, duration: 2h, reserve: 30m}]\nfreezes: [{id: f, from: 2026-12-18T00:00, to: 2027-01-04T06:00}]\n"
    + "exceptions:\n"
    + exception(compensating="{gateway: 'gw:8443', verify: [reachable]}", permits="[X25519]")
    + RULES
    + rule(
        id="own",
        fallback="{construction: classical, until: 2030-12-31}",
        order="[{name: [P-256]}, {share: asc}]",
        deprecated_after="{X25519: 2028-01-01}",
    )
    + rule(id="s", aspect="session", allow=None, require="{early_data: never}")
    + rule(
        id="c",
        aspect="certificate",
        allow=None,
        require="{key: [ECDSA-P256+]}",
        pki="{public: [classical, hybrid], private: any}",
        unless="{key_exchange: hybrid}",
    )
)


@pytest.mark.parametrize("text", [FULL, TRANSITION, HEAD], ids=["everything", "baseline", "nothing"])
def test_a_dump_recompiles_to_itself(text: str) -> None:
    policy = of(text, others={"nss.yml": NSS})
    again = of(dump(policy))
    assert again.digest == policy.digest
    assert dump(again) == dump(policy)


@pytest.mark.parametrize("name", baselines())
def test_every_baseline_survives_its_dump(name: str) -> None:
    policy = load(name, lambda path: "")
    assert of(dump(policy)).digest == policy.digest
