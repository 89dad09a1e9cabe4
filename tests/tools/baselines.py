"""docs/baselines.md from the shipped baselines: python tests/tools/baselines.py > docs/baselines.md (in the top folder)."""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "collections"))

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import find  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import BASELINES, PolicyError, baselines, load  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy, Rule  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.select import Select  # noqa: E402

DAY = date(2026, 11, 23)
TRUTH = TOP / "tests/unit/policy/truth"
ASKED = (
    ("tls", "version", ("TLSv1.2", "TLSv1.3")),
    ("tls", "key_exchange", ("x25519", "secp256r1", "secp384r1", "ffdhe2048", "ffdhe3072")),
    ("tls", "key_exchange", ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "MLKEM768", "MLKEM1024")),
    ("ssh", "key_exchange", ("curve25519-sha256", "ecdh-sha2-nistp384", "diffie-hellman-group14-sha256")),
    ("ssh", "key_exchange", ("sntrup761x25519-sha512", "mlkem768x25519-sha256", "mlkem1024nistp384-sha384")),
    ("ikev2", "key_exchange", ("x25519", "ecp384", "modp2048", "x25519-ke1_mlkem768", "ecp384-ke1_mlkem1024")),
    ("tls", "cipher", ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")),
    ("ssh", "cipher", ("aes128-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")),
    ("ssh", "mac", ("hmac-sha2-256", "hmac-sha2-512", "umac-128-etm")),
    ("tls", "signature", ("RSA-2048", "RSA-3072", "ECDSA-P256", "ECDSA-P384", "ED25519", "ML-DSA-65", "ML-DSA-87")),
    ("ssh", "host_key", ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "ssh-mldsa44-ed25519@openssh.com")),
)
INTRO = """# Baselines

<!-- Written by tests/tools/baselines.py from the baselines themselves; change those, then run it again. -->

A baseline is what an authority says, as data: `extends: [anssi@1]`. It is read literally, each rule names its document, section and date,
and says when it was verified and how strongly the document words it. Where the language cannot say something, the rule is left out and listed below.

- A baseline of an authority sets no stage, so it reports. When to prefer and when to require is your decision: `stages:` in your own policy.
  Only what is worded as a requirement or a certification is enforced then; for the rest say `policy: {enforce: [recommendation, draft]}`.
- `forbidden` means: not among what the document approves or recommends for this use. BSI says itself that this is no judgement on security.
- `cnsa-2.0` and `pci-dss-4` speak only in zones of their regime (`regimes: [nss]`, `regimes: [pci]`); elsewhere they are not applicable, never a pass.
- Limits of all that you extend hold together, and some contradict each other: CNSA 2.0 wants pure ML-KEM-1024, BSI and ANSSI want hybrids, and
  BSI recommends none for SSH yet. Loading both is an error that names both. Give them zones of their own.
- No baseline takes quantum safety away: where it would, that is the finding `pq-regression` and nothing is changed, whatever the authority says.
  `bsi-tr-02102@1` at stage `require` on an sshd with `mlkem768x25519-sha256` or `sntrup761x25519-sha512` is such a case.
- Where an authority's older edition is here too (`asd-ism@2024-09`, `mozilla-intermediate@5.7`), it has the same rules in the wording of its day.
  What a new edition changes on the hosts of a saved audit: `agility_policy=asd-ism@2024-09`, `agility_compare=asd-ism@1` ([how](policy.md)).
- To write hybrids first and keep what the authority allows, extend `hybrid-transition@1` beside it (not for SSH under BSI).
- A day at the end of a month stands for a document that names only the month.

The facts behind them are in `tests/unit/policy/truth`, written from the documents; the tests hold the one against the other, and
`tests/unit/policy/golden` shows what each baseline would write for OpenSSH 10.0, nginx on OpenSSL 3.5 and nginx on OpenSSL 3.0.
"""


def baseline(name: str) -> Policy:
    zone = "zones: {z: {groups: [g], regimes: [nss, pci]}}\n"
    return load("p.yml", lambda _: f'policy: {{name: t, version: "1"}}\nextends: [{name}]\n{zone}')


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def facts(name: str) -> tuple[int, int]:
    path = TRUTH / f"{name.removesuffix('@1')}.csv"
    if not path.exists():
        return 0, 0
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    return len(rows), sum(row["verified"] == "true" for row in rows)


