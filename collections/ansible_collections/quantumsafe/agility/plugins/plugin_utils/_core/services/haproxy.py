"""HAProxy.  Sources: configuration manual of 2.2 to 3.2; what it leaves open was tried on 3.0.11 and 3.2.26, as the other haproxy_*.py say.

Values are effective per listening socket: what a `bind` says, else the ssl-default-bind-* before it, else what the library does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from ..credentials import Asking, Certificate, Pair, Serving
from ..grant import Grant
from ..model import Activation, Capability, Change, Collect, Endpoint, Origin, Setting, Snapshot, Unparsable, Wishes
from ..service import Service, once
from . import client_settings, haproxy_certificates, haproxy_clients, haproxy_rebind, openssl
from .fips import fips, later, module_of
from .haproxy_binds import Bind, Socket, binds, is_quic, sockets
from .haproxy_certificates import Certificates
from .haproxy_ciphers import Ciphers
from .haproxy_conditions import Conditions
from .haproxy_config import Assembly
from .haproxy_lists import Entry
from .haproxy_main import BINARIES, DEFAULT_CONF, DEFAULTS, ENVIRONMENT, PROCESSES, Told, told
from .haproxy_session import session
from .haproxy_traps import listed_curves_are_void, of_routing
from .haproxy_traps import of_bind as traps
from .haproxy_versions import BOUNDS, SPELLED, VERSIONS, bounds, first_version, governing
from .haproxy_versions import of_bind as bounds_of
from .haproxy_write import GLOBAL, Writer
from .read_back import after, prove

COLLECT = Collect(
    needs=(DEFAULT_CONF, *BINARIES),
    files=(
        *(DEFAULT_CONF, *DEFAULTS, "/etc/haproxy/conf.d/*.cfg", "/etc/haproxy/*.pem", "/etc/haproxy/*.txt", "/etc/haproxy/*.lst"),
        *("/etc/haproxy/certs/*", "/etc/haproxy/ssl/*", "/etc/haproxy/tls/*"),
        *openssl.SYSTEM_LISTS,
    ),
    commands={"haproxy-vv": ("haproxy", "-vv"), "haproxy-processes": PROCESSES, "haproxy-environment": ENVIRONMENT, **openssl.COMMANDS},
    second_tries=openssl.SECOND_TRIES,
)
UNITS = ("haproxy.service",)
CHECK = ("haproxy", "-c")
# Defaults for all binds; a bind is a line with much else on it, which an installed agent cannot tell apart.
GRANT = Grant(
    folders=("/etc/haproxy",),
    says=tuple(dict.fromkeys(GLOBAL.values())),
    value="[A-Za-z0-9?*!@+-][A-Za-z0-9 .:,_+!@=/*?-]*",
    ends="",
    units=UNITS,
    checks=((*CHECK, "-f", DEFAULT_CONF), (*CHECK, "-f", DEFAULT_CONF, "-f", "/etc/haproxy/conf.d")),
)
# The checker needs the same environment where the configuration stands on it, without what a master says to itself in it (HAPROXY_MWORKER_…).
# One line: that is how an agent keeps it.
IN_ITS_ENVIRONMENT = (
    "sh",
    "-c",
    "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */haproxy)"
    ' { grep -zv ^HAPROXY_ $p/environ; printf "%s\\000" "$@"; } | xargs -0 env; exit ;; esac; done; exec "$@"',
    "sh",
)
_VERSION = re.compile(r"HA-?Proxy version (\d+(?:\.\d+)+)")
_RUNNING, _BUILT = (re.compile(rf"{word} (?:with|on) (?:OpenSSL|SSL library) version : (\S+ \S+)") for word in ("Running", "Built"))
_SPEAKS = re.compile(r"SSL library supports : (.*)")
_FEATURES = re.compile(r"Feature list : (.*)")


class HAProxy:
    """One snapshot seen as HAProxy: its configuration, version and library.  Raises Unparsable (file:line)."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        answer = snapshot.answers.get("haproxy-vv")
        said = answer.out if answer else ""
        number = _VERSION.search(said)
        self.version = tuple(int(part) for part in number[1].split(".")) if number else ()
        self.label = f"HAProxy {number[1]}" if number else "HAProxy of unknown version"
        runs = _RUNNING.search(said) or _BUILT.search(said)
        self.library = openssl.library(runs[1] if runs else "")
        speaks = _SPEAKS.search(said)
        self.able = tuple(name for name, word in SPELLED.items() if word in speaks[1].split()) if speaks else VERSIONS[1:]
        features = _FEATURES.search(said)
        self.told: Told | None = told(snapshot)
        conditions = Conditions(self.version, self.library.version, features[1] if features else "")
        self.assembly = Assembly(snapshot, self.told or Told(()), _environment(snapshot), conditions)
        self.certificates = Certificates(self.assembly)

    @property
    def default(self) -> Origin:
        return Origin(f"default of {self.label} with {self.library.label or 'an unknown library'}")

    @cached_property
    def ciphers(self) -> Ciphers:
        known = openssl.suites(self.library, self.snapshot.answers)
        with_dh = tuple(bind for bind in self.binds if self.certificates.has_parameters(bind))
        system = openssl.system_ciphers(self.snapshot.files)
        return Ciphers(self.library, known, self.default, system, version=self.version, with_dh=with_dh)

    @cached_property
    def sockets(self) -> tuple[Socket, ...]:
        return sockets(self.assembly)

    @cached_property
    def binds(self) -> tuple[Bind, ...]:
        return tuple(dict.fromkeys(socket.bind for socket in self.sockets))

    @cached_property
    def quic(self) -> tuple[Bind, ...]:
        return tuple(bind for bind in binds(self.assembly) if is_quic(bind.line))

    @cached_property
    def fips(self) -> Setting | None:
        return fips(self.snapshot, not self.ciphers.known.doubt) if self.library.version else None

    @cached_property
    def groups(self) -> Capability:
        return openssl.group_capability(self.library, self.snapshot.answers, module_of(self.fips))


