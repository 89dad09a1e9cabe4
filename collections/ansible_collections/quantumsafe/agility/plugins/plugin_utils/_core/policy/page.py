"""One policy file while it is read, and the small values in it: days, time zones, names of algorithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..algorithms.lookup import USES, find, near
from .calendar import known_zone
from .yaml_lines import Lines


@dataclass(slots=True)
class Page:
    """One file while it is read: where its lines are, and where mistakes go.  beside: the text of a file that it names, with the line there."""

    where: str
    lines: Lines
    errors: list[str]
    timezone: str = "UTC"
    regimes: tuple[str, ...] = ()
    enforce: tuple[str, ...] = ()
    withs: list[tuple[str, str, str]] = field(default_factory=list)  # (override id, the policy whose rules it takes, where it says so)
    beside: Callable[[str, str], str] = lambda name, cited: ""

    def at(self, *path: str | int) -> str:
        return f"{self.where}:{self.lines.get(path, 1)}"

    def wrong(self, origin: str, text: str) -> None:
        self.errors.append(f"{origin}: {text}")


def day(text: str, origin: str, page: Page) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        page.wrong(origin, f"{text} is no date")
        return ""


def timezone_of(name: str, origin: str, page: Page) -> str:
    if not known_zone(name):
        page.wrong(origin, f"no time zone is called {name}; write an IANA name such as Europe/Berlin")
        return "UTC"
    return name


def many(value: Any) -> tuple[str, ...]:
    """One word or a list of words."""
    return tuple(value) if isinstance(value, list) else (value,)


def known(name: str, origin: str, page: Page, scope: tuple[str, str] = ("", "")) -> str:
    """The catalogue id of a name within a (protocol, aspect); an unknown one is an error that offers what looks like it."""
    for protocol, aspect in USES:
        if scope[0] in ("", protocol) and scope[1] in ("", aspect) and (algorithm := find(protocol, aspect, name)):
            return algorithm.id
    alike = near(name)
    page.wrong(origin, f"no algorithm is called {name}" + (f"; did you mean {' or '.join(alike)}?" if alike else ""))
    return name
