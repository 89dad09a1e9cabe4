"""What a run tells of certificates and keys: one row a file, one key on two hosts, nothing that a terminal or a spreadsheet would obey."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.held import Inventory, Item, Key, SshList
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Certificate
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding, Origin, Setting, Source
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.plain import to_plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.credentials import closing_lines, look_at
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain, write_host

from ..policy.texts import HEAD, RULES, exception, of
from .results_of import folder

LEAF = Certificate("/etc/a.crt", "CN==1+1", "CN=root", "ECDSA-P256", not_after="2026-12-24", more=("issued=2026-11-01", "pki=private"))


def item(path: str, **how: Any) -> Item:
    return Item(path, 1, "root", "root", "0600", "ab" * 32, **{"kinds": ("key",), **how})


def held(host: str, *items: Item, ssh: tuple[SshList, ...] = (), notes: tuple[str, ...] = ()) -> HostResult:
    return HostResult(host, "certificates", "ok", credentials=plain(Inventory(items, ssh, notes=notes)))


def key(public: str, kind: str = "ECDSA-P256") -> Key:
    return Key(kind, False, public, "PEM")


def test_one_key_on_two_hosts_is_told_and_twice_on_one_is_not(tmp_path: Path) -> None:
    out = folder(tmp_path)
    for result in (held("a", item("/x", key=key("11")), item("/y", key=key("22")), item("/z", key=key("22"))), held("b", item("/w", key=key("11")))):
        write_host(out, result)
    summary = rebuild(out)[0]
    assert summary["credentials"]["shared_keys"] == [{"public": "11", "kind": "ECDSA-P256", "places": ["a:/x", "b:/w"]}]
    assert closing_lines(summary)[0] == "SHARED KEY    ECDSA-P256 11: a:/x, b:/w"


def test_the_table_of_files_is_a_table_for_any_spreadsheet(tmp_path: Path) -> None:
    out = folder(tmp_path)
    write_host(
        out, held("a", item("/etc/a.crt", kinds=("certificate",), certificates=(LEAF,), count=1), item("=cmd|' /C calc'!A0\udce4", key=key("")))
    )
    assert rebuild(out)[2] and not rebuild(out)[2], "made again it is the same"
    rows = list(csv.DictReader(io.StringIO((out / "certificates.csv").read_text(encoding="utf-8"))))
    assert tuple(rows[0][name] for name in ("key", "quantum_safe", "ends", "pki")) == ("ECDSA-P256", "no", "2026-12-24", "private")
    assert rows[1]["path"].startswith("'=cmd")


def test_a_run_that_did_not_look_for_them_says_nothing_of_them(tmp_path: Path) -> None:
    out = folder(tmp_path)
    write_host(out, HostResult("a", "audit", "ok"))
    summary, results, dummy = rebuild(out)
    assert "credentials" not in summary and closing_lines(summary) == [] and look_at(results, 120) == ""
    assert not (out / "certificates.csv").exists()


def test_what_belongs_to_nothing_and_what_is_weak_is_shown_in_one_line_each() -> None:
    weak = SshList("/root/.ssh/authorized_keys", "authorized_keys", "root", "0600", {"ssh-rsa": 1}, weak=("ssh-rsa SHA256:x (1024 bits)",))
    result = held(
        "a", item("/etc/lost\n\x1b[2J.key", key=key("11"), roles=("orphan-key",)), item("/etc/fine.key", key=key("2")), ssh=(weak,), notes=("3 more",)
    )
    lines = look_at([result], 160).splitlines()
    assert len(lines) == 4 and "orphan-key" in lines[1] and "\x1b" not in lines[1]
    assert "weak: ssh-rsa SHA256:x (1024 bits)" in lines[2] and "3 more" in lines[3]


def test_the_summary_counts_and_names_the_day_on_which_the_first_ends(tmp_path: Path) -> None:
    out = folder(tmp_path)
    pq = item("/q", key=key("3", "ML-DSA-65"), roles=("locked",))
    write_host(out, held("a", item("/etc/a.crt", kinds=("certificate",), certificates=(LEAF,), count=1), pq))
    told = json.loads((out / "summary.json").read_text())["credentials"] if rebuild(out) else {}
    assert (told["certificates"], told["private_keys"], told["quantum_safe_keys"], told["first_end"]) == (1, 1, 1, "2026-12-24")
    assert closing_lines({"credentials": told}) == ["certificates: 1, private keys: 1, 1 locked; the first ends on 2026-12-24"]


STATED = "  - {{id: {id}, match: {{protocol: tls}}, aspect: private_key, require: {what}, source: {{doc: x, force: draft}}}}\n"
ALONE = HEAD + RULES + STATED.format(id="alone", what='{hosts: "<=1"}') + STATED.format(id="pem", what="{form: PEM}")
EXCUSED = ALONE + "exceptions:\n" + exception(id="PAIR", match="{host: b, rule: alone}")


def judged(tmp_path: Path, text: str, *results: HostResult) -> dict[str, list[dict[str, Any]]]:
    """Host → what a rebuild adds to its findings."""
    out, policy = folder(tmp_path), of(text)
    (out / "policy-a-b.json").write_text(json.dumps(to_plain(policy)), encoding="utf-8")
    for result in results:
        write_host(out, replace(result, policy={"digest": policy.digest}, as_of="2026-11-27", findings=(plain(FOUND),)))
    summary, seen, dummy = rebuild(out)
    assert summary["unreadable"] == []
    assert sum(summary["findings"]["by_state"].values()) == sum(len(result.findings) for result in seen)
    return {result.host: list(result.findings[1:]) for result in seen}


FOUND = Finding("/x", "files", "tls", "certificate", "valid", "compliant", "none", "require", "", "/x", "effective", Source("x"))
TWO = (held("a", item("/x", key=key("11")), item("/y", key=key("22"))), held("b", item("/w", key=key("11"))))


def test_a_key_on_two_hosts_is_a_finding_on_both_where_the_policy_wants_it_on_one(tmp_path: Path) -> None:
    found = judged(tmp_path, ALONE, *TWO)
    assert [(f["endpoint"], f["state"], f["rule"], f["actual"]) for f in found["a"]] == [("/x", "forbidden", "alone", ("hosts=2",))]
    assert found["b"][0]["message"] == "/w: hosts is 2, not <=1 (alone); also on a"


def test_an_exception_answers_for_a_shared_key_and_counts_as_used(tmp_path: Path) -> None:
    found = judged(tmp_path, EXCUSED, *TWO)
    assert (found["a"][0]["state"], found["b"][0]["state"], found["b"][0]["exception"]) == ("forbidden", "excepted", "PAIR")


def test_a_policy_that_does_not_ask_adds_nothing(tmp_path: Path) -> None:
    assert judged(tmp_path, ALONE.replace('{hosts: "<=1"}', '{key: ["RSA-2048+"]}'), *TWO) == {"a": [], "b": []}


def test_a_host_alone_says_nothing_of_other_hosts() -> None:
    policy = of(ALONE)
    endpoint = Endpoint("/x", "files", "tls", "x509", (), "", {"private_key": Setting(("form=PEM",), Origin("/x"))}, {})
    (found,) = assess((endpoint,), lambda e: resolve(policy, target_of("a", (), e), date(2026, 11, 27)), date(2026, 11, 27))
    assert (found.state, found.message, found.wanted) == ("compliant", "", ("form=PEM",))
