"""What the binaries of a host could do when its plan was made, and what became of that: a plan is for these binaries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .ledger.canonical import canonical, digest
from .model import Endpoint

Abilities = Mapping[str, Mapping[str, str]]


def abilities(endpoints: Iterable[Endpoint], services: Collection[str]) -> Abilities:
    """Endpoint of these services → its version, and the digest of all that its binary can do, in the daemon's own spelling and order."""
    return {one.id: {"version": _version(one), "able": _able(one)} for one in endpoints if one.service in services}


def _version(endpoint: Endpoint) -> str:
    libraries = (capability.label for capability in endpoint.capabilities.values() if capability.label != endpoint.version)
    return ", ".join(dict.fromkeys(filter(None, (endpoint.version, *libraries))))


def _able(endpoint: Endpoint) -> str:
    return digest(canonical({aspect: list(one.names) for aspect, one in endpoint.capabilities.items() if one.names is not None}))


def different(then: Abilities, now: Abilities) -> str:
    """Which endpoint is not what the plan was made for, "" = none.  Another version that can do the same is no difference."""
    for id_, was in then.items():
        if id_ not in now:
            return f"{id_} is not found any more, for which the plan was made"
        if now[id_]["able"] != was["able"]:
            return f"what {id_} can do changed since the plan was made ({was['version']} then, {now[id_]['version']} now)"
    return ""
