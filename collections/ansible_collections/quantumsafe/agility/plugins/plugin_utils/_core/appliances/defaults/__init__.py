"""What an absent line of a device means: platform × place × aspect × releases → values, each with its source.  Data, and one lookup.

One file a platform.  A row stands here only where its source was read for those very releases; where sources disagree, or nobody tells, a row
without values says so, or there is none: then the aspect stays unknown.  To add one is to add a row, and to run tests/tools/defaults.py.
"""

from __future__ import annotations

from ...model import Origin, Setting
from . import eos, fortios, ios, junos, vyos
from .row import Default, number

TABLES: dict[str, tuple[Default, ...]] = {
    "vyos": vyos.ROWS,
    "ios": ios.ROWS,
    "fortios": fortios.ROWS,
    "eos": eos.ROWS,
    "junos": junos.ROWS,
}


def default_of(platform: str, release: str, place: str, aspect: str) -> Default | None:
    """None where nothing is written down, or the release is not told."""
    mine = number(release)
    return next((row for row in TABLES.get(platform, ()) if (row.place, row.aspect) == (place, aspect) and row.counts(mine)), None)


def documented(platform: str, version: str, release: str, place: str, aspect: str) -> Setting | None:
    """The same as a setting.  version: how the release is told, as in "VyOS 1.4.0"."""
    row = default_of(platform, release, place, aspect)
    return Setting(row.values, Origin(f"default of {version}, per {row.source}"), "documented") if row and row.values else None
