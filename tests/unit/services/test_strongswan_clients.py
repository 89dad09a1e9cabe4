"""A connection that takes anybody and is moved at this end alone: who came by charon's journal, what that says, and whether it opens the gate."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.end import ends
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.find import hubs
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_log import COMMAND, LOG, exchanges, log
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_vici import SAS

from tests.fixtures.strongswan.load import MAIN, applied, having, text, unloaded

JOURNAL = text("journal.txt")  # alice came with ML-KEM and rekeyed; bob without, and again while charon logged what it received
NOW = 1795824000
OLD, NEW = "x25519", "x25519-ke1_mlkem768"
WORDS = "aes256gcm16-prfsha384"
ROAD = f"""connections {{ road {{
 proposals = {WORDS}-{NEW}, {WORDS}-{OLD}
 local {{ auth = psk
 }}
 remote {{ auth = eap-md5
 }}
 children {{ net {{ esp_proposals = aes256gcm16-{NEW}, aes256gcm16-{OLD}
 }} }}
}} }}
"""
LIVE = (
    "list-sa event {road {uniqueid=3 version=2 state=ESTABLISHED local-id=vpn-b.lab.test remote-host=10.91.0.23 remote-id=10.91.0.23 remote-eap-id=bob "
    "initiator-spi=251f498e9cded735 responder-spi=d2517bed000dd5b4 encr-alg=AES_GCM_16 encr-keysize=256 prf-alg=PRF_HMAC_SHA2_384 dh-group=CURVE_25519 "
    "established=9 child-sas {}}}\nlist-sas reply {}\n"
)


def counted(journal: str, now: int = NOW) -> Snapshot:
    """A server whose journal is this one, counted by the very program of the host."""
    done = subprocess.run(["awk", COMMAND[-1]], input=journal, capture_output=True, text=True, check=True)
    said = "\n".join([f"now{now}", *sorted(done.stdout.splitlines())])
    return told(said)


def told(said: str, live: str = "list-sas reply {}\n") -> Snapshot:
    server = unloaded(having("forky", ROAD))
    return replace(server, answers={**server.answers, LOG: Answer(COMMAND, 0, said), SAS: Answer((), 0, live)})


def came(*rows: str, since: int = NOW - 3600, live: str = "list-sas reply {}\n") -> Snapshot:
    """rows: protocol, how many, seconds ago, selected, received."""
    lines = [f"now{NOW}", f"log\t{since}"]
    for row in rows:
        kind, many, ago, selected, received = row.split("|")
        lines.append(f"{kind}\troad\t{many}\t{NOW - int(ago)}\t{NOW - int(ago)}\t{selected}\t{received}")
    return told("\n".join(lines), live)


def narrowed(server: Snapshot, **how: object) -> str:
    """The line of the proposals once the old one was taken away at this end alone."""
    made = SERVICE.write(server, {"strongswan road": {"key_exchange": Wanted((NEW,), **how)}})  # type: ignore[arg-type]
    (line,) = [line.strip() for line in (applied(server, made).files[MAIN].text or "").splitlines() if line.strip().startswith("proposals")]
    return line


SAFE = "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768"
CLASSICAL = "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519"


def test_the_journal_of_a_real_server_is_counted_on_the_host_and_names_nobody() -> None:
    server = counted(JOURNAL)
    said = server.answers[LOG].out
    assert not any(word in said for word in ("alice", "bob", "10.91", "lab.test", "vpn-"))
    found = log(server)
    assert found and found.now == NOW
    ike = {(one.agreed, one.offered, one.clients) for one in found.came("road", "ikev2")}
    assert ike == {(NEW, (), 1), (OLD, (OLD,), 1)}
    assert {(one.agreed, one.clients) for one in found.came("road", "esp")} == {(NEW, 1), ("", 1)}
    assert [(one.agreed, one.clients) for one in found.came("site", "ikev2")] == [(OLD, 1)], "another connection has its own"


def test_a_client_counts_by_what_it_did_last() -> None:
    again = JOURNAL.replace("selected proposal: IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519\n", f"selected proposal: {SAFE}\n")
    found = log(counted(f"{JOURNAL}\n{again}"))
    assert found and sum(one.clients for one in found.came("road", "ikev2")) == 2
    assert {one.agreed for one in found.came("road", "ikev2")} == {NEW}


def test_a_journal_that_was_not_read_to_its_end_counts_for_nothing() -> None:
    assert log(counted(f"{JOURNAL}\nCUT\n")) is None
    assert log(counted("")) is None, "no line of charon may be read"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (SAFE, (NEW,)),
        (
            "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519/ECP_256/KE1_ML_KEM_768/KE1_NONE",
            (NEW, OLD, "ecp256-ke1_mlkem768", "ecp256"),
        ),
        ("ESP:AES_GCM_16_256/NO_EXT_SEQ", ()),
        ("", ()),
    ],
)
def test_a_proposal_as_charon_logs_it_comes_to_these_exchanges(said: str, names: tuple[str, ...]) -> None:
    assert exchanges(said) == names


# ---------------------------------------------------------------- the gate


def test_new_proposals_may_always_be_added() -> None:
    server = told("", LIVE)
    made = SERVICE.write(server, {"strongswan road": {"key_exchange": Wanted(("x25519-ke1_mlkem1024", NEW, OLD))}})
    assert f"{WORDS}-x25519-ke1_mlkem1024, {WORDS}-{NEW}, {WORDS}-{OLD}" in (applied(server, made).files[MAIN].text or "")


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (came(f"ikev2|2|60|{SAFE}|", f"ikev2|1|90|{CLASSICAL}|"), "in 30 minutes 3 came: 1 did not offer what stays, of 0 it is not known"),
        (came(f"ikev2|2|60|{SAFE}|", "ikev2|1|90||"), "in 30 minutes 3 came: 0 did not offer what stays, of 1 it is not known"),
        (came(f"ikev2|2|60|{SAFE}|", since=NOW - 600), "the journal of charon reaches back 10 minutes, and the policy asks for 30 minutes"),
        (came(f"ikev2|2|2000|{SAFE}|"), "nobody came in 30 minutes, so nobody knows who would be cut off"),
        (came(), "nobody came in 30 minutes"),
        (told(""), "the journal of charon cannot be read, so nobody knows who came"),
        (came(f"ikev2|2|60|{SAFE}|", live=LIVE), "an SA of now was agreed on without it"),
        (came(f"ikev2|1|60|{SAFE}|", live=LIVE.replace("CURVE_25519 ", "CURVE_25519 ake1=ML_KEM_768 ") + LIVE.replace("uniqueid=3", "uniqueid=4").replace(
            "CURVE_25519 ", "CURVE_25519 ake1=ML_KEM_768 ")), "more clients with an SA than the journal names"),
    ],
)  # fmt: skip
def test_nothing_is_taken_away_until_all_that_came_have_shown_that_they_can(server: Snapshot, why: str) -> None:
    with pytest.raises(Inexpressible) as refused:
        narrowed(server, watched=30)
    assert why in str(refused.value) and "road would lose x25519: it takes anybody" in str(refused.value), str(refused.value)
    assert "keep the stage at prefer; or let the policy name how long" in refused.value.remedy


def test_without_a_word_of_the_policy_the_gate_is_shut_whatever_the_journal_says() -> None:
    with pytest.raises(Inexpressible, match=r"of those who came 2 agreed on x25519-ke1_mlkem768 \(last 2026-.*the policy names no time"):
        narrowed(came(f"ikev2|2|60|{SAFE}|"))


def test_it_opens_once_all_that_came_in_that_time_offered_what_stays_and_for_one_connection_alone() -> None:
    stays = f"proposals = {WORDS}-{NEW}"
    assert narrowed(came(f"ikev2|2|60|{SAFE}|", f"ikev2|1|1900|{CLASSICAL}|"), watched=30) == stays, "who came before that time is unknown"
    offered = came(f"ikev2|2|60|{CLASSICAL}|{SAFE}, {CLASSICAL}")
    assert narrowed(offered, watched=30) == stays, "this end took the old one, and they offered the new"
    with pytest.raises(Inexpressible, match="strongswan road/net would lose"):
        SERVICE.write(offered, {"strongswan road/net": {"key_exchange": Wanted((NEW,), watched=30)}})


def test_a_hub_that_moves_with_its_spokes_asks_for_the_same() -> None:
    """Who is away is in no list, whoever holds an SA now (migrate_links, step contract)."""
    assert SERVICE.narrow
    server, wish = came(f"ikev2|2|60|{CLASSICAL}|"), Wanted((NEW,), watched=30)
    with pytest.raises(Inexpressible, match="2 came: 2 did not offer what stays"):
        SERVICE.narrow(server, {"strongswan road": {"key_exchange": wish}})
    assert SERVICE.narrow(came(f"ikev2|2|60|{SAFE}|"), {"strongswan road": {"key_exchange": wish}})


def test_or_once_somebody_answers_for_them_and_the_plan_says_so() -> None:
    server = told("", LIVE)
    who = "head of field service answers for them until 2027-06-30: all tablets were replaced (tablets)"
    assert narrowed(server, answered=who) == f"proposals = {WORDS}-{NEW}"
    said = SERVICE.warns(server, {"strongswan road": {"key_exchange": Wanted((NEW,), answered=who)}}) if SERVICE.warns else ()
    assert f"strongswan road: whoever lacks what stays is cut off; {who}" in said


# ---------------------------------------------------------------- what is told


def test_an_audit_counts_persons_and_names_none() -> None:
    road, child = SERVICE.read(came(f"ikev2|2|60|{SAFE}|", f"ikev2|1|90|{CLASSICAL}|{CLASSICAL}", live=LIVE))
    assert road.settings["clients"].values == (
        "since=2026-11-27T23:00:00Z",
        f"came=2 agreed={NEW} offered=? first=2026-11-27T23:59:00Z last=2026-11-27T23:59:00Z",
        f"came=1 agreed={OLD} offered={OLD} first=2026-11-27T23:58:30Z last=2026-11-27T23:58:30Z",
    )
    (note,) = [one for one in road.notes if one.startswith("remote access: persons log in; since 2026-11-27T23:00:00Z of those who came 2 agreed on")]
    assert note.endswith("whoever did not come is unknown")
    assert child.settings["clients"].values == ("since=2026-11-27T23:00:00Z",)
    told_ = str(plain(road)) + str(plain(child))
    assert "bob" not in told_ and "10.91.0.23" not in told_ and "- user-3" in told_
    (end,) = [one for one in ends("b", (), (plain(road),)) if one.protocol == "ikev2"]
    assert (end.sas[0].identity, end.sas[0].exchange) == ("user-3", OLD)
    (hub,) = hubs([("2026-11-28", "b", (plain(road), plain(child)))])
    assert hub.clients.classical == ("user-3",) and "its journal: since=2026-11-27T23:00:00Z; came=2" in hub.said
