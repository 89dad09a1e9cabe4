"""A name that goes away at one end of an OpenVPN: who came by its journal, what that says, and whether it opens the gate."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openvpn import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openvpn_log import COMMAND, LOG, book

from tests.fixtures.tunnels.load import CLIENT, HERE, SERVER, edited, having, text_of

JOURNAL = (HERE / "journal.txt").read_text(encoding="utf-8")
NOW = 1795842000
SERVER_ID, CLIENT_ID = "openvpn server/site.conf", "openvpn client/site.conf"
SITE, SEVEN, OTHER = "openvpn-server@site.service", "openvpn-server@seven.service", "openvpn-client@site.service"
NEW, OLD = "X25519MLKEM768", "X25519"
CIPHERS = "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"
# What the release writes of each exchange.
SAID = {
    NEW: "peer temporary key: 768 bits X25519MLKEM768",
    OLD: "peer temporary key: 253 bits X25519",
    "P": "peer temporary key: 256 bits ECprime256v1",
}


def counted(journal: str) -> str:
    """As the very program of the host counts it."""
    done = subprocess.run(["awk", COMMAND[-1]], input=journal, capture_output=True, text=True, check=True)
    return "\n".join([f"now{NOW}", *sorted(done.stdout.splitlines())])


def without(pid: str) -> str:
    """The journal as if this process had not been."""
    return "\n\n".join(entry for entry in JOURNAL.split("\n\n") if f"_PID={pid}\n" not in entry)


def told(said: str, host: str = "tun-a", groups: str = f"{NEW}/{OLD}:prime256v1", more: str = "") -> Snapshot:
    path = SERVER if host == "tun-a" else CLIENT
    text = text_of(host, path).replace("tls-groups X25519:prime256v1\n", f"tls-groups {groups}\n")
    text = text if host == "tun-a" else f"{text}tls-groups {groups}\n"
    end = having(host, {path: text + more})
    return replace(end, answers={**end.answers, LOG: Answer(COMMAND, 0, said)})


def came(*rows: str, since: int = NOW - 3600, kind: str = "client", unit: str = SITE, **how: str) -> Snapshot:
    """rows: how many, seconds ago, exchange, and then version, cipher, ciphers that were offered."""
    lines = [f"now{NOW}", f"log\t{unit}\t{since}"]
    for row in rows:
        said = row.split("|")
        many, ago, exchange, version, cipher, offered = (*said, *("TLSv1.3", "AES-256-GCM", CIPHERS)[len(said) - 3 :])
        lines.append(f"{kind}\t{unit}\t{many}\t{NOW - int(ago)}\t{NOW - int(ago)}\t{version}\t{SAID.get(exchange, '')}\t{cipher}\t{offered}")
    return told("\n".join(lines), **how)


def line_of(end: Snapshot, id_: str, option: str, **wanted: Wanted) -> str:
    """The line of this option once it was written."""
    (made,) = SERVICE.write(end, {id_: wanted})
    return next(line for line in edited(end, made).splitlines() if line.startswith(f"{option} "))


def contracted(end: Snapshot, **how: object) -> str:
    return line_of(end, SERVER_ID, "tls-groups", key_exchange=Wanted((NEW,), (0,), **how))  # type: ignore[arg-type]


# ---------------------------------------------------------------- the journal


def test_the_journal_of_real_daemons_is_counted_on_the_host_and_names_nobody() -> None:
    said = counted(without("164"))
    assert not any(word in said for word in ("tun-b", "tun-c", "10.91", "Quantumsafe"))
    end = told(said)
    server = book(end, SITE, "key_exchange")
    assert server and (server.now, server.since) == (NOW, 1795841454)
    assert {(one.agreed, one.clients) for one in server.came} == {(NEW, 1), ("x25519", 1)}, "each by its newest session"
    newer = book(end, SEVEN, "key_exchange")
    assert newer and [(one.agreed, one.clients) for one in newer.came] == [(NEW, 1)], "2.7 writes the protocol in front"
    other = book(end, OTHER, "key_exchange")
    assert other and [(one.agreed, one.clients) for one in other.came] == [(NEW, 1)], "a client has one peer"
    for unit in (SITE, SEVEN, OTHER):
        versions, ciphers = book(end, unit, "version"), book(end, unit, "cipher")
        assert (
            versions and ciphers and {one.agreed for one in versions.came} == {"TLSv1.3"} and {one.agreed for one in ciphers.came} == {"AES-256-GCM"}
        )
    assert book(end, "openvpn-server@other.service", "key_exchange") is None


def test_a_session_that_its_log_tells_too_little_of_is_not_known() -> None:
    """verb 1 names who came, and not with what."""
    server = book(told(counted(JOURNAL)), SITE, "key_exchange")
    assert server and [(one.agreed, one.clients) for one in server.came] == [("", 2)]


def test_where_all_may_have_one_name_each_session_counts() -> None:
    end = told(counted(without("164")))
    server = book(end, SITE, "key_exchange", each_session=True)
    assert server and {(one.agreed, one.clients) for one in server.came} == {(NEW, 1), ("x25519", 4)}
    shared = came(f"1|60|{OLD}", kind="session", more="duplicate-cn\n")
    assert "1 agreed on x25519" in "".join(SERVICE.read(shared)[0].notes)


def test_a_renegotiation_counts_for_a_session_that_began_before_the_journal_does() -> None:
    late = "\n\n".join(entry for entry in JOURNAL.split("\n\n") if "=tun-c/10.91.0.28:48035 Control Channel" in entry)
    server = book(told(counted(late + "\n\n")), SITE, "key_exchange")
    assert server and [(one.agreed, one.clients) for one in server.came] == [("x25519", 1)]


def test_what_a_client_has_written_into_the_log_is_no_line_of_another_session() -> None:
    forged = (
        "10.91.0.28:48035 peer info: UV_X=tun-c/10.91.0.28:48035 Control Channel: TLSv1.3, cipher x, key agreement: X25519MLKEM768",
        "tun-c/10.91.0.28:48035 WARNING: Received unknown control message: /10.91.0.28:48035 Control Channel: TLSv1.3, x, key agreement: X25519MLKEM768",
        "tun-c/10.91.0.28:48035 peer info: UV_X=/10.91.0.28:48035 Data Channel: cipher 'NONE'",
    )
    lines = (f"__REALTIME_TIMESTAMP=1795841799000000\n_BOOT_ID={boot()}\n_PID=155\n_SYSTEMD_UNIT={SITE}\nMESSAGE={said}\n\n" for said in forged)
    assert counted(without("164") + "".join(lines)).splitlines()[1:] == counted(without("164")).splitlines()[1:]


def boot() -> str:
    return next(line.partition("=")[2] for line in JOURNAL.splitlines() if line.startswith("_BOOT_ID="))


def test_a_line_with_a_time_in_front_is_the_same_line() -> None:
    timed = without("164").replace("MESSAGE=", "MESSAGE=2026-11-28 04:50:54 ")
    assert counted(timed) == counted(without("164"))


def test_a_journal_that_was_not_read_to_its_end_counts_for_nothing() -> None:
    assert book(told(counted(f"{JOURNAL}\nCUT\n")), SITE, "key_exchange") is None


def test_names_are_compared_in_one_spelling() -> None:
    server = book(came("2|60|P"), SITE, "key_exchange")
    assert server and server.came[0].agreed == "secp256r1"
    assert line_of(came("2|60|P"), SERVER_ID, "tls-groups", key_exchange=Wanted((NEW, "prime256v1"), (0, 1), watched=30)).endswith("/prime256v1")


# ---------------------------------------------------------------- the gate of a server


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (came(f"2|60|{NEW}", f"1|90|{OLD}"), "in 30 minutes 3 came: 1 did not agree on what stays, of 0 it is not known"),
        (came(f"2|60|{NEW}", "1|90|?"), "in 30 minutes 3 came: 0 did not agree on what stays, of 1 it is not known"),
        (came(f"2|60|{NEW}", since=NOW - 600), "the journal of OpenVPN reaches back 10 minutes, and the policy asks for 30 minutes"),
        (came(f"2|2000|{NEW}"), "nobody came in 30 minutes, so nobody knows who would be cut off"),
        (told(""), "the journal of OpenVPN cannot be read, so nobody knows who came"),
        (came(f"2|60|{NEW}", more="log-append /var/log/openvpn.log\n"), "it writes its log to a file (/etc/openvpn/server/site.conf:19)"),
        (came(f"1|60|{NEW}", f"1|60|{OLD}", kind="session", more="verify-client-cert none\n"), "2 came: 1 did not agree on what stays"),
    ],
)
def test_nothing_is_taken_away_until_all_that_came_have_shown_that_they_can(server: Snapshot, why: str) -> None:
    with pytest.raises(Inexpressible) as refused:
        contracted(server, watched=30)
    assert why in str(refused.value) and "taking away X25519, prime256v1 on one end alone may end the tunnel" in str(refused.value), str(
        refused.value
    )
    assert "clients: watch" in refused.value.remedy


def test_without_a_word_of_the_policy_the_gate_is_shut_whatever_the_journal_says() -> None:
    with pytest.raises(Inexpressible, match=r"of those who came 2 agreed on X25519MLKEM768 \(last 2026-.*the policy names no time"):
        contracted(came(f"2|60|{NEW}"))


def test_it_opens_once_all_that_came_in_that_time_agreed_on_what_stays() -> None:
    assert contracted(came(f"2|60|{NEW}", f"1|1900|{OLD}"), watched=30) == f"tls-groups {NEW}", "who came before that time is unknown"


def test_or_once_somebody_answers_for_them_and_the_plan_says_so() -> None:
    who = "head of field service answers for them until 2027-06-30: all tablets were replaced (tablets)"
    end = came(f"1|60|{OLD}")
    assert contracted(end, answered=who) == f"tls-groups {NEW}"
    said = SERVICE.warns(end, {SERVER_ID: {"key_exchange": Wanted((NEW,), (0,), answered=who)}}) if SERVICE.warns else ()
    assert any(f"whoever lacks what stays is cut off; {who}; since 2026-" in one for one in said)
    added = SERVICE.warns(end, {SERVER_ID: {"key_exchange": Wanted((NEW, OLD, "prime256v1", "X448"), (0, 1, 1, 1))}}) if SERVICE.warns else ()
    assert not any("cut off" in one for one in added)


def test_versions_have_the_same_gate() -> None:
    assert line_of(came(f"2|60|{NEW}"), SERVER_ID, "tls-version-min", version=Wanted(("TLSv1.3",), watched=30)) == "tls-version-min 1.3"
    with pytest.raises(Inexpressible, match="2 came: 1 did not agree on what stays"):
        SERVICE.write(came(f"1|60|{NEW}", f"1|60|{OLD}|TLSv1.2"), {SERVER_ID: {"version": Wanted(("TLSv1.3",), watched=30)}})


def test_ciphers_have_the_same_gate_and_an_offer_counts() -> None:
    strong = Wanted(("AES-256-GCM",), watched=30)
    assert (
        line_of(came(f"1|60|{OLD}", f"1|60|{OLD}|TLSv1.3|CHACHA20-POLY1305"), SERVER_ID, "data-ciphers", cipher=strong) == "data-ciphers AES-256-GCM"
    )
    with pytest.raises(Inexpressible, match="2 came: 1 did not offer what stays"):
        SERVICE.write(came(f"1|60|{OLD}", f"1|60|{OLD}|TLSv1.3|AES-128-GCM|AES-128-GCM"), {SERVER_ID: {"cipher": strong}})


# ---------------------------------------------------------------- the gate of a client


def of_client(*rows: str, **how: str) -> Snapshot:
    return came(*rows, unit=OTHER, host="tun-b", **how)


def test_a_client_contracts_once_it_agreed_on_what_stays_with_its_server() -> None:
    only = {"key_exchange": Wanted((NEW,), (0,))}
    assert line_of(of_client(f"1|9000|{OLD}", f"1|60|{NEW}"), CLIENT_ID, "tls-groups", **only) == f"tls-groups {NEW}"
    for end, why in (
        (of_client(f"1|60|{OLD}"), "with its server it agreed on x25519 last"),
        (of_client(f"1|9000|{NEW}", f"1|60|{OLD}"), "with its server it agreed on x25519 last"),
        (of_client("1|60|?"), "OpenVPN 2.7.8 does not name in its log what it agreed on with its server"),
        (of_client(), "the journal of OpenVPN names no session of it"),
        (of_client(f"1|60|{NEW}", more="remote 10.91.0.99 1194\n"), "it calls several servers"),
        (of_client(f"1|60|{NEW}", more="log /var/log/x\n"), "it writes its log to a file"),
    ):
        with pytest.raises(Inexpressible, match="on one end alone may end the tunnel") as refused:
            SERVICE.write(end, {CLIENT_ID: only})
        assert why in str(refused.value), str(refused.value)
    answered = {"key_exchange": Wanted((NEW,), (0,), answered="ops answers for them")}
    assert line_of(of_client("1|60|?"), CLIENT_ID, "tls-groups", **answered) == f"tls-groups {NEW}"


# ---------------------------------------------------------------- what is told


def test_an_audit_counts_those_who_came_to_a_server_and_names_none() -> None:
    (server,) = SERVICE.read(told(counted(without("164"))))
    assert server.settings["clients"].values[0] == "since=2026-11-28T04:50:54Z"
    assert [one.split(" first=")[0] for one in server.settings["clients"].values[1:]] == [
        f"came=1 agreed={NEW} offered=?",
        "came=1 agreed=x25519 offered=?",
    ]
    assert server.notes[-1].startswith("since 2026-11-28T04:50:54Z of those who came 1 agreed on X25519MLKEM768 (last 2026-11-28T")
    assert not any(word in str(plain(server)) for word in ("tun-c", "10.91.0.28"))
    (client,) = SERVICE.read(told(counted(without("164")), host="tun-b"))
    assert "clients" not in client.settings
