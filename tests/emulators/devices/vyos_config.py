"""The configuration of the emulated VyOS device."""

from __future__ import annotations

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
LISTS = {
    f"{_SSH} key-exchange": ((*_KEX, "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"), _KEX),
    f"{_SSH} ciphers": (_CIPHERS, _CIPHERS[:6]),
    f"{_SSH} mac": ((*_MACS, "hmac-md5"), _MACS),
    f"{_SSH} hostkey-algorithm": (_KEYS, ("rsa-sha2-512", "rsa-sha2-256")),
}
SSHD = {"kex": f"{_SSH} key-exchange", "encryption": f"{_SSH} ciphers", "mac": f"{_SSH} mac", "hostkey": f"{_SSH} hostkey-algorithm"}


class Config(Statements):
    """The words are those of vyos-1x at 3710c587; the defaults those of OpenSSH 9.2, near enough."""

    top = ("service", "system", "interfaces", "vpn", "protocols", "firewall", "nat", "pki", "policy")
    lists = LISTS
    sshd = SSHD
    single = ("system host-name", "* description", "system config-management commit-confirm action", "system config-management commit-revisions")
    presence = (_SSH,)
    keyed = ("ethernet", "ike-group", "esp-group", "proposal", "user", "community", "peer")
    leaves = (
        *("host-name", "key-exchange", "ciphers", "mac", "hostkey-algorithm", "port", "address", "description", "action", "commit-revisions"),
        *("encryption", "hash", "dh-group", "prf", "encrypted-password", "authorization", "location", "contact"),
    )

    @staticmethod
    def quoted(word: str, last: bool) -> str:
        return f"'{word}'" if last else word

    @property
    def text(self) -> str:
        """A name that has no value stands without quotes."""
        return "".join(f"set {self.line(one) if self._valued(one) else ' '.join(one)}\n" for one in self.said)

    def _valued(self, one: tuple[str, ...]) -> bool:
        return len(one) > 1 and one[-2] in self.leaves

    def leaf(self, name: str, values: list[str]) -> tuple[str, ...]:
        if not values and f"service {name}" in self.presence:
            return (f"{name} {{", "}")
        return tuple(f'{name} "{one}"' for one in values) or (name,)
