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
class Appliance:
    """A platform, declared.

    mark: what only its configurations hold.  look(text, path): (the text with nothing but the lines that are read, line numbers unchanged, facts);
    raises Unparsable for what is cut off or no configuration alone.  read(snapshot): the endpoints, from such a text.
    live: how its devices are logged in to; None = only saved configurations are read.
    """

    name: str
    label: str
    mark: re.Pattern[str]
    look: Callable[[str, str], tuple[str, Mapping[str, str]]]
    read: Callable[[Snapshot], tuple[Endpoint, ...]]
    live: Live | None = None
