"""What pebble said, said again (tests/fixtures/acme): for each method and path the captured answers in their order, the last one for ever.

It verifies nothing: that is what the real pebble of tests/integration/test_acme.py is for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .emulators import Pki

CAPTURED = json.loads((Path(__file__).parent / "fixtures/acme/pebble-2.4.0.json").read_text(encoding="utf-8"))
Reply = tuple[int, bytes, dict[str, str]]


@dataclass
class Replay(Pki):
    """seen: "METHOD path" of each request.  at: called when a path that begins so is asked for."""

    scenario: str = "http-01"
    at: dict[str, Callable[[], object]] = field(default_factory=dict)
    left: dict[str, list[Reply]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.again()

    def again(self) -> None:
        """From the first answer on."""
        self.left.clear()
        for said in CAPTURED[self.scenario]["answers"]:
            body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
            self.left.setdefault(said["asked"], []).append((said["status"], body.encode(), said["headers"]))

    @property
    def request(self) -> str:
        return str(CAPTURED[self.scenario]["request"])

    def says(self, asked: str, status: int, said: Any, **headers: str) -> None:
        """From now on to requests that begin so, as a problem document where it is one."""
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        kept = {"Replay-Nonce": "3aTufi0rnaX7PzPo7_2kpQ", "Content-Type": "application/json" if status < 400 else "application/problem+json"}
        for key in self.left:
            if key.startswith(asked):
                links = self.left[key][-1][2]
                self.left[key] = [(status, body, {**links, **kept, **{name.replace("_", "-"): value for name, value in headers.items()}})]

    def last(self, asked: str) -> Any:
        """The body of the last answer to what begins so."""
        return json.loads(next(found for key, found in self.left.items() if key.startswith(asked))[-1][1])

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Any:
        asked = f"{method} {path}"
        self.seen.append(asked)
        for begin, call in self.at.items():
            if asked.startswith(begin):
                call()
        answers = self.left.get(asked)
        if not answers:
            return 404, b"", {}
        status, said, more = answers.pop(0) if len(answers) > 1 else answers[0]
        here = f"https://{headers['Host']}"
        return status, said.replace(b"https://PEBBLE", here.encode()), {name: value.replace("https://PEBBLE", here) for name, value in more.items()}
