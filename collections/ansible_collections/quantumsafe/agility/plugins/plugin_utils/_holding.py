# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the inventory of certificates, keys and trust anchors of a host, and what the policy says of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ._certifying import servings
from ._core.assess import Requirements, assess
from ._core.certificates.held import Inventory
from ._core.certificates.inventory import Uses, inventory
from ._core.certificates.subjects import ASPECTS, pki_of, subjects
from ._core.model import Endpoint, Snapshot
from ._core.policy.issue import CERTIFIED, issuers_of
from ._core.policy.model import Policy, Requirement, Zone
from ._core.policy.zones import owner_of, zones_of
from ._core.report.results import plain
from ._core.services import SERVICES
from ._core.targets.held import compose_held, parse_held
from ._core.targets.survey import Survey
from ._mutual import both
from ._run import Run, target


def hold(run: Run, found: Survey) -> Inventory:
    """One more round trip: what lies there, linked to the endpoints that were found."""
    uses = uses_of(found)
    patterns = uses.roles.get("authorized_keys", ())
    paths = dict.fromkeys([*uses.paths, *(path for role, among in uses.roles.items() if role != "authorized_keys" for path in among)])
    asked = tuple(path for path in paths if path.startswith("/") and path.isprintable())
    shown = run.channel.ask(lambda nonce: compose_held(asked, patterns, nonce), lambda out, nonce: parse_held(out, nonce, run.host))
    return inventory(shown, uses)


def uses_of(found: Survey) -> Uses:
    """Every path that the services here open, as far as we read them."""
    pairs = [(one.path, endpoint.id) for endpoint in found.endpoints for one in endpoint.certificates]
    pairs += _bound(found.snapshot)
    paths: dict[str, tuple[str, ...]] = {}
    for path, end in pairs:
        paths[path] = tuple(dict.fromkeys((*paths.get(path, ()), end)))
    roles: dict[str, tuple[str, ...]] = {}
    for service in SERVICES.values():
        for role, among in (service.holds(found.snapshot) if service.holds else {}).items():
            roles[role] = (*roles.get(role, ()), *among)
    return Uses(paths, roles, {b.pair.key: b.pair.certificate for one in servings(found.snapshot) for b in one.bindings})


def _bound(snapshot: Snapshot) -> Iterable[tuple[str, str]]:
    """(path, what opens it): what is served, what is shown to servers, and who decides about clients."""
    for one in servings(snapshot):
        yield from ((path, end) for b in one.bindings for path in (b.pair.certificate, b.pair.key) for end in one.endpoints)
    askings, showings = both(snapshot)
    for shown in showings:
        yield from ((path, shown.endpoint) for path in (shown.binding.pair.certificate, shown.binding.pair.key))
    for asking in askings:
        yield from ((path, f"{asking.endpoint}, for clients") for path in asking.bundles)


def judge(run: Run, found: Survey, held: Inventory, policy: Policy) -> None:
    """Findings on every certificate and key; zones say whose PKI it is where a certificate does not."""
    zones = [policy.zones[name] for name in zones_of(policy, run.host, run.groups)]
    kinds = {zone.pki for zone in zones if zone.pki}
    seen = subjects(held, {e.id: e.service for e in found.endpoints}, kinds.pop() if len(kinds) == 1 else "")
    findings = assess(seen, lambda endpoint: _asked(run.requirements(policy, endpoint), endpoint), run.as_of)
    run.note(
        as_of=run.as_of.isoformat(),
        owner=owner_of(policy, run.host, run.groups, "certificate"),
        policy={"name": policy.name, "version": policy.version, "digest": policy.digest},
        target={**target(found.snapshot), "groups": ",".join(run.groups)},
        endpoints=tuple(plain(e) for e in found.endpoints),
        findings=tuple(plain(f) for f in findings),
        credentials=plain(held),
    )


def _asked(requirements: Requirements, endpoint: Endpoint) -> Requirements:
    """Of what this file has; what its issuer can is said by where its chain ends, whatever the zone says."""
    has = {*endpoint.settings, *(("certificate",) if endpoint.certificates else ())}
    wanted = {aspect: one for aspect, one in requirements.items() if aspect in ASPECTS and aspect in has}
    kind = pki_of(endpoint)
    return {aspect: _by_issuer(one, kind) if kind and aspect in CERTIFIED else one for aspect, one in wanted.items()}


def _by_issuer(requirement: Requirement, kind: str) -> Requirement:
    return replace(requirement, issuers=issuers_of([Zone(pki=kind)], requirement.rules), seen={})
