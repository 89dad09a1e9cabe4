"""What binaries of known releases say, for a folder in which nothing can be run.

The rows of data/ were told by real binaries (tests/tools/recorded.py).  One speaks for a package of the same release and no other: a release
that is not here stays unknown, and whatever is taken from a row says so (Answer.recorded).  A live host is always asked itself.
Sources of what packages are there: /var/lib/dpkg/status (dpkg-query(1)), the version's parts deb-version(7).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..model import Answer

DATA = Path(__file__).parent / "data"
STATUS = "/var/lib/dpkg/status"
SSHD_DEFAULTS = "sshd-defaults"  # `sshd -T` of an empty configuration: what + - ^ change, and what counts when nothing is said
BY_TABLE = " (by table, not asked)"  # behind a version of which nobody asked the binary
_VERSION = re.compile(r"(?:\d+:)?([^-+~]+)")  # upstream's, without epoch, repackaging and the distribution's revision


@dataclass(frozen=True, slots=True)
class Row:
    """of: "OpenSSH 9.2 of Debian GNU/Linux 12 (bookworm)".  packages: names of which one is installed.  release: "" = any.

    answers: by id of a command, as the binary gave them; {openssl} and {nginx} stand for the versions that are installed.
    """

    of: str
    packages: tuple[str, ...]
    release: str
    answers: Mapping[str, Mapping[str, object]]

    def version(self, installed: Mapping[str, str]) -> str:
        """The one version of it that is installed; "" = none, or several."""
        found = {installed[name] for name in self.packages if name in installed}
        return found.pop() if len(found) == 1 else ""


def source(command: str, answer: Answer) -> str:
    """What is known from this answer: the command, and whose words they are where this binary could not be asked."""
    return f"`{command}` of {answer.recorded}, for nobody could ask this one" if answer.recorded else command


def packages(status: str) -> dict[str, str]:
    """Installed package → upstream version, from dpkg's own list."""
    found: dict[str, str] = {}
    for block in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1].isalpha() and ": " in line)
        version = _VERSION.match(fields.get("Version", ""))
        if version and fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = version[1]
    return found


def recorded(installed: Mapping[str, str]) -> dict[str, Answer]:
    """Id of a command → what this release's binary says to it, for every row that speaks for something installed."""
    known = [(row, row.version(installed)) for row in _rows()]
    names = {row.of.split()[0].lower(): version for row, version in known if version}
    found: dict[str, Answer] = {}
    for row, version in known:
        if version and (not row.release or re.match(rf"{re.escape(row.release)}(?!\d)", version)):
            found |= {id_: _answer(row, said, names) for id_, said in row.answers.items()}
    return found


def _answer(row: Row, said: Mapping[str, object], names: Mapping[str, str]) -> Answer:
    out, err = str(said["out"]), str(said["err"])
    for name, version in names.items():
        out, err = out.replace(f"{{{name}}}", version), err.replace(f"{{{name}}}", version)
    return Answer(tuple(str(word) for word in _list(said["argv"])), int(str(said["rc"])), out, err, recorded=row.of)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


@cache
def _rows() -> tuple[Row, ...]:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.json"))]
    return tuple(Row(row["of"], tuple(row["packages"]), row["release"], row["answers"]) for row in rows)
