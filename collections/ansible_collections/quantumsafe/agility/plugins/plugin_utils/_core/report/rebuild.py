"""Rebuild everything in a results folder that is made from its host files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .credentials import certificates, credentials
from .inventory import inventory
from .output import utf8, write_whole
from .register import compiled, register
from .results import HostResult, read_hosts
from .reuse import with_reuse
from .summary import summarise


def rebuild(folder: Path, write: bool = True) -> tuple[dict[str, Any], tuple[HostResult, ...], bool]:
    """(summary, results, whether a file changed or would).  Raises OSError."""
    found, complaints = read_hosts(folder)
    policy = compiled(folder, {r.policy.get("digest", "") for r in found if r.findings})
    results = with_reuse(policy, found)
    summary = {**summarise(results, complaints), **register(policy, results)}
    held = [result for result in results if result.credentials]
    if held:
        summary["credentials"] = credentials(held)
    texts = {"summary.json": json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "inventory.csv": inventory(results)}
    texts |= {"certificates.csv": certificates(held)} if held else {}
    wanted = {name: utf8(text) for name, text in texts.items()}
    stale = [name for name, text in wanted.items() if not (folder / name).is_file() or (folder / name).read_bytes() != text.encode()]
    if write:
        for name in stale:
            write_whole(folder / name, wanted[name])
    return summary, results, bool(stale)
