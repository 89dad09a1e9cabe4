# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what a rollback undoes, from what the host remembers and what stands there now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from ._campaign import id_prefix
from ._core.certificates.anchors import STORES
from ._core.model import Activation, Endpoint, Probe, Problem, Snapshot
from ._core.service import Service
from ._core.services import SERVICES
from ._core.targets.answer import Kept, TransactionReport, parse_snapshot
from ._core.targets.script import Restore, compose_collect
from ._core.targets.survey import Survey, read, survey
from ._run import Run

T = TypeVar("T")

OF = ", rollback of "  # in the journal of an undo: what it undid
CAMPAIGN = ", campaign "  # in the journal of a change
LINK = ", link "  # in that of a change at both ends of a link, whom it was made with: undone at both, or the link is gone
KEPT = "/var/lib/crypto-agility/tx/{}/old/{}"


def campaigns(reports: tuple[TransactionReport, ...]) -> list[str]:
    """Those that this host took part in."""
    return sorted({report.started_by.partition(CAMPAIGN)[2] for report in reports} - {""})


def parts(undo: list[TransactionReport]) -> dict[str, set[str]]:
    """Campaign → its transactions among these."""
    out: dict[str, set[str]] = {}
    for report in undo:
        if campaign := report.started_by.partition(CAMPAIGN)[2]:
            out.setdefault(campaign, set()).add(report.id)
    return out


def took_part(campaign: str, reports: tuple[TransactionReport, ...]) -> bool:
    return any(OF not in r.started_by and _campaign(r) == id_prefix(campaign) for r in reports)


def _campaign(report: TransactionReport) -> str:
    return report.id.rpartition("-")[0]


def to_undo(run: Run, campaign: str, wanted: str, reports: tuple[TransactionReport, ...], within: float | None = None) -> list[TransactionReport]:
    """Confirmed ones of the campaign, or of the last seconds, that were not undone yet, newest first.  The host says how long ago each was, so
    its clock need not be right.  Raises Problem for a transaction that cannot be undone."""
    done = [r for r in sorted(reports, key=lambda r: -r.serial) if r.state in ("CLEANED", "CONFIRMED")]
    undone = {id_ for r in done for id_ in r.started_by.partition(OF)[2].split(",")}
    mine = [r for r in done if OF not in r.started_by and LINK not in r.started_by and r.id not in undone]
    if campaign:
        return [r for r in mine if _campaign(r) == id_prefix(campaign)]
    if within is not None:
        return [r for r in mine if r.age <= within]
    chosen = [r for r in mine if r.id == wanted]
    known = [r for r in reports if r.id == wanted]
    if not chosen and not known:
        raise Problem(f"the host knows no transaction {wanted}", run.host, "list them with crypto_transaction_info")
    if any(LINK in r.started_by for r in known):
        raise Problem(f"{wanted} changed both ends of a link", run.host, "take both back with the playbook link_keys, -e agility_link_step=back")
    if not chosen and known[0].state not in ("CLEANED", "CONFIRMED", "REVERTED"):
        raise Problem(f"{wanted} is {known[0].state}", run.host, "run the recover playbook")
    return chosen


def restores(undo: list[TransactionReport], force: bool) -> tuple[Restore, ...]:
    """One restore a path: from the oldest transaction that touched it, expecting what the newest left there."""
    left: dict[str, str] = {}
    out: dict[str, Restore] = {}
    for report in undo:  # newest first: the last one that is written wins
        for number, kept in enumerate(report.files, 1):
            if not force and (since := _since(kept, left)):
                raise Problem(f"{kept.path} {since} since {report.id}", "", "look at it; -e agility_force=true restores all the same")
            left.setdefault(kept.path, kept.after)
            if kind := _way_back(kept):
                out[kept.path] = Restore(kept.path, "" if force else left[kept.path], report.id, number, kind, kept.before)
            else:
                out.pop(kept.path, None)
    return tuple(out.values())


def _way_back(kept: Kept) -> Literal["restore", "remove", "create", ""]:
    """From what is there now to what was there before that change; "" = nothing was and nothing is."""
    if kept.kind == "create":
        return "remove" if kept.now else ""
    return "restore" if kept.now else "create"


