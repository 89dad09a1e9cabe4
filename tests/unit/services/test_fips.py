"""FIPS mode: implemented, approved and validated are three questions, and the first is asked under the daemon's own provider."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.cipher_string import parse_suites
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import all_of, find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Endpoint, Finding, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES, openssl
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.fips import CONFIGS, LATER, fips, later
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.snapshot_json import snapshot_from_json
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import survey

from tests.unit.conftest import FIXTURES, HOSTS, TODAY, captured, files_of, requirements
from tests.unit.policy.texts import HEAD, RULES, of, rule

FIPS_HOST = snapshot_from_json((FIXTURES / "fips/web-fips.json").read_text())
MODULE = "OpenSSL FIPS Provider 3.0.22"
ENFORCED = "[algorithm_sect]\ndefault_properties = fips=yes\n"


def server(service: str = "nginx") -> Endpoint:
    (endpoint,) = SERVICES[service].read(FIPS_HOST)
    return endpoint


def judged(text: str, service: str = "nginx") -> dict[str, Finding]:
    policy, endpoint = of(text + "stages: [{stage: require}]\n"), server(service)
    return {f.aspect: f for f in assess((endpoint,), lambda e: requirements(policy, e.protocol), TODAY)}


# ---------------------------------------------------------------- implemented


def test_a_module_of_3_0_beneath_a_library_of_3_5_has_no_post_quantum_group() -> None:
    able = server().capabilities["key_exchange"]
    assert (able.label, able.source) == (f"OpenSSL 3.5.9 with {MODULE}", "openssl list -tls-groups")
    assert not [name for name in able.names or () if "MLKEM" in name]
    assert "X25519" in (able.names or ()), "implemented there, although it is not approved"
    finding = judged(HEAD + "extends: [hybrid-required@1]\n")["key_exchange"]
    assert finding.state == "unsatisfiable"
    assert finding.message.startswith(f"OpenSSL 3.5.9 with {MODULE} has none of what the policy allows")
    assert finding.remedy == f"needs another module than {MODULE}, or a gateway in front of it"


def test_the_list_of_the_library_holds_nothing_that_its_module_lacks() -> None:
    groups = server().settings["key_exchange"]
    assert groups.values == ("X25519", "prime256v1", "X448", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072")
    assert groups.tiers == (0, 0, 1, 1, 1, 2, 2)


def test_where_only_a_table_knows_the_groups_a_module_has_the_approved_ones() -> None:
    refused = {
        "hybrid": Answer((), 1, err="Call to SSL_CONF_cmd(-groups, X25519MLKEM768) failed"),
        "openssl": Answer((), 0, "OpenSSL 3.0.22 25 Aug 2026"),
    }
    old = openssl.library("OpenSSL 3.0.22 25 Aug 2026")
    assert "X25519" in (openssl.group_capability(old, refused).names or ())
    assert openssl.group_capability(old, refused, "").names == (
        "prime256v1",
        "secp521r1",
        "secp384r1",
        *(f"ffdhe{n}" for n in (2048, 3072, 4096, 6144, 8192)),
    )


# ---------------------------------------------------------------- approved


def test_what_is_approved_is_what_a_module_of_today_has() -> None:
    groups = (FIXTURES / "fips/fips-3.5.9-tls-groups.txt").read_text().strip().split(":")
    has = {a.id for name in groups if (a := find("tls", "key_exchange", name))}
    approved = {a.id for a in all_of("tls", "key_exchange") if a.approved}
    assert len(has) == len(groups)
    assert approved - has == {"secp224r1"}, "approved, and no group of TLS 1.3"
    assert has <= approved
    old, modern = parse_suites((FIXTURES / "fips/fips-3.5.9-ciphers.txt").read_text())
    suites = [a for name in (*modern, *(suite.name for suite in old)) if (a := find("tls", "cipher", name))]
    assert {a.cipher for a in suites if not a.approved} == {"NULL"}, "listed, for it encrypts nothing"
    assert not any(a.approved for a in all_of("tls", "cipher") if "CHACHA20" in a.id)


@pytest.mark.parametrize(
    ("protocol", "aspect", "name", "approved"),
    [
        ("ssh", "key_exchange", "mlkem768x25519-sha256", True),
        ("ssh", "key_exchange", "sntrup761x25519-sha512", False),
        ("ssh", "key_exchange", "curve25519-sha256", False),
        ("ssh", "cipher", "chacha20-poly1305@openssh.com", False),
        ("ssh", "mac", "umac-128-etm@openssh.com", False),
        ("ssh", "host_key", "ssh-ed25519", True),
        ("ssh", "host_key", "ssh-rsa", False),
        ("x509", "signature", "MLDSA65-ECDSA-brainpoolP256r1-SHA512", False),
        ("ikev2", "key_exchange", "CURVE_25519+ML_KEM_768", True),
    ],
)
def test_one_approved_part_makes_an_exchange_approved_and_a_signature_needs_all(protocol: str, aspect: str, name: str, approved: bool) -> None:
    found = find(protocol, aspect, name)
    assert found and found.approved is approved


def test_a_rule_selects_what_is_approved_whatever_is_implemented() -> None:
    finding = judged(HEAD + RULES + rule(allow="{approved: true}"))["key_exchange"]
    assert finding.state == "forbidden"
    assert set(finding.wanted) & {"X25519", "X448", "prime256v1", "ffdhe3072"} == {"prime256v1", "ffdhe3072"}
    assert finding.message.startswith("X25519, X448: ")


# ---------------------------------------------------------------- validated


@pytest.mark.parametrize(("module", "state"), [("OpenSSL FIPS Provider 3.0.22", "compliant"), ("OpenSSL FIPS Provider 3.0.9", "forbidden")])
def test_the_policy_says_which_modules_are_validated(module: str, state: str) -> None:
    finding = judged(HEAD + RULES + rule(aspect="fips", allow=None, require=f"{{mode: on, module: [{module}]}}"))["fips"]
    assert (finding.state, finding.actual) == (state, ("mode=on", f"module={MODULE}"))
    assert finding.origin.startswith("/etc/ssl/openssl.cnf:")


def test_openssh_brings_algorithms_of_its_own_and_nobody_says_which_module_serves_it() -> None:
    endpoint = server("openssh")
    assert endpoint.settings["fips"].values == ("mode=on",)
    assert [note for note in endpoint.notes if "outside of any module" in note]
    wanted = HEAD + RULES + rule(match="{protocol: ssh}", aspect="fips", allow=None, require=f"{{mode: on, module: [{MODULE}]}}")
    assert judged(wanted, "openssh")["fips"].state == "unknown"


# ---------------------------------------------------------------- what the host says


def host(kernel: str, providers: str | None, conf: str | None = None) -> Snapshot:
    """providers: ids of the active ones, None = nobody asked.  conf: what the host's own grep found in this text, None = it was not asked."""
    answers = {}
    if providers is not None:
        shown = "".join(f"  {id_}\n    name: {id_.upper()}\n    version: 3\n    status: active\n" for id_ in providers.split())
        answers["providers"] = Answer((), 0, f"Providers:\n{shown}")
    if conf is not None:
        done = subprocess.run([*LATER["openssl-cnf"][:4], "-"], input=conf, capture_output=True, text=True, check=False)
        answers["openssl-cnf"] = Answer((), done.returncode, done.stdout.replace("(standard input)", CONFIGS[1]))
    return replace(files_of({}, **answers), facts={"fips": kernel} if kernel else {})


