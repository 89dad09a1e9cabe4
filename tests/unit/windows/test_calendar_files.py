"""Calendar files (iCalendar) as the times of windows and freezes: what they mean, and that nothing in them is dropped in silence."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.dump import dump
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Event, Policy

from ..policy.texts import of
from .test_standing import now

HEAD = 'policy: {name: t, version: "1", timezone: Europe/Berlin}\n'
FREEZE = HEAD + "freezes: [{id: f, ical: cal/freeze.ics, reason: audit}]\n"
WINDOW = HEAD + "windows: [{id: w, ical: cal/freeze.ics, reserve: 30m}]\n"


def calendar(*entries: str, before: str = "") -> str:
    body = "".join(f"BEGIN:VEVENT\r\nUID:u{i}\r\n" + entry.replace("\n", "\r\n") + "\r\nEND:VEVENT\r\n" for i, entry in enumerate(entries))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{before}{body}END:VCALENDAR\r\n"


def read(*entries: str, text: str = FREEZE, before: str = "") -> Policy:
    return of(text, others={"cal/freeze.ics": calendar(*entries, before=before)})


def one(entry: str) -> Event:
    (event,) = read(entry).freezes[0].events
    return event


@pytest.mark.parametrize(
    ("entry", "event", "why"),
    [
        ("DTSTART;TZID=America/New_York:20270329T180000\nDTEND;TZID=America/New_York:20270402T080000",
         Event("2027-03-29T18:00", "2027-04-02T08:00", "America/New_York"), "3.3.5, form 3: local time with a reference"),
        ("DTSTART:20270329T180000Z\nDURATION:PT90M", Event("2027-03-29T18:00", "2027-03-29T19:30", "UTC"), "3.3.5, form 2"),
        ("DTSTART:20270329T180000\nDURATION:P1D", Event("2027-03-29T18:00", "2027-03-30T18:00", "Europe/Berlin"), "3.3.5, form 1: floats, so the policy's zone"),
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", Event("2026-12-24", "2026-12-26", "Europe/Berlin"), "3.6.1: DTEND is the first day after"),
        ("DTSTART;VALUE=DATE:20261224", Event("2026-12-24", "2026-12-24", "Europe/Berlin"), "3.6.1: a day without an end is that day"),
        ("DTSTART;TZID=W. Europe Standard Time:20270329T180000\nDURATION:PT1H", Event("2027-03-29T18:00", "2027-03-29T19:00", "Europe/Berlin"), "as Outlook writes it (CLDR)"),
        ("DTSTART;TZID=Europe/Berlin:20270329T180000\nDTEND;TZID=Europe/London:20270329T180000", Event("2027-03-29T18:00", "2027-03-29T19:00", "Europe/Berlin"), "ends an hour later there"),
        ("DTSTART;TZID=Europe/Berlin:20261201T010000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=TU\nEXDATE;TZID=Europe/Berlin:20261208T010000\nEXDATE:20261215T000000Z",
         Event("2026-12-01T01:00", "2026-12-01T02:00", "Europe/Berlin", "FREQ=WEEKLY;BYDAY=TU", ("2026-12-08T01:00", "2026-12-15T01:00")), "3.8.5.1"),
    ],
)  # fmt: skip
def test_an_event_means_what_rfc_5545_says(entry: str, event: Event, why: str) -> None:
    assert one(entry) == event, why


def test_a_moved_or_cancelled_occurrence_leaves_its_old_place_and_rdate_adds_one() -> None:
    series = "UID:s\nDTSTART;TZID=Europe/Berlin:20261201T010000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=TU\nRDATE;TZID=Europe/Berlin:20261204T010000"
    moved = "UID:s\nRECURRENCE-ID:20261208T000000Z\nDTSTART;TZID=Europe/Berlin:20261209T030000\nDURATION:PT1H"
    cancelled = "UID:s\nRECURRENCE-ID;TZID=Europe/Berlin:20261215T010000\nDTSTART;TZID=Europe/Berlin:20261215T010000\nSTATUS:CANCELLED"
    found = of(
        FREEZE,
        others={"cal/freeze.ics": calendar(series, moved, cancelled).replace("UID:u0\r\n", "").replace("UID:u1\r\n", "").replace("UID:u2\r\n", "")},
    )
    states = [now(found, f"2026-12-{moment}").state for moment in ("01T00:30", "04T00:30", "08T00:30", "09T02:30", "15T00:30", "22T00:30")]
    assert states == ["frozen", "frozen", "open", "frozen", "open", "frozen"]


def test_a_cancelled_event_is_none() -> None:
    found = read("DTSTART:20270329T180000Z\nDURATION:PT1H\nSTATUS:CANCELLED", "DTSTART:20270330T180000Z\nDURATION:PT1H")
    assert [event.start for event in found.freezes[0].events] == ["2027-03-30T18:00"]


def test_a_window_may_come_from_a_calendar_and_a_resolved_policy_needs_the_file_no_more() -> None:
    found = read("DTSTART;TZID=Europe/Berlin:20261205T020000\nDURATION:PT2H", text=WINDOW)
    assert [now(found, f"2026-12-05T{moment}").state for moment in ("00:59", "01:00", "02:31")] == ["closed", "open", "closed"]
    assert of(dump(found)).digest == found.digest


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("DTSTART;TZID=Mars/Base:20270329T180000\nDURATION:PT1H", "no time zone is called Mars/Base"),
        ("DTSTART:20271329T180000Z\nDURATION:PT1H", "DTSTART: Wrong datetime format"),
        ("SUMMARY:close of year\nDURATION:PT1H", "cal/freeze.ics: close of year: it has no DTSTART"),
        ("DTSTART:20270329T180000Z\nDTSTART:20270329T190000Z", "more than one DTSTART"),
        ("DTSTART:20270329T180000Z", "it has no length"),
        ("DTSTART:20270329T180000Z\nDTEND:20270329T170000Z", "it has no length"),
        ("DTSTART:20270329T180000Z\nDTEND;VALUE=DATE:20270330", "one of DTSTART and DTEND is a day"),
        ("DTSTART;VALUE=DATE:20270329\nDURATION:PT1H", "begins with a day and does not end with one"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY", "FREQ cannot be SECONDLY"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRRULE:FREQ=OFTEN", "RRULE: "),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=TU", "its rrule does not give its first time"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nEXRULE:FREQ=DAILY", "EXRULE is not taken"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20270401T000000Z/PT2H", "a period is not taken"),
        ("DTSTART:20270329T180000Z\nDURATION:PT1H\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270329T170000Z", "and all that follow"),
        ("DTSTART:16010101T000000Z\nDURATION:PT1H", "outside of the years"),
        ("DTSTART:20270329T180000Z\nDURATION:P99999999D", ""),
    ],
)
def test_what_is_not_understood_is_an_error_that_names_the_event(entry: str, what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:2") as error:
        read(entry)
    assert what in str(error.value)
    assert "no host was touched" in str(error.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no calendar"),
        ("hello", "no calendar"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "no calendar"),
        ("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "it has 0 events"),
        ("BEGIN:VEVENT\r\nEND:VEVENT\r\n", "it has 0 events"),
        (calendar(*["DTSTART;VALUE=DATE:20261224"] * 1001), "it has 1001 events"),
        ("x" * 1024 * 1025, "larger than 1024 KiB"),
        ("BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 20000 + "END:VEVENT\r\n" * 20000 + "END:VCALENDAR\r\n", "it has no DTSTART"),
        (calendar("DTSTART:20270329T180000Z\nDURATION:PT1H\nRDATE:" + ",".join(["20270401T000000Z"] * 2000)), "2001 dates"),
    ],
    ids=["empty", "words", "torn", "nothing", "no calendar around it", "many", "large", "nested", "many dates"],
)
def test_a_strange_file_is_told(text: str, what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:2") as error:
        of(FREEZE, others={"cal/freeze.ics": text})
    assert what in str(error.value)


def test_the_rules_of_a_time_zone_that_a_file_brings_along_are_not_run() -> None:
    """They would be worked out second by second; the name of the zone says it."""
    zone = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    with pytest.raises(PolicyError, match="no time zone is called Own"):
        read("DTSTART;TZID=Own:20270329T180000\nDURATION:PT1H", before=zone)


@pytest.mark.parametrize("name", ["../freeze.ics", "/etc/passwd", "cal/../../freeze.ics", "missing.ics", "a\0b"])
def test_a_calendar_lies_in_the_folder_of_the_policy(name: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:2"):
        of(FREEZE.replace("cal/freeze.ics", '"' + name.replace("\0", "\\0") + '"'))


def test_a_calendar_that_is_not_utf8_is_told_with_its_line() -> None:
    def not_utf8(name: str) -> str:
        if name == "p.yml":
            return FREEZE
        raise UnicodeDecodeError("utf-8", b"BEGIN:VCALENDAR\nX:\xff", 18, 19, "invalid start byte")

    from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load

    with pytest.raises(PolicyError, match=r"not UTF-8.*freeze\.ics:2|freeze\.ics:2.*not UTF-8"):
        load("p.yml", not_utf8)


def test_who_lacks_the_library_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def lacking(name: str, *args: Any, **more: Any) -> Any:
        if name == "icalendar":
            raise ImportError(name)
        return known(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(PolicyError, match="pip install icalendar"):
        read("DTSTART;VALUE=DATE:20261224")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("windows: [{id: w, duration: 2h}]", "needs one of rrule, events, ical"),
        ("windows: [{id: w, rrule: FREQ=DAILY}]", "duration belongs to rrule"),
        ("windows: [{id: w, rrule: FREQ=DAILY, duration: 2h, events: [{from: 2026-12-24, to: 2026-12-24}]}]", "rrule and events exclude each other"),
        ("windows: [{id: w, rrule: FREQ=WEEKLY, duration: 2h}]", "it says no day; add BYDAY"),
        ("windows: [{id: w, rrule: FREQ=DAILY;INTERVAL=2, duration: 2h}]", "INTERVAL counts from a first day"),
        ("windows: [{id: w, rrule: FREQ=DAILY;COUNT=1, duration: 2h}]", "COUNT counts from a first day"),
        ("windows: [{id: w, rrule: FREQ=DAILY;BYSETPOS=2, duration: 2h}]", "never comes"),
        ("windows: [{id: w, rrule: 'FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=31', duration: 2h}]", "never comes"),
        ("windows: [{id: w, events: [{from: 2026-12-24T01:00, to: 2026-12-24T02:00}], reserve: 1h}]", "leaves no time"),
        ("windows: [{id: w, events: [{from: 2026-12-24T01:00, to: 2026-12-24T01:00}]}]", "ends before it begins"),
        ("freezes: [{id: f, from: 2026-12-24}]", "needs one of"),
        ("freezes: [{id: f, to: 2026-12-24, events: [{from: 2026-12-24, to: 2026-12-24}]}]", "from and to belong together"),
        ("freezes: [{id: f, from: 2026-12-24, to: 9999-12-31}]", "outside of the years"),
    ],
)
def test_times_that_say_too_little_or_too_much_are_refused(text: str, what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:2") as error:
        of('policy: {name: t, version: "1"}\n' + text + "\n")
    assert what in str(error.value)
