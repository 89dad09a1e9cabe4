"""When a host may be changed: truth tables, each row with what it comes from.

The clocks of Europe/Berlin: on 2026-03-29 at 02:00 they go to 03:00 (01:00 UTC), on 2026-10-25 at 03:00 back to 02:00 (01:00 UTC)
(tz database, EU rules: last Sunday of March and October, 01:00 UTC).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.windows.standing import Standing, ahead, said, span_said, standing

from ..policy.texts import of

ZONES = "zones: {web: {groups: [web], hosts: [w1]}, dmz: {groups: [dmz]}}\n"


def policy(windows: str = "", freezes: str = "") -> Policy:
    head = 'policy: {name: t, version: "1", timezone: Europe/Berlin}\n'
    return of(head + ZONES + (f"windows: [{windows}]\n" if windows else "") + (f"freezes: [{freezes}]\n" if freezes else ""))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def now(of_policy: Policy, moment: str, seconds: int = 0, host: str = "h", groups: tuple[str, ...] = ("web",)) -> Standing:
    """moment: UTC."""
    return standing(of_policy, host, groups, at(moment), seconds)


def following(found: Standing) -> str:
    return span_said(found.next) if found.next else ""


NIGHTS = "{id: n, zone: web, rrule: FREQ=DAILY;BYHOUR=2, duration: 2h}"  # 02:00–04:00
NOON = "{id: n, zone: web, rrule: FREQ=DAILY;BYHOUR=12, duration: 1h}"


# ---------------------------------------------------------------- one window


@pytest.mark.parametrize(
    ("moment", "seconds", "state", "why"),
    [
        ("2026-12-05T00:59:59", 0, "closed", "01:59:59 in Berlin (CET, UTC+1)"),
        ("2026-12-05T01:00", 0, "open", "its first moment belongs to it"),
        ("2026-12-05T02:59:59", 0, "open", "its last second"),
        ("2026-12-05T03:00", 0, "closed", "its end does not belong to it"),
        ("2026-12-05T02:30", 1800, "open", "30 minutes are left, and needed"),
        ("2026-12-05T02:30:01", 1800, "closed", "one second less is left"),
        ("2026-07-05T00:00", 0, "open", "02:00 in Berlin (CEST, UTC+2)"),
        ("2026-07-05T02:00", 0, "closed", "04:00 CEST"),
    ],
)
def test_a_window_is_open_from_its_beginning_up_to_its_end(moment: str, seconds: int, state: str, why: str) -> None:
    assert now(policy(NIGHTS), moment, seconds).state == state, why


def test_the_reserve_of_a_window_and_the_time_of_a_change_are_not_added() -> None:
    """policy-semantics: the reserve is kept at its end for the way back; what a change may take contains its way back."""
    reserved = policy(NIGHTS.replace("2h", "2h, reserve: 30m"))
    assert now(reserved, "2026-12-05T02:30", 600).state == "open"
    assert now(reserved, "2026-12-05T02:31", 600).state == "closed"
    assert now(reserved, "2026-12-05T02:20", 2401).state == "closed"


# ---------------------------------------------------------------- clocks that change


@pytest.mark.parametrize(
    ("window", "day", "spans", "why"),
    [
        (("2", "2h"), "2026-03-28", "2026-03-29 03:00–04:00", "02:00 does not exist: RFC 5545 3.3.5 reads it as 03:00; the clock ends it at 04:00"),
        (("2", "1h"), "2026-03-28", "2026-03-30 02:00–03:00", "the whole hour does not exist, so that night has no window"),
        (("1", "2h"), "2026-03-28", "2026-03-29 01:00–03:00", "one hour long: the clock shows 03:00 after it"),
        (("3", "1h"), "2026-03-28", "2026-03-29 03:00–04:00", "the hour after the change is as ever"),
        (
            ("2", "2h"),
            "2026-10-24",
            "2026-10-25 02:00–03:00",
            "the first 02:00 (RFC 5545 3.3.5) and two real hours, though the clock shows 03:00 then",
        ),
        (("1", "4h"), "2026-10-24", "2026-10-25 01:00–04:00", "four real hours from 01:00 CEST end at 04:00 CET"),
        (("3", "1h"), "2026-10-24", "2026-10-25 03:00–04:00", "03:00 comes once, after the change"),
    ],
)
def test_when_clocks_change_the_shorter_reading_of_a_window_counts(window: tuple[str, str], day: str, spans: str, why: str) -> None:
    hour, length = window
    found = policy(f"{{id: n, zone: web, rrule: FREQ=DAILY;BYHOUR={hour}, duration: {length}}}")
    assert following(now(found, f"{day}T12:00")) == f"{spans} Europe/Berlin", why


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2026-03-29T00:59", "closed"),  # 01:59 CET
        ("2026-03-29T01:00", "open"),  # 03:00 CEST
        ("2026-03-29T02:00", "closed"),  # 04:00 CEST, although only one hour has passed
        ("2026-10-25T00:00", "open"),  # 02:00 CEST, the first
        ("2026-10-25T01:30", "open"),  # 02:30 CET, the second
        ("2026-10-25T02:00", "closed"),  # 03:00 CET: two hours have passed
    ],
)
def test_the_night_of_the_change_in_utc(moment: str, state: str) -> None:
    assert now(policy(NIGHTS), moment).state == state


def test_when_clocks_change_the_longer_reading_of_a_freeze_counts() -> None:
    doubled = policy(freezes="{id: f, from: 2026-10-25T02:30, to: 2026-10-25T02:45}")
    assert now(doubled, "2026-10-25T00:30").state == "frozen"  # 02:30 CEST, the first
    assert now(doubled, "2026-10-25T01:45").state == "frozen"  # 02:45 CET, the second
    void = policy(freezes="{id: f, from: 2026-03-29T02:30, to: 2026-03-29T02:45}")
    assert now(void, "2026-03-29T00:40").state == "frozen"  # by the offset after the change
    assert now(void, "2026-03-29T01:40").state == "frozen"  # by the one before it


# ---------------------------------------------------------------- days that not every year or month has


@pytest.mark.parametrize(
    ("rule", "moment", "spans", "why"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=1", "2026-12-05T00:00", "2028-02-29 01:00–02:00", "2028 is the next leap year"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=1", "2096-03-01T00:00", "2104-02-29 01:00–02:00", "2100 is none: 8 years, the longest wait"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYHOUR=1", "2026-04-01T00:00", "2026-05-31 01:00–02:00", "RFC 5545 3.3.10: invalid dates are ignored"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=1", "2028-02-02T00:00", "2028-02-29 01:00–02:00", "the last day of a month"),
        ("FREQ=MONTHLY;BYDAY=1SU;BYHOUR=22", "2026-12-01T00:00", "2026-12-06 22:00–23:00", "the first Sunday of December 2026"),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=-1;BYHOUR=1", "2026-12-01T00:00", "2026-12-27 01:00–02:00", "the last day of a weekend"),
        ("FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=1", "2026-12-02T00:00", "2026-12-03 01:00–02:00", "a Thursday"),
        ("FREQ=WEEKLY;BYDAY=TU", "2026-12-02T00:00", "2026-12-08 00:00–01:00", "no hour is midnight"),
        ("FREQ=DAILY;BYHOUR=1;UNTIL=20261205", "2026-12-04T12:00", "2026-12-05 01:00–02:00", "a day named by until is included (policy-semantics)"),
        ("FREQ=DAILY;BYHOUR=1;UNTIL=20261205T000000Z", "2026-12-04T12:00", "2026-12-05 01:00–02:00", "00:00 UTC is 01:00 in Berlin, included"),
        ("FREQ=DAILY;BYHOUR=1;UNTIL=20261204T235959Z", "2026-12-04T12:00", "", "a second earlier it is not"),
    ],
)
def test_recurrence(rule: str, moment: str, spans: str, why: str) -> None:
    found = now(policy(f"{{id: n, zone: web, rrule: '{rule}', duration: 1h}}"), moment)
    assert following(found).removesuffix(" Europe/Berlin") == spans, why


# ---------------------------------------------------------------- several windows


@pytest.mark.parametrize(
    ("two", "moment", "seconds", "state", "why"),
    [
        (("20", "4h", "22", "4h"), "2026-12-05T22:30", 7200, "open", "they overlap: one window from 20:00 to 02:00"),
        (("20", "2h", "22", "2h"), "2026-12-05T20:30", 5400, "open", "they adjoin: one window from 20:00 to 24:00"),
        (("20", "2h", "23", "1h"), "2026-12-05T20:30", 5400, "closed", "an hour lies between them"),
        (("22", "4h", "22", "1h"), "2026-12-06T00:30", 0, "open", "01:30: one of them crosses midnight"),
        (("0", "1d", "0", "1d"), "2026-12-05T22:59", 86400, "open", "whole days adjoin, without an end"),
    ],
)
def test_windows_of_one_scope_add_up(two: tuple[str, str, str, str], moment: str, seconds: int, state: str, why: str) -> None:
    a, b, c, d = two
    windows = f"{{id: a, zone: web, rrule: FREQ=DAILY;BYHOUR={a}, duration: {b}}}, {{id: b, zone: web, rrule: FREQ=DAILY;BYHOUR={c}, duration: {d}}}"
    assert now(policy(windows), moment, seconds).state == state, why


def test_joined_windows_keep_the_reserve_of_the_one_that_ends_last() -> None:
    windows = "{id: a, zone: web, rrule: FREQ=DAILY;BYHOUR=20, duration: 2h, reserve: 1h}, {id: b, zone: web, rrule: FREQ=DAILY;BYHOUR=22, duration: 2h, reserve: 15m}"
    assert now(policy(windows), "2026-12-05T20:30").state == "open"  # 21:30, in the first one's reserve
    assert now(policy(windows), "2026-12-05T22:46").state == "closed"  # 23:46


@pytest.mark.parametrize(
    ("host", "groups", "state", "why"),
    [
        ("h", ("web",), "closed", "the zone's window is at 02:00"),
        ("h", ("web", "db"), "open", "a group outweighs a zone (host > group > zone, policy-semantics)"),
        ("w1", ("web", "db"), "closed", "a host outweighs a group: Sundays only, and it is a Saturday"),
        ("h", (), "open", "only the window for everybody speaks for it"),
        ("h", ("dmz",), "open", "its zone has none: that for everybody"),
    ],
)
def test_the_most_specific_scope_says_when(host: str, groups: tuple[str, ...], state: str, why: str) -> None:
    windows = (
        f"{NIGHTS}, {{id: g, group: db, rrule: FREQ=DAILY;BYHOUR=12, duration: 1h}}, {{id: all, rrule: FREQ=DAILY;BYHOUR=12, duration: 1h}}, "
        "{id: w, host: w1, rrule: FREQ=WEEKLY;BYDAY=SU;BYHOUR=12, duration: 1h}"
    )
    assert now(policy(windows), "2026-12-05T11:30", host=host, groups=groups).state == state, why


def test_a_host_of_two_zones_waits_until_both_are_open() -> None:
    """Equal weight, and neither may decide for the other: what one owner forbids is not done."""
    both = policy(
        "{id: a, zone: web, rrule: FREQ=DAILY;BYHOUR=1, duration: 3h}, {id: b, zone: dmz, rrule: FREQ=DAILY;BYHOUR=3, duration: 3h, reserve: 10m}"
    )
    found = now(both, "2026-12-05T01:00", groups=("web", "dmz"))
    assert found.state == "closed"
    assert following(found) == "2026-12-05 03:00–04:00 Europe/Berlin"
    assert now(both, "2026-12-05T02:51", groups=("web", "dmz")).state == "closed", "within the reserve of one of them"
    never = policy("{id: a, zone: web, rrule: FREQ=DAILY;BYHOUR=1, duration: 1h}, {id: b, zone: dmz, rrule: FREQ=DAILY;BYHOUR=3, duration: 1h}")
    assert said(now(never, "2026-12-05T01:00", groups=("web", "dmz"))) == "outside its change window (a, b); none that is long enough follows"


def test_without_a_window_that_speaks_for_it_a_host_may_always_be_changed() -> None:
    assert now(policy(), "2026-12-05T12:00", 10**6).state == "open"
    assert now(policy(NIGHTS), "2026-12-05T12:00", groups=("dmz",)).state == "open"


# ---------------------------------------------------------------- freezes

YEAR_END = "{id: year-end, from: 2026-12-18T00:00, to: 2027-01-04T06:00, reason: sales}"


@pytest.mark.parametrize(
    ("windows", "freezes", "moment", "seconds", "state", "then", "why"),
    [
        ("", YEAR_END, "2026-12-17T22:59", 0, "open", "", "a minute before it"),
        ("", YEAR_END, "2026-12-17T22:59", 120, "closed", "from 2027-01-04 06:00 Europe/Berlin on", "the change could end in it"),
        ("", YEAR_END, "2026-12-17T23:00", 0, "frozen", "from 2027-01-04 06:00 Europe/Berlin on", "its first moment belongs to it"),
        ("", YEAR_END, "2027-01-04T05:00", 0, "frozen", "from 2027-01-04 06:00 Europe/Berlin on", "and so does its last"),
        ("", YEAR_END, "2027-01-04T05:00:01", 0, "open", "", "a second after it"),
        (NIGHTS, YEAR_END, "2027-01-01T01:30", 0, "frozen", "2027-01-05 02:00–04:00 Europe/Berlin", "a window within it does not open"),
        (NIGHTS, "{id: f, from: 2026-12-05T03:00, to: 2026-12-06T03:00}", "2026-12-05T01:30", 1800, "open", "", "it cuts the end of a window off"),
        (
            NIGHTS,
            "{id: f, from: 2026-12-05T03:00, to: 2026-12-06T03:00}",
            "2026-12-05T01:31",
            1800,
            "closed",
            "2026-12-06 03:00–04:00 Europe/Berlin",
            "and the beginning of the next",
        ),
        (
            NIGHTS,
            "{id: f, from: 2026-12-05T02:30, to: 2026-12-05T03:30}",
            "2026-12-05T01:45",
            0,
            "frozen",
            "2026-12-05 03:30–04:00 Europe/Berlin",
            "it cuts one in two",
        ),
        (
            NIGHTS,
            "{id: f, from: 2026-12-05T02:30, to: 2026-12-05T03:30}",
            "2026-12-05T01:45",
            2400,
            "frozen",
            "2026-12-06 02:00–04:00 Europe/Berlin",
            "of which the second part is too short",
        ),
        (
            "",
            "{id: f, from: 2026-12-24, to: 2026-12-26}",
            "2026-12-23T23:00",
            0,
            "frozen",
            "from 2026-12-27 00:00 Europe/Berlin on",
            "days are whole, and both included",
        ),
        ("", "{id: f, from: 2026-12-24, to: 2026-12-24}", "2026-12-24T22:59", 0, "frozen", "from 2026-12-25 00:00 Europe/Berlin on", "one day"),
        ("", "{id: f, from: 2026-12-24, to: 2026-12-24, zone: dmz}", "2026-12-24T12:00", 0, "open", "", "it speaks for another zone"),
        (
            "",
            f"{YEAR_END}, {{id: f, host: h, from: 2027-01-01, to: 2027-01-05}}",
            "2027-01-02T12:00",
            0,
            "frozen",
            "from 2027-01-06 00:00 Europe/Berlin on",
            "every one that speaks for it holds, not the most specific",
        ),
    ],
)
def test_freezes_take_away_from_windows(windows: str, freezes: str, moment: str, seconds: int, state: str, then: str, why: str) -> None:
    found = now(policy(windows, freezes), moment, seconds)
    assert (found.state, following(found)) == (state, then), why


def test_a_freeze_may_come_again() -> None:
    quarters = policy(
        freezes="{id: q, events: [{from: 2026-03-30, to: 2026-04-01, rrule: 'FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=30', except: [2026-09-30]}]}"
    )
    assert [now(quarters, f"2026-{day}T12:00").state for day in ("03-29", "03-30", "04-01", "04-02", "07-02", "09-30", "12-31")] == [
        "open", "frozen", "frozen", "open", "frozen", "open", "frozen",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "state"), [("2026-12-01T12:30", "open"), ("2026-12-08T12:30", "closed"), ("2026-12-15T12:30", "open"), ("2026-12-29T12:30", "closed")]
)
def test_events_count_from_their_first_time_and_stop_after_their_count(moment: str, state: str) -> None:
    events = "{from: 2026-12-01T12:00, to: 2026-12-01T13:00, rrule: FREQ=WEEKLY;INTERVAL=2;COUNT=2, timezone: UTC}"
    assert now(policy(f"{{id: n, zone: web, events: [{events}]}}"), moment).state == state


def test_a_controller_that_does_not_know_the_time_zone_changes_nothing_and_says_so() -> None:
    compiled = policy(NIGHTS)
    moved = replace(compiled, windows=tuple(replace(one, timezone="Mars/Base") for one in compiled.windows))
    with pytest.raises(Problem, match=r"no time zone is called Mars/Base here.*tzdata"):
        now(moved, "2026-12-05T01:00")


# ---------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("windows", "freezes", "moment", "text"),
    [
        (NIGHTS, "", "2026-12-04T12:00", "outside its change window (n); the next one: 2026-12-05 02:00–04:00 Europe/Berlin"),
        (NIGHTS.replace("=2,", "=23,"), "", "2026-12-04T12:00", "outside its change window (n); the next one: 2026-12-04 23:00–2026-12-05 01:00 Europe/Berlin"),
        (NIGHTS, "", "2026-12-05T02:57", "too late: the time for changes ends at 2026-12-05 04:00 Europe/Berlin, and a change with its way back may take 5 min; "
         "the next one: 2026-12-06 02:00–04:00 Europe/Berlin"),
        (NOON, YEAR_END, "2026-12-20T12:00", "frozen by year-end (sales) until 2027-01-04 06:00 Europe/Berlin; the next one: 2027-01-04 12:00–13:00 Europe/Berlin"),
        (NOON, "", "2026-12-05T11:30", ""),
    ],
)  # fmt: skip
def test_a_refusal_names_the_next_time(windows: str, freezes: str, moment: str, text: str) -> None:
    assert said(now(policy(windows, freezes), moment, 300)) == text


def test_a_policy_can_be_asked_what_its_windows_and_freezes_amount_to_next() -> None:
    past = "{id: old, from: 2020-01-01, to: 2020-01-02}"
    assert ahead(policy(NIGHTS, f"{YEAR_END}, {past}"), at("2026-12-20T12:00")) == [
        "window n: next, 2026-12-21 02:00–04:00 Europe/Berlin",
        "freeze year-end: now, 2026-12-18 00:00–2027-01-04 06:00 Europe/Berlin",
        "freeze old is over, or does not come within nine years: take it out",
    ]
