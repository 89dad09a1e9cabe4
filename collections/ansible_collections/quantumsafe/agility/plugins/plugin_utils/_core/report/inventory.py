"""inventory.csv: what is in use where, and which version brings quantum safety.  Every migration starts with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from ..algorithms.lookup import all_of
from ..peers import quantum_safe
from .results import HostResult
from .safety import key_exchange_safety

COLUMNS = (
    "host",
    "endpoint",
    "address",
    "protocol",
    "owner",
    "cryptographic_dependency",
    "installed_version",
    "version_with_pqc",
    "key_exchange_now",
    "quantum_safe",
    "deadline",
    "target_path",
)


def inventory(results: Iterable[HostResult]) -> str:
    """RFC 4180 text, one row for each endpoint; cells that a spreadsheet would run as a formula are defused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for result in results:
        for endpoint in result.endpoints:
            writer.writerow(defused(str(cell)) for cell in _row(result, endpoint))
    return out.getvalue()


def defused(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _row(result: HostResult, endpoint: Mapping[str, Any]) -> tuple[str, ...]:
    finding = next((f for f in result.findings if f["endpoint"] == endpoint["id"] and f["aspect"] == "key_exchange"), None)
    capability = endpoint["capabilities"].get("key_exchange", {"names": None, "library": ""})
    library = capability["library"] or endpoint["version"]
    setting = endpoint["settings"].get("key_exchange")
    values = setting["values"] if setting else []
    safe = key_exchange_safety(endpoint)
    return (
        result.host,
        endpoint["id"],
        " ".join(f"{address}:{port}" for address, port in endpoint["addresses"]),
        endpoint["protocol"],
        result.owner,
        endpoint["version"].split(" ")[0] + (f" with {library.split(' ')[0]}" if library.split(" ")[0] != endpoint["version"].split(" ")[0] else ""),
        " / ".join(dict.fromkeys((endpoint["version"], library))),
        first_with_pqc(endpoint["protocol"], library),
        " ".join(values[:4]),
        safe,
        finding["deadline"] if finding else "",
        _path(safe, finding, endpoint["protocol"], capability, library),
    )


def first_with_pqc(protocol: str, library: str) -> str:
    """ "OpenSSL 3.5", from the catalogue; "" when it names no version of this library."""
    family = library.split(" ", maxsplit=1)[0]
    versions = [a.since[family] for a in all_of(protocol, "key_exchange") if family in a.since and a.status == "current"]
    return f"{family} {min(versions, key=lambda v: [int(x) for x in v.split('.')])}" if versions else ""


def _path(safe: str, finding: Mapping[str, Any] | None, protocol: str, capability: Mapping[str, Any], library: str) -> str:
    if safe == "yes" and (not finding or finding["state"] in ("compliant", "deprecated")):
        return "done"
    if capability["names"] is None:
        return "find out what it can do"
    if any(quantum_safe(protocol, name) for name in capability["names"]):
        return "tighten the configuration" if safe == "yes" else "configure now"
    upgrade = first_with_pqc(protocol, library)
    return f"upgrade to {upgrade}, or a gateway" if upgrade else "a gateway in front of it"
