"""What a library makes of the cipher lists of a daemon, whatever the daemon calls them: what those that list OpenSSL's suites share.

Sources: openssl-ciphers(1), SSL_CTX_set_cipher_list(3), SSL_CTX_set_ciphersuites(3), SSL_CTX_set_security_level(3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..algorithms.cipher_string import LEAST_LEVEL, Expansion, Suite, expand
from ..model import Origin
from .openssl import Library, Suites

# What every library uses for TLS 1.3 when it cannot be asked: SSL_CTX_set_ciphersuites(3).
TLS13_SUITES = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
_FULL_LEVEL = 4  # the security level from which on 128 bits are too few, in TLS 1.3 too
_PROFILE = "PROFILE=SYSTEM"  # Fedora's OpenSSL: the list of the system's crypto policy
_NEVER = ("PSK", "RSAPSK", "ECDHEPSK", "DHEPSK", "SRP")  # no daemon here has a callback for these


@dataclass(frozen=True, slots=True)
class Limits:
    """What decides whether a suite that is listed can come about on a server."""

    level: int
    has_dh: bool
    has_tls12: bool

    def lets(self, suite: Suite) -> bool:
        spoken = self.has_tls12 or suite.version != "TLSv1.2"
        return suite.kx not in _NEVER and (self.has_dh or suite.kx != "DH") and suite.stands_at(self.level) and spoken


@dataclass(frozen=True, slots=True)
class Lists:
    """default: the origin of what nobody sets.  system: the crypto policy's list and its origin."""

    library: Library
    known: Suites
    default: Origin
    system: tuple[str, Origin] | None = None
    seen: dict[str, Expansion] = field(default_factory=dict, hash=False, compare=False)

    def resolved(self, text: str) -> str | None:
        """The expression; None when the system's policy decides and is not known."""
        if not text.startswith(_PROFILE):
            return text
        return self.system[0] + text.removeprefix(_PROFILE) if self.system else None

    def problem(self, text: str | None) -> str:
        """Why nobody can say what the expression means; "" when it is known."""
        if text is None:
            return "follows the system's crypto policy, which was not found"
        if self.known.doubt:
            return f"is an expression, which cannot be worked out: {self.known.doubt}"
        means = self.expanded(text)
        if any("_WITH_" in word for word in means.unknown):
            return "names suites as IANA does, which only some versions of OpenSSL take: write OpenSSL's own names"
        return f"is nothing that {self.library.label} takes: {means.refused}" if means.refused else ""

    def stated_level(self, text: str | None) -> int | None:
        """The @SECLEVEL that the text names."""
        return None if text is None else self.expanded(text).level

    def level_of(self, *texts: str | None) -> int:
        """The security level: the first that a text names."""
        return next((level for text in texts if (level := self.stated_level(text)) is not None), LEAST_LEVEL)

    def tls13(self, said: str, level: int) -> tuple[str, ...]:
        """The suites of TLS 1.3 of a list, of the library's own where it is empty, that the level lets."""
        names = tuple(filter(None, said.split(":"))) or self.known.modern or TLS13_SUITES
        return tuple(name for name in names if "_128_" not in name or level < _FULL_LEVEL)

    def expanded(self, text: str) -> Expansion:
        if text not in self.seen:
            self.seen[text] = expand(text, self.known.old, self.library.version)
        return self.seen[text]


def spelled(names: list[str], level: int | None) -> str:
    """As an expression.  @SECLEVEL stays what the old text names: it decides about certificates and versions, too."""
    return ":".join(names) + ("" if level is None else f":@SECLEVEL={level}")


def is_modern(name: str) -> bool:
    """Whether it is a suite of TLS 1.3, which has lists of its own."""
    return name.startswith("TLS_")


def old_versions(versions: tuple[str, ...]) -> bool:
    return any(version != "TLSv1.3" for version in versions)
