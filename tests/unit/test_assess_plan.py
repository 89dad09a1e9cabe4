"""From captured hosts to findings and plans: what is said, what is written, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Finding, Origin, Plan, Setting, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.peers import effect
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import Lockout, diff, make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.reach import Client, unreachable_after
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import plain, plan_from
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from .conftest import HOSTS, TODAY, captured, files_of, policy_of, requirements, with_files

TRANSITION, REQUIRED = "hybrid-transition@1", "hybrid-required@1"


def endpoints(snapshot: Snapshot):
    return tuple(e for service in SERVICES.values() for e in service.read(snapshot))


def findings(host: str, policy: str = TRANSITION, snapshot: Snapshot | None = None) -> dict[tuple[str, str], Finding]:
    found = assess(endpoints(snapshot or captured(host)), lambda e: requirements(policy_of(policy), e.protocol), TODAY)
    return {(f.endpoint, f.aspect): f for f in found}


def plan(snapshot: Snapshot, policy: Policy | str = TRANSITION, client: Client | None = None) -> Plan:
    rules = policy_of(policy) if isinstance(policy, str) else policy
    found = endpoints(snapshot)
    return make_plan(snapshot, SERVICES, found, {e.id: requirements(rules, e.protocol) for e in found}, rules.digest, TODAY, lambda: client)


def applied(snapshot: Snapshot, what: Plan) -> Snapshot:
    """The host as it would be: files changed, and `sshd -T` saying what its files say."""
    texts = {}
    said = snapshot.answers["sshd-T"].out
    for change in what.changes:
        before = next((f.text or "" for f in snapshot.files.values() if change.path in (f.path, f.real)), "")
        after = lines.apply(before, change.edits)
        texts |= {f.path: after for f in snapshot.files.values() if f.real == change.path} or {change.path: after}
        for line in (line for edit in change.edits for line in edit.insert):
            word, _, value = line.replace("=", " ").strip().partition(" ")
            said = "\n".join(f"{word.lower()} {value.strip()}" if s.startswith(word.lower() + " ") else s for s in said.splitlines())
    return with_files(replace(snapshot, answers={**snapshot.answers, "sshd-T": Answer((), 0, said)}), **texts)


def test_a_finding_can_be_traced() -> None:
    found = findings("web-new")["nginx *:443", "key_exchange"]
    assert (found.state, found.origin, found.evidence) == ("missing", "/etc/nginx/sites-enabled/site:10", "effective")
    assert found.source.doc == "EO 14412"
    assert found.deadline == "2030-12-31"


def test_what_a_library_lacks_is_unsatisfiable_under_require_and_says_the_way_out() -> None:
    found = findings("web-old", REQUIRED)["nginx *:443", "key_exchange"]
    assert found.state == "unsatisfiable"
    assert "OpenSSL 3.0.22 has none" in found.message
    assert "OpenSSL ≥ 3.5" in found.remedy


def test_what_prefer_keeps_although_it_is_forbidden_is_no_reason_to_write() -> None:
    """nginx before 1.27.3 has TLS 1.0 and 1.1 by default: reported, kept at stage prefer, and planned once at most."""
    snapshot = captured("web-old")
    site = (snapshot.files["/etc/nginx/sites-enabled/site"].text or "").replace("TLSv1.2 TLSv1.3", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3")
    weak = with_files(snapshot, **{"/etc/nginx/sites-enabled/site": site})
    assert findings("", TRANSITION, weak)["nginx *:443", "version"].state == "forbidden"
    assert not any("version" in reason for reason in plan(weak).reasons)


def test_what_a_library_lacks_is_missing_under_prefer_with_the_same_reason() -> None:
    found = findings("web-old")["nginx *:443", "key_exchange"]
    assert (found.state, "OpenSSL ≥ 3.5" in found.remedy) == ("missing", True)


def test_an_unknown_capability_is_unknown_and_nothing_is_planned() -> None:
    snapshot = captured("web-new")
    blind = replace(snapshot, answers={k: v for k, v in snapshot.answers.items() if k not in ("groups", "hybrid", "ssh-Q-kex")})
    assert findings("", TRANSITION, blind)["nginx *:443", "key_exchange"].state == "unknown"
    assert plan(blind).changes == ()


def test_what_is_forbidden_is_forbidden_whatever_the_binary_can() -> None:
    """Offline nobody can be asked; what is configured is there all the same."""
    texts = {
        "/etc/ssh/sshd_config": "Ciphers 3des-cbc\nKexAlgorithms diffie-hellman-group1-sha1\n",
        "/etc/nginx/nginx.conf": "http { server { listen 443 ssl; ssl_protocols TLSv1; ssl_ciphers DES-CBC3-SHA; } }\n",
    }
    found = findings("", "mozilla-intermediate@1", files_of(texts))
    states = {(f.endpoint, f.aspect): f.state for f in found.values()} | {
        (f.endpoint, f.aspect): f.state for f in findings("", "bsi-tr-02102@1", files_of(texts)).values() if f.protocol == "ssh"
    }
    assert states["nginx *:443", "version"] == "forbidden"
    assert states["nginx *:443", "cipher"] == "forbidden"
    assert states["sshd", "cipher"] == "forbidden"
    assert plan(files_of(texts), "mozilla-intermediate@1").changes == ()


def test_an_old_openssh_still_gets_sntrup() -> None:
    (reason,) = [r for r in plan(captured("web-old")).reasons if r.startswith("sshd: key_exchange")]
    assert "sntrup761x25519-sha512@openssh.com" in reason
    assert "mlkem" not in reason


def test_a_flat_list_is_not_a_preference() -> None:
    snapshot = captured("web-new")
    site = (snapshot.files["/etc/nginx/sites-enabled/site"].text or "").replace("X25519:prime256v1", "X25519MLKEM768:X25519")
    found = findings("", TRANSITION, with_files(snapshot, **{"/etc/nginx/sites-enabled/site": site}))["nginx *:443", "key_exchange"]
    assert found.state == "missing"
    assert "flat list" in found.message


def test_a_hybrid_group_without_tls13_is_missing() -> None:
    snapshot = captured("web-new")
    site = (
        (snapshot.files["/etc/nginx/sites-enabled/site"].text or "")
        .replace("X25519:prime256v1", "X25519MLKEM768")
        .replace("TLSv1.2 TLSv1.3", "TLSv1.2")
    )
    assert (
        "TLS 1.3 is off"
        in findings("", TRANSITION, with_files(snapshot, **{"/etc/nginx/sites-enabled/site": site}))["nginx *:443", "key_exchange"].message
    )


def test_prefer_takes_nothing_from_anybody(host: str) -> None:
    found = plan(captured(host))
    assert not any("removes" in reason for reason in found.reasons)
    assert not any(probe.forbid for probe in found.probes)
    assert not found.tightens_ssh


@pytest.mark.parametrize("policy", [TRANSITION, REQUIRED])
def test_planning_again_after_the_change_plans_nothing(host: str, policy: str) -> None:
    snapshot = captured(host)
    first = plan(snapshot, policy)
    again = plan(applied(snapshot, first), policy)
    assert again.changes == (), again.reasons


def test_require_removes_the_old_and_probes_that_it_is_refused() -> None:
    found = plan(captured("web-new"), REQUIRED)
    assert found.tightens_ssh
    probe = next(p for p in found.probes if p.kind == "tls")
    assert probe.expect[0] == "X25519MLKEM768"
    assert set(probe.forbid) == {"X25519", "prime256v1"}
    text = "".join(line for c in found.changes for e in c.edits for line in e.insert)
    assert "ssl_protocols TLSv1.3;" in text


def test_a_preference_that_is_written_is_to_be_proved_as_one() -> None:
    strict = {probe.endpoint: probe.strict for probe in plan(captured("web-new")).probes}
    assert strict == {"sshd": False, "nginx *:443": True}
    assert not any(probe.strict for probe in plan(captured("web-new"), REQUIRED).probes), "what is alone needs no preference"


def test_a_policy_that_would_drop_sntrup_is_a_regression_for_old_clients() -> None:
    snapshot = applied(captured("web-new"), plan(captured("web-new")))
    strict = load("p", lambda _: STRICT)
    found = plan(snapshot, strict)
    assert not any("key_exchange" in reason for reason in found.reasons)
    assert any("OpenSSH 9.0–9.8 clients" in text for text in found.warnings)


STRICT = """policy: {name: t, version: "1"}
rules:
  - id: only-mlkem
    match: {protocol: ssh}
    aspect: key_exchange
    allow: {name: [mlkem768x25519-sha256]}
    source: {doc: x, force: requirement}
    verified: 2026-11-23
