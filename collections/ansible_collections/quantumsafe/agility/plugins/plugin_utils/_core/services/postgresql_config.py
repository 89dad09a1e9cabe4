"""The clusters of a host, and the settings of each as its server assembles them.

Sources: ParseConfigFile() and ProcessConfigFile() (guc-file.l, guc.c): the last line of a name wins, wherever an include put it; includes are
relative to the file that names them; postgresql.auto.conf, which ALTER SYSTEM writes, is read behind everything; the command line
wins over all files.  Debian: /etc/postgresql/VERSION/NAME; Red Hat: /var/lib/pgsql/[VERSION/]data.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..documents import guc
from ..model import File, Origin, Snapshot, Unparsable
from .paths import glob
from .postgresql_ask import Server, servers

DEBIAN, REDHAT = "/etc/postgresql", "/var/lib/pgsql"
CONF, AUTO, HBA = "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf"
PLACES = (f"{DEBIAN}/*/*", f"{REDHAT}/data", f"{REDHAT}/*/data")
DEEPEST_INCLUDE = 10  # CONF_FILE_MAX_DEPTH
OLD_NAMES = {"ssl_ecdh_curve": "ssl_groups"}  # from 18 on (map_old_guc_names)

_MAIN = (re.compile(rf"{DEBIAN}/([0-9.]+)/[^/]+/{CONF}"), re.compile(rf"{REDHAT}/(?:([0-9.]+)/)?data/{CONF}"))


@dataclass(frozen=True, slots=True)
class Entry:
    """What governs one setting.  file None: the command line."""

    value: str
    origin: Origin
    file: File | None = None
    setting: guc.Setting | None = None


@dataclass(slots=True)
class Cluster:
    """name: "17/main" on Debian, else the data directory.  absent: what is named and was not seen → where; optional: what of it may be missing."""

    name: str
    conf: str
    data: str
    major: int
    server: Server | None
    entries: dict[str, Entry] = field(default_factory=dict)
    absent: dict[str, Origin] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)

    def text(self, name: str, default: str = "") -> str:
        entry = self.entries.get(name)
        return entry.value if entry else default

    def on(self, name: str, default: str = "off") -> bool:
        return guc.boolean(self.text(name, default)) is True

    def path(self, name: str, default: str = "") -> str:
        """A file setting, which is relative to the data directory."""
        text = self.text(name, default)
        return posixpath.normpath(posixpath.join(self.data, text)) if text else ""

    @property
    def label(self) -> str:
        version = self.server.version if self.server else ""
        return f"PostgreSQL {version or self.major or 'of unknown version'}"

    @property
    def debian(self) -> bool:
        return bool(_MAIN[0].fullmatch(self.conf))

    @property
    def auto(self) -> str:
        return f"{self.data}/{AUTO}"


def clusters(snapshot: Snapshot) -> tuple[Cluster, ...]:
    """Those that run, then those that only have files; one whose main file was not seen has no entries.  Raises Unparsable (file:line)."""
    found = {conf: server for server in servers(snapshot) for conf in [_main(server)]}
    mains = {**found, **{path: None for path in snapshot.files if any(one.fullmatch(path) for one in _MAIN) and path not in found}}
    return tuple(_cluster(snapshot, conf, server) for conf, server in sorted(mains.items()))


def _main(server: Server) -> str:
    folder = server.options.get("-D", server.data)
    return posixpath.normpath(posixpath.join(server.data, server.options.get("config_file", f"{folder}/{CONF}")))


def _cluster(snapshot: Snapshot, conf: str, server: Server | None) -> Cluster:
    made = Cluster("", conf, server.data if server else posixpath.dirname(conf), 0, server)
    if conf in snapshot.files:
        _read(snapshot, snapshot.files[conf], made, 0)
    else:
        made.absent[conf] = Origin(conf)
    made.data = server.data if server else made.text("data_directory", made.data)
    made.major = _major(snapshot, made)
    made.name = conf.removeprefix(f"{DEBIAN}/").removesuffix(f"/{CONF}") if made.debian else made.data
    if made.auto in snapshot.files:
        _read(snapshot, snapshot.files[made.auto], made, 0)
    else:
        made.absent[made.auto] = Origin(conf)
        made.optional.add(made.auto)
    for name, value in (server.options if server else {}).items():
        made.entries[name] = Entry(value, Origin(f"command line of {server.program if server else ''}"))
    if made.major >= 18:
        _rename(made)
    return made


def _rename(made: Cluster) -> None:
    """An old name is the new one: of both the later counts, and an entry of a file stands behind those that came before it."""
    for old, new in OLD_NAMES.items():
        if old in made.entries and (new not in made.entries or list(made.entries).index(old) > list(made.entries).index(new)):
            made.entries[new] = made.entries[old]


def _major(snapshot: Snapshot, made: Cluster) -> int:
    file = snapshot.files.get(f"{made.data}/PG_VERSION")
    told = made.server.version if made.server else ""
    told = told or (file.text or "" if file else "") or next((found[1] for one in _MAIN if (found := one.fullmatch(made.conf)) and found[1]), "")
    number = re.match(r"\d+", told)
    return int(number[0]) if number else 0


def _read(snapshot: Snapshot, file: File, made: Cluster, depth: int) -> None:
    if file.text is None:
        raise Unparsable(f"it could not be read: {file.problem or 'no text'}", file.path, "its settings decide what the server does")
    if depth > DEEPEST_INCLUDE:
        raise Unparsable("includes go round in a circle, or deeper than 10 files", file.path, "break the circle")
    for setting in guc.parse(file.text, file.path).settings:
        if setting.name in ("include", "include_if_exists", "include_dir"):
            for other in _included(snapshot, file, setting, made):
                _read(snapshot, other, made, depth + 1)
        else:
            made.entries.pop(setting.name, None)  # in the order of what counts
            made.entries[setting.name] = Entry(setting.value, Origin(file.path, setting.line), file, setting)


def _included(snapshot: Snapshot, file: File, setting: guc.Setting, made: Cluster) -> Iterator[File]:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), setting.value))
    pattern = f"{path}/*.conf" if setting.name == "include_dir" else path
    found = glob(pattern, snapshot)
    if not found:
        made.absent.setdefault(pattern, Origin(file.path, setting.line))
        if setting.name != "include":
            made.optional.add(pattern)
    yield from (snapshot.files[one] for one in found)


def plain_text(snapshot: Snapshot, made: Cluster) -> tuple[str, ...]:
    """The lines of pg_hba.conf by which somebody may come in from elsewhere without TLS."""
    path = hba(made)
    file = snapshot.files.get(path)
    out = []
    for number, line in enumerate((file.text or "" if file else "").splitlines(), 1):
        words = line.partition("#")[0].split()
        known = guc.REDACTED not in words[:5]  # a name may look like a secret
        if known and words[:1] in (["host"], ["hostnossl"]) and "reject" not in words[4:] and not any(_loopback(word) for word in words[3:4]):
            out.append(f"{path}:{number}: {words[0]} lets clients in without TLS: write hostssl")
    return tuple(out)


def _loopback(address: str) -> bool:
    return address.startswith(("127.", "::1")) or address in ("localhost", "samehost")


def hba(made: Cluster) -> str:
    """Where nobody names it, it lies in the folder of -D, which need not be the data directory."""
    folder = made.server.options.get("-D", made.data) if made.server else posixpath.dirname(made.conf)
    return made.path("hba_file") or posixpath.normpath(posixpath.join(made.data, folder, HBA))
