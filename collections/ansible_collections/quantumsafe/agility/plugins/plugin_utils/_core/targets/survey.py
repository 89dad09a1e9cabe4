"""One look at a target: collect what the services ask for, and ask again only when an include surprised."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from .. import appliances  # most runs see none, and then their platforms are not loaded
from ..model import Collect, Endpoint, Problem, Snapshot, Unparsable
from ..service import Service
from ..services.paths import is_glob

# (requests, extra globs) → what the host showed
Ask = Callable[[Mapping[str, Collect], tuple[str, ...]], Snapshot]

# Most hosts need one.  The longest way known: a folder on haproxy's command line, a crt-list that it names, the certificates that that names.
MOST_LOOKS = 4


@dataclass(frozen=True, slots=True)
class Survey:
    """A snapshot and what was read from it.  extra: what must be asked for besides the services' own wishes to see as much again."""

    snapshot: Snapshot
    endpoints: tuple[Endpoint, ...]
    extra: tuple[str, ...] = ()


def survey(ask: Ask, services: Mapping[str, Service], looks: int = MOST_LOOKS) -> Survey:
    """Collect and read, in so many looks at most.

    Raises Problem: nothing of what was asked for exists there, a file cannot be parsed (file:line), or something that the configuration
    refers to was not seen in the last look either: a verdict on half a configuration would be a guess.
    """
    first = snapshot = ask({name: service.collect for name, service in services.items()}, ())
    asked: set[str] = set()
    wanted, calls = _missing(snapshot, services), _later(snapshot, services)
    for dummy in range(looks - 1):
        if not wanted and not calls:
            break
        asked |= wanted
        more = ask({name: _following(one.collect, wanted, calls.pop(name, {})) for name, one in services.items()}, tuple(sorted(wanted)))
        files, answers = {**snapshot.files, **more.files}, {**snapshot.answers, **more.answers}
        snapshot = replace(snapshot, files=files, answers=answers, rounds=snapshot.rounds + more.rounds)
        wanted = _missing(snapshot, services) - asked
    extra = tuple(sorted(asked | (set(snapshot.files) - set(first.files))))
    return Survey(snapshot, _whole(snapshot, services, wanted - set(extra)), extra)


def _later(snapshot: Snapshot, services: Mapping[str, Service]) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """Service → the commands that this very host calls for and was not asked yet."""
    found = {name: service.later(snapshot) for name, service in services.items() if service.later}
    new = {name: {id_: argv for id_, argv in calls.items() if id_ not in snapshot.answers} for name, calls in found.items()}
    return {name: calls for name, calls in new.items() if calls}


def _following(collect: Collect, wanted: set[str], calls: Mapping[str, tuple[str, ...]]) -> Collect:
    """Only the words to follow; relative names are looked for beside what is asked for as well."""
    beside = sorted({posixpath.dirname(path) for path in wanted if not is_glob(path)})
    follow = (*collect.follow, *(replace(f, base=base) for f in collect.follow for base in beside))
    return replace(collect, files=(), commands=calls, there={}, follow=follow)


def _missing(snapshot: Snapshot, services: Mapping[str, Service]) -> set[str]:
    return {glob for service in services.values() for glob in service.missing(snapshot)}


def read(snapshot: Snapshot, services: Mapping[str, Service], asked: Collection[str] = ()) -> tuple[Endpoint, ...]:
    """Every endpoint of every service, in their order, or of the device that this is.  asked: what was asked for besides, and so is complete.

    Raises Unparsable, also for a snapshot that lacks what its configuration refers to.
    """
    return _whole(snapshot, services, _missing(snapshot, services) - set(asked))


def _whole(snapshot: Snapshot, services: Mapping[str, Service], unseen: set[str]) -> tuple[Endpoint, ...]:
    if unseen:
        raise Unparsable(f"{', '.join(sorted(unseen))} is referred to and was not seen", snapshot.host, "write each include on a line of its own")
    return (
        *(endpoint for service in services.values() for endpoint in service.read(snapshot)),
        *(appliances.read(snapshot) if "appliance" in snapshot.facts else ()),
    )


def choose(services: Mapping[str, Service], names: tuple[str, ...]) -> dict[str, Service]:
    """The services of these names, all when names is empty.  Raises Problem for a name that is none."""
    unknown = [name for name in names if name not in services]
    if unknown:
        raise Problem(f"no service is called {', '.join(unknown)}", "agility_services", f"there are: {', '.join(services)}")
    return {name: service for name, service in services.items() if not names or name in names}
