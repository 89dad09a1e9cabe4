"""Findings → the smallest edits that satisfy the policy on one target, or a Problem that says why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date

from .algorithms.lookup import find
from .assess import ahead
from .claims import claims
from .documents import lines
from .invariant import consequence
from .model import Activation, Change, Endpoint, Plan, Probe, Problem, Protocol, Snapshot, Wanted, Wishes
from .peers import names_its_peer, quantum_safe
from .policy.binding import binding, unbound
from .policy.model import Requirement
from .policy.resolve import broken
from .reach import Client, unreachable_after
from .service import Service
from .verdict import Requirements, acts, left_alone, only_offered, patient
from .wish import TUNNELS, Wish, wish

PEERS_ORDER = ": offered, for the peer's order decides"


class Regression(Problem):
    """The change would take quantum safety from peers that have it today."""


def wishes_for(endpoint: Endpoint, requirements: Requirements, as_of: date) -> dict[str, Wish]:
    """Aspect → wish, for those aspects that the policy wants changed now and that can be; never those observed, nor what does not bind."""
    return _wishes(endpoint, binding(requirements), as_of)


def _wishes(endpoint: Endpoint, requirements: Requirements, as_of: date) -> dict[str, Wish]:
    out = {}
    requirements = patient(endpoint, requirements, as_of)
    endpoint = ahead(endpoint, requirements, as_of)
    for aspect, requirement in requirements.items():
        if requirement.stage == "observe" or requirement.rule.require:
            continue
        wanted = wish(endpoint, aspect, requirement, as_of)
        if acts(endpoint, aspect, requirement, wanted, as_of) and _differs(endpoint, aspect, wanted):
            out[aspect] = wanted
    return out


def _not_enforced(endpoint: Endpoint, requirements: Requirements, wanted: Mapping[str, Wish], as_of: date) -> list[str]:
    """One sentence for each aspect that only rules which do not bind would change, or change further."""
    further = {
        aspect: to for aspect, to in _wishes(endpoint, requirements, as_of).items() if not all(rule.binds for rule in requirements[aspect].rules)
    }
    return [
        f"{endpoint.id}: {aspect} is {'changed no further' if aspect in wanted else 'left as it is'}: {unbound(requirements[aspect])}"
        for aspect, to in further.items()
        if aspect not in wanted or to != wanted[aspect]
    ]


class Lockout(Problem):
    """The change would lock this controller out."""


def _stay_reachable(client: Client | None, wishes: Wishes, wanted: Mapping[str, Mapping[str, Wish]], host: str) -> None:
    """Raises Lockout.  A client of which nothing is known keeps what it uses as long as nothing is taken away."""
    removing = {id_: {aspect: to for aspect, to in mine.items() if wanted[id_][aspect].removed} for id_, mine in wishes.items()}
    reasons = unreachable_after(client, wishes if client.offers else removing) if client else []
    if reasons:
        raise Lockout(
            f"the controller could no longer log in: {'; '.join(reasons)}",
            host,
            "upgrade the controller's client, come in with connection ssh, or keep the stage at prefer; nothing was planned for this host",
        )


def _differs(endpoint: Endpoint, aspect: str, wanted: Wish) -> bool:
    """Whether writing it would change what peers get: other names, or other tiers.  Order inside a tier alone is no reason to touch a file.

    The proposals of a tunnel have an order, and no tiers."""
    setting = endpoint.settings[aspect]
    if endpoint.protocol in TUNNELS and setting.tiers:
        return setting.values != wanted.names
    return _steps(setting.values, setting.tiers) != _steps(wanted.names, wanted.tiers)


def _steps(names: tuple[str, ...], tiers: tuple[int, ...]) -> list[set[str]]:
    levels = tiers or (0,) * len(names)
    return [{name for name, tier in zip(names, levels, strict=True) if tier == level} for level in sorted(set(levels))]


def make_plan(
    snapshot: Snapshot,
    services: Mapping[str, Service],
    endpoints: tuple[Endpoint, ...],
    requirements: Mapping[str, Requirements],
    policy: str,
    as_of: date,
    client: Callable[[], Client | None],
    beside: Collection[str] = (),
    further: Mapping[str, Mapping[str, tuple[Wish, Requirement]]] | None = None,
) -> Plan:
    """The plan for one target; `requirements` by endpoint id, `policy` is the digest that the plan is bound to.

    client: what the controller logs in with, asked only when SSH changes; None = it does not come in over SSH.
    beside: endpoints whose writer leaves what is there behind the new, so nothing is taken from anybody.
    further: endpoint id → aspect → what it shall be as well, for which reasons the caller knows, and who asks for it.
    Raises Regression, Lockout, and whatever a writer raises (Inexpressible, Unparsable).
    """
    bound = {e.id: binding(requirements[e.id]) for e in endpoints}
    wanted = {e.id: w for e in endpoints if (w := wishes_for(e, bound[e.id], as_of))}
    for id_, more in (further or {}).items():
        wanted[id_] = {**wanted.get(id_, {}), **{aspect: to for aspect, (to, dummy) in more.items()}}
        bound[id_] |= {aspect: requirement for aspect, (dummy, requirement) in more.items()}
    changes: list[Change] = []
    activations: list[Activation] = []
    told: list[str] = []
    for service in services.values():
        mine = tuple(e for e in endpoints if e.service == service.name)
        wishes = {e.id: {a: _wanted(w, bound[e.id][a], as_of) for a, w in wanted[e.id].items()} for e in mine if e.id in wanted}
        if wishes:
            if logins := {e.id: wishes[e.id] for e in mine if e.protocol == "ssh" and e.id in wishes}:
                _stay_reachable(client(), logins, wanted, snapshot.host)
            changes += service.write(snapshot, wishes)
            activations.append(service.activation(snapshot, tuple(e for e in mine if e.id in wishes) if service.one_by_one else mine))
            told += service.warns(snapshot, wishes) if service.warns else ()
    touched = tuple(e for e in endpoints if e.id in wanted)
    return Plan(
        host=snapshot.host,
        identity=snapshot.identity,
        policy=policy,
        changes=tuple(changes),
        activations=tuple(activations),
        probes=tuple(_probe(e, wanted[e.id], e.protocol) for e in touched if _asked(e, endpoints)),
        reasons=tuple(reason for e in touched for reason in _reasons(e, wanted[e.id], bound[e.id], as_of, e.id in beside)),
        aspects=tuple(sorted({aspect for e in touched for aspect in wanted[e.id]})),
        tightens_ssh=any(w.removed for e in touched if e.protocol == "ssh" for w in wanted[e.id].values()),
        warnings=tuple(
            dict.fromkeys(
                (
                    *told,
                    *_claimed(snapshot, changes),
                    *(text for e in touched if (text := _resumed(e, wanted[e.id], bound[e.id]))),
                    *(text for e in endpoints for text in left_alone(e, bound[e.id], as_of)),
                    *(text for e in endpoints for text in _not_enforced(e, requirements[e.id], wanted.get(e.id, {}), as_of)),
                )
            )
        ),
    )


def _wanted(to: Wish, requirement: Requirement, as_of: date) -> Wanted:
    said = requirement.clients
    answered = f"{said.approver} answers for them until {said.until}: {said.reason} ({said.id})" if said and as_of.isoformat() <= said.until else ""
    return Wanted(to.names, to.tiers, said.minutes if said else 0, answered)


def _resumed(endpoint: Endpoint, wanted: Mapping[str, Wish], requirements: Requirements) -> str:
    """What is resumed is as safe as the exchange that it came from, so what must not be agreed on any more must not be resumed either."""
    session, changed = endpoint.settings.get("session"), {"key_exchange", "version"} & set(wanted)
    if session is None or "reload=keeps" not in session.values or not any(requirements[aspect].stage == "require" for aspect in changed):
        return ""
    return f"{endpoint.id}: sessions of before can be resumed after the reload ({session.origin}): restart it, or give it other ticket keys"


def _claimed(snapshot: Snapshot, changes: list[Change]) -> list[str]:
    """Who else manages the files that would change."""
    return [text for c in changes for f in snapshot.files.values() if c.path in (f.path, f.real) for text in claims(f)]


def _reasons(endpoint: Endpoint, wanted: Mapping[str, Wish], requirements: Requirements, as_of: date, stays: bool) -> list[str]:
    out = []
    for aspect, to in wanted.items():
        how = f"{requirements[aspect].stage}{PEERS_ORDER if requirements[aspect].stage == 'prefer' and only_offered(endpoint, aspect) else ''}"
        text = f"{endpoint.id}: {aspect} → {', '.join(to.names) or 'none'} ({requirements[aspect].rule.id}, {how})"
        out.append(f"{text}; removes {', '.join(to.removed)}" if to.removed and not stays else text)
    for aspect in ("key_exchange", "version"):
        if aspect in wanted:
            place = list(wanted).index(aspect)
            out[place] += _peers(endpoint, wanted, requirements[aspect], as_of, stays)
            break
    return [f"{text}; what is there stays behind it" for text in out] if stays else out


def _peers(endpoint: Endpoint, wanted: Mapping[str, Wish], requirement: Requirement, as_of: date, stays: bool) -> str:
    """Which classes of peers gain, lose what is broken, and are cut off, all wishes together.  No wish alone regresses (verdict.judged)."""
    change = consequence(endpoint, wanted, requirement, as_of)
    if change.regressed:
        raise Regression(
            f"{endpoint.id}: the changes together would take quantum safety from {', '.join(change.regressed)}",
            str(endpoint.settings["key_exchange"].origin),
            "allow the algorithm that they use, or retire it as broken (broken: true, with an approver); nothing was planned for this host",
        )
    said = f"; quantum-safe for {', '.join(change.gained)}" if change.gained else ""
    if change.given_up:
        said += f"; takes quantum safety from {', '.join(change.given_up)}: {_broken(endpoint, wanted, requirement, as_of)}"
    return said + (f"; cuts off {', '.join(change.cut_off)}" if change.cut_off and not stays else "")


def _broken(endpoint: Endpoint, wanted: Mapping[str, Wish], requirement: Requirement, as_of: date) -> str:
    """Who approved that what goes is broken, and why."""
    gone = {a.id: a for name in wanted["key_exchange"].removed if (a := find(endpoint.protocol, "key_exchange", name))}
    lives = [(id_, life) for id_, a in gone.items() if broken(requirement, a, as_of) for life in requirement.lifecycle[id_] if life.broken]
    return "; ".join(f"{id_} is retired as broken, approved by {life.approver}" + (f" ({life.reason})" if life.reason else "") for id_, life in lives)


def _asked(endpoint: Endpoint, endpoints: tuple[Endpoint, ...]) -> bool:
    """Whether a question from outside tells of this one: nobody sees what ESP agrees on, and for a tunnel that names its other end
    the connection that takes anybody would answer."""
    if endpoint.protocol != "ikev2":
        return endpoint.protocol != "esp"
    return not names_its_peer((endpoint,)) or all(names_its_peer((one,)) for one in endpoints if one.protocol == "ikev2")


def _probe(endpoint: Endpoint, wanted: Mapping[str, Wish], kind: Protocol) -> Probe:
    """Ask the endpoint live: the best new key exchange must be agreed on, every removed one must be refused."""
    address, port = endpoint.addresses[0] if endpoint.addresses else ("*", 22 if endpoint.protocol == "ssh" else 443)
    port = port if endpoint.protocol in ("ssh", "tls", "ikev2") else 0
    exchange, now = wanted.get("key_exchange"), endpoint.settings.get("key_exchange")
    names = exchange.names if exchange else now.values if now else ()
    tiers = (exchange.tiers if exchange else now.tiers if now else ()) or (0,) * len(names)
    best = [name for name, tier in zip(names, tiers, strict=True) if tier == min(tiers)]
    return Probe(
        kind=kind,
        endpoint=endpoint.id,
        port=port,
        address="" if address == "*" else address,
        server_name=endpoint.server_names[0] if endpoint.server_names else "",
        expect=tuple(name for name in names if quantum_safe(endpoint.protocol, name)),
        forbid=exchange.removed if exchange else (),
        strict=endpoint.protocol == "tls" and len(set(tiers)) > 1 and all(quantum_safe("tls", name) for name in best),
        starttls=endpoint.starttls,
    )


def drifted(snapshot: Snapshot, plan: Plan) -> str:
    """Why this host is not what the plan was made for, "" = it is: as the host judges it itself before it changes anything."""
    then, now = plan.identity, snapshot.identity
    keys = set(then.host_key.split(",")) & set(now.host_key.split(","))
    if (then.machine_id and then.machine_id != now.machine_id) or (then.host_key and not keys):
        return "this host was replaced: another machine-id than was planned for, or none of its host keys is left"
    hashes = {path: file.sha256 for file in snapshot.files.values() for path in (file.path, file.real)}
    changed = [change.path for change in plan.changes if hashes.get(change.path, "") != change.sha256]
    return f"{', '.join(changed)} changed since the plan was made" if changed else ""


def diff(snapshot: Snapshot, changes: tuple[Change, ...]) -> list[dict[str, str]]:
    """Ansible's diff of the plan, from the redacted texts: before and after of each file."""
    out = []
    for change in changes:
        before = next((file.text or "" for file in snapshot.files.values() if change.path in (file.path, file.real)), "")
        after = lines.apply(before, change.edits)
        out.append({"before_header": change.path, "after_header": change.path, "before": before, "after": after})
    return out
