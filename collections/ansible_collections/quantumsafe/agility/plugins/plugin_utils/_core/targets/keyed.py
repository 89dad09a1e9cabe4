"""A line of a file that holds a key which waits on the host (agent/sealed.sh): its bytes are in no plan, and never leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyed:
    """lead, behind: what stands before key `key` in its line, and in lines of its own behind it.  They take the place of `delete` lines from `line`
    on; sha256: of the file as it is, "" = there is none, and nobody but root will read it."""

    path: str
    sha256: str
    line: int
    delete: int
    lead: str
    key: int = 1
    behind: str = ""

    def steps(self) -> Iterator[tuple[str, ...]]:
        if self.line > 1:
            yield "ca_keep", "1", str(self.line - 1)
        yield "ca_key_line", str(self.key), self.lead
        if self.behind:
            yield "printf", "%s", self.behind
        yield "ca_keep", str(self.line + self.delete), "-"