def comments(name: str) -> list[str]:
    """The sentences at the head of a baseline; one that is wrapped ends with its full stop."""
    text = (BASELINES / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    out = [""]
    for line in text[: next(i for i, line in enumerate(text) if not line.startswith("#"))]:
        out = [*out, ""] if out[-1].endswith(".") else out
        out[-1] = f"{out[-1]} {line.removeprefix('#').strip()}".strip()
    return [line.replace(".  ", ". ") for line in out]


def verdict(policy: Policy, protocol: str, aspect: str, name: str) -> str:
    """One cell: what the baseline says today, and the last day of it."""
    requirement, algorithm = resolve(policy, Target("h", ("g",), protocol), DAY).get(aspect), find(protocol, aspect, name)
    if requirement is None or algorithm is None:
        return ""
    said = judge(requirement, algorithm, DAY)
    word = {"allowed": "yes", "fallback": "tolerated", "forbidden": "no"}.get(said.kind, said.kind)
    return f"{word} to {said.deadline}" if said.deadline else word


def said(select: Select | None) -> str:
    if select is None:
        return ""
    words = [f"{key} {', '.join(values)}" if key != "name" else ", ".join(values) for key, values in select.words.items()]
    numbers = [f"{key} {value}" for key, value in select.numbers.items()]
    return "; ".join([*words, *numbers, *(key if value else f"not {key}" for key, value in select.flags.items())])


def ends(rule: Rule) -> str:
    days: dict[str, list[str]] = defaultdict(list)
    for name, day in rule.disallowed_after.items():
        days[day].append(name)
    return "; ".join(f"{day}: {', '.join(names)}" for day, names in sorted(days.items()))


def meant(rule: Rule) -> str:
    return "".join(f", {key} {' or '.join(values)}" for key, values in rule.when.items())


def row(rule: Rule) -> list[str]:
    stated = "; ".join(f"{key} {', '.join(values)}" for key, values in rule.require.items())
    tolerated = said(rule.fallback) + (f" (to {rule.fallback_until})" if rule.fallback_until else "")
    where = f"{rule.source.doc}, {rule.source.section}".rstrip(", ")
    source = f"{where} ({rule.source.date})" if rule.source.date else where
    cells = [f"`{rule.id}`", f"{rule.match.protocol or 'any'} {rule.aspect}{meant(rule)}", said(rule.allow) or stated, tolerated, ends(rule), source]
    return [*cells, rule.source.force, rule.source.verified or "no"]


def conflicts() -> Iterator[list[str]]:
    """Pairs that cannot be extended for one scope, and the aspects of which they allow nothing together."""
    for one, other in combinations(baselines(), 2):
        if one.partition("@")[0] == other.partition("@")[0]:
            continue  # two editions of one authority have the same rules
        try:
            baseline(f"{one}, {other}")
        except PolicyError as error:
            aspects = dict.fromkeys(re.findall(r"together allow no (\w+)", str(error)))
            other_reason = "stages of equal weight" if "two stages" in str(error) else "rules of the same ids"
            yield [f"`{one}`", f"`{other}`", ", ".join(aspects) or other_reason]


def page() -> str:
    policies = {name: baseline(name) for name in baselines()}
    out = [INTRO]
    head = ("baseline", "edition", "regimes", "rules", "facts", "verified")
    overview = []
    for name, policy in policies.items():
        regimes = ", ".join(dict.fromkeys(word for rule in policy.rules for word in rule.regimes)) or "everywhere"
        overview.append([f"`{name}`", comments(name)[0].rstrip("."), regimes, str(len(policy.rules)), *map(str, facts(name))])
    out += table(head, overview)
    out += [
        f"## What they say on {DAY}",
        "",
        "`tolerated` is never added, and stays where it is. An empty cell: the authority says nothing of it.",
        "",
    ]
    for protocol, aspect, names in ASKED:
        out += [f"### {protocol} {aspect.replace('_', ' ')}: {', '.join(names)}", ""]
        cells = {name: [verdict(policy, protocol, aspect, one) for one in names] for name, policy in policies.items()}
        out += table(("baseline", *names), ([f"`{name}`", *said_] for name, said_ in cells.items() if any(said_)))
    out += [
        "## What cannot hold together",
        "",
        "Extend these for zones of their own; loading both for one scope is an error that names the rules.",
        "",
    ]
    out += table(("baseline", "and", "allow nothing together for"), conflicts())
    out += ["## Rules", ""]
    for name, policy in policies.items():
        out += [f"### {name}", "", *(f"- {line}" for line in comments(name)), ""]
        out += table(("rule", "scope", "allowed", "tolerated", "last day", "source", "force", "verified"), map(row, policy.rules))
        lives = [
            f"- `{one}`: {state} from {start}: {life.reason}"
            for one, all_ in policy.algorithms.items()
            for life in all_
            for state, start in life.states
        ]
        out += [*lives, ""] if lives else []
    return "\n".join(out).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
