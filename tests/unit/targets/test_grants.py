"""What services write and how they are activated is what the installed agent lets pass: one list, held against the writers."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import braces, keyword, lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import installed

from ..conftest import HOSTS, TODAY, captured, policy_of, requirements

POLICIES = ("hybrid-transition@1", "hybrid-required@1", "nist-ir-8547@1", "mozilla-modern@1", "mozilla-intermediate@1", "cnsa-2.0@1")


def comparing(tmp_path: Path, path: str, awk: str = "awk") -> Callable[[str, str], str]:
    """(before, after) → what the installed agent finds in the new text besides cryptographic directives."""
    agent, was = tmp_path / "agent", tmp_path / "was"
    functions = installed.text().replace("case ${1-} in clean)", "case clean in clean)").removesuffix('ca_door "$0"\n')
    agent.write_text(f"{functions}awk() {{ command {awk} \"$@\"; }}\nca_inside '{path}' && ca_compare '{was}'\n", encoding="utf-8")

    def compared(before: str, after: str) -> str:
        was.write_text(before, encoding="utf-8", newline="")
        return subprocess.run(["sh", str(agent)], input=after.encode(), capture_output=True, check=True).stdout.decode().strip()

    return compared


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("host", HOSTS)
def test_every_change_that_a_policy_asks_for_passes(tmp_path: Path, host: str, policy: str) -> None:
    snapshot, rules = captured(host), policy_of(policy)
    endpoints = [e for service in SERVICES.values() for e in service.read(snapshot)]
    plan = make_plan(snapshot, SERVICES, tuple(endpoints), {e.id: requirements(rules, e.protocol, host) for e in endpoints}, "d", TODAY, lambda: None)
    for change in plan.changes:
        text = next((f.text or "" for f in snapshot.files.values() if change.path in (f.path, f.real)), "")
        assert comparing(tmp_path, change.path)(text, lines.apply(text, change.edits)) == ""
    for one in plan.activations:
        grant = SERVICES[one.service].grant
        assert grant and (one.units, one.sockets) == (grant.units, grant.sockets)
        assert one.check in grant.checks and one.action in grant.actions


def test_the_comparison_names_what_is_none(tmp_path: Path) -> None:
    compared = comparing(tmp_path, "/etc/ssh/sshd_config")
    assert compared("Port 22\n", "Port 22\nCiphers a\n") == ""
    assert compared("Port 22\n", "Port 23\n") == "1:Port 23"
    assert compared("Port 22\n# x\n", "Port 22\n") == "2:"


def test_of_haproxy_defaults_may_change_and_nothing_of_a_bind(tmp_path: Path) -> None:
    compared = comparing(tmp_path, "/etc/haproxy/haproxy.cfg")
    old = "global\n    daemon\n    ssl-default-bind-options no-tlsv10 no-tls-tickets\nfrontend f\n    bind :443 ssl crt /x\n"
    new = old.replace("no-tlsv10", "ssl-min-ver TLSv1.3").replace("daemon\n", "daemon\n    ssl-default-bind-curves X25519MLKEM768/X25519\n")
    assert compared(old, new) == ""
    assert compared(old, old.replace("crt /x", "crt /x curves X25519")) == "5:    bind :443 ssl crt /x curves X25519"
    assert compared(old, old.replace("no-tlsv10", "'no-tlsv10")) == "3:    ssl-default-bind-options 'no-tlsv10 no-tls-tickets"


# Pieces of which texts are made: directives that may change first, then what means something to a reader of the grammar.
NGINX = (
    ("ssl_protocols TLSv1.3;", ' ssl_ciphers "A:B";', "\nssl_ecdh_curve X;\n", "ssl_conf_command Groups X;"),
    (
        *(";", "{", "}", '"', "'", "#", "\\", "\n", " ", "\\;", "}\n"),
        "server { listen 1; }\n",
        'return 200 "a; b";\n',
        "log 'x\ny; z';\n",
        "# c; d\n",
    ),
    ("x ${y} z}w;\n", "m a\"b c'd;\n", "q a\\;b;\n", "ssl_ciphers $x;", "ssl_conf_command PrivateKey /x;", "load_module /x;", "ssl_ciphers a"),
)
SSHD = (
    ("Ciphers a\n", "KexAlgorithms=a,b\n", ' MACs "a" # y\n', '"Ciphers" a\n'),
    ("\n", "#", " ", '"', "'", "=", "\\", "\t", "# z\n"),
    ("Port 22 # x\n", "Match User a\n", 'Banner "a b"\n', "Include /x\n", "Ciphers a b\n", "Ciphers a#b\n", "Ciphers"),
)


def nginx_rest(directives: tuple[braces.Directive, ...]) -> list[object]:
    """What our own parser of that grammar finds, without the directives that may change."""
    said = {tuple(words.lower().split()) for words in SERVICES["nginx"].grant.says}
    kept = [d for d in directives if d.body is not None or not {(d.name,), (d.name, *(a.lower() for a in d.args[:1]))} & said]
    return [(d.name, d.args, None if d.body is None else nginx_rest(d.body)) for d in kept]


def rest(service: str, text: str) -> list[object]:
    if service == "nginx":
        return nginx_rest(braces.parse(text, "x").directives)
    return [(d.name, d.arguments, d.match) for d in keyword.parse(text, "x").directives if d.name not in SERVICES["openssh"].grant.says]


@pytest.mark.parametrize("awk", ["awk", "busybox awk"])
@pytest.mark.parametrize(("service", "path", "pieces"), [("nginx", "/etc/nginx/x", NGINX), ("openssh", "/etc/ssh/x", SSHD)])
def test_whatever_passes_leaves_every_other_directive_as_it_was(
    tmp_path: Path, service: str, path: str, pieces: tuple[tuple[str, ...], ...], awk: str
) -> None:
    """Our own parsers are the judge; they were written from the daemons' sources, not from the agent's comparison."""
    chance, passed = random.Random(7), 0
    everything = [piece for group in pieces for piece in group]
    agent = comparing(tmp_path, path, awk)
    for dummy in range(250):
        before = "".join(chance.choice(everything) for dummy in range(chance.randint(1, 6)))
        at = chance.choice([0, *(found.end() for found in re.finditer(r"[;{}\n]", before)), chance.randint(0, len(before))])
        after = before[:at] + chance.choice(pieces[0] if chance.random() < 0.7 else everything) + before[at + chance.choice((0, 0, 0, 4)) :]
        try:
            was, now = rest(service, before), rest(service, after)
        except Problem:
            continue  # the daemon would refuse it
        if agent(before, after) == "":
            passed += 1
            assert was == now, (before, after)
    assert passed > 20