def of(snapshot: Snapshot) -> HAProxy:
    """Worked out once for a snapshot: one look asks what is missing, reads and writes."""
    return once(snapshot, "haproxy", HAProxy)


def _environment(snapshot: Snapshot) -> dict[str, str]:
    answer = snapshot.answers.get("haproxy-environment")
    pairs = (line.partition("=") for line in (answer.out if answer else "").splitlines())
    return {name: value for name, sign, value in pairs if sign}


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """One endpoint for each listening TLS socket."""
    haproxy = of(snapshot)
    if haproxy.told is None:
        return ()
    if haproxy.assembly.absent:
        raise Unparsable(f"HAProxy begins with {haproxy.assembly.absent[0]}, which was not seen", snapshot.host, "look whether that is there")
    notes = (*(f"{bind.line.origin}: QUIC is not assessed" for bind in haproxy.quic), *of_routing(haproxy.assembly))
    return tuple(_endpoint(haproxy, socket, notes) for socket in haproxy.sockets)


def _endpoint(haproxy: HAProxy, socket: Socket, notes: tuple[str, ...]) -> Endpoint:
    bind, entries = socket.bind, tuple(haproxy.certificates.lists(socket.bind))
    versions, unclear = _versions(haproxy, bind, entries)
    allowed = versions.values if versions else VERSIONS
    groups, unknown = _groups(haproxy, bind, entries)
    ciphers, problem = haproxy.ciphers.setting(bind, entries, allowed)
    references = haproxy.certificates.references(bind)
    found = [haproxy.certificates.found(one) for one in references]
    certificates = tuple(dict.fromkeys(one for one in found if one))
    settings = {
        "version": versions,
        "key_exchange": groups,
        "cipher": ciphers,
        "signature": _signature(certificates) if None not in found else None,
        "fips": haproxy.fips,
        "session": session(bind, entries, haproxy.default),
    }
    clients, unread = haproxy_clients.asked(haproxy.assembly, bind, entries, haproxy.library, allowed, haproxy.default)
    unseen = [f"{one.pair.certificate} ({one.origin}) could not be read" for one, it in zip(references, found, strict=True) if it is None]
    said = (
        *notes,
        *traps(bind, entries, haproxy.version),
        unclear,
        unknown,
        problem,
        *haproxy.ciphers.idle(bind, allowed),
        *unseen,
        *unread,
        *_rarely(certificates),
    )
    return Endpoint(
        id=socket.id,
        service="haproxy",
        protocol="tls",
        names="openssl",
        addresses=((socket.address, socket.port),),
        version=haproxy.label,
        settings={aspect: setting for aspect, setting in settings.items() if setting} | clients,
        capabilities={
            "version": _version_capability(haproxy),
            "key_exchange": replace(haproxy.groups, order="tuple" if haproxy.library.has_tuples else "list"),
            "cipher": haproxy.ciphers.capability(bind, allowed),
            "signature": Capability(None, "it signs with the keys of its certificates, so another scheme needs another certificate"),
            **client_settings.capabilities(haproxy.library.label),
        },
        certificates=certificates,
        notes=tuple(dict.fromkeys(filter(None, said))),
        server_names=tuple(dict.fromkeys(name for one in references for name in one.names)) or tuple(n for one in certificates for n in one.names),
    )


def _versions(haproxy: HAProxy, bind: Bind, entries: tuple[Entry, ...]) -> tuple[Setting | None, str]:
    """The union over its certificates: a peer may ask for any of their names."""
    first, own = first_version(haproxy.version), bounds_of(bind)
    listed = [bounds(entry.pairs) for entry in entries if any(word in BOUNDS for word in entry.options)]
    found = [each.versions(haproxy.able, first) for each in (own, *(one.beneath(own) for one in listed))]
    if None in found:
        return None, "ssl-min-ver is not set and the default of an unknown HAProxy version cannot be told"
    allowed = {name for names in found for name in names or ()}
    says = governing(bind)
    return Setting(tuple(name for name in VERSIONS if name in allowed), says.line.origin if says else haproxy.default), ""


