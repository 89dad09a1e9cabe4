"""What counts as an answer."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Identity, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.snapshot_json import snapshot_from_json, snapshot_to_json

from .agent_host import NONCE, Host


def frame(text: str, nonce: str = NONCE) -> str:
    coded = base64.b64encode(f"{text}\n\001Z {nonce}\n".encode()).decode()
    return f"\n==CA:{nonce}:b64==\n{coded}\n==CA:{nonce}:end==\n"


def test_no_marker_is_no_answer_and_the_last_words_are_told() -> None:
    with pytest.raises(answer.NoAnswer, match="This account is not available"):
        answer.body("This account is not available\n", NONCE)


def test_an_answer_without_its_end_was_cut_off() -> None:
    with pytest.raises(answer.NoAnswer, match="cut off"):
        answer.body(frame("x")[:-10], NONCE)


def test_the_answer_to_another_question_does_not_count() -> None:
    with pytest.raises(answer.NoAnswer):
        answer.body(frame("x", "another"), NONCE)


def test_a_body_that_lost_its_end_is_not_taken_for_a_whole_one() -> None:
    coded = base64.b64encode(b"\001I\nuid=0\n").decode()
    with pytest.raises(answer.NoAnswer, match="larger"):
        answer.body(f"==CA:{NONCE}:b64==\n{coded}\n==CA:{NONCE}:end==\n", NONCE)


def test_an_answer_of_a_command_that_lacks_its_end_is_not_a_whole_one() -> None:
    seen = answer.parse_snapshot(frame("\001I\nuid=0\n\n\001C ask\nhalf"), NONCE, "h", "now")
    assert (seen.answers["ask"].ok, seen.answers["ask"].problem) == (False, "said too much")


def test_a_journal_line_that_a_crash_cut_off_is_passed_over() -> None:
    report = answer.parse_transaction(frame("\001T t-1\nstate ARMED\nleft 3\nJ 1 NEW 10 \nJ 2 ARMED 11 \nJ 3 SWA\n"), NONCE)
    assert [line.state for line in report.journal] == ["NEW", "ARMED"]


def test_a_list_that_needs_root_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(Problem, match="root"):
        answer.parse_transactions(frame("\001P no-privilege this needs root; use become\n"), NONCE)


def test_a_snapshot_survives_being_saved(host: Host) -> None:
    path = str(host.write("f", "größe\r\n"))
    seen = host.snapshot(host.send(script.compose_collect({}, NONCE, (path,))))
    assert snapshot_from_json(snapshot_to_json(seen)) == seen


@pytest.mark.parametrize("path", ["relative", "/a\nb", "/a ", "/a\x7f"])
def test_a_path_that_the_journal_could_not_carry_is_refused(path: str) -> None:
    transaction = script.Transaction("t", 9, Identity(), "me", (Change(path, "", (Edit(1, 0, ("x\n",)),)),), ())
    with pytest.raises(Problem):
        script.compose_apply(transaction, {}, NONCE)


def test_a_snapshot_of_another_format_is_refused() -> None:
    with pytest.raises(Problem, match="not a saved snapshot"):
        snapshot_from_json('{"format": 0}', "file")
