"""What a host holds of certificates, keys and trust anchors, as values.  Frozen and plain; no byte of a private key is in any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..credentials import Certificate


@dataclass(frozen=True, slots=True)
class Block:
    """Something in a file as the host told it.  kind: "CERTIFICATE", "RSA PRIVATE KEY", …; state: plain | encrypted | unfinished."""

    kind: str
    state: str = "plain"


@dataclass(frozen=True, slots=True)
class SshKey:
    """A public key in a list.  authority: keys that it signs are trusted (cert-authority, TrustedUserCAKeys)."""

    type: str
    blob: str
    authority: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One file as the host told it.  der: certificates, base64; public: the public half of its key, base64 of SubjectPublicKeyInfo or an SSH blob.

    counted: certificates that were only counted.  container: "pkcs12", "jks", … with state open | locked.  trusted: whether it ends in the bundle.
    hosts: (hashed | plain, marker, type) → how many known hosts.
    """

    path: str
    size: int = 0
    mode: str = ""
    owner: str = ""
    group: str = ""
    sha256: str = ""
    der: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    public: str = ""
    container: str = ""
    state: str = ""
    counted: int = 0
    trusted: bool | None = None
    ssh: tuple[SshKey, ...] = ()
    hosts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    krl: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """The whole answer.  aliases: link → file.  there: id → path of what renews or enrols.  timers: (unit, state).  renews: path → client.

    named: (file:line, path; a folder ends in "/"; or a PKCS#11 URI, or where its PIN is).  pins: file → mode, owner, group.
    left: files beyond the limit; odd: names that were not looked at.
    """

    files: Mapping[str, Told]
    aliases: Mapping[str, str] = field(default_factory=dict)
    bundle: str = ""
    bundle_count: int = 0
    there: Mapping[str, str] = field(default_factory=dict)
    timers: tuple[tuple[str, str], ...] = ()
    renews: Mapping[str, str] = field(default_factory=dict)
    named: tuple[tuple[str, str], ...] = ()
    pins: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    left: int = 0
    odd: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A private key.  kind: "RSA-3072", "" unknown; public: sha256 of its SubjectPublicKeyInfo, "" unknown; form: PEM, OPENSSH, DER, PKCS#12,
    PKCS#11 in a token."""

    kind: str
    encrypted: bool
    public: str
    form: str


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the inventory, or a key in a token, whose path is its URI, and whose owner and mode are those of the file that holds its PIN.

    certificates: the leaf first, as they stand in the file; count: how many there are, also where only counted.
    users: endpoints, and file:line of configurations that name it.  renewal: who renews it, "" = nobody known.
    roles: anchor, authority, orphan-key, orphan-certificate, locked, code-signing, device.
    """

    path: str
    size: int
    owner: str
    group: str
    mode: str
    sha256: str
    kinds: tuple[str, ...]
    certificates: tuple[Certificate, ...] = ()
    count: int = 0
    key: Key | None = None
    public: str = ""
    users: tuple[str, ...] = ()
    renewal: str = ""
    roles: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SshList:
    """A list of SSH keys.  kinds: type → how many; weak: what nobody should trust; authorities: fingerprints of keys that sign others."""

    path: str
    role: str  # authorized_keys | trusted_user_ca | host_certificate | public_key | revoked | known_hosts
    owner: str
    mode: str
    kinds: Mapping[str, int]
    fingerprints: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    authorities: tuple[str, ...] = ()
    hashed: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that was found on one host."""

    items: tuple[Item, ...] = ()
    ssh: tuple[SshList, ...] = ()
    bundle: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)
    enrolment: Mapping[str, str] = field(default_factory=dict)
    authorities: Mapping[str, str] = field(default_factory=dict)
    timers: tuple[tuple[str, str], ...] = ()
    tokens: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
