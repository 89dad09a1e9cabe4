"""One look at a target: collect what the services ask for, and ask once more only when an include surprised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..model import Collect, Endpoint, Problem, Service, Snapshot

# (requests, extra globs) → what the host showed
Ask = Callable[[Mapping[str, Collect], tuple[str, ...]], Snapshot]


@dataclass(frozen=True, slots=True)
class Survey:
    """A snapshot and what was read from it."""

    snapshot: Snapshot
    endpoints: tuple[Endpoint, ...]


def survey(ask: Ask, services: Mapping[str, Service]) -> Survey:
    """Collect and read.  Raises Problem: nothing of what was asked for exists there, or a file cannot be parsed (file:line)."""
    requests = {name: service.collect for name, service in services.items()}
    snapshot = ask(requests, ())
    surprises = tuple(sorted({glob for service in services.values() for glob in service.missing(snapshot)}))
    if surprises:
        more = ask({}, surprises)
        snapshot = replace(snapshot, files={**snapshot.files, **more.files}, rounds=snapshot.rounds + more.rounds)
    return Survey(snapshot, read(snapshot, services))


def read(snapshot: Snapshot, services: Mapping[str, Service]) -> tuple[Endpoint, ...]:
    """Every endpoint of every service, in the order of the services."""
    return tuple(endpoint for service in services.values() for endpoint in service.read(snapshot))


def choose(services: Mapping[str, Service], names: tuple[str, ...]) -> dict[str, Service]:
    """The services of these names, all when names is empty.  Raises Problem for a name that is none."""
    unknown = [name for name in names if name not in services]
    if unknown:
        raise Problem(f"no service is called {', '.join(unknown)}", "agility_services", f"there are: {', '.join(services)}")
    return {name: service for name, service in services.items() if not names or name in names}
