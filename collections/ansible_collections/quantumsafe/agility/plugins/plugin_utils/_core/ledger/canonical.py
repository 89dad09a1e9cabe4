"""Canonical JSON (RFC 8785) of what an entry holds: texts, whole numbers, truth values, lists and mappings.  One fact has one spelling, and it is
one line."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_UTF16 = codecs.lookup("utf-16-be").encode  # looked up here, before a worker is forked for each host, and not in each of them
MOMENT = "%Y-%m-%dT%H:%M:%SZ"  # how a moment is spelled, in UTC: in entries, approvals and results
LARGEST = 2**53 - 1  # beyond it JSON readers differ (RFC 8785 §3.2.2.3 takes numbers as IEEE 754); fractions are refused for the same reason


def canonical(value: Any) -> bytes:
    """Raises ValueError for what has no canonical form here: a fraction, a huge number, text that UTF-8 cannot hold, nothing at all."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST:
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _sorted(value[key]) for key in sorted(value, key=lambda key: _UTF16(key, "surrogatepass"))}  # §3.2.3
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_sorted(one) for one in value]
    raise ValueError(f"the ledger holds no {type(value).__name__} such as {value!r:.40}")
