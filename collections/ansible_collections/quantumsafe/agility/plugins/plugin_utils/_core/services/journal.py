"""What a host's journal is asked: the host counts, so no name and no address leaves it.

Source: journalctl(1), systemd.journal-fields(7): the export format is a field a line, and an empty line behind each entry.
"""

from __future__ import annotations

MOST = "200000"  # lines of the journal


def counted(fields: str, program: str, *matches: str) -> tuple[str, ...]:
    """The call that hands these fields of all entries that match to an awk program, which gets a line CUT where they were not read to their end.

    Its answer begins with `now` and the host's clock, in seconds.
    """
    asked = " ".join(matches)
    read = f'timeout -s KILL 10 journalctl -q -o export --output-fields={fields} -n "$1" {asked} 2>/dev/null || echo CUT'
    return ("sh", "-c", f'date +now%s; {{ {read}; }} | LC_ALL=C awk "$2" | sort', "-", MOST, program)


def clock(lines: list[str]) -> int | None:
    """The host's, of such an answer; None = it says none."""
    said = next((line.removeprefix("now") for line in lines if line.startswith("now")), "")
    return int(said) if said.isdigit() else None
