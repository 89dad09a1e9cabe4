"""The configuration of the emulated Junos device."""

from __future__ import annotations

from statements import Statements

_SSH = "system services ssh"
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
        *("security ike proposal * dh-group", "security ike proposal * *-algorithm", "security ike proposal * authentication-method"),
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
        *("location", "contact"),
    )

    @staticmethod
    def quoted(word: str, last: bool) -> str:
        return word if word.replace("-", "").replace("@", "").replace(".", "").replace("/", "").isalnum() else f'"{word}"'

    def leaf(self, name: str, values: list[str]) -> tuple[str, ...]:
        said = [self.quoted(one, True) for one in values]
        return (f"{name} [ {' '.join(said)} ];" if len(said) > 1 else f"{' '.join((name, *said))};",)
