# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what users look at while a wave soaks: commands and addresses of their own, asked from the controller.

A command is a list of words and no shell sees it.  A failure is asked again before it counts.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any

from ansible.module_utils.urls import open_url

from ._core.model import Problem
from ._core.report.table import one_line

AGAIN = (1.0, 3.0)  # seconds before a check that failed is asked again
SECONDS = 30  # for one answer
LONGEST = 200  # of what a check says of itself

Check = str | tuple[str, ...]  # an address, or the words of a command


def checks(given: Iterable[Any]) -> tuple[Check, ...]:
    """Raises Problem for what is neither, before anything is changed."""
    out: list[Check] = []
    for one in given:
        if isinstance(one, str) and one.startswith(("https://", "http://")):
            out.append(one)
        elif isinstance(one, (list, tuple)) and one and all(isinstance(word, str) and word and "\0" not in word for word in one):
            out.append(tuple(one))
        else:
            raise Problem(
                f"{one!r} is no health check",
                "agility_health",
                "give addresses (https://…) and commands as lists of words, e.g. [[/usr/local/bin/check-shop, --quick]]; nothing was changed",
            )
    return tuple(out)


def unwell(check: Check) -> str:
    """What is wrong, the last time of a few; "" = it is well."""
    for pause in (*AGAIN, None):
        why = _status(check) if isinstance(check, str) else _ended(check)
        if not why or pause is None:
            return why and one_line(f"{check if isinstance(check, str) else ' '.join(check)}: {why}")[:LONGEST]
        time.sleep(pause)
    return ""


def _status(url: str) -> str:
    try:
        answer = open_url(url, timeout=SECONDS, follow_redirects="none", http_agent="quantumsafe.agility")
    except (OSError, ValueError, HTTPException) as error:  # HTTPError, which a status of 400 is, is an OSError
        return str(error) or type(error).__name__
    with answer:
        return "" if 200 <= answer.status < 300 else f"it answers {answer.status}"


def _ended(argv: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not end within {SECONDS} s"
    except (OSError, ValueError) as error:
        return str(error)
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return f"it ended with {done.returncode}{': ' if said else ''}{said[-1] if said else ''}" if done.returncode else ""
