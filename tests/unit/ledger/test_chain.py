"""Nobody changes, takes away, adds, moves, repeats or cuts off an entry unseen, and the first that cannot be relied on is named."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.canonical import canonical, digest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.chain import Head, following, read_head, unfinished
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.signing import Public, public_of, signatures
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.verify import Held, Verdict, verify
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from hypothesis import given, settings
from hypothesis import strategies as st

KEYS = (ed25519.Ed25519PrivateKey.generate(), mldsa.MLDSA65PrivateKey.generate())
PINNED = tuple(public_of(key.public_key()) for key in KEYS)
OTHERS = (ed25519.Ed25519PrivateKey.generate(), mldsa.MLDSA65PrivateKey.generate())


def fact(number: int, **more: Any) -> dict[str, Any]:
    return {"event": "audit", "time": f"2026-11-27T07:00:{number:02}Z", "host": f"web-{number}", **more}


@cache
def chain(count: int = 4, name: str = "a", saw: str = "[]", keys: tuple[Any, ...] = KEYS) -> Held:
    """A chain as writers leave it."""
    head: Head | None = None
    data = b""
    for number in range(1, count + 1):
        head = following(head, name, fact(number, saw=json.loads(saw)) if number == 1 else fact(number))
        data += head.last.encode() + b"\n"
    assert head
    return Held(name, data, replace(head, signatures=signatures(head, keys)).text)


def judged(*helds: Held, pinned: tuple[Public, ...] = PINNED, expected: tuple[str, ...] = ()) -> Verdict:
    return verify(helds, pinned, expected)


def lines(held: Held) -> list[bytes]:
    return held.data.splitlines(keepends=True)


def first(verdict: Verdict) -> int:
    assert verdict.faults, "it was taken for whole"
    return verdict.faults[0].entry


def test_what_was_written_is_whole() -> None:
    verdict = judged(chain())
    assert verdict.whole and not verdict.notes
    assert [entry["host"] for entry in verdict.chains[0].entries] == ["web-1", "web-2", "web-3", "web-4"]


def test_every_single_byte_that_changes_is_seen_and_its_entry_named() -> None:
    held = chain()
    bounds = [sum(map(len, lines(held)[:n])) for n in range(1, 5)]
    for at in range(len(held.data)):
        data = bytearray(held.data)
        data[at] ^= 1
        verdict = judged(replace(held, data=bytes(data)))
        mine = next(number for number, end in enumerate(bounds, 1) if at < end)
        assert first(verdict) in (mine, mine + 1 if at == bounds[mine - 1] - 1 else mine), (at, verdict.faults)


def test_every_single_byte_of_the_head_counts() -> None:
    held = chain()
    assert held.head
    for at in range(0, len(held.head), 1 if len(held.head) < 2000 else 7):
        head = bytearray(held.head)
        head[at] ^= 1
        assert first(judged(replace(held, head=bytes(head)))) == 0, at


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_entry_that_was_taken_out_is_missed_where_it_stood(number: int) -> None:
    rest = lines(chain())
    del rest[number - 1]
    assert first(judged(replace(chain(), data=b"".join(rest)))) == number


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_line_that_is_there_twice_is_seen(number: int) -> None:
    twice = lines(chain())
    twice.insert(number, twice[number - 1])
    assert first(judged(replace(chain(), data=b"".join(twice)))) == number + 1


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (2, 3), (0, 3)])
def test_two_lines_that_changed_places_are_seen(one: int, other: int) -> None:
    mixed = lines(chain())
    mixed[one], mixed[other] = mixed[other], mixed[one]
    assert first(judged(replace(chain(), data=b"".join(mixed)))) == one + 1


def test_an_entry_of_another_chain_does_not_fit_in() -> None:
    mixed = lines(chain())
    mixed[2] = lines(chain(name="b"))[2]
    assert first(judged(replace(chain(), data=b"".join(mixed)))) == 3


@pytest.mark.parametrize("left", [0, 1, 2])
def test_an_end_that_was_cut_off_is_missed(left: int) -> None:
    verdict = judged(replace(chain(), data=b"".join(lines(chain())[:left])))
    assert first(verdict) == left + 1 and "missing" in verdict.faults[0].what


def test_the_last_line_alone_is_in_its_head_so_nothing_is_lost_and_nobody_accused() -> None:
    """A writer that is killed between the two leaves just this."""
    held = chain()
    begun = len(b"".join(lines(held)[:3]))
    for end in range(begun, len(held.data)):
        verdict = judged(replace(held, data=held.data[:end]))
        assert verdict.whole and "killed at entry 4" in verdict.notes[0], end
        assert len(verdict.chains[0].entries) == 4


def test_half_a_line_that_is_not_half_of_the_last_is_no_crash() -> None:
    held = chain()
    assert first(judged(replace(held, data=b"".join(lines(held)[:3]) + b'{"chain":"a","x'))) == 4


def test_what_was_added_at_the_end_is_signed_by_nobody() -> None:
    held, head = chain(), read_head(chain().head or b"")
    further = following(head, "a", fact(5)).last.encode() + b"\n"
    assert first(judged(replace(held, data=held.data + further))) == 5
    assert first(judged(replace(held, data=held.data + further[:20]))) == 5


def test_a_chain_that_was_written_anew_needs_the_keys() -> None:
    forged = chain(keys=OTHERS)
    assert judged(forged, pinned=()).whole, "without a public key nobody can know"
    assert "no signature was checked" in judged(forged, pinned=()).notes[0]
    assert first(judged(forged)) == 0 and "no pinned Ed25519 nor ML-DSA-65 key has signed it" in judged(forged).faults[0].what


def test_one_broken_scheme_is_not_enough_to_forge() -> None:
    half = chain(keys=(KEYS[0], OTHERS[1]))
    assert "no pinned ML-DSA-65 key" in judged(half).faults[0].what
    assert judged(half, pinned=PINNED[:1]).whole


def test_a_signature_of_another_head_is_called_forged() -> None:
    head, other = read_head(chain().head or b""), read_head(chain(3).head or b"")
    verdict = judged(replace(chain(), head=replace(head, signatures=other.signatures).text))
    assert "Ed25519 signature is forged" in verdict.faults[0].what


def test_a_head_that_could_not_be_signed_twice_says_why() -> None:
    head = replace(read_head(chain().head or b""), lacking=("ML-DSA-65: too old",))
    signed = replace(head, signatures=signatures(head, KEYS[:1]))
    assert "too old" in judged(replace(chain(), head=signed.text)).faults[0].what
    assert judged(replace(chain(), head=signed.text), pinned=PINNED[:1]).whole


def test_a_head_that_is_gone_is_no_head_that_agrees() -> None:
    assert first(judged(replace(chain(), head=None))) == 0


def link(held: Held) -> str:
    head = read_head(held.head or b"")
    return json.dumps([{"chain": head.chain, "count": head.count, "digest": head.digest}])


def test_a_run_that_was_taken_out_is_missed_by_the_next() -> None:
    after = chain(2, "b", link(chain()))
    assert judged(chain(), after).whole
    assert "whole chain is missing" in judged(after).faults[0].what


def test_a_run_that_was_put_back_to_an_older_state_is_missed_by_the_next() -> None:
    after = chain(2, "b", link(chain()))
    fault = judged(chain(3), after).faults[0]
    assert (fault.chain, fault.entry) == ("a", 4)


def test_an_older_state_of_everything_is_seen_by_whoever_kept_the_head() -> None:
    kept = read_head(chain().head or b"").digest
    assert judged(chain(), expected=(kept,)).whole
    assert judged(chain(5), expected=(kept,)).whole, "it has grown since"
    assert not judged(chain(3), expected=(kept,)).whole


def test_copies_of_a_chain_are_one_and_the_longest_counts() -> None:
    verdict = judged(chain(2), chain(), chain())
    assert verdict.whole and [len(one.entries) for one in verdict.chains] == [4]


def test_copies_that_part_are_a_forgery_by_whoever_has_the_key() -> None:
    head = following(read_head(chain(3).head or b""), "a", fact(9))
    other = Held("a", chain(3).data + head.last.encode() + b"\n", replace(head, signatures=signatures(head, KEYS)).text)
    assert first(judged(chain(), other)) == 4


def test_a_writer_goes_on_only_from_what_a_crash_leaves() -> None:
    head, data = read_head(chain().head or b""), chain().data
    begun = len(data) - len(lines(chain())[3])
    assert unfinished(None, 0, b"") == b"" and unfinished(head, len(data), data[begun:]) == b""
    assert unfinished(head, begun + 9, data[begun : begun + 9]) == lines(chain())[3] == unfinished(head, begun, b"")
    for bad in ((head, begun - 1, b""), (head, len(data) + 1, data[begun:] + b"x"), (head, len(data), b"x" + data[begun + 1 :]), (None, 3, b"abc")):
        with pytest.raises(ValueError, match="not what its head says"):
            unfinished(*bad)


edits = st.tuples(st.sampled_from(["cut", "insert", "delete", "replace"]), st.integers(0, 10**6), st.binary(min_size=1, max_size=40))


@given(st.lists(edits, min_size=1, max_size=4))
@settings(max_examples=300)
def test_no_edit_of_the_bytes_passes(wishes: list[tuple[str, int, bytes]]) -> None:
    held, data = chain(), chain().data
    for kind, where, extra in wishes:
        at = where % (len(data) + 1)
        data = {
            "cut": data[:at],
            "insert": data[:at] + extra + data[at:],
            "delete": data[:at] + data[at + len(extra) :],
            "replace": data[:at] + extra + data[at + len(extra) :],
        }[kind]
    verdict = judged(replace(held, data=data))
    assert data == held.data or verdict.faults or verdict.notes
    assert verdict.faults or [e["host"] for e in verdict.chains[0].entries] == ["web-1", "web-2", "web-3", "web-4"]


values = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=8
)


@given(st.dictionaries(st.text(), values))
def test_an_entry_has_one_spelling_whatever_it_holds(value: dict[str, Any]) -> None:
    spelled = canonical(value)
    assert b"\n" not in spelled and json.loads(spelled) == value
    assert canonical(dict(reversed(value.items()))) == spelled == canonical(json.loads(spelled))


def test_keys_stand_in_the_order_of_rfc_8785() -> None:
    """Its §3.2.3: by UTF-16 code units, so that U+1F600 stands before U+FB33."""
    value = {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Dalet", "1": "One", "\U0001f600": "Emoji", "\u0080": "Control", "\u00f6": "o"}
    assert [*json.loads(canonical(value)).values()] == ["Carriage Return", "One", "Control", "o", "Euro Sign", "Emoji", "Dalet"]


@pytest.mark.parametrize("value", [1.5, 2**53, None, b"x", "\udcff"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical({"a": value})


def test_the_previous_digest_is_what_sha256sum_says_of_the_line() -> None:
    one, two, *dummy = lines(chain())
    assert json.loads(two)["previous"] == digest(one)
