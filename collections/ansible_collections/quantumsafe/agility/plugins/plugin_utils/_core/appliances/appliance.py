"""The contract of a platform: what one file in appliances/ declares, and all that the other rooms know of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..model import Change, Endpoint, Snapshot, Wishes
from .keeping import Keeping


@dataclass(frozen=True, slots=True)
class Timer:
    """A change that waits: the device takes it back by itself, or somebody has begun it.

    user: whose, "" = not told; minutes: as it was armed, 0 = not told; name: what it is called there, "" where changes have no names.
    """

    user: str
    minutes: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One change in the words of its platform.  name: by which the device knows it as ours, where it knows names.

    old, new: the statements of the lists that it touches, before and after; minutes: until the device takes it back.
    """

    name: str
    minutes: int
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    @property
    def back(self) -> Order:
        return replace(self, old=self.new, new=self.old)


Span = tuple[tuple[int, int], tuple[int, int]]  # the first and the last release, major and minor
Commands = Callable[[Order], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Live:
    """A platform whose devices are logged in to: what is asked, and how a change is carried, command by command.

    systems: values of ansible_network_os.  identify(answers to version): (release, serial number), "" for what is not told.
    running: what shows the whole configuration, the first that the device takes; plain, startup: what runs and what starts, comparable; startup ""
    where what is committed is what starts.  cut(text): the configuration alone, without what the device says around it; "" when it is not whole.
    comparable(text): its statements without what differs by itself; () when it is not whole.
    pending, waiting(answer): the changes that wait.  refused: a line that says that a command was not done.
    review: shows what a candidate would change, where it would undo what others did since it was begun: `+` and `-` before each line.
    question, answer: what a command may ask, as a regular expression, and what is said to it.

    A change is one of two forms.  Where each line counts at once, arm starts the timer before them, and drop is empty.  Where lines are a candidate,
    arm is empty: close makes them count together, with the timer, and drop leaves them undone.
    enter, lines, close: the mode of changes, what is written in it, and its end.  revert: takes it back at once; where `stops` is set its timer has
    to be stopped by confirm as well.  lists: aspect → the path of its list.
    slow: seconds after its timer within which it must have gone back.  outage(snapshot): what its timer does besides, for the plan.
    known: releases whose commands were read.  write(snapshot, wishes): the new statements in the place of the old; raises Inexpressible.  Only
    endpoints of `writes` are written, and of those whose names begin as `takes` says the aspects that it names.
    place(statement): what a statement that is on no list of `lists` is put back with, as its path: the object that it belongs to, or the list of
    names that it is one of.  over(snapshot): endpoint → the successor that stands in front of it (objects.py), "" = nothing names it.
    alone(snapshot): endpoint → why nothing of it is written here, as the plan says it.  keeping: its certificates (keeping.py).
    """

    systems: tuple[str, ...]
    version: tuple[str, ...]
    identify: Callable[[str], tuple[str, str]]
    running: tuple[str, ...]
    plain: str
    startup: str
    cut: Callable[[str], str]
    comparable: Callable[[str], tuple[str, ...]]
    pending: str
    waiting: Callable[[str], tuple[Timer, ...]]
    arm: Commands
    enter: Commands
    lines: Commands
    close: Commands
    drop: tuple[str, ...]
    confirm: Commands
    revert: Commands
    save: tuple[str, ...]
    refused: re.Pattern[str]
    writes: tuple[str, ...]
    lists: Mapping[str, str]
    known: tuple[Span, ...]
    write: Callable[[Snapshot, Wishes], tuple[Change, ...]]
    keeping: Keeping
    review: str = ""
    question: str = ""
    answer: str = ""
    stops: bool = False
    slow: int = 60
    outage: Callable[[Snapshot], str] = lambda snapshot: ""
    takes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    place: Callable[[str], str] = lambda statement: statement
    over: Callable[[Snapshot], Mapping[str, str]] = lambda snapshot: {}
    alone: Callable[[Snapshot], Mapping[str, str]] = lambda snapshot: {}


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a REST API.  body: JSON, "" = none."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """A platform whose devices are changed by requests, and start again from what is saved when nobody saves a change in time.

    systems: values of ansible_network_os.  status, identify(answer): (release, serial number), "" for what is not told; the answer is one of a
    table as well.  backup(release): what gives the configuration; lists(release): what gives the lists of its SSH server, defaults too, None = that
    release has none.  text(answer to backup, answers of tables, release): the configuration with the lists of those, without secrets and what
    differs by itself.  others(text, statements): all that it says but the lists of these and the mode, comparable.
    holds(text, statements, those of the other side): whether it has these, where the lists of both are meant.
    mode, saving(answer): how changes are saved, and the seconds after which the device takes back what is not; safe: the mode in which they are at
    once, waits: that with the way back.
    arm(seconds), save, disarm(seconds): each a request of its own; put(statements, those of the other side): one for each table and object, all of
    whose lists change together.  refused(status, answer): why it was not done, "" = it was.
    path(statement): that of its list.  outage, known, writes: as of Live.  takes(endpoint): the aspects of any other that are written; named: all
    of what is written, for a plan.
    write(snapshot, wishes): as of Live; what of a tunnel is there stays behind the new.  contract: like write, but it goes.  short(endpoint, aspect →
    names that are wanted): the aspects of a tunnel where something of that is not there.  warns(snapshot, wishes): what a plan says of them.
    keeping: as of Live.
    """

    systems: tuple[str, ...]
    status: Request
    identify: Callable[[str], tuple[str, str]]
    backup: Callable[[str], Request]
    lists: Callable[[str], Request | None]
    text: Callable[[str, tuple[str, ...], str], str]
    others: Callable[[str, tuple[str, ...]], tuple[tuple[str, ...], ...]]
    holds: Callable[[str, tuple[str, ...], tuple[str, ...]], bool]
    mode: Request
    saving: Callable[[str], tuple[str, int]]
    safe: str
    waits: str
    arm: Callable[[int], Request]
    put: Callable[[tuple[str, ...], tuple[str, ...]], tuple[Request, ...]]
    save: Request
    disarm: Callable[[int], Request]
    refused: Callable[[int, str], str]
    cuts: Callable[[Request], bool]
    path: Callable[[str], str]
    outage: Callable[[Snapshot], str]
    known: tuple[Span, ...]
    writes: tuple[str, ...]
    takes: Callable[[Endpoint], tuple[str, ...]]
    named: tuple[str, ...]
    write: Callable[[Snapshot, Wishes], tuple[Change, ...]]
    contract: Callable[[Snapshot, Wishes], tuple[Change, ...]]
    short: Callable[[Endpoint, Mapping[str, tuple[str, ...]]], set[str]]
    warns: Callable[[Snapshot, Wishes], tuple[str, ...]]
    keeping: Keeping


@dataclass(frozen=True, slots=True)
class Appliance:
    """A platform, declared.

    mark: what only its configurations hold.  look(text, path): (the text with nothing but the lines that are read, line numbers unchanged, facts);
    raises Unparsable for what is cut off or no configuration alone.  read(snapshot): the endpoints, from such a text.
    live, api: how its devices are logged in to, by a terminal or by an API; without both only saved configurations are read.
    """

    name: str
    label: str
    mark: re.Pattern[str]
    look: Callable[[str, str], tuple[str, Mapping[str, str]]]
    read: Callable[[Snapshot], tuple[Endpoint, ...]]
    live: Live | None = None
    api: Api | None = None

    @property
    def changes(self) -> Live | Api | None:
        """What is written on it, and how."""
        return self.live or self.api
