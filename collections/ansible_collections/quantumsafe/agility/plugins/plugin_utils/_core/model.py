"""The values that flow through the house: Snapshot → Endpoint → Finding → Plan.

Everything here is frozen and plain: no I/O, no clock, no Ansible.  Dates are ISO strings ("2030-12-31") or
`datetime.date` arguments, sizes are bytes, times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .credentials import Certificate

# How a fact is known, weakest first (DESIGN.md, promise 3).  documented: no line says it, and a source says what the release does then.
Evidence = Literal["documented", "configured", "effective", "offered", "negotiated"]

Protocol = Literal["ssh", "tls", "ikev2", "esp", "wireguard", "openvpn"]
Stage = Literal["observe", "prefer", "require"]

# `pq-regression`: what the policy asks would take quantum safety from peers that have it, so it is left as it is.
State = Literal["compliant", "deprecated", "forbidden", "missing", "unsatisfiable", "pq-regression", "excepted", "not-applicable", "unknown"]


class Problem(Exception):
    """Something a person must mend.  `where` is "host", "file:line" or ""; `remedy` says what to do; nothing was changed."""

    def __init__(self, message: str, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.where, self.remedy = message, where, remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}. {self.remedy}" if self.remedy else head


class Unparsable(Problem):
    """A configuration text that its grammar does not accept; `where` is file:line."""


class Inexpressible(Problem):
    """What the policy asks cannot be said to this daemon.  Raised by writers instead of writing less than asked."""


# ---------------------------------------------------------------- snapshot: what one target showed at one moment


@dataclass(frozen=True, slots=True)
class File:
    """One file as the host showed it.

    path: where the daemon reads it.  real: the path after following symbolic links (equal to path otherwise).
    text: content with secrets redacted on the host line by line (line numbers are true), decoded as UTF-8, newlines
    untouched; None when problem says why there is none.  sha256, size: of the original bytes, before redaction.
    pending: the version beside it that a package manager left to be decided on (dpkg, ucf, rpm), "" without one.
    """

    path: str
    text: str | None
    sha256: str
    size: int
    owner: str = "root"
    group: str = "root"
    mode: str = "0644"
    real: str = ""
    redacted: bool = False
    problem: str = ""
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command said.  rc is None when it did not run to its end; `problem` then says why ("not found").  recorded: whose words instead."""

    argv: tuple[str, ...]
    rc: int | None
    out: str = ""
    err: str = ""
    problem: str = ""
    recorded: str = ""

    @property
    def ok(self) -> bool:
        return self.rc == 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Which machine this is.  A plan or a journal never acts on another one (DESIGN.md, Host identity)."""

    machine_id: str = ""
    host_key: str = ""  # sha256 of every ssh host public key file, hex, commas between: one that stays is enough
    boot: str = ""  # boot id + start time of PID 1: changes with every boot, also of a container


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One target at one moment.  facts: os_id, hostname, … as strings.  seen: what a service worked out already, by its name; a copy begins anew."""

    host: str
    taken: str
    identity: Identity
    facts: Mapping[str, str]
    files: Mapping[str, File]
    answers: Mapping[str, Answer]
    rounds: int = 1
    seen: dict[str, object] = field(default_factory=dict, init=False, compare=False, repr=False)


# ---------------------------------------------------------------- what to ask a target for


@dataclass(frozen=True, slots=True)
class Follow:
    """Lines whose first word is `keyword` (any case) name further files or globs, relative to `base`; the agent fetches those too."""

    keyword: str
    base: str


