"""The configuration of the emulated Junos device."""

from __future__ import annotations

from statements import Statements

_SSH = "system services ssh"
HTTPS = "system services web-management https"
_DEFAULT = (
    ("curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "group-exchange-sha2", "dh-group14-sha1"),
    ("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
    ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"),
)
LISTS = {
    f"{_SSH} key-exchange": ((*_DEFAULT[0], "dh-group1-sha1", "group-exchange-sha1"), _DEFAULT[0]),
    f"{_SSH} ciphers": ((*_DEFAULT[1], "aes128-cbc", "aes256-cbc", "3des-cbc"), _DEFAULT[1]),
    f"{_SSH} macs": ((*_DEFAULT[2], "hmac-md5"), _DEFAULT[2]),
    f"{_SSH} hostkey-algorithm-list": (("rsa", "ed25519", "ecdsa"), ("rsa",)),
}
SSHD = {
    "kex": f"{_SSH} key-exchange",
    "encryption": f"{_SSH} ciphers",
    "mac": f"{_SSH} macs",
    "hostkey": f"{_SSH} hostkey-algorithm-list",
}
# Words of proposals: Juniper's YANG of 24.4R1, a few of them; none = any.
_CRYPT = ("3des-cbc", "aes-128-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm")
PROPOSALS: dict[str, dict[str, tuple[str, ...]]] = {
    "ike": {
        "dh-group": ("group2", "group14", "group19", "group20", "group21"),
        "authentication-algorithm": ("md5", "sha1", "sha-256", "sha-384", "sha-512"),
        "authentication-method": ("pre-shared-keys", "rsa-signatures"),
        "encryption-algorithm": _CRYPT,
        "lifetime-seconds": (),
    },
    "ipsec": {
        "protocol": ("esp", "ah"),
        "authentication-algorithm": ("hmac-md5-96", "hmac-sha1-96", "hmac-sha-256-128", "hmac-sha-384"),
        "encryption-algorithm": _CRYPT,
        "lifetime-seconds": (),
    },
}


class Config(Statements):
    """The defaults are the emulator's guess; words of Juniper's CLI reference."""

    top = (
        "version",
        "system",
        "security",
        "interfaces",
        "snmp",
        "routing-options",
        "protocols",
        "policy-options",
        "services",
        "apply-groups",
        "groups",
    )
    lists = LISTS
    sshd = SSHD
    single = (
        *("version", "system host-name", f"{_SSH} root-login", f"{_SSH} protocol-version", "* description"),
        *(f"{HTTPS} {leaf}" for leaf in ("port", "pki-local-certificate", "local-certificate")),
        *(f"security {kind} proposal * {leaf}" for kind, leaves in PROPOSALS.items() for leaf in leaves),
    )
    presence = (_SSH,)
    keyed = ("proposal", "policy", "gateway", "user", "unit", "family", "community")
    leaves = (
        *(
            "version",
            "host-name",
            "root-login",
            "protocol-version",
            "key-exchange",
            "ciphers",
            "macs",
            "hostkey-algorithm-list",
            "encrypted-password",
        ),
        *(
            "class",
            "description",
            "address",
            "dh-group",
            "encryption-algorithm",
            "authentication-algorithm",
            "authentication-method",
            "authorization",
        ),
        *(
            "port",
            "pki-local-certificate",
            "local-certificate",
            "location",
            "contact",
            "proposals",
            "protocol",
            "lifetime-seconds",
            "ike-policy",
            "keys",
            "ascii-text",
        ),
    )

    @staticmethod
    def quoted(word: str, last: bool) -> str:
        return word if word.replace("-", "").replace("@", "").replace(".", "").replace("/", "").isalnum() else f'"{word}"'

    def leaf(self, name: str, values: list[str]) -> tuple[str, ...]:
        said = [self.quoted(one, True) for one in values]
        return (f"{name} [ {' '.join(said)} ];" if len(said) > 1 else f"{' '.join((name, *said))};",)

    def takes(self, one: tuple[str, ...]) -> bool:
        if one[:1] != ("security",) or one[2:3] != ("proposal",) or one[1] not in PROPOSALS or len(one) < 5:
            return super().takes(one)
        words = PROPOSALS[one[1]].get(one[4])
        return len(one) == 6 and words is not None and (one[5] in words or (not words and one[5].isdigit()))

    def wrong(self) -> str:
        """Why a commit check refuses it, "" = it does not: who names a proposal must find it."""
        there = {one[1:4:2] for one in self.said if one[:1] == ("security",) and one[2:3] == ("proposal",)}
        for one in self.said:
            if one[:1] == ("security",) and one[2:3] == ("policy",) and one[4:5] == ("proposals",) and (one[1], one[5]) not in there:
                where = f"[edit security {one[1]} policy {one[3]}]"
                return f"{where}\n  'proposals {one[5]}'\n    Proposal must be defined under [edit security {one[1]} proposal]\nerror: configuration check-out failed\n"
        return ""
