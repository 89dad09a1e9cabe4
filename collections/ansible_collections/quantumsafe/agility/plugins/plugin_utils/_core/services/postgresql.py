"""PostgreSQL.  Sources: documentation of the ssl_* settings (11 to 18), "SSL Session Encryption"; be-secure-openssl.c.

One endpoint for each cluster with ssl = on.  All of it is taken up on a reload; when that finds something wrong, the server keeps what it had
and only its log tells, so the configuration is tried before (postgresql_ask.py) and a handshake has to show it afterwards.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from fnmatch import fnmatchcase

from ..credentials import Asking, Binding, Pair, Serving
from ..model import Activation, Change, Collect, Endpoint, Follow, Inexpressible, Origin, Snapshot, Unparsable, Wanted, Wishes
from ..service import Service, once
from . import openssl, postgresql_clients
from .fips import later
from .openssl import Library
from .postgresql_ask import SERVERS, Server, check, checks
from .postgresql_clients import FILE as CLIENTS
from .postgresql_cluster import Seen
from .postgresql_config import AUTO, CONF, DEBIAN, HBA, PLACES, REDHAT, Cluster, clusters, hba
from .postgresql_write import (
    CERTIFICATE,
    HAS_GROUPS,
    KEY,
    VERSIONS,
    changes,
    group_texts,
    version_texts,
)
from .read_back import after, prove

COLLECT = Collect(
    # The last two are sockets, wherever the program is.
    needs=(DEBIAN, REDHAT, "/usr/bin/postgres", "/usr/local/bin/postgres", "/usr/local/pgsql", "/run/postgresql", "/tmp/.s.PGSQL.5432"),
    files=(
        *(f"{place}/{name}" for place in PLACES for name in (CONF, HBA)),
        *(f"{place}/{name}" for place in (*PLACES[1:], "/var/lib/postgresql/*/*") for name in (AUTO, "PG_VERSION")),
        *(f"{place}/conf.d/*.conf" for place in PLACES),
        *openssl.SYSTEM_LISTS,
    ),
    # Where a path is whole and a word of its own; a second look also follows those that are relative to what it asks for.
    follow=tuple(Follow(word, DEBIAN) for word in ("ssl_cert_file", "include", "include_if_exists")),
    commands={"postgresql-servers": SERVERS, **openssl.COMMANDS},
    second_tries=openssl.SECOND_TRIES,
)
ALONE = "PostgreSQL serves one certificate: a second kind beside it is impossible"
INSIDE = (
    "it lies in the data directory, where nothing is added: give certificates a folder of their own, and name it in ssl_cert_file and ssl_key_file"
)


def of(snapshot: Snapshot) -> tuple[Seen, ...]:
    """Worked out once for a snapshot."""
    return once(snapshot, "postgresql", lambda shown: tuple(Seen(shown, cluster) for cluster in clusters(shown)))


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    for seen in of(snapshot):
        for path, origin in seen.cluster.absent.items():
            if path not in seen.cluster.optional:
                raise Unparsable(f"{path} was not seen, and the server begins with it", str(origin), "look whether that file is there")
    return tuple(seen.endpoint() for seen in of(snapshot) if seen.serves)


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """Main files, includes, certificates and rules that a cluster names and the snapshot lacks."""
    wanted: set[str] = set()
    for seen in of(snapshot):
        cluster = seen.cluster
        wanted |= set(cluster.absent)
        if cluster.conf in cluster.absent:  # there are two looks, so all that it is likely to name
            wanted |= {f"{cluster.data}/{name}" for name in ("server.crt", HBA)} | {f"{posixpath.dirname(cluster.conf)}/conf.d/*.conf"}
        if seen.serves:
            wanted |= {cluster.path(CERTIFICATE, "server.crt"), hba(cluster), *filter(None, [cluster.path(CLIENTS)])}
    return tuple(sorted(path for path in wanted if path not in snapshot.files and not any(_covers(pattern, path) for pattern in COLLECT.files)))


def _covers(pattern: str, path: str) -> bool:
    """Whether the first look asked for it already; a pattern may stand for a pattern."""
    parts = list(zip(pattern.split("/"), path.split("/"), strict=False))
    return pattern.count("/") == path.count("/") and all(fnmatchcase(name, part) for part, name in parts)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible, also when the edited files would not read as wished."""
    mine = [seen for seen in of(snapshot) if seen.serves]
    said = {seen.cluster.name: _texts(seen, wishes.get(seen.id, {})) for seen in mine}
    made = changes(snapshot, [seen.cluster for seen in mine], said)
    then = {endpoint.id: endpoint for endpoint in read(after(snapshot, made))}
    for seen in mine:
        prove((seen.endpoint(),), (then[seen.id],), wishes, seen.library if seen.cluster.major >= HAS_GROUPS else Library())
    return made


