"""Which acceptance runs: `make verify-NAME` sets AGILITY_ACCEPTANCE=NAME, and what is too long for `make test` runs in it alone."""

from __future__ import annotations

import os


def asked(acceptance: str) -> bool:
    return os.environ.get("AGILITY_ACCEPTANCE") == acceptance
