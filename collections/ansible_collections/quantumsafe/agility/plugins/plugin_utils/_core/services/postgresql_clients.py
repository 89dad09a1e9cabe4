"""Whom a cluster lets in by certificate.

Sources: documentation of ssl_ca_file (with it every client is asked for a certificate, and a wrong one is turned away) and of pg_hba.conf
(clientcert=verify-ca or verify-full, and the method cert, want one; a line of type host takes TLS, too; clientcert=1 before 14).
"""

from __future__ import annotations

from ..credentials import Asking
from ..documents import guc
from ..model import Origin, Setting, Snapshot
from .client_settings import DEPTH, authentication, trust
from .openssl import Library
from .openssl_schemes import default_schemes
from .postgresql_config import Cluster, hba

FILE, REVOKED = "ssl_ca_file", ("ssl_crl_file", "ssl_crl_dir")
WANTS = ("clientcert=verify-ca", "clientcert=verify-full", "clientcert=1")


def asked(snapshot: Snapshot, cluster: Cluster, library: Library, versions: tuple[str, ...], default: Origin) -> tuple[dict[str, Setting], list[str]]:
    """(settings, notes)."""
    path = cluster.path(FILE)
    if not path:
        return {"client_authentication": authentication("off", default)}, []
    origin = cluster.entries[FILE].origin
    file = snapshot.files.get(path)
    kinds, notes = trust({path: file.text if file else None})
    settings = {"client_trust": Setting(kinds, origin)} if kinds else {}
    if taken := default_schemes(library, versions):
        settings["client_signature"] = Setting(taken, default)
    rules = snapshot.files.get(hba(cluster))
    if rules is None or rules.text is None:
        return settings, [*notes, f"{hba(cluster)} was not seen, so whether clients must show a certificate is not known"]
    free = _free(rules.text)
    word, where = ("optional", Origin(rules.path, free)) if free else ("required", Origin(rules.path))
    return settings | {"client_authentication": authentication(word, where)}, notes


def asking(snapshot: Snapshot, cluster: Cluster, id_: str, listens: tuple[str, int]) -> Asking | None:
    """Where it lets clients in by their certificates; None where it asks for none."""
    path, rules = cluster.path(FILE), snapshot.files.get(hba(cluster))
    if not path:
        return None
    required = bool(rules and rules.text is not None and not _free(rules.text))
    crl = next((cluster.entries[name].origin for name in REVOKED if cluster.text(name)), None)
    why = f"the list of revoked certificates at {crl} wants one of every authority, so nobody of a new one gets in before it is there" if crl else ""
    return Asking("postgresql", id_, (), (path,), required, DEPTH, cluster.entries[FILE].origin, listens, "postgres", why)


def _free(text: str) -> int:
    """The first line by which a client comes in over TLS without a certificate; 0 = none.  One that also holds a secret counts as such."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words[:1] not in (["host"], ["hostssl"]) or "reject" in words[4:]:
            continue
        if guc.REDACTED in words or not ("cert" in words[4:6] or any(word in WANTS for word in words[4:])):
            return number
    return 0