def _texts(seen: Seen, wanted: Mapping[str, Wanted]) -> dict[str, str]:
    """Name of a setting → what it shall say."""
    out: dict[str, str] = {}
    now = seen.versions()
    spoken = wanted["version"].names if "version" in wanted else now.values if now else VERSIONS
    for aspect, to in wanted.items():
        if aspect == "version":
            out |= version_texts(seen.cluster, to, now)
        elif aspect == "key_exchange":
            out |= group_texts(seen.cluster, to, seen.library, seen.group_capability())
        elif aspect == "cipher":
            out |= seen.ciphers.texts(to.names, spoken)
        elif to.names != seen.endpoint().settings[aspect].values:
            raise Inexpressible(f"this release does not write {aspect} for PostgreSQL", seen.cluster.conf)
    return out


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """A reload of the one unit; of several clusters that of Debian's unit for all.  Raises Inexpressible where there is none."""
    mine = [seen for seen in of(snapshot) if seen.id in {endpoint.id for endpoint in endpoints}]
    running = [seen.cluster for seen in mine if seen.cluster.server]
    units = tuple(dict.fromkeys(unit for cluster in running or [seen.cluster for seen in mine] for unit in _units(cluster)))
    if len(running) > 1:
        if not all(cluster.debian for cluster in running):
            names = ", ".join(cluster.name for cluster in running)
            raise Inexpressible(f"several servers run, each with a unit of its own: {names}", snapshot.host, "this release reloads one of them")
        units = ("postgresql.service",)
    ports = tuple(dict.fromkeys(port for endpoint in endpoints for dummy, port in endpoint.addresses if port))
    calls = tuple(_check(cluster, cluster.server) for cluster in running if cluster.server)
    return Activation("postgresql", units, (), checks(calls), "reload", ports)


def _units(cluster: Cluster) -> tuple[str, ...]:
    unit = cluster.server.unit if cluster.server else ""
    debian = f"postgresql@{cluster.name.replace('/', '-')}.service" if cluster.debian else ""
    return tuple(dict.fromkeys(filter(None, (unit, debian, f"postgresql-{cluster.major}.service", "postgresql.service"))))


def _check(cluster: Cluster, server: Server) -> str:
    """Paths that are relative to the data directory are told whole, for the check has another, and no server goes on without the last two."""
    names = (CERTIFICATE, KEY, "ssl_ca_file", "ssl_crl_file", "ssl_crl_dir", "ssl_dh_params_file")
    defaults = {CERTIFICATE: "server.crt", KEY: "server.key"}
    whole = {name: path for name in names if (path := cluster.path(name, defaults.get(name, ""))) != cluster.text(name)}
    given = {name: text for name, text in server.options.items() if name.startswith("ssl")}
    return check(server, cluster.major, {"config_file": cluster.conf, **given, **whole, "hba_file": hba(cluster), "ident_file": hba(cluster)})


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    return tuple(_serving(seen) for seen in of(snapshot) if seen.serves)


def _serving(seen: Seen) -> Serving:
    cluster = seen.cluster
    pair = Pair(cluster.path(CERTIFICATE, "server.crt"), cluster.path(KEY, "server.key"))
    inside = any(posixpath.dirname(path) == cluster.data for path in (pair.certificate, pair.key))
    binding = Binding(pair, seen.origin(CERTIFICATE), INSIDE if inside else "")
    return Serving("postgresql", (seen.id,), (), (binding,), alone=ALONE)


def askings(snapshot: Snapshot) -> tuple[Asking, ...]:
    seen = ((one, one.endpoint().addresses) for one in of(snapshot) if one.serves)
    found = (postgresql_clients.asking(snapshot, one.cluster, one.id, next(iter(addresses), ("", 0))) for one, addresses in seen)
    return tuple(one for one in found if one)


def rebind(snapshot: Snapshot, wanted: Mapping[Origin, tuple[Pair, ...]]) -> tuple[Change, ...]:
    """Raises Inexpressible for a second pair."""
    said = {}
    for seen in of(snapshot):
        pairs = wanted.get(seen.origin(CERTIFICATE), ()) if seen.serves else ()
        if len(pairs) > 1:
            raise Inexpressible(ALONE, str(seen.origin(CERTIFICATE)), "ask for one kind of key")
        if pairs:
            said[seen.cluster.name] = {CERTIFICATE: pairs[0].certificate, KEY: pairs[0].key}
    return changes(snapshot, [seen.cluster for seen in of(snapshot)], said)


SERVICE = Service(
    name="postgresql",
    protocol="tls",
    collect=COLLECT,
    read=read,
    write=write,
    activation=activation,
    missing=missing,
    later=later,
    servings=servings,
    rebind=rebind,
    askings=askings,
)