@pytest.mark.parametrize(
    ("seen", "facts"),
    [
        (host("1", "default fips"), ("mode=on", "module=FIPS 3")),
        (host("1", None), ("mode=on",)),
        (host("0", "fips base"), ("mode=on", "module=FIPS 3")),
        (host("0", "default fips", ENFORCED), ("mode=on", "module=FIPS 3")),
        (host("0", "default fips", "# " + ENFORCED.splitlines()[1]), ("mode=off", "module=FIPS 3")),
        (host("0", "default fips"), None),
        (host("0", "default"), ("mode=off",)),
        (host("0", None), None),
        (host("", "default"), None),
    ],
)
def test_the_kernel_the_providers_and_openssl_cnf_say_whether_it_is_on_and_nothing_is_guessed(seen: Snapshot, facts: tuple[str, ...] | None) -> None:
    found = fips(seen)
    assert (found.values if found else None) == facts


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_that_does_not_say_fips_is_asked_nothing_more(name: str) -> None:
    assert later(replace(captured(name), facts={**captured(name).facts, "fips": "0"})) == {}
    assert later(host("0", "default")) == {}


@pytest.mark.parametrize("seen", [host("1", None), host("0", "default fips"), host("0", "base fips")])
def test_a_host_that_does_is_asked_for_its_configuration_in_a_second_look(seen: Snapshot) -> None:
    shown = replace(FIPS_HOST, facts=seen.facts, files=captured("web-new").files, answers={**captured("web-new").answers, **seen.answers})
    asked: list[list[str]] = []

    def ask(requests, extra):
        asked.append([id_ for collect in requests.values() for id_ in collect.commands])
        return shown if len(asked) == 1 else replace(shown, files={}, answers={"openssl-cnf": Answer((), 1)})

    found = survey(ask, {"nginx": SERVICES["nginx"]})
    assert asked[1:] == [list(LATER)]
    assert found.snapshot.answers["openssl-cnf"].rc == 1
    assert found.snapshot.answers["nginx-V"] == shown.answers["nginx-V"]
