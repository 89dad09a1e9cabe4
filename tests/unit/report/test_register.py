"""What an audit needed of the exceptions and overrides of its policy: what nothing needs is told at the end of the run, not only when asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.plain import to_plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import closing

from ..policy.texts import HEAD, RULES, exception, of, rule
from .results_of import folder, tls


def override(id_: str, zone: str, replaced: str) -> str:
    own = f"{{id: {id_}-rule, aspect: version, allow: {{name: [TLSv1.2, TLSv1.3]}}, source: {{doc: x, force: draft}}}}"
    return f"  - {{id: {id_}, match: {{zone: {zone}}}, replace: [{replaced}], reason: x, approver: ciso, rules: [{own}]}}\n"


POLICY = (
    HEAD
    + "zones: {web: {groups: [web]}, far: {groups: [far]}}\n"
    + RULES
    + rule(id="v", match="{protocol: tls}", aspect="version", allow="{name: [TLSv1.3]}")
    + rule(id="kex-tls")
    + "overrides:\n"
    + override("here", "web", "v")
    + override("elsewhere", "far", "v")
    + "exceptions:\n"
    + exception(id="NEEDED", match="{host: h, rule: kex-tls}")
    + exception(id="IDLE", match="{group: web, rule: kex-tls}")
    + exception(id="FAR", match="{zone: far, rule: kex-tls}")
    + exception(id="LATE", match="{host: h, rule: kex-tls}", expires="2026-01-01")
    + exception(id="SOON", match="{host: h, rule: kex-tls}", **{"from": "2027-01-01"})
)


def audited(out: Path, policy: Policy, *results: HostResult) -> None:
    (out / "policy-a-b.json").write_text(json.dumps(to_plain(policy)), encoding="utf-8")
    for result in results:
        said = {"name": policy.name, "version": policy.version, "digest": policy.digest}
        write_host(out, replace(result, policy=said, as_of="2026-11-26", target={"groups": "web"}))


def needing(ids: str) -> HostResult:
    result = tls(("X25519",), state="excepted")
    return replace(result, findings=tuple({**finding, "exception": ids} for finding in result.findings))


def test_an_audit_says_which_exceptions_and_overrides_nothing_needed(tmp_path: Path) -> None:
    out = folder(tmp_path)
    audited(out, of(POLICY), needing("NEEDED"))
    summary = rebuild(out)[0]
    assert summary["exceptions"] == {"expired": ["LATE"], "unused": ["IDLE"], "pending": ["SOON"], "used": ["NEEDED"], "unseen": ["FAR"]}
    assert summary["overrides"] == {"used": ["here"], "unused": [], "unseen": ["elsewhere"]}
    last = closing(summary, "out")
    assert "UNUSED        exception IDLE: no finding of this run needs it; take it out" in last
    assert "EXPIRED       exception LATE" in last
    assert not [text for text in ("NEEDED", "FAR", "elsewhere") if text in last]


def test_an_override_that_replaces_nothing_where_it_applies_is_unused(tmp_path: Path) -> None:
    out = folder(tmp_path)
    regime = POLICY.replace("id: v\n", "id: v\n    regimes: [nss]\n")
    audited(out, of(regime), needing("NEEDED"))
    summary = rebuild(out)[0]
    assert summary["overrides"] == {"used": [], "unused": ["here"], "unseen": ["elsewhere"]}
    assert "UNUSED        override here: it replaces nothing on any host of this run; take it out" in closing(summary, "out")


def test_a_folder_whose_policy_is_gone_or_another_still_has_its_summary(tmp_path: Path) -> None:
    out = folder(tmp_path)
    audited(out, of(POLICY), needing("NEEDED"))
    (out / "policy-a-b.json").write_text("{", encoding="utf-8")
    summary = rebuild(out)[0]
    assert (summary["exceptions"], summary["overrides"], summary["hosts"]) == ({}, {}, 1)
    (out / "policy-a-b.json").write_text(json.dumps(to_plain(of(HEAD))), encoding="utf-8")
    assert rebuild(out)[0]["exceptions"] == {}