def _since(kept: Kept, left: dict[str, str]) -> str:
    """What somebody did to a file since a change of ours, which keeps owner and mode; "" = nothing.  Of several the newest counts."""
    if left.get(kept.path, kept.after) != kept.now:
        return "changed"
    now = (kept.mode, kept.owner, kept.group)
    if kept.path not in left and kept.meta and kept.meta != now:
        return f"is {_meta(now)}, not {_meta(kept.meta)} any more,"
    return ""


def _meta(words: tuple[str, ...]) -> str:
    return f"{words[0].zfill(4)} {words[1]}:{words[2]}"


@dataclass(frozen=True, slots=True)
class Look:
    """What stands there now.  blind: services whose configuration cannot be read, with the reason; kept: the old files, for a diff."""

    survey: Survey
    blind: dict[str, str]
    kept: dict[str, str]


def look(run: Run, changes: tuple[Restore, ...], old_too: bool) -> Look:
    """One look that a broken file does not end: a rollback is called for when configurations are broken."""
    kept = {change.path: KEPT.format(change.of, change.number) for change in changes if change.kind == "restore" and old_too}
    blind: dict[str, str] = {}
    found = survey(
        lambda requests, extra: run.channel.ask(
            lambda nonce: compose_collect(requests, nonce, (*extra, *kept.values())),
            lambda out, nonce: parse_snapshot(out, nonce, run.host, run.taken),
        ),
        {name: _forgiving(service, blind) for name, service in SERVICES.items()},
    )
    texts = {path: found.snapshot.files[old].text or "" for path, old in kept.items() if old in found.snapshot.files}
    return Look(found, blind, texts)


def unreadable(snapshot: Snapshot, extra: tuple[str, ...]) -> dict[str, str]:
    """Services whose configuration cannot be read, and why.  extra: what was asked for besides."""
    blind: dict[str, str] = {}
    for name, service in SERVICES.items():
        try:
            read(snapshot, {name: _forgiving(service, blind)}, extra)
        except Problem as problem:
            blind[name] = str(problem)
    return blind


def _forgiving(service: Service, blind: dict[str, str]) -> Service:
    """The service, with nothing to show where its configuration cannot be read."""

    def forgive(ask: Callable[[Snapshot], tuple[T, ...]]) -> Callable[[Snapshot], tuple[T, ...]]:
        def asked(snapshot: Snapshot) -> tuple[T, ...]:
            try:
                return ask(snapshot)
            except Problem as problem:
                blind[service.name] = str(problem)
                return ()

        return asked

    return replace(service, read=forgive(service.read), missing=forgive(service.missing))


def activations(found: Survey, undo: list[TransactionReport]) -> tuple[Activation, ...]:
    names = dict.fromkeys(name for report in undo for name in report.services)
    paths = {kept.path for report in undo for kept in report.files}
    services = tuple(SERVICES[name].activation(found.snapshot, _touched(found, name, paths)) for name in names if name in SERVICES)
    return services + tuple(STORES[name].activation(name) for name in names if name in STORES)


def _touched(found: Survey, name: str, paths: set[str]) -> tuple[Endpoint, ...]:
    """Of this service; where it takes up its connections one by one only those that a line of these files governs, as far as that is known."""
    mine = tuple(e for e in found.endpoints if e.service == name)
    governed = tuple(e for e in mine if any(str(setting.origin).rpartition(":")[0] in paths for setting in e.settings.values()))
    return governed if SERVICES[name].one_by_one and governed else mine


def probes(found: Survey) -> tuple[Probe, ...]:
    """Each endpoint must still answer; what it negotiates is the past's business."""
    return tuple(
        Probe(e.protocol, e.id, port, "" if address == "*" else address, e.server_names[0] if e.server_names else "")
        for e in found.endpoints
        for address, port in e.addresses[:1]
    )


def diff(found: Look, changes: tuple[Restore, ...]) -> list[dict[str, str]]:
    """Ansible's diff, from the redacted texts."""
    files = {name: file.text or "" for file in found.survey.snapshot.files.values() for name in (file.path, file.real)}
    return [
        {"before_header": change.path, "after_header": change.path, "before": files.get(change.path, ""), "after": found.kept.get(change.path, "")}
        for change in changes
    ]
