"""Which server the proof asks, and what it makes of the answers."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _proving as module
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Probe
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ike import IkeResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ssh import SshResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls import TlsResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._proving import prove, reachable, where_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._run import Run


def run(host: str = "192.0.2.77", transport: str = "ssh", **more: str) -> Any:
    found = Run.__new__(Run)
    found.channel, found.vars, found.host = SimpleNamespace(transport=transport), {"ansible_host": host, **more}, "web"
    found.action = SimpleNamespace(_templar=Templar(DataLoader(), found.vars))
    return found


def probe(address: str = "", port: int = 443, **more: Any) -> Probe:
    return Probe("tls", "nginx", port, address, **more)


@pytest.mark.parametrize(
    ("listens", "asked"),
    [
        ("", "192.0.2.77"),
        ("0.0.0.0", "192.0.2.77"),
        ("192.0.2.77", "192.0.2.77"),
        ("192.0.2.78", "192.0.2.78"),
        ("::", ""),
        ("127.0.0.1", ""),
        ("127.0.0.2", ""),
        ("::1", ""),
        ("localhost", ""),
    ],
)
def test_the_controller_never_asks_itself_for_another_host(listens: str, asked: str) -> None:
    assert where_of(run(), probe(listens)) == asked


def test_an_address_that_the_controller_has_too_is_not_the_hosts() -> None:
    """A bridge has the same address on every machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        try:
            plug.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no route, so no address of its own")
        mine = plug.getsockname()[0]
    assert where_of(run(), probe(mine)) == ""
    assert where_of(run(mine), probe(mine)) == mine, "unless Ansible itself reaches the host there"


@pytest.mark.parametrize(("listens", "asked"), [("", "127.0.0.1"), ("::", "::1"), ("127.0.0.2", "127.0.0.2")])
def test_a_local_host_is_asked_on_its_own_addresses(listens: str, asked: str) -> None:
    assert where_of(run(transport="local"), probe(listens)) == asked


def test_an_ipv6_socket_is_asked_over_ipv6() -> None:
    assert where_of(run("2001:db8::7"), probe("::")) == "2001:db8::7"


def test_a_unix_socket_is_not_asked() -> None:
    assert where_of(run(), probe("unix:/run/x", port=0)) == ""


def test_before_the_change_nobody_is_asked_to_refuse_what_is_still_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def seen(address: str, port: int, forbid_kex: tuple[str, ...] = (), timeout: float = 0, greeting: bool = False) -> SshResult:
        asked.append((forbid_kex, greeting))
        return SshResult(banner="SSH-2.0-OpenSSH_10.0")

    monkeypatch.setattr(module, "probe_ssh", seen)
    assert reachable(run(), (Probe("ssh", "sshd", 22, forbid=("curve25519-sha256",)),)) == ("sshd",)
    assert asked == [((), True)]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits in these tests; how long they would have."""
    waited: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    return waited


def test_old_workers_that_still_answer_after_a_reload_are_no_fault(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    groups = iter(["x25519", "X25519MLKEM768", "never asked"])
    monkeypatch.setattr(module, "probe_tls", lambda *dummy, **more: TlsResult("TLSv1.3", next(groups)))
    proofs, wrong = prove(run(), (probe(expect=("X25519MLKEM768",)),), ("nginx",))
    assert (proofs[0]["group"], wrong, len(pauses)) == ("X25519MLKEM768", [], 1)


def test_a_fault_that_stays_is_asked_three_times_and_silence_once(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    for seen, times in ((TlsResult("TLSv1.3", "x25519"), 3), (TlsResult(failure="timed-out: no answer"), 1)):
        pauses.clear()
        assert _proved(monkeypatch, seen, "", probe(expect=("X25519MLKEM768",)))[1]
        assert len(pauses) == times - 1


def test_charon_that_answers_us_no_more_for_a_while_is_asked_again(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    """It left five half-open SAs of ours; they are gone after 30 s, and each try waits for ten."""
    told = iter([IkeResult(failure="timed-out: no answer"), IkeResult(failure="timed-out: no answer"), IkeResult("CURVE_25519+ML_KEM_768")])
    monkeypatch.setattr(module, "probe_ike", lambda *dummy, **more: next(told))
    proofs, wrong = prove(run(), (Probe("ikev2", "strongswan site", 500, ""),), ("strongswan site",))
    assert (proofs[0]["proved"], wrong, len(pauses)) == (True, [], 2)


def _proved(monkeypatch: pytest.MonkeyPatch, seen: TlsResult, taken: str, asked: Probe) -> tuple[Any, list[str]]:
    monkeypatch.setattr(module, "probe_tls", lambda *dummy, **more: seen)
    monkeypatch.setattr(module, "accepts", lambda *dummy, **more: taken)
    proofs, wrong = prove(run(), (asked,), ("nginx",))
    return proofs[0], wrong


def test_an_unknown_answer_is_neither_refused_nor_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    proof, wrong = _proved(monkeypatch, TlsResult("TLSv1.3", "x25519"), "not known: timed-out: no answer", probe(forbid=("secp256r1",)))
    assert proof["proved"] is False
    assert proof["refused"] is None
    assert wrong == ["nginx: whether an offer of only secp256r1 is refused is not known: timed-out: no answer"]


def test_a_refused_offer_is_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    proof, wrong = _proved(monkeypatch, TlsResult("TLSv1.3", "X25519MLKEM768"), "", probe(expect=("X25519MLKEM768",), forbid=("X25519",)))
    assert (proof["proved"], proof["refused"], wrong) == (True, True, [])


def test_a_handshake_without_a_group_is_named_by_its_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = TlsResult("TLSv1.2", "", "AES256-GCM-SHA384")
    wrong = _proved(monkeypatch, seen, "", probe(expect=("X25519MLKEM768",)))[1]
    assert wrong == ["nginx: a live handshake got TLSv1.2 with AES256-GCM-SHA384, not one of X25519MLKEM768"]


def test_an_address_that_is_written_as_a_template_is_asked_all_the_same() -> None:
    assert where_of(run(trust_as_template("{{ base }}.77"), base="192.0.2"), probe()) == "192.0.2.77"


@pytest.mark.parametrize(("prefers", "fault"), [(True, ""), (False, "no preference"), (None, "is not known")])
def test_a_flat_list_is_no_proof_of_a_preference(monkeypatch: pytest.MonkeyPatch, prefers: bool | None, fault: str) -> None:
    monkeypatch.setattr(module, "strictly_prefers", lambda *dummy, **more: prefers)
    proof, wrong = _proved(monkeypatch, TlsResult("TLSv1.3", "X25519MLKEM768"), "", probe(expect=("X25519MLKEM768",), strict=True))
    assert (proof["proved"], proof["strictly_prefers_hybrid"]) == (not fault, prefers)
    assert fault in "".join(wrong)
