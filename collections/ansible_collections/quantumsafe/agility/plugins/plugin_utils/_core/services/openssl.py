"""What services that run on OpenSSL share: the version that runs, its group lists, and what it can do.

Sources: SSL_CTX_set1_groups_list(3), SSL_CONF_cmd(3), openssl-list(1).  The default lists were read off a ClientHello of 1.1.1w, 3.0.22
and 3.5.7; the tuples of 3.5 are those of SSL_CTX_set1_groups_list(3), "DEFAULT".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..algorithms.cipher_string import EVERYTHING, Suite, parse_suites
from ..algorithms.lookup import find
from ..model import Answer, Capability, File, Inexpressible, Origin
from .recorded import source

Version = tuple[int, ...]
Answers = Mapping[str, Answer]  # those of COMMANDS; one that was not asked is not there
# (name, tier): see Setting.tiers
Groups = tuple[tuple[str, int], ...]

TUPLES = (3, 5)  # "/" between groups of equal rank, "*" and DEFAULT
FIRST_KNOWN = (1, 1, 1)

# One question that never connects: /dev/null is no folder, so the address cannot exist; an unknown group fails before that.
COMMANDS = {
    "ciphers": ("openssl", "ciphers", "-v", EVERYTHING),
    "groups": ("openssl", "list", "-providers", "-tls-groups"),
    "hybrid": ("openssl", "s_client", "-groups", "X25519MLKEM768", "-unix", "/dev/null/none"),
    "providers": ("openssl", "list", "-providers"),
    "openssl": ("openssl", "version"),
}
# Before 3.5, the last one before 3.0; from then on the providers tell the version.
SECOND_TRIES = {"hybrid": "groups", "providers": "groups", "openssl": "providers"}
HYBRID = "X25519MLKEM768"

# Where a distribution sets the list of every program that sets none itself (fedora-crypto-policies, openssl back end: "Groups = …").
SYSTEM_LISTS = ("/etc/crypto-policies/back-ends/opensslcnf.config",)

# OpenSSL 3 compares group names without regard to case and knows aliases; these are the names that every version takes.
_CANONICAL = {
    "x25519": "X25519",
    "x448": "X448",
    "secp256r1": "prime256v1",
    "p-256": "prime256v1",
    "p-384": "secp384r1",
    "p-521": "secp521r1",
    **{name.lower(): name for name in ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "MLKEM512", "MLKEM768", "MLKEM1024")},
    **{f"brainpoolp{bits}r1tls13": f"brainpoolP{bits}r1tls13" for bits in (256, 384, 512)},
}
_CURVES = ("X25519", "prime256v1", "X448", "secp521r1", "secp384r1")
_FFDHE = ("ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192")

# First version → the list used when nobody sets one.
_DEFAULTS: tuple[tuple[Version, tuple[tuple[str, ...], ...]], ...] = (
    ((3, 5), ((HYBRID,), ("X25519", "prime256v1"), ("X448", "secp384r1", "secp521r1"), ("ffdhe2048", "ffdhe3072"))),
    ((3, 0), ((*_CURVES, *_FFDHE),)),
    ((1, 1, 1), (_CURVES,)),
)

_GROUPS = re.compile(r"^[^\s:]+(?::[^\s:]+)+$", re.MULTILINE)
_PROVIDER = re.compile(r"^ +(?:default|base)\n +name: .*\n +version: (\S+)", re.MULTILINE)  # both are libcrypto's own
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Library:
    """The library that a daemon runs with.  label: "OpenSSL 3.5.7", "" when it is not known; version () when it is not OpenSSL."""

    label: str = ""
    version: Version = ()

    @property
    def has_tuples(self) -> bool:
        return self.version >= TUPLES


def library(text: str) -> Library:
    """From a phrase such as "OpenSSL 3.0.22 25 Aug 2026" or "LibreSSL 3.8.2"."""
    words = text.split()
    if len(words) < 2:
        return Library(text.strip())
    version = tuple(int(n) for n in _NUMBER.findall(words[1])) if words[0] == "OpenSSL" else ()
    return Library(" ".join(words[:2]), version)


def canonical(name: str) -> str:
    """One spelling for each group."""
    return _CANONICAL.get(name.lower(), name)


def default_groups(lib: Library, known: Sequence[str] | None) -> Groups | None:
    """The library's own list, without what it cannot do (its provider may lack some); None when this version's list is not known."""
    for first, tiers in _DEFAULTS:
        if lib.version >= first:
            kept = [[name for name in names if known is None or name in known] for names in tiers]
            return tuple((name, tier) for tier, names in enumerate(filter(None, kept)) for name in names)
    return None


def system_groups(files: Mapping[str, File]) -> tuple[str, Origin] | None:
    """The group list that the system's crypto policy gives to programs that set none, and where it says so; None without one."""
    return _system(files, "Groups", "Curves")


def system_ciphers(files: Mapping[str, File]) -> tuple[str, Origin] | None:
    """The cipher list that PROFILE=SYSTEM stands for, and where it says so; None without one (fedora-crypto-policies)."""
    return _system(files, "CipherString")


def _system(files: Mapping[str, File], *names: str) -> tuple[str, Origin] | None:
    for path in SYSTEM_LISTS:
        text = files[path].text if path in files else None
        for number, line in enumerate((text or "").splitlines(), 1):
            name, dummy, value = line.partition("=")
            if name.strip() in names:
                return value.strip(), Origin(path, number)
    return None