stages: [{stage: require}]
"""


def test_a_change_that_the_controllers_client_cannot_speak_is_refused() -> None:
    old = Client({"key_exchange": ("curve25519-sha256",), "cipher": ("aes256-gcm@openssh.com",), "mac": ("hmac-sha2-256-etm@openssh.com",)})
    with pytest.raises(Lockout, match="could no longer log in"):
        plan(captured("web-new"), REQUIRED, old)
    assert plan(captured("web-new"), TRANSITION, old).changes


def test_a_client_of_which_nothing_is_known_may_gain_algorithms_but_not_lose_one() -> None:
    libssh = Client({}, name="the libssh connection")
    assert plan(captured("web-new"), TRANSITION, libssh).changes
    with pytest.raises(Lockout, match="what the libssh connection offers is unknown"):
        plan(captured("web-new"), REQUIRED, libssh)


@pytest.mark.parametrize(
    ("aspect", "names", "client", "what"),
    [
        ("host_key", ("rsa-sha2-512",), Client({"host_key": ("ssh-ed25519", "rsa-sha2-512")}, pinned=("ssh-ed25519",)), "known_hosts pins"),
        ("host_key", ("ssh-ed25519",), Client({"host_key": ("ssh-ed25519",)}, pinned=None), "show none of this host"),
        ("user_key", ("ssh-ed25519",), Client({"user_key": ("ssh-ed25519", "rsa-sha2-512")}, user_keys=("ssh-rsa",)), "the controller's key"),
        ("cipher", ("aes256-ctr",), Client({}), "unknown"),
    ],
)
def test_pinned_host_keys_and_the_controllers_own_key_count(aspect: str, names: tuple[str, ...], client: Client, what: str) -> None:
    (reason,) = unreachable_after(client, {"sshd": {aspect: Wanted(names)}})
    assert what in reason


def test_a_plan_holds_what_it_expects_and_survives_its_saved_form(host: str) -> None:
    snapshot = captured(host)
    found = plan(snapshot)
    assert plan_from({**plain(found), "diff": []}) == found
    for change in found.changes:
        assert change.sha256 in {f.sha256 for f in snapshot.files.values()} | {""}
    shown = "".join(d["after"] for d in diff(snapshot, found.changes))
    assert all(line in shown for c in found.changes for e in c.edits for line in e.insert)


def test_peers_negotiate_as_their_protocol_does() -> None:
    flat = Setting(("X25519MLKEM768", "X25519"), Origin("x"), tiers=(0, 0))
    change = effect("tls", flat, ("X25519MLKEM768", "X25519"), (0, 1))
    assert change.gained == ("clients that hold back the hybrid share",)
    gone = effect("ssh", Setting(("curve25519-sha256",), Origin("x")), ("mlkem768x25519-sha256",), (0,))
    assert "OpenSSH 7.4–8.9 clients" in gone.cut_off
    assert "OpenSSH 10 clients" in gone.gained


def test_all_captured_hosts_are_used() -> None:
    assert {f"{name}.json" for name in HOSTS} == {p.name for p in (captured.__globals__["FIXTURES"] / "snapshots").glob("*.json")}
