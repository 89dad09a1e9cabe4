"""One default of a release, and how a release is counted."""

from __future__ import annotations

import re
from dataclasses import dataclass

Release = tuple[int, ...]
# 17.09.04a, v7.4.3, 4.30.1F, 21.4R3-S5.4, 9.16(4), 1.4.0-epa3; behind it what makes it none of the numbered releases.
_NUMBER = re.compile(r"v?(\d+)\.(\d+)(?:[.R(](\d+))?(.*)", re.DOTALL)
_DATED = re.compile(r"-rolling-(\d{8})")
# A train beside the numbered ones (15.1X53), Junos OS Evolved, a snapshot of a branch, and what came before a release.
_BESIDE = re.compile(r"X\d|.*(?:-EVO|-stream|-rolling|[-.]?(?:rc|alpha|beta)\d*)\b", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Default:
    """What an absent line means from one release to another.  first, last: compared as far as they are written, both belong to it.

    place: where, in the words of the platform's reader.  values: as the platform spells them, () = not known, and source says why not.
    source: document and section that were read, or a public transcript.
    """

    place: str
    aspect: str
    first: Release
    last: Release
    values: tuple[str, ...]
    source: str

    def counts(self, release: Release) -> bool:
        """A release that is told less exactly than the row is none of it."""
        enough = len(release) >= max(len(self.first), len(self.last))
        return enough and self.first <= release[: len(self.first)] and release[: len(self.last)] <= self.last


def number(release: str) -> Release:
    """17.09.04a → (17, 9, 4); 21.4R3-S5.4 → (21, 4, 3); 17.12 → (17, 12); 1.5-rolling-202410240007 → (1, 5, 20241024).

    () for what is no numbered release, or none at all.
    """
    found = _NUMBER.match(release.strip())
    if not found:
        return ()
    major, minor, third, rest = found.groups()
    if third is None and (dated := _DATED.match(rest)):
        return int(major), int(minor), int(dated[1])
    if _BESIDE.match(rest):
        return ()
    return (int(major), int(minor), int(third)) if third else (int(major), int(minor))