def parse_groups(text: str, lib: Library, known: Sequence[str] | None) -> Groups | None:
    """A group list as the library reads it; None when it names DEFAULT and that is unknown.

    "?" drops a name that is not in `known`, "-" removes one that stands before it, "*" only chooses key shares that a client sends.
    """
    found: dict[str, int] = {}
    for tier, part in enumerate(text.split("/")):
        for item in part.split(":"):
            name = canonical(item.lstrip("?*-"))
            flags = item[: len(item) - len(item.lstrip("?*-"))]
            if "-" in flags:
                found.pop(name, None)
            elif name.upper() == "DEFAULT" and lib.has_tuples:
                default = default_groups(lib, known)
                if default is None:
                    return None
                # Its first tuple joins this one, the others follow; CVE-2026-2673: some versions made one tuple of it.
                for one, step in default:
                    found.setdefault(one, tier * 100 + (0 if _flattens_default(lib) else step))
            elif name and not ("?" in flags and known is not None and name not in known):
                found.setdefault(name, tier * 100)
    ranks = sorted(set(found.values()))
    return tuple((name, ranks.index(tier) if lib.has_tuples else 0) for name, tier in found.items())


def _flattens_default(lib: Library) -> bool:
    return (3, 5, 0) <= lib.version < (3, 5, 6) or (3, 6, 0) <= lib.version < (3, 6, 2)


def render_groups(names: Sequence[str], tiers: Sequence[int], lib: Library) -> str:
    """The list to write: tuples where the library has them, a flat list otherwise.  Raises Inexpressible when a later name has a lower tier."""
    levels = list(tiers) or [0] * len(names)
    if levels != sorted(levels) or len(levels) != len(names):
        raise Inexpressible("a group list states its tiers in order, and one number for each name")
    if not lib.has_tuples:
        return ":".join(names)
    return "/".join(":".join(name for name, tier in zip(names, levels, strict=True) if tier == level) for level in sorted(set(levels)))


def group_capability(lib: Library, answers: Answers, module: str | None = None) -> Capability:
    """Which groups this library can do under its provider.  answers: those of COMMANDS, None where one was not asked.

    module: the FIPS module that does the work, "" = one that nobody named, None = none; of the groups that are only known from a table it has
    those for sure that are approved.
    """
    doubt = doubt_about(lib, answers)
    if doubt:
        return Capability(None, doubt, lib.label)
    listed = answers.get("groups")
    if listed and listed.ok and (found := _GROUPS.search(listed.out)):
        return Capability(tuple(canonical(name) for name in found[0].split(":")), source("openssl list -tls-groups", listed), lib.label, module or "")
    asked = answers.get("hybrid")
    said = f"{asked.out}\n{asked.err}" if asked and asked.rc is not None else ""
    if "errno=" in said:
        extra: tuple[str, ...] = (HYBRID,)
    elif "cannot be set" in said or "Error with command" in said or "SSL_CONF_cmd" in said:
        extra = ()
    else:
        return Capability(None, f"neither `openssl list -tls-groups` nor `openssl s_client -groups {HYBRID}` gave a usable answer", lib.label)
    classical = (*_CURVES, *(_FFDHE if lib.version >= (3, 0) else ()))
    if module is not None:
        classical = tuple(name for name in classical if (group := find("tls", "key_exchange", name)) and group.approved)
    tried = source(f"openssl s_client -groups {HYBRID}", asked) if asked else ""
    return Capability((*extra, *classical), f"SSL_CTX_set1_groups(3), and {tried}", lib.label, module or "")


@dataclass(frozen=True, slots=True)
class Suites:
    """The suites of a library: those of TLS 1.2 and before in its own order, and those of TLS 1.3 that it uses when nobody says which.

    doubt: why the openssl command does not speak for the library; "" = it does.
    """

    old: tuple[Suite, ...] = ()
    modern: tuple[str, ...] = ()
    doubt: str = ""


def suites(lib: Library, answers: Answers) -> Suites:
    """What `openssl ciphers` told of this library.  answers: those of COMMANDS."""
    doubt = doubt_about(lib, answers)
    listed = answers.get("ciphers")
    old, modern = parse_suites(listed.out) if listed and listed.ok and not doubt else ((), ())
    return Suites(old, modern, doubt or ("" if old else f"`openssl ciphers -v {EVERYTHING}` gave no usable answer"))


def providers(answers: Answers) -> str:
    """What the openssl command listed of its providers."""
    return "\n".join(found.out for name in ("groups", "providers") if (found := answers.get(name)) and found.ok)


def loaded(answers: Answers) -> Library:
    """The library that the openssl command runs with; no label when it did not tell."""
    said = answers.get("openssl")
    if said and said.ok:  # "OpenSSL 3.0.22 25 Aug 2026 (Library: OpenSSL 3.0.23 …)": the parenthesis is what is loaded
        return library(said.out.partition("(Library:")[2].rstrip(") \n") or said.out)
    found = _PROVIDER.search(providers(answers))
    return library(f"OpenSSL {found[1]}") if found else Library()


def doubt_about(lib: Library, answers: Answers) -> str:
    """Why the openssl command cannot speak for the library that the daemon runs with; "" when it can."""
    if lib.version < FIRST_KNOWN:
        return f"it runs with {lib.label or 'a library that it did not name'}, which the openssl command does not speak for"
    mine, answer = loaded(answers), answers.get("openssl")
    if not mine.label:
        return f"`openssl version` gave no answer ({answer.problem or answer.err.strip() if answer else 'not asked'})"
    if mine.label != lib.label:
        return f"the openssl command is {mine.label}, the daemon runs with {lib.label}"
    return ""