def _version_capability(haproxy: HAProxy) -> Capability:
    if not haproxy.library.version:
        return Capability(None, f"it runs with {haproxy.library.label or 'a library that it did not name'}", haproxy.library.label)
    return Capability(haproxy.able, "haproxy -vv", haproxy.library.label, order="set")


def _groups(haproxy: HAProxy, bind: Bind, entries: tuple[Entry, ...]) -> tuple[Setting | None, str]:
    says = bind.own("curves") or bind.default("ssl-default-bind-curves") or bind.own("ecdhe")
    known, lib = haproxy.groups.names, haproxy.library
    text, origin = (says.value, says.line.origin) if says else ("", haproxy.default)
    if not says and (system := openssl.system_groups(haproxy.snapshot.files)):
        text, origin = system
    groups = openssl.parse_groups(text, lib, known) if text else openssl.default_groups(lib, known)
    if groups is None:
        return None, f"the group list of {lib.label or 'the library'} in use ({origin}) is not known"
    others = (entry for entry in entries if (own := entry.option("curves")) and openssl.parse_groups(own, lib, known) != groups)
    if (other := next(others, None)) and not listed_curves_are_void(haproxy.version):
        return None, f"curves at {other.origin} count for their names since HAProxy 3.2.26, whatever the bind says: leave them out there"
    return Setting(tuple(name for name, dummy in groups), origin, tiers=tuple(tier for dummy, tier in groups)), ""


def _signature(certificates: tuple[Certificate, ...]) -> Setting | None:
    """The kinds of the keys of its certificates.  None when one of them could not be read."""
    if not certificates or not all(one.key for one in certificates):
        return None
    return Setting(tuple(dict.fromkeys(one.key for one in certificates)), Origin(certificates[0].path))


def _rarely(certificates: tuple[Certificate, ...]) -> tuple[str, ...]:
    """Which of its certificates most clients never see."""
    kinds = {one.key.partition("-")[0] for one in certificates}
    if not (any(one.key.startswith("ML-DSA") for one in certificates) and kinds & {"ECDSA", "RSA"}):
        return ()
    return ("HAProxy serves the certificate with an ML-DSA key to no client that offers ECDSA or RSA, too, where it has such a certificate",)


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """A reload is a new process that takes the sockets over; the old one finishes its connections."""
    haproxy = of(snapshot)
    check = (*CHECK, *(haproxy.told.words if haproxy.told else ()))
    check = (*IN_ITS_ENVIRONMENT, *check) if haproxy.assembly.has_variables else check
    return Activation("haproxy", UNITS, (), check, "reload", tuple(dict.fromkeys(p for e in endpoints for dummy, p in e.addresses if p)))


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """The files that it begins with, lists and certificates that it names and the snapshot lacks; of a path that may be a folder both."""
    haproxy = of(snapshot)
    if haproxy.told is None:
        return ()
    begin = [glob for path in haproxy.assembly.absent for glob in (path, f"{path}/*.cfg") if path != DEFAULT_CONF]
    named = (path for bind in haproxy.binds for path in haproxy_clients.files(haproxy.assembly, bind, tuple(haproxy.certificates.lists(bind))))
    deciding = dict.fromkeys(path for path in named if path not in snapshot.files and not path.startswith("@"))
    return (*begin, *haproxy_certificates.missing(haproxy.certificates, haproxy.binds, snapshot), *deciding)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """One Change a file; see haproxy_write.py.  Raises Inexpressible, also when the edited files would not read as wished."""
    haproxy, before = of(snapshot), read(snapshot)
    now = {endpoint.id: endpoint for endpoint in before}
    changes = Writer(haproxy.assembly, haproxy.sockets, haproxy.library, haproxy.groups, haproxy.ciphers, now).changes(wishes)
    prove(before, read(after(snapshot, changes)), wishes, haproxy.library)
    return changes


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    haproxy = of(snapshot)
    return haproxy_certificates.servings(haproxy.certificates, haproxy.sockets) if haproxy.told else ()


def askings(snapshot: Snapshot) -> tuple[Asking, ...]:
    haproxy = of(snapshot)
    found = (_asking(haproxy, socket) for socket in (haproxy.sockets if haproxy.told else ()))
    return tuple(one for one in found if one)


def _asking(haproxy: HAProxy, socket: Socket) -> Asking | None:
    names = tuple(dict.fromkeys(name for one in haproxy.certificates.references(socket.bind) for name in one.names))
    return haproxy_clients.asking(haproxy.assembly, socket, tuple(haproxy.certificates.lists(socket.bind)), names, haproxy.default)


def rebind(snapshot: Snapshot, wanted: Mapping[Origin, tuple[Pair, ...]]) -> tuple[Change, ...]:
    haproxy = of(snapshot)
    return haproxy_rebind.rebind(haproxy.certificates, haproxy.binds, haproxy.quic, wanted)


SERVICE = Service(
    name="haproxy",
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
    grant=GRANT,
)
