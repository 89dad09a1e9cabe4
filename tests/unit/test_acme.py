"""The issuer acme against what a real ACME server said (tests/fixtures/acme), with the real agent on the host's side; and what refusals become."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _acme, _acme_link
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.acme import Ways, record, token
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.hierarchy import certify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.issued import Asked, Pending
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.rotate import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._issuers import fits, issuer_of
from cryptography import x509

from ..acme_replay import CAPTURED, Replay
from ..emulators import pem, request_for, serving
from .certificates.ca import make_key
from .targets.agent_host import NONCE, Host

BINDING = {"acme_eab_id": "kid-1", "acme_eab_key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}
ERROR = "urn:ietf:params:acme:error:"


class Route:
    """The real agent, under dash; trips: how often it was spoken to."""

    def __init__(self, host: Host) -> None:
        self.host, self.trips = host, 0

    def ask(self, compose: Any, parse: Any) -> Any:
        self.trips += 1
        return parse(self.host.send(compose(NONCE)), NONCE)


class Site:
    """An authority that says what was captured, and a host with a webroot."""

    def __init__(self, folder: Path, host: Host, stack: ExitStack) -> None:
        self.folder, self.route, self.stack = folder, Route(host), stack
        self.webroot = folder / "www"
        self.webroot.mkdir()
        self.replay = Replay(folder)
        self.url = ""

    def run(self, scenario: str = "http-01", **more: Any) -> Any:
        if not self.url:
            self.replay = Replay(self.folder, scenario=scenario)
            self.url = self.stack.enter_context(serving(self.replay)) + "/dir"
        args = {
            "issuer": "acme",
            "issuer_url": self.url,
            "issuer_ca": str(self.folder / "tls.pem"),
            "issuer_anchor": str(self.folder / "root.pem"),
            "acme_account": str(self.folder / "account"),
            "acme_terms_agreed": True,
            "acme_webroot": str(self.webroot),
            "days": 47,
        }
        return SimpleNamespace(args={**args, **more}, host="web-1", output=self.folder / "out/run", channel=self.route)

    @property
    def asked(self) -> list[Asked]:
        return [Asked(self.replay.request, "ECDSA-P256", ("web-new",), 47)]

    def ask(self, scenario: str = "http-01", **more: Any) -> Any:
        issuer = issuer_of(self.run(scenario, **more))
        (answer,) = issuer.ask(self.asked)
        return answer

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.webroot.rglob("*") if path.is_file()}

    @property
    def clean(self) -> bool:
        return not list(self.webroot.iterdir()) and not list((self.route.host.state / "keys").glob("*"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    for name in ("host", "controller"):
        (tmp_path / name).mkdir()
    host = Host(tmp_path / "host", "dash")
    with ExitStack() as stack:
        yield Site(tmp_path / "controller", host, stack)
    host.end()


def captured(scenario: str, begins: str) -> Any:
    return [said["body"] for said in CAPTURED[scenario]["answers"] if said["asked"].startswith(begins)]


# -- what works


def test_a_name_is_proved_by_a_file_that_is_there_while_the_authority_looks(site: Site) -> None:
    run, shown = site.run(), list[dict[str, str]]()
    site.replay.at["POST /chalZ/"] = lambda: shown.append(site.files())
    (answer,) = issuer_of(run).ask(site.asked)
    assert answer == captured("http-01", "POST /certZ/")[0]
    (said,) = captured("http-01", "POST /chalZ/")
    ((name, text),) = shown[0].items()
    assert name == said["token"] and text.startswith(f"{name}.") and len(text) == len(name) + 44, "the key authorisation of RFC 8555 §8.1"
    assert site.clean and site.route.trips == 2


def test_names_are_proved_by_a_command_that_sets_and_removes_each_record_and_no_shell_reads_it(site: Site) -> None:
    log, script = site.folder / "log", site.folder / "dns.py"
    script.write_text(f"import sys, json\nopen({str(log)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n")
    odd = "$(touch evil); `x` 'y'"
    answer = site.ask("wildcard", acme_webroot="", acme_dns_command=[sys.executable, str(script), odd])
    assert answer == captured("wildcard", "POST /certZ/")[0]
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert [call[:3] for call in calls] == [[odd, verb, "_acme-challenge.a.test"] for verb in ("add", "add", "remove", "remove")]
    assert sorted(call[3] for call in calls[:2]) == sorted(call[3] for call in calls[2:]) and all(len(call[3]) == 43 for call in calls)
    assert site.route.trips == 0


def test_the_key_of_the_account_is_made_once_for_nobody_else(site: Site) -> None:
    before = os.umask(0)
    try:
        site.ask()
    finally:
        os.umask(before)
    key = site.folder / "account/account.key"
    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    made = key.read_bytes()
    site.replay.again()
    site.ask()
    assert key.read_bytes() == made and [path.name for path in key.parent.iterdir()] == ["account.key"]


def test_an_account_is_bound_to_what_the_authority_gave_and_its_key_is_in_nothing_that_is_said(site: Site) -> None:
    assert site.ask("bound", **BINDING) == captured("bound", "POST /certZ/")[0]


def test_an_account_that_it_does_not_know_is_said_and_its_key_is_not(site: Site) -> None:
    with pytest.raises(Problem, match=r"it does not let us \(unauthorized\): the field 'kid' references a key that is not known") as refused:
        site.ask("unknown-binding", **BINDING)
    assert BINDING["acme_eab_key"] not in str(refused.value) and site.clean


def test_the_chain_that_ends_at_our_anchor_is_taken_of_several(site: Site) -> None:
    chains = [said for said in captured("alternates", "POST /certZ/") if isinstance(said, str)]
    tops = [x509.load_pem_x509_certificates(chain.encode())[-1].issuer.rfc4514_string().removeprefix("CN=") for chain in chains]
    assert len(set(tops)) == len(chains) == 3
    run = site.run("alternates")
    for top, chain in zip(tops, chains, strict=True):
        site.replay.again()
        (site.folder / "root.pem").write_text(pem(certify(top, make_key("ECDSA-P256"), 9, datetime.now(UTC), 1)))
        assert issuer_of(run).ask(site.asked) == [chain]


def test_an_order_that_it_is_still_at_work_on_is_asked_for_again_and_no_second_one_is_made(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_acme, "PATIENCE", 2)
    run = site.run("processing")
    (answer,) = issuer_of(run).ask(site.asked)
    assert isinstance(answer, Pending) and "is still at work on the certificate for web-new" in answer.why and site.clean
    (note,) = (site.folder / "out/waiting").glob("web-1.*.order")
    site.replay.seen.clear()
    (again,) = issuer_of(run).ask(site.asked)
    assert isinstance(again, Pending) and not [one for one in site.replay.seen if "order-plz" in one or "chalZ" in one]
    order = site.replay.last("POST /my-order/")
    chain = captured("http-01", "POST /certZ/")[0]
    site.replay.left["POST /certZ/1"] = [(200, chain.encode(), {"Replay-Nonce": "3aTufi0rnaX7PzPo7_2kpQ"})]
    site.replay.says("POST /my-order/", 200, {**order, "status": "valid", "certificate": "https://PEBBLE/certZ/1"})
    assert issuer_of(run).ask(site.asked) == [chain] and not note.exists()


def test_a_certificate_that_came_while_another_is_waited_for_is_fetched_again_and_not_ordered_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_acme, "PATIENCE", 2)
    run, names = site.run(), ("web-new",)
    both = [*site.asked, Asked(request_for(make_key("RSA-2048"), *names), "RSA-2048", names, 47)]
    first = site.replay.left["POST /order-plz"][-1]
    id_ = first[2]["Location"].rpartition("/")[2]
    for key, said in [*site.replay.left.items()]:
        if id_ in key:
            site.replay.left[key.replace(id_, "other")] = [(s, b.replace(id_.encode(), b"other"), h) for s, b, h in said]
    finished = site.replay.left["POST /my-order/other"]
    site.replay.says("POST /my-order/other", 200, {**site.replay.last("POST /my-order/other"), "status": "processing"})
    second = (first[0], first[1].replace(id_.encode(), b"other"), {**first[2], "Location": "https://PEBBLE/my-order/other"})
    site.replay.left["POST /order-plz"] = [first, second]
    done, waits = issuer_of(run).ask(both)
    assert isinstance(waits, Pending) and done == captured("http-01", "POST /certZ/")[0]
    site.replay.seen.clear()
    site.replay.left["POST /my-order/other"] = finished
    assert issuer_of(run).ask(both) == [done, done] and not list((site.folder / "out/waiting").glob("*.order"))
    assert not [one for one in site.replay.seen if "order-plz" in one]


@pytest.mark.parametrize(("kind", "kept"), [("serverInternal", 1), ("unauthorized", 0)])
def test_an_order_that_waits_outlives_a_server_in_trouble_and_not_a_refusal(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: str, kept: int
) -> None:
    monkeypatch.setattr(_acme, "PATIENCE", 1)
    run = site.run("processing")
    issuer_of(run).ask(site.asked)
    site.replay.says("POST /my-order/", 500, {"type": f"{ERROR}{kind}", "detail": "x"})
    with pytest.raises(Problem, match=kind):
        issuer_of(run).ask(site.asked)
    assert len(list((site.folder / "out/waiting").glob("*.order"))) == kept


# -- what does not


def test_a_refused_challenge_is_named_and_leaves_no_answer_behind(site: Site) -> None:
    with pytest.raises(Problem) as refused:
        site.ask("refused")
    said = str(refused.value)
    assert "web-new: it looked for the answer to its challenge and did not find it (unauthorized): Non-200 status code from HTTP" in said
    assert "agility_acme_webroot" in said and "nothing was changed on the host" in said and site.clean


def test_a_command_that_fails_is_named_and_what_it_may_have_set_is_removed(site: Site) -> None:
    log = site.folder / "log"
    command = ["/bin/sh", "-c", f'echo "$1 $2" >>{log}; echo "no such zone" >&2; [ "$1" != add ]', "x"]
    with pytest.raises(Problem, match=r"it ended with 1 and said: no such zone.*nothing was changed"):
        site.ask("wildcard", acme_webroot="", acme_dns_command=command)
    assert log.read_text() == "add _acme-challenge.a.test\nremove _acme-challenge.a.test\n"
    site.replay.again()
    with pytest.raises(Problem, match=r"could not be run to its end: FileNotFoundError.*and the record _acme-challenge.a.test stays"):
        site.ask("wildcard", acme_webroot="", acme_dns_command=["/no/such/command"])


@pytest.mark.parametrize(
    ("at", "status", "said", "headers", "words"),
    [
        # boulder's words; pebble knows no limits
        (
            "order-plz",
            429,
            {"type": f"{ERROR}rateLimited", "detail": "too many certificates (5) already issued for this exact set of domains"},
            {"Retry_After": "7200"},
            r"too many requests for now \(rateLimited\): too many certificates.*not before 7200 s have passed; .*agility_throttle",
        ),
        # RFC 8555 §7.3.3
        (
            "order-plz",
            403,
            {"type": f"{ERROR}userActionRequired", "detail": "Terms of service have changed", "instance": "https://ca.test/agree"},
            {},
            r"somebody has to agree.*Terms of service have changed\. https://ca.test/agree: go there, agree",
        ),
        # RFC 8555 §6.7.1
        (
            "order-plz",
            403,
            {
                "type": f"{ERROR}rejectedIdentifier",
                "detail": "some",
                "subproblems": [{"type": f"{ERROR}caa", "detail": "no", "identifier": {"type": "dns", "value": "_b"}}],
            },
            {},
            r"does not sign for this name \(rejectedIdentifier\): some; _b: no",
        ),
        (
            "finalize-order",
            400,
            {"type": f"{ERROR}badCSR", "detail": "weak\u001b[31m key"},
            {},
            r"does not sign this request \(badCSR\): weak \[31m key",
        ),
        ("order-plz", 503, b"<html>down</html>", {}, "it refused with 503 and gave no reason"),
        ("order-plz", 200, b"{" * 10, {}, "the answer is none of ACME"),
        ("authZ", 200, {"status": "strange"}, {}, "the answer is none of ACME"),
        ("order-plz", 200, b" " * (1 << 20), {}, "no answer: .*larger than 256 KiB"),
        ("order-plz", 302, b"", {"Location": "https://127.0.0.1:1/x"}, "no answer: TooManyRedirects"),
        (
            "my-order",
            403,
            {"type": f"{ERROR}unknown-to-all", "detail": "a"},
            {},
            r"it refused \(unknown-to-all\): a. nothing was changed on the host",
        ),
    ],
    ids=lambda one: str(one)[:24],
)
def test_a_refusal_is_said_with_what_it_means_and_what_to_do(
    site: Site, at: str, status: int, said: Any, headers: dict[str, str], words: str
) -> None:
    run = site.run()
    site.replay.says(f"POST /{at}", status, said, **headers)
    with pytest.raises(Problem, match=words):
        issuer_of(run).ask(site.asked)
    assert site.clean


@pytest.mark.parametrize("status", ["expired", "deactivated", "revoked"])
def test_a_proof_that_is_good_no_more_is_said(site: Site, status: str) -> None:
    run = site.run()
    site.replay.says("POST /authZ/", 200, {**site.replay.last("POST /authZ/"), "status": status})
    with pytest.raises(Problem, match=f"the proof of web-new is {status}.*run it again"):
        issuer_of(run).ask(site.asked)


def test_nonces_that_are_never_good_are_given_up(site: Site) -> None:
    with pytest.raises(Problem, match=r"none of the nonces that it gave.*badNonce"):
        site.ask("nonces")
    assert len([one for one in site.replay.seen if one == "POST /sign-me-up"]) == 5


def test_an_authority_that_does_not_look_is_given_up_and_the_answer_removed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_acme, "PATIENCE", 1)
    run = site.run()
    site.replay.says("POST /authZ/", 200, captured("http-01", "POST /authZ/")[0])
    with pytest.raises(Problem, match="it did not look at the answers for web-new within 1 s"):
        issuer_of(run).ask(site.asked)
    assert site.clean


def test_terms_are_agreed_to_by_a_person_and_an_announced_account_is_asked_for_before_a_key_is_made(site: Site) -> None:
    run = site.run()
    run.args["acme_terms_agreed"] = False
    with pytest.raises(Problem, match=r"it has terms of service: data:text/plain,.*agility_acme_terms_agreed=true; nothing was changed"):
        issuer_of(run)
    run.args["acme_terms_agreed"] = True
    directory = site.replay.last("GET /dir")
    site.replay.says("GET /dir", 200, {**directory, "meta": {"externalAccountRequired": True}})
    with pytest.raises(Problem, match="set agility_acme_eab_id and agility_acme_eab_key"):
        issuer_of(run)
    site.replay.says("GET /dir", 200, {"keyChange": "x"})
    with pytest.raises(Problem, match="agility_issuer_url is that of its directory"):
        issuer_of(run)
    assert not (site.folder / "account").exists()


def _loose(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "account.key").write_text("x")
    (folder / "account.key").chmod(0o640)


def _no_key(folder: Path) -> None:
    _loose(folder)
    (folder / "account.key").chmod(0o600)


@pytest.mark.parametrize(("spoil", "words"), [(_loose, "others than its owner can get at the key.*chmod 0600"), (_no_key, "it is no private key")])
def test_a_key_of_an_account_that_is_of_no_use_is_named(site: Site, spoil: Callable[[Path], None], words: str) -> None:
    spoil(site.folder / "account")
    with pytest.raises(Problem, match=words):
        issuer_of(site.run())


@pytest.mark.parametrize("option", ["acme_account", "issuer_url", "issuer_anchor"])
def test_what_is_not_set_is_named(site: Site, option: str) -> None:
    with pytest.raises(Problem, match=f"the issuer acme needs agility_{option}"):
        issuer_of(site.run(**{option: ""}))


def test_nothing_goes_in_the_clear_and_a_stranger_is_not_believed(site: Site) -> None:
    run = site.run()
    with pytest.raises(Problem, match="nothing is sent in the clear"):
        issuer_of(site.run(issuer_url=site.url.replace("https:", "http:")))
    run.args["issuer_ca"] = ""
    with pytest.raises(Problem, match=r"no answer: SSLError: .*CERTIFICATE_VERIFY_FAILED"):
        issuer_of(run)
    assert site.replay.seen == []


def test_the_library_that_is_missing_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_acme_link, "LIBRARY", False)
    with pytest.raises(Problem, match=r"needs the Python package acme on the controller.*pip install 'acme"):
        issuer_of(site.run())


# -- what no authority signs


@pytest.mark.parametrize(
    ("kind", "names", "more", "words"),
    [
        ("ML-DSA-65", ("a.test",), {}, r"ACME signs no ML-DSA-65: .* set agility_authority .* or leave ML-DSA-65 out of agility_keys; nothing was"),
        ("ML-DSA-65", ("a.test",), {"authority": "/srv/authority"}, ""),
        ("ECDSA-P256", ("a.test", "10.0.0.1"), {}, ""),
        ("ECDSA-P256", ("10.0.0.1", "a.test"), {}, "ACME needs a host name first, not 10.0.0.1"),
        ("ECDSA-P256", ("a.test", "*.a.test"), {}, r"cannot prove \*.a.test: a wildcard is proved by dns-01 alone"),
        ("ECDSA-P256", ("a.test", "*.a.test"), {"acme_dns_command": ["x"]}, ""),
        ("ECDSA-P256", ("a.test", "::1"), {"acme_dns_command": ["x"], "acme_webroot": ""}, "cannot prove ::1: an address is proved by http-01 alone"),
        ("ECDSA-P256", ("a.test",), {"acme_webroot": ""}, "agility_acme_webroot: ACME cannot prove a.test: no way is given"),
    ],
)
def test_what_no_authority_signs_is_refused_before_a_key_is_made(site: Site, kind: str, names: tuple[str, ...], more: Any, words: str) -> None:
    orders = [Order(kind, names, Pair("/a.crt", "/a.key"), Pair("/b.crt", "/b.key"))]
    if words:
        with pytest.raises(Problem, match=words):
            fits(site.run(**more), orders)
    else:
        fits(site.run(**more), orders)
    assert site.replay.seen == [] and site.route.trips == 0


def test_a_wildcard_goes_by_dns_and_the_rest_by_http_where_both_are_set() -> None:
    ways = Ways("/www", ("x",))
    assert [ways.of(name) for name in ("*.a.test", "a.test", "192.0.2.1")] == ["dns-01", "http-01", "http-01"]
    assert record("*.a.test.") == "_acme-challenge.a.test"


@pytest.mark.parametrize("text", ["../../../etc/cron.d/x", "short", "a" * 300, "with space in it, long", "ends-with-a-line-break-\n", ""])
def test_a_token_that_would_be_another_file_is_none(text: str) -> None:
    with pytest.raises(Problem, match="for a token, which is none"):
        token(text)
    assert token("pzO2rs_whVZXCpozXHK5MsQCJOANsB35pQgUE4FextE")
