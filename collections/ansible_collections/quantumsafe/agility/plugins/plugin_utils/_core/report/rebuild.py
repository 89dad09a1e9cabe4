"""Rebuild everything in a results folder that is made from its host files.

They are read twice, for who has which key and which policy it was is known only once all were seen.  Those of a large fleet are never in memory
together: each is told to what counts, and let go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .credentials import Held
from .inventory import inventory
from .output import utf8, write_whole
from .register import Needed, compiled
from .results import HostResult, each_host, host_files
from .reuse import Shared, with_reuse
from .summary import Tally
from .table import MANY, terse


def rebuild(folder: Path, write: bool = True) -> tuple[dict[str, Any], tuple[HostResult, ...], bool]:
    """(summary, results as the tables show them, whether a file changed or would).  Raises OSError."""
    complaints: list[str] = []
    shared, digests, paths = Shared(), set[str](), list[tuple[str, Path]]()
    for path, result in each_host(host_files(folder), complaints):
        shared.add(result)
        digests |= {result.policy.get("digest", "")} if result.findings else set()
        paths.append((result.host, path))
    policy = compiled(folder, digests)
    tally, needed, held, shown = Tally(), Needed(policy), Held(shared), list[HostResult]()

    def again() -> Iterator[HostResult]:
        for dummy, found in each_host((path for dummy2, path in sorted(paths)), complaints):
            result = with_reuse(policy, found, shared)
            for count in (tally.add, needed.add, held.add):
                count(result)
            shown.append(result if len(paths) <= MANY else terse(result, held.hosts <= MANY + 1))
            yield result

    texts = {"inventory.csv": inventory(again())}
    summary = {**tally.told(complaints), **needed.told()}
    if held.hosts:
        summary["credentials"] = held.told()
        texts["certificates.csv"] = held.csv()
    texts["summary.json"] = json.dumps(summary, ensure_ascii=False, indent=1) + "\n"
    wanted = {name: utf8(text) for name, text in texts.items()}
    stale = [name for name, text in wanted.items() if not (folder / name).is_file() or (folder / name).read_bytes() != text.encode()]
    if write:
        for name in stale:
            write_whole(folder / name, wanted[name])
    return summary, tuple(shown), bool(stale)
