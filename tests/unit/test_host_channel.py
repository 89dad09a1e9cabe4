"""A connection that is dead without knowing it must not hold the controller: every ask ends in time, and says so."""

from __future__ import annotations

import signal
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.host import Channel, Unreachable


class Silent:
    """Ansible's side: a command that never returns, behind a retry that swallows every ordinary exception, as ssh's does."""

    _connection = SimpleNamespace(transport="ssh")

    def _low_level_execute_command(self, *args: Any, **more: Any) -> dict[str, Any]:
        for dummy in range(3):
            try:
                time.sleep(30)
            except Exception:
                continue
        return {"rc": 0, "stdout": "", "stderr": ""}


def test_an_ask_ends_in_time_although_the_connection_retries() -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer within 1 s"):
        Channel(Silent()).ask(lambda nonce: "true", lambda output, nonce: output, within=1)  # type: ignore[arg-type]
    assert time.monotonic() - began < 20


def test_an_alarm_that_was_set_before_is_set_again() -> None:
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with pytest.raises(Unreachable):
            Channel(Silent()).ask(lambda nonce: "true", lambda output, nonce: output, within=1)  # type: ignore[arg-type]
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
