"""The table of defaults in docs/appliances.md, from _core/appliances/defaults: python tests/tools/defaults.py (in the top folder) writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "collections"))

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import APPLIANCES  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.defaults import TABLES  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.defaults.row import Default, Release  # noqa: E402

PAGE = TOP / "docs/appliances.md"
BEGIN, END = "<!-- defaults: python tests/tools/defaults.py -->\n", "<!-- end of defaults -->\n"
MOST = 99  # stands for whatever is the last of a train


def _release(number: Release) -> str:
    *parts, last = (str(part) for part in number if part != MOST)
    return f"{'.'.join(parts)}-rolling-{last}" if len(last) > len("20241") else ".".join((*parts, last))


def _releases(row: Default) -> str:
    first, last = _release(row.first), _release(row.last) if row.last[0] != MOST else ""
    if MOST in row.last[:2]:
        return f"{first} and later"
    if row.first == row.last:
        return first
    train = first.removesuffix(".0")
    return train if train == last else f"{first} to {last}"


def _source(text: str) -> str:
    return text.replace("|", "\\|")


def _rows() -> Iterator[str]:
    yield "| platform | releases | where | aspect | without a line | source |\n|---|---|---|---|---|---|\n"
    for name, rows in TABLES.items():
        for row in rows:
            values = " ".join(f"`{value}`" for value in row.values) or "unknown"
            yield f"| {APPLIANCES[name].label} | {_releases(row)} | {row.place} | {row.aspect} | {values} | {_source(row.source)} |\n"


def page(text: str) -> str:
    """The page with its table as it has to be."""
    head, dummy, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}{''.join(_rows())}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
