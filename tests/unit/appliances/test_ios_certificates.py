"""What is said to an IOS-XE device about its certificates, and what is understood of it: its questions are those of public transcripts."""

from __future__ import annotations

import re

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.ios_keeping import KEEPING, NOTHING, drop, make, place, servings
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.ios_live import LIVE, comparable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.keeping import Talk, request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Problem, Snapshot

NAME = "ag1a2b3c"
PASTE = 'Enter the base 64 encoded CA certificate.\nEnd with a blank line or the word "quit" on a line by itself\n\n'
ACCEPT = "Certificate has the following attributes:\n       Fingerprint MD5: 0CD2\n      Fingerprint SHA1: CABD\n\n% Do you accept this certificate? [yes/no]: "
REMOVE = "% Keys to be removed are named '{}'.\n% All router certs issued using these keys will also be removed.\nDo you really want to remove these keys? [yes/no]: "
CONFIG = """\
version 17.12
hostname edge1
crypto pki trustpoint TP-self-signed-1
 enrollment selfsigned
 rsakeypair TP-self-signed-1
crypto pki trustpoint SCEP
 enrollment url http://user:CANARY@192.0.2.9
 auto-enroll 90
crypto pki certificate chain TP-self-signed-1
 certificate self-signed 01{body}
{named}ip http secure-server
line vty 0 4
 transport input ssh
end
"""
DIGITS = "\n  30820330 30820218 A0030201\n  02020101\n  \tquit"


def answered(talk: Talk, heard: str) -> str | None:
    return next((answer for question, answer in talk.replies if re.search(question, heard, re.DOTALL)), None)


def seen(named: str = "") -> Snapshot:
    return snapshot_of(CONFIG.format(body=DIGITS, named=named).encode(), "running-config", "edge1", "")


def said(steps: tuple[object, ...], head: str) -> Talk:
    return next(one for one in steps if isinstance(one, Talk) and one.command.startswith(head))


@pytest.mark.parametrize("question", [PASTE, ACCEPT, REMOVE.format(NAME), "% Include an IP address in the subject name? [no]: "])
def test_its_questions_are_known_by_their_end(question: str) -> None:
    assert re.search(KEEPING.asks, question)


@pytest.mark.parametrize("text", ["edge1(config)#", "edge1(ca-trustpoint)#", f"{ACCEPT}yes\nTrustpoint CA certificate accepted.\nedge1(config)#"])
def test_what_is_no_question_is_none(text: str) -> None:
    assert not re.search(KEEPING.asks, text)


def test_a_key_of_another_label_is_never_removed() -> None:
    for word in ("ec", "rsa"):
        talk = said(drop(NAME), f"crypto key zeroize {word}")
        heard = {label: answered(talk, REMOVE.format(label)) for label in (NAME, "SSHKEY", f"{NAME}x")}
        assert heard == {NAME: "yes", "SSHKEY": "no", f"{NAME}x": "no"}
    assert (
        answered(said(drop(NAME), "crypto key zeroize ec"), "% All keys will be removed.\nDo you really want to remove these keys? [yes/no]: ")
        == "no"
    )


def test_a_certificate_is_pasted_without_a_blank_line_and_only_then_accepted() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n\n-----END CERTIFICATE-----\n"
    talk = said(place(NAME, ("leaf", pem)), "crypto pki authenticate")
    assert answered(talk, PASTE) == "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\nquit"
    assert answered(talk, f"{PASTE}AAAA\nquit\n{ACCEPT}") == "yes"
    assert not re.search(talk.done, "% Please delete your existing CA certificate first.\nedge1(config)#")


def test_a_request_shows_the_names_that_a_line_can_say() -> None:
    steps = make(seen(), NAME, "ECDSA-P384", ("edge1.test", "192.0.2.1", "edge.test"))
    commands = [one.command for one in steps]
    assert f"crypto key generate ec keysize 384 label {NAME}" in commands
    assert "subject-alt-name edge1.test,edge.test" in commands
    enroll = said(steps, "crypto pki enroll")
    assert answered(enroll, "Display Certificate Request to terminal? [yes/no]: ") == "yes"
    assert answered(enroll, "Redisplay enrollment request? [yes/no]: ") == "no"
    assert [re.search(enroll.done, text) is None for text in ("% Start certificate enrollment ..", "% Error: no keys", " ^\n% Invalid input")] == [
        False,
        True,
        True,
    ]


def test_the_request_is_found_among_what_a_terminal_shows() -> None:
    text = "Certificate Request follows:\n\n-----BEGIN CERTIFICATE REQUEST-----\nMIHw\n MIGX\n-----END CERTIFICATE REQUEST-----\n\n---End - This line"
    assert request(text) == "-----BEGIN CERTIFICATE REQUEST-----\nMIHwMIGX\n-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(Problem, match="no certificate request"):
        request("edge1(config)#")


def test_a_certificate_that_runs_as_digits_and_starts_as_a_file_is_the_same() -> None:
    runs, starts = (CONFIG.format(body=body, named="") for body in (DIGITS, " nvram:IOS-Self-Sig#1.cer"))
    assert comparable(runs) == comparable(starts)
    assert "crypto pki certificate chain TP-self-signed-1 / certificate self-signed 01" in comparable(runs)
    assert comparable(runs) != comparable(runs.replace("self-signed 01", "self-signed 02"))


def test_who_renews_by_itself_is_left_to_that_and_who_names_none_says_so() -> None:
    (none,) = servings(seen())[0].bindings
    (own,) = servings(seen("ip http secure-trustpoint TP-self-signed-1\n"))[0].bindings
    (scep,) = servings(seen("ip http secure-trustpoint SCEP\n"))[0].bindings
    assert (none.pair, own.pair.certificate, own.fixed, "auto-enroll" in scep.fixed) == (NOTHING, "TP-self-signed-1", "", True)
    assert "CANARY" not in "".join(file.text or "" for file in seen().files.values())


@pytest.mark.parametrize("named", ["", "ip http secure-trustpoint TP-self-signed-1\n"])
def test_the_line_that_names_it_takes_the_place_of_the_old_one(named: str) -> None:
    snapshot = seen(named)
    (binding,) = servings(snapshot)[0].bindings
    changes = KEEPING.rebind(snapshot, {binding.origin: Pair(NAME, NAME)})
    ((edit,),) = [one.edits for one in changes if isinstance(one, Change)]
    assert (edit.insert, edit.delete) == ((f"ip http secure-trustpoint {NAME}\n",), 1 if named else 0)
    assert LIVE.keeping is KEEPING
