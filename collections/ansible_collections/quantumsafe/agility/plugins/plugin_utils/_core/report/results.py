"""What one run found and did on one host: the contract of hosts/<name>.json.  Everything else is rebuilt from these files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

from ..model import Activation, Change, Edit, Finding, Identity, Plan, Probe, Source, State
from .output import file_name, utf8, write_whole

FORMAT = 1
_FIELDS: dict[type, tuple[str, ...]] = {}  # class → its fields, () = it is no dataclass
# worst first; what a person at 3 a.m. must see on top
STATUSES = (
    "revert-failed",
    "unknown",
    "reverted",
    "failed",
    "refused",
    "out-of-window",
    "paused",
    "unreachable",
    "would-change",
    "pending",
    "changed",
    "rolled-back",
    "ok",
    "skipped",
)
ENDPOINT_KEYS = ("id", "protocol", "version", "addresses", "settings", "capabilities")
BAD = ("revert-failed", "unknown", "reverted", "failed", "refused", "out-of-window", "paused", "unreachable")


@dataclass(frozen=True, slots=True)
class HostResult:
    """verb: audit | plan | enforce | rollback | recover | rotate | certificates.  taken: when the host was looked at (UTC).

    credentials: certificates/held.py, Inventory.

    problem: {message, where, remedy}, and code when it was the host that stopped.

    packets: targets/packets.py, Packets, a tunnel each, of a migration.

    window_override: {reason, approver, by, instead_of}: who answers for a change at a time when the policy has none.
    """

    host: str
    verb: str
    status: str
    run: str = ""
    campaign: str = ""
    transaction: str = ""
    taken: str = ""
    as_of: str = ""
    owner: str = ""
    policy: Mapping[str, str] = field(default_factory=dict)
    target: Mapping[str, str] = field(default_factory=dict)
    endpoints: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    plan: Mapping[str, Any] | None = None
    journal: tuple[Mapping[str, Any], ...] = ()
    files: tuple[Mapping[str, Any], ...] = ()
    proofs: tuple[Mapping[str, Any], ...] = ()
    packets: tuple[Mapping[str, Any], ...] = ()
    credentials: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    problem: Mapping[str, str] = field(default_factory=dict)
    window_override: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 0
    seconds: float = 0.0
    format: int = FORMAT


def write_host(folder: Path, result: HostResult) -> Path:
    """hosts/<name>.json, atomically.  Raises OSError."""
    path = folder / "hosts" / file_name(result.host)
    data = {f.name: getattr(result, f.name) for f in fields(result)}  # plain already; asdict would copy all of it
    write_whole(path, utf8(shown(data)))
    return path


def shown(data: Mapping[str, Any]) -> str:
    """JSON with a line for each key and each item of a list: json's own indent=1 is written in Python, at ten times the price a host."""
    write = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
    lines = (
        f" {write(key)}: "
        + ("[\n" + ",\n".join(f"  {write(item)}" for item in value) + "\n ]" if value and isinstance(value, (list, tuple)) else write(value))
        for key, value in sorted(data.items())
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_host(path: Path) -> HostResult:
    """Raises ValueError for a file that is none of ours, or from which nothing could be rebuilt."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"{path} is not a result file of format {FORMAT}")
    tuples = ("endpoints", "findings", "journal", "files", "proofs", "packets")
    found: dict[str, Any] = {key: tuple(value) if key in tuples else value for key, value in data.items()}
    try:
        return _whole(HostResult(**found))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _whole(result: HostResult) -> HostResult:
    """The result, when everything that reports rely on is there.  Raises what read_host() catches."""
    strange = [f"state {f.state}" for f in map(finding_from, result.findings) if f.state not in get_args(State)]
    strange += [f"status {result.status}"] if result.status not in STATUSES else []
    strange += [f"endpoint without {key}" for endpoint in result.endpoints for key in ENDPOINT_KEYS if key not in endpoint]
    strange += ["no problem"] if not isinstance(result.problem, dict) else []
    if strange:
        raise ValueError(strange[0])
    return result


def read_hosts(folder: Path) -> tuple[tuple[HostResult, ...], tuple[str, ...]]:
    """(results by host name, complaints about files that could not be read)."""
    complaints: list[str] = []
    results = [result for dummy, result in each_host(host_files(folder), complaints)]
    return tuple(sorted(results, key=lambda r: r.host)), tuple(complaints)


def host_files(folder: Path) -> list[Path]:
    return sorted((folder / "hosts").glob("*.json"))


def each_host(paths: Iterable[Path], complaints: list[str]) -> Iterator[tuple[Path, HostResult]]:
    """One after the other, for those of a large fleet do not fit into memory together.  What cannot be read goes to the complaints."""
    for path in paths:
        try:
            found = read_host(path)
        except (ValueError, TypeError, OSError) as error:
            complaints.append(f"{path}: {error}")
        else:
            yield path, found


def plain(value: Any) -> Any:
    """A dataclass of model.py as plain data; asdict() would copy every word in it, too."""
    if value.__class__ is str:  # most of it
        return value
    if (names := _FIELDS.get(value.__class__)) is None:
        names = _FIELDS[value.__class__] = tuple(f.name for f in fields(value)) if is_dataclass(value) else ()
    if names:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    return {key: plain(one) for key, one in value.items()} if isinstance(value, Mapping) else value


def finding_from(data: Mapping[str, Any]) -> Finding:
    return Finding(**{**data, "source": Source(**data["source"]), "actual": tuple(data["actual"]), "wanted": tuple(data["wanted"])})


def plan_from(data: Mapping[str, Any]) -> Plan:
    """The plan that was written by plain(); unknown keys (its diff) are left out."""
    return Plan(
        host=data["host"],
        identity=Identity(**data["identity"]),
        policy=data["policy"],
        changes=tuple(Change(**{**c, "edits": tuple(Edit(e["line"], e["delete"], tuple(e["insert"])) for e in c["edits"])}) for c in data["changes"]),
        activations=tuple(Activation(**_tupled(a)) for a in data["activations"]),
        probes=tuple(Probe(**_tupled(p)) for p in data["probes"]),
        reasons=tuple(data["reasons"]),
        aspects=tuple(data.get("aspects", ())),
        tightens_ssh=data["tightens_ssh"],
        warnings=tuple(data.get("warnings", ())),
    )


def _tupled(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
