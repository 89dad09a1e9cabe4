"""Results made by hand, so that a test says what matters in them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Endpoint, Finding, Origin, Setting, Source, State
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import output_folder
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain

HYBRID = "X25519MLKEM768"
WHERE = Origin("/etc/nginx/sites-enabled/site", 7)


def tls(
    values: tuple[str, ...],
    tiers: tuple[int, ...] = (),
    versions: tuple[str, ...] = ("TLSv1.2", "TLSv1.3"),
    state: State = "missing",
    host: str = "h",
    message: str = "nothing that kex-tls allows is in use",
) -> HostResult:
    """An nginx with these groups, and what the policy says of them."""
    endpoint = Endpoint(
        id="nginx *:443",
        service="nginx",
        protocol="tls",
        names="openssl",
        addresses=(("*", 443),),
        version="nginx 1.26.3",
        settings={"key_exchange": Setting(values, WHERE, tiers=tiers), "version": Setting(versions, WHERE)} if values else {},
        capabilities={"key_exchange": Capability((HYBRID, "X25519"), "asked", "OpenSSL 3.5.7")},
    )
    finding = Finding(
        endpoint.id, "nginx", "tls", "key_exchange", "kex-tls", state, "none", "prefer", message, str(WHERE), "effective", Source("EO 14412")
    )
    return HostResult(host, "audit", "ok", endpoints=(plain(endpoint),), findings=(plain(finding),))


def folder(tmp_path: Path) -> Path:
    return output_folder(str(tmp_path / "out"), "r")
