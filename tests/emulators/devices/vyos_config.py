"""The configuration of the emulated VyOS device."""

from __future__ import annotations

from fnmatch import fnmatchcase

import vyos_pki
from statements import Statements

_SSH = "service ssh"
_KEX = (
    *("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
    *("diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256"),
)
_CIPHERS = (
    *("chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"),
    *("3des-cbc", "aes128-cbc", "aes256-cbc"),
)
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1")
_KEYS = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256")
_HTTPS = "service https tls-version"
LISTS = {
    f"{_SSH} key-exchange": ((*_KEX, "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"), _KEX),
    f"{_SSH} ciphers": (_CIPHERS, _CIPHERS[:6]),
    f"{_SSH} mac": ((*_MACS, "hmac-md5"), _MACS),
    f"{_SSH} hostkey-algorithm": (_KEYS, ("rsa-sha2-512", "rsa-sha2-256")),
    _HTTPS: (("1.2", "1.3"), ("1.2", "1.3")),
}
# What stands below a group, and its words; none = any.
_DH = ("1", "2", "5", *map(str, range(14, 33)))
_CRYPT = (
    "aes128",
    "aes192",
    "aes256",
    "aes128gcm128",
    "aes192gcm128",
    "aes256gcm128",
    "aes256ccm128",
    "3des",
    "chacha20poly1305",
    "blowfish256",
    "null",
)
_HASH = ("md5", "sha1", "sha256", "sha384", "sha512", "aesxcbc", "aescmac", "aes128gmac", "aes192gmac", "aes256gmac")
_PROPOSAL = {"proposal * encryption": _CRYPT, "proposal * hash": _HASH}
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "ike-group": {
        **_PROPOSAL,
        "proposal * dh-group": _DH,
        "proposal * prf": ("prfmd5", "prfsha1", "prfaesxcbc", "prfaescmac", "prfsha256", "prfsha384", "prfsha512"),
        "key-exchange": ("ikev1", "ikev2"),
        "close-action": ("none", "trap", "start"),
        "mode": ("main", "aggressive"),
        "lifetime": (),
        "dead-peer-detection action": ("trap", "clear", "restart"),
        "dead-peer-detection interval": (),
        "dead-peer-detection timeout": (),
    },
    "esp-group": {**_PROPOSAL, "pfs": ("enable", "disable", *(f"dh-group{one}" for one in _DH)), "lifetime": (), "mode": ("tunnel", "transport")},
}
_PEER = "vpn ipsec site-to-site peer *"
_NAMES = {"ike-group": "ike-group", "default-esp-group": "esp-group", "esp-group": "esp-group"}  # who names a group by it
SSHD = {"kex": f"{_SSH} key-exchange", "encryption": f"{_SSH} ciphers", "mac": f"{_SSH} mac", "hostkey": f"{_SSH} hostkey-algorithm"}


class Config(Statements):
    """The words are those of vyos-1x at 3710c587; the defaults those of OpenSSH 9.2, near enough."""

    top = ("service", "system", "interfaces", "vpn", "protocols", "firewall", "nat", "pki", "policy")
    lists = LISTS
    sshd = SSHD
    single = (
        *("system host-name", "* description", "system config-management commit-confirm action", "system config-management commit-revisions"),
        *(f"vpn ipsec {kind} * {leaf}" for kind, leaves in GROUPS.items() for leaf in leaves),
        *(f"service https {leaf}" for leaf in ("port", "certificates certificate", "certificates ca-certificate")),
        *("pki certificate * certificate", "pki certificate * private key", "pki ca * certificate"),
        *(f"{_PEER} {leaf}" for leaf in ("ike-group", "default-esp-group", "authentication mode", "tunnel * esp-group", "vti esp-group")),
    )
    presence = (_SSH,)
    keyed = ("ethernet", "ike-group", "esp-group", "proposal", "user", "community", "peer", "tunnel", "certificate", "ca")
    leaves = (
        *("host-name", "key-exchange", "ciphers", "mac", "hostkey-algorithm", "port", "address", "description", "action", "commit-revisions"),
        *("encryption", "hash", "dh-group", "prf", "encrypted-password", "authorization", "location", "contact"),
        *("tls-version", "pfs", "lifetime", "close-action", "interval", "timeout", "mode", "default-esp-group", "remote-address"),
        *("certificate", "ca-certificate", "key"),
    )

    @staticmethod
    def quoted(word: str, last: bool) -> str:
        return f"'{word}'" if last else word

    @property
    def text(self) -> str:
        """A name that has no value stands without quotes."""
        return "".join(f"set {self.line(one) if self._valued(one) else ' '.join(one)}\n" for one in self.said)

    def _valued(self, one: tuple[str, ...]) -> bool:
        return len(one) > 1 and (one[-2] in self.leaves or _named(one) != ("", ""))

    def knows(self, one: tuple[str, ...]) -> bool:
        """Whether there is such a path, whatever its value."""
        if one[:2] == ("vpn", "ipsec") and one[2:3] and one[2] in GROUPS:
            return len(one) == 4 or bool(_leaf(one))
        return " ".join(one[:-1]) in self.lists or one[0] in self.top

    def takes(self, one: tuple[str, ...]) -> bool:
        if one[:2] != ("vpn", "ipsec") or not one[2:3] or one[2] not in GROUPS or len(one) == 4:
            return super().takes(one)
        allowed = GROUPS[one[2]].get(_leaf(one))
        return allowed is not None and (one[-1] in allowed or (not allowed and one[-1].isdigit()))

    def wrong(self) -> tuple[str, str]:
        """The node whose script refuses it at commit, and why; ("", "") = none does: who names a group must find it."""
        there = {one[2:4] for one in self.said if one[:2] == ("vpn", "ipsec") and one[2] in GROUPS}
        for one in self.said:
            if (named := _named(one)) != ("", "") and named not in there:
                return "vpn ipsec", f"Invalid {named[0]} on site-to-site peer {one[4]}"
        return vyos_pki.wrong(self)

    def leaf(self, name: str, values: list[str]) -> tuple[str, ...]:
        if not values and f"service {name}" in self.presence:
            return (f"{name} {{", "}")
        return tuple(f'{name} "{one}"' for one in values) or (name,)


def _leaf(one: tuple[str, ...]) -> str:
    """The pattern of what stands below a group, "" without such a path."""
    path = " ".join(one[4:-1])
    return next((leaf for leaf in GROUPS[one[2]] if fnmatchcase(path, leaf)), "")


def _named(one: tuple[str, ...]) -> tuple[str, str]:
    """The kind and the name of the group that a peer names here."""
    if one[:4] == ("vpn", "ipsec", "site-to-site", "peer") and len(one) > 6 and one[-2] in _NAMES:
        return _NAMES[one[-2]], one[-1]
    return "", ""
