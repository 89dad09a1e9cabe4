"""probe/ike.py: what an IKEv2 responder takes, judged on charon's own answers and on peers that behave badly."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe import ike, ike_messages
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ike import probe_ike
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ike_messages import Transform, parse, request, transforms
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import FIXTURES

SPI = bytes(range(8))
CHARON = {name: bytes.fromhex(said) for name, said in json.loads((FIXTURES / "ike" / "charon.json").read_text(encoding="utf-8")).items()}


def said(name: str) -> ike_messages.Answer:
    answer = parse(CHARON[name], SPI)
    assert answer
    return answer


# ---------------------------------------------------------------- charon's answers


def test_the_proposal_that_charon_chose_is_read_with_what_it_can() -> None:
    answer = said("hybrid")
    assert (answer.exchange, answer.group, answer.error) == ("CURVE_25519+ML_KEM_768", 31, 0)
    assert [one.name for one in answer.proposal][:2] == ["ENCR_AES_GCM_16-256", "PRF_HMAC_SHA2_384"]
    assert {ike_messages.FRAGMENTATION, ike_messages.INTERMEDIATE, ike_messages.PPK} <= set(answer.notifies)
    assert ike_messages.hashes(answer.notifies[ike_messages.HASHES]) == ("SHA-256", "SHA-384", "SHA-512", "Identity")


def test_a_refusal_another_group_and_a_cookie_are_told_apart() -> None:
    assert said("no-proposal").error == ike_messages.NO_PROPOSAL_CHOSEN
    assert said("invalid-ke").notifies[ike_messages.INVALID_KE] == struct.pack(">H", 20)
    assert len(said("cookie").notifies[ike_messages.COOKIE]) > 8 and said("cookie").error == 0


@pytest.mark.parametrize("name", CHARON)
def test_an_answer_to_somebody_else_is_none(name: str) -> None:
    assert parse(CHARON[name], b"\xff" * 8) is None


@pytest.mark.parametrize("name", CHARON)
def test_an_answer_that_was_cut_off_is_refused(name: str) -> None:
    for length in range(28, len(CHARON[name])):
        with pytest.raises(ValueError):
            parse(CHARON[name][:length], SPI)


@given(st.sampled_from(sorted(CHARON)), st.integers(28, 400), st.integers(0, 255))
def test_no_answer_breaks_the_reader(name: str, place: int, value: int) -> None:
    broken = bytearray(CHARON[name])
    broken[place % len(broken)] = value
    try:
        answer = parse(bytes(broken), SPI)
    except ValueError:
        return
    assert answer is None or isinstance(answer.exchange, str)


# ---------------------------------------------------------------- the question


def test_the_question_holds_what_it_should() -> None:
    message = request(SPI, (*ike.HYBRID, *ike.CLASSICAL), 31, bytes(32), bytes(32))
    assert message[:8] == SPI and message[8:16] == bytes(8) and struct.unpack(">I", message[24:28]) == (len(message),)
    assert (message[16], message[17], message[18], message[19]) == (33, 0x20, 34, 0x08)
    assert len(message) < 1280, "it must not be fragmented: IKE_SA_INIT cannot be, and IP fragments are dropped"


def test_a_cookie_comes_first() -> None:
    message = request(SPI, ike.CLASSICAL, 31, bytes(32), bytes(32), cookie=b"crumb")
    assert message[16] == 41 and message[28:41] == struct.pack(">BBHBBH", 33, 0, 13, 0, 0, 16390) + b"crumb"


def test_transforms_have_the_code_points_of_the_registry() -> None:
    assert transforms(1, ("ENCR_AES_GCM_16-256", "ENCR_CHACHA20_POLY1305", "ENCR_AES_CBC-128")) == (
        *(Transform(1, 20, 256), Transform(1, 28), Transform(1, 12, 128)),
    )
    assert transforms(6, ("ML_KEM_768",)) == (Transform(6, 36),)
    assert Transform(6, 36).name == "ML_KEM_768" and Transform(4, 999).name == "transform 4/999"


def test_every_group_that_is_offered_has_a_share() -> None:
    sizes = {one.name: len(ike.share(one.code)) for one in ike.GROUPS}
    expected = {
        "CURVE_25519": 32,
        "ECP_384": 96,
        "ECP_256": 64,
        "ECP_521": 132,
        "CURVE_448": 56,
        "MODP_3072": 384,
        "MODP_4096": 512,
        "MODP_2048": 256,
    }
    assert sizes == expected


# ---------------------------------------------------------------- talking


@contextmanager
def responder(answers: Callable[[bytes, int], bytes | None]) -> Iterator[int]:
    """A peer on UDP: (question, its number from 0) → answer."""
    plug = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    plug.bind(("127.0.0.1", 0))
    plug.settimeout(0.1)
    over = threading.Event()

    def serve() -> None:
        number = 0
        while not over.is_set():
            try:
                asked, where = plug.recvfrom(65535)
            except TimeoutError:
                continue
            if answer := answers(asked, number):
                plug.sendto(answer, where)
            number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield plug.getsockname()[1]
    finally:
        over.set()
        thread.join()
        plug.close()


def as_charon(asked: bytes, name: str) -> bytes:
    return asked[:8] + CHARON[name][8:]


def test_cookies_and_another_group_are_met_and_told() -> None:
    order = ["cookie", "invalid-ke", "hybrid", "no-proposal"]
    with responder(lambda asked, number: as_charon(asked, order[number])) as port:
        seen = probe_ike("127.0.0.1", port, timeout=5)
    assert (seen.exchange, seen.failure) == ("CURVE_25519+ML_KEM_768", "")
    assert (seen.cookie, seen.hinted) == (True, ("ECP_384",))
    assert (seen.hybrid, seen.classical) == (True, False), "a classical offer alone was refused"
    assert seen.intermediate and seen.fragmentation and seen.ppk and seen.cipher == "ENCR_AES_GCM_16-256"


def test_a_responder_that_falls_silent_leaves_what_is_known() -> None:
    with responder(lambda asked, number: None if number else as_charon(asked, "hybrid")) as port:
        seen = probe_ike("127.0.0.1", port, timeout=1)
    assert (seen.hybrid, seen.classical) == (True, None) and seen.failure.startswith("timed-out")


def test_a_responder_that_is_meant_for_others_is_no_proof_of_anything() -> None:
    with responder(lambda asked, number: as_charon(asked, "no-proposal")) as port:
        seen = probe_ike("127.0.0.1", port, timeout=5)
    assert seen.failure.startswith("refused: ") and "NO_PROPOSAL_CHOSEN" in seen.failure and "other addresses" in seen.failure
    assert (seen.hybrid, seen.classical, seen.exchange) == (False, False, "")


def test_a_question_that_got_lost_is_asked_again() -> None:
    with responder(lambda asked, number: as_charon(asked, "hybrid") if number else None) as port:
        assert probe_ike("127.0.0.1", port, timeout=5).hybrid is True


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, "timed-out"),
        (lambda asked: as_charon(asked, "cookie"), "protocol"),
        (lambda asked: asked[:16] + as_charon(asked, "hybrid")[16:40], "protocol"),
        (lambda asked: b"noise", "timed-out"),
    ],
)
def test_silence_noise_and_a_cookie_without_end_are_failures(answer: Callable[[bytes], bytes] | None, kind: str) -> None:
    with responder(lambda asked, dummy: answer(asked) if answer else None) as port:
        assert probe_ike("127.0.0.1", port, timeout=1).failure.startswith(f"{kind}: ")


def test_a_port_that_is_none_and_a_name_without_an_address_are_told() -> None:
    assert probe_ike("127.0.0.1", 0).failure.startswith("no-name: ")
    assert probe_ike("nowhere.invalid").failure.startswith("no-name: ")
