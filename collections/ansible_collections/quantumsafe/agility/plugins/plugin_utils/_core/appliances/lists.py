"""The lists of algorithms that are written on devices, as statements: each with its whole path, as a text that was cut down to what is read has them.

A platform keeps a list as one statement (`ip ssh server algorithm kex A B`) or as one for each value (`system services ssh key-exchange A`).
What stands deeper than another line has that line in its path: `crypto ikev2 policy P / proposal A`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..documents.lines import apply, split
from ..model import Change, Edit, File, Inexpressible, Snapshot, Wanted, Wishes
from .appliance import Live, Span
from .kept import BETWEEN
from .reading import train

Lists = Mapping[str, str]
IN = " / "  # of a line and what stands below it


def statements(line: str) -> tuple[str, ...]:
    """Those that stand in a line of such a text."""
    return tuple(one for one in line.strip().split(f" {BETWEEN} ") if one)


def placed(text: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line number, statement with its whole path) of a text."""
    above: list[tuple[int, str]] = []
    for number, line in enumerate(text, 1):
        body = line.strip()
        if not body or body.startswith("!"):
            continue
        deep = len(line) - len(line.lstrip())
        above = [one for one in above if one[0] < deep]
        for one in statements(line):
            yield number, IN.join((*(head for dummy, head in above), one))
        above.append((deep, body))


def changed(text: tuple[str, ...], edits: tuple[Edit, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(statements that go, statements that come) by edits that are sorted by line."""
    gone, come, shift = set[int](), set[int](), 0
    for edit in edits:
        gone |= set(range(edit.line, edit.line + edit.delete))
        come |= set(range(edit.line + shift, edit.line + shift + len(edit.insert)))
        shift += len(edit.insert) - edit.delete
    after = split(apply("".join(text), edits))
    return tuple(one for at, one in placed(text) if at in gone), tuple(one for at, one in placed(after) if at in come)


def place_of(live: Live, statement: str) -> str:
    """The path of the list, or of the object, that a statement is put back with."""
    return next((path for path in live.lists.values() if within(statement, path)), live.place(statement))


def within(statement: str, path: str) -> bool:
    return f"{statement} ".startswith(f"{path} ")


def values(said: Iterable[str], path: str) -> tuple[str, ...]:
    """What a list holds, by the statements of a change; () when none of them is of it."""
    return tuple(word for one in said if within(one, path) for word in one.removeprefix(path).split())


def touched(lists: Lists, said: Iterable[str]) -> tuple[str, ...]:
    """The paths of the lists that statements belong to."""
    given = tuple(said)
    return tuple(path for path in lists.values() if any(within(one, path) for one in given))


def edits_of(text: tuple[str, ...], path: str, new: tuple[str, ...], top: int = 1) -> tuple[Edit, ...]:
    """The statements of a list, or of an object, in the place of those that stand there, else at line `top`."""
    found: dict[int, list[str]] = {}
    for number, one in placed(text):
        found.setdefault(number, []).append(one)
    at = [number for number, said in found.items() if any(within(one, path) for one in said)]
    put = tuple(_indented(one) for one in new)
    if not at:
        return (Edit(top, 0, put),)
    beside = tuple(_indented(one) for one in found[at[0]] if not within(one, path))
    return (Edit(at[0], 1, (*beside, *put)), *(Edit(number, 1, ()) for number in at[1:]))


def _indented(statement: str) -> str:
    *above, said = statement.split(IN)
    return f"{' ' * len(above)}{said}\n"


def rewritten(file: File, lists: Lists, wishes: Mapping[str, Wanted], each: bool) -> Change:
    """each: one statement for each value."""
    text = split(file.text or "")
    edits: list[Edit] = []
    for aspect, to in wishes.items():
        path = lists[aspect]
        edits += edits_of(text, path, tuple(f"{path} {name}" for name in (to.names if each else (" ".join(to.names),))))
    return Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line)))


def unread(release: str, spans: tuple[Span, ...]) -> str:
    """That nobody has read the commands of this release for us, and of which somebody has; "" when it is one of those."""
    mine = train(release)[:2]
    if any(first <= mine <= last for first, last in spans if len(mine) == 2):
        return ""
    return f"known are {' and '.join(_span(first, last) for first, last in spans)}"


def known(system: str, release: str, spans: tuple[Span, ...], host: str) -> None:
    """Raises Inexpressible for a release that nobody has read."""
    if others := unread(release, spans):
        raise Inexpressible(f"{system} {release or '(release unknown)'} is no release whose commands are known here", host, others)


def writer(system: str, id_: str, lists: Lists, spans: tuple[Span, ...], each: bool) -> Callable[[Snapshot, Wishes], tuple[Change, ...]]:
    """write() of a platform whose one endpoint that is written has these lists."""

    def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
        (file,) = snapshot.files.values()
        known(system, snapshot.facts["release"], spans, snapshot.host)
        return (rewritten(file, lists, wishes[id_], each),)

    return write


def _span(first: tuple[int, int], last: tuple[int, int]) -> str:
    one, other = (".".join(map(str, each)) for each in (first, last))
    return one if one == other else f"{one} to {other}"