@dataclass(frozen=True, slots=True)
class Collect:
    """What a service needs to see: globs of files, keywords to follow, and commands by id.

    A command is an argv; `{glob}` is never expanded and no shell is involved.  A command whose program is absent answers
    with problem "not found".  second_tries: id of a command → that whose failure is the reason to run it.
    there: paths by id; the answer lists those that exist.
    needs: when none of these paths exists on the host the whole service is skipped there.
    """

    needs: tuple[str, ...]
    files: tuple[str, ...] = ()
    follow: tuple[Follow, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    second_tries: Mapping[str, str] = field(default_factory=dict)
    there: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# ---------------------------------------------------------------- endpoint: where cryptography is negotiated


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: file:line, or a sentence such as "default of OpenSSH 10.0p2" when line is 0."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Setting:
    """The effective, ordered values of one aspect of an endpoint, spelled as the daemon spells them.

    tiers: one number for each value; the server prefers a lower number whatever the client sent, values of equal number
    are the client's choice.  All 0 where the peer decides (sshd; a flat OpenSSL list).
    """

    values: tuple[str, ...]
    origin: Origin
    evidence: Evidence = "effective"
    tiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Capability:
    """What this very binary can do in one aspect, in its own spelling.  names None = could not be asked; `source` says how it is known.

    library: e.g. "OpenSSL 3.0.22", to say what an upgrade would bring.  module: the FIPS module that does the work in its place, "" without.
    order: what the daemon makes of their order: tuple (tiers, whatever the peer sends first), list (one order, which a key share that the peer
    sends outweighs), set (none: others decide, so what is preferred is only offered), "" = nobody knows.  most: how many it takes, 0 = any.
    """

    names: tuple[str, ...] | None
    source: str
    library: str = ""
    module: str = ""
    order: Literal["tuple", "list", "set", ""] = ""
    most: int = 0

    @property
    def label(self) -> str:
        return f"{self.library} with {self.module}" if self.module else self.library


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where cryptography is negotiated.

    id: stable within the host, e.g. "sshd" or "nginx 0.0.0.0:443".  addresses: (address, port) it listens on; "*" = any.
    version: of the daemon, e.g. "OpenSSH_10.0p2".  names: the naming implementation of its values ("openssh", "openssl").
    notes: sentences about traps found here ("ssl_ecdh_curve at x:12 is ignored: …"), for the report.  starttls: a row of probe/starttls.py.
    """

    id: str
    service: str
    protocol: Protocol
    names: str
    addresses: tuple[tuple[str, int], ...]
    version: str
    settings: Mapping[str, Setting]
    capabilities: Mapping[str, Capability]
    certificates: tuple[Certificate, ...] = ()
    notes: tuple[str, ...] = ()
    role: Literal["server", "client"] = "server"
    transport: Literal["tcp", "udp", "quic", "dtls"] = "tcp"
    server_names: tuple[str, ...] = ()
    starttls: str = ""


# ---------------------------------------------------------------- finding


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from.  force: as the document words it; only requirement and certification bind by themselves."""

    doc: str
    section: str = ""
    date: str = ""
    force: Literal["draft", "recommendation", "requirement", "certification"] = "recommendation"
    verified: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """endpoint × aspect × rule → state, with everything needed to trace it."""

    endpoint: str
    service: str
    protocol: str
    aspect: str
    rule: str
    state: State
    severity: Literal["none", "low", "medium", "high"]
    stage: Stage
    message: str
    origin: str
    evidence: Evidence
    source: Source
    deadline: str = ""  # ISO date after which this bites; "" = now or never
    remedy: str = ""
    actual: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    exception: str = ""  # ids of the policy's exceptions that make it `excepted`, ", " between them


# ---------------------------------------------------------------- plan


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `delete` lines from 1-based `line` on by `insert` (whole lines with their line ends; the last may lack one)."""

    line: int
    delete: int
    insert: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The edits of one file.  sha256 "" = the file must not exist and is created with owner/group/mode.

    after: sha256 of the result where the controller can compute it, "" when the text it saw was redacted.
    edits are sorted by line and do not overlap.
    """

    path: str
    sha256: str
    edits: tuple[Edit, ...]
    after: str = ""
    owner: str = "root"
    group: str = "root"
    mode: str = "0644"


@dataclass(frozen=True, slots=True)
class Activation:
    """How a service takes its new configuration.

    units: candidates in order ("ssh.service", "sshd.service"); the first that is active is used; an active socket unit
    beside it (`sockets`) means that each connection reads the file anew.  check: argv of the daemon's own checker.  ports: which must listen
    afterwards if they did before.  action: reload, restart, refresh = run units[0], replace:NAME,NAME, secrets:[NAME], update:NAME,NAME.
    """

    service: str
    units: tuple[str, ...]
    sockets: tuple[str, ...]
    check: tuple[str, ...]
    action: str
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One live question to ask after the change: offer these names, expect this.

    kind: "tls", "ssh" or "ikev2".  expect: names (catalogue ids) one of which must be negotiated/offered; forbid: offers that must be refused.
    strict: a client that knows one of `expect` and only holds back its key share must be asked for it.
    signer: the kind of key (certificates/keys.py) whose signatures alone the client takes; certificate: sha256 (or sha1) of what it must be served.
    """

    kind: Protocol
    endpoint: str
    port: int
    address: str = ""
    server_name: str = ""
    expect: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    strict: bool = False
    signer: str = ""
    certificate: str = ""
    starttls: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The smallest change that satisfies a policy on one target.  Empty changes = nothing to do."""

    host: str
    identity: Identity
    policy: str  # digest of the compiled policy
    changes: tuple[Change, ...] = ()
    activations: tuple[Activation, ...] = ()
    probes: tuple[Probe, ...] = ()
    reasons: tuple[str, ...] = ()  # one sentence for each aspect changed: what, why, where
    aspects: tuple[str, ...] = ()  # those that it changes, by name
    tightens_ssh: bool = False
    warnings: tuple[str, ...] = ()  # what a person should know before it is applied; nothing here stops it


# ---------------------------------------------------------------- the contract of a service


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one aspect of one endpoint shall effectively be: names in the daemon's own spelling, and their tiers (see Setting).

    watched (minutes), answered: what the policy says of clients that nobody here manages (docs/links.md)."""

    names: tuple[str, ...]
    tiers: tuple[int, ...] = ()
    watched: int = 0
    answered: str = ""


# endpoint id → aspect → what it shall be
Wishes = Mapping[str, Mapping[str, Wanted]]
