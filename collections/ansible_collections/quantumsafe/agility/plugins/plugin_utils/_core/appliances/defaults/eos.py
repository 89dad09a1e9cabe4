"""Arista EOS: no public source was found that lists what its SSH server does without a line."""

from __future__ import annotations

from .row import Default

NONE = "no source was found that lists it"

ROWS = tuple(Default("ssh", aspect, (4, 0), (4, 99), (), NONE) for aspect in ("key_exchange", "cipher", "mac", "host_key"))
