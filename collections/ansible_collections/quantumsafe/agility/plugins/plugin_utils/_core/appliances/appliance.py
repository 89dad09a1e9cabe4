"""The contract of a platform: what one file in appliances/ declares, and all that the other rooms know of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..model import Change, Endpoint, Snapshot, Wishes


@dataclass(frozen=True, slots=True)
class Timer:
    """A change that the device takes back by itself.  user: who armed it; minutes: as it was armed, 0 = not told."""

    user: str
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Live:
    """A platform whose devices are logged in to: what is asked, and how a change is carried, command by command.

    systems: values of ansible_network_os.  identify(answer to version): (release, serial number), "" for what is not told.
    running: what shows the whole configuration, the first that the device takes; plain, startup: what runs and what starts, comparable.
    cut(text): the configuration alone, without what the device says around it; "" when it is not whole.
    comparable(text): its lines without what differs by itself.
    pending, timer(answer): the change that waits, None without one.  arm(minutes): arms the device's own timer, and may leave a mode open.
    enter, leave: the mode of changes; confirm, revert, save: each a command of its own.  refused: a line that says that a command was not done.
    write(snapshot, wishes): the new lines in the place of the old; raises Inexpressible.  Only endpoints of `writes` are written.
    """

    systems: tuple[str, ...]
    version: str
    identify: Callable[[str], tuple[str, str]]
    running: tuple[str, ...]
    plain: str
    startup: str
    cut: Callable[[str], str]
    comparable: Callable[[str], tuple[str, ...]]
    pending: str
    timer: Callable[[str], Timer | None]
    arm: Callable[[int], str]
    enter: str
    leave: str
    confirm: str
    revert: str
    save: str
    refused: re.Pattern[str]
    writes: tuple[str, ...]
    write: Callable[[Snapshot, Wishes], tuple[Change, ...]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a REST API.  body: JSON, "" = none."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """A platform whose devices are changed by requests, and start again from what is saved when nobody saves a change in time.

    systems: values of ansible_network_os.  status, identify(answer): (release, serial number), "" for what is not told.
    backup(release): what gives the configuration; lists(release): what gives the lists of its SSH server, defaults too, None = that release has none.
    text(answer to backup, to lists, release): the configuration with those lists, without secrets and what differs by itself.
    others(text): all that it says but those lists and the mode, comparable.  holds(answer to lists, lines): whether it has the lists of these lines.
    mode, saving(answer): how changes are saved, and the seconds after which the device takes back what is not; safe: the mode in which they are at
    once, waits: that with the way back.
    arm(seconds), put(lines), save, disarm(seconds): each a request of its own.  refused(status, answer): why it was not done, "" = it was.
    head: words of a line that say which list it is.  write(snapshot, wishes): as Live.write.
    """

    systems: tuple[str, ...]
    status: Request
    identify: Callable[[str], tuple[str, str]]
    backup: Callable[[str], Request]
    lists: Callable[[str], Request | None]
    text: Callable[[str, str, str], str]
    others: Callable[[str], tuple[tuple[str, ...], ...]]
    holds: Callable[[str, tuple[str, ...]], bool]
    mode: Request
    saving: Callable[[str], tuple[str, int]]
    safe: str
    waits: str
    arm: Callable[[int], Request]
    put: Callable[[tuple[str, ...]], Request]
    save: Request
    disarm: Callable[[int], Request]
    refused: Callable[[int, str], str]
    head: int
    writes: tuple[str, ...]
    write: Callable[[Snapshot, Wishes], tuple[Change, ...]]


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
