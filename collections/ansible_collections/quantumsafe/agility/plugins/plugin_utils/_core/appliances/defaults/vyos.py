"""VyOS: read in its own source, at the tags of 1.3.1 to 1.3.8 and 1.4.0, and in the branch current of October 2024 (rolling releases of that month).

Without a line sshd_config has none either, so that Debian's OpenSSH decides: 7.9p1 of buster in 1.3, 9.2p1 of bookworm since.
"""

from __future__ import annotations

from .row import Default, Release

Span = tuple[Release, Release]
EQUULEUS: Span = ((1, 3, 1), (1, 3, 8))
TUNNELS: Span = ((1, 3, 2), (1, 3, 6))
SAGITTA: Span = ((1, 4, 0), (1, 4, 0))
ROLLING: Span = ((1, 5, 20241001), (1, 5, 20241031))
_CERTS = tuple(f"ecdsa-sha2-nistp{bits}-cert-v01@openssh.com" for bits in (256, 384, 521))
_CURVES = tuple(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521))
_RSA_CERTS = ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com")
_ECDH = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
_MODP = ("diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256")
_CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
)
_MACS = (
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
)
_KEYS_79 = (
    *_CERTS,
    "ssh-ed25519-cert-v01@openssh.com",
    *_RSA_CERTS,
    "ssh-rsa-cert-v01@openssh.com",
    *_CURVES,
    "ssh-ed25519",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
)
_KEYS_92 = (
    "ssh-ed25519-cert-v01@openssh.com",
    *_CERTS,
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    *_RSA_CERTS,
    "ssh-ed25519",
    *_CURVES,
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
OPENSSH_79 = {
    "key_exchange": (*_ECDH, *_MODP, "diffie-hellman-group14-sha1"),
    "cipher": _CIPHERS,
    "mac": _MACS,
    "host_key": _KEYS_79,
}
OPENSSH_92 = {
    "key_exchange": ("sntrup761x25519-sha512@openssh.com", *_ECDH, *_MODP),
    "cipher": _CIPHERS,
    "mac": _MACS,
    "host_key": _KEYS_92,
    "user_key": _KEYS_92,
}
PROPOSAL = {"cipher": "aes128", "mac": "sha1"}
OLD, NEW, LAST = "vyos-1x 1.3.1 to 1.3.8", "vyos-1x 1.4.0", "vyos-1x current (3710c58)"
SSH = "{}, data/templates/ssh/sshd_config, without a line; vyos-build, debian_distribution {}; OpenSSH {}, myproposal.h"
GROUPS = "{}, interface-definitions/vpn_ipsec.xml.in and include/vpn-ipsec-encryption, -hash; defaultValue"


def _lists(span: Span, lists: dict[str, tuple[str, ...]], source: str) -> tuple[Default, ...]:
    return tuple(Default("ssh", aspect, *span, values, source) for aspect, values in lists.items())


def _groups(span: Span, source: str) -> tuple[Default, ...]:
    """An IKE proposal and an ESP proposal."""
    each = tuple(Default(place, aspect, *span, (word,), source) for place in ("ike", "esp") for aspect, word in PROPOSAL.items())
    return (Default("ike", "key_exchange", *span, ("dh-group 2",), source), *each)


def _both(span: Span, branch: str) -> tuple[Default, ...]:
    version = f"{branch}, data/templates/ipsec/swanctl/peer.j2: version = 0, which takes both"
    https = f"{branch}, interface-definitions/service_https.xml.in, tls-version, defaultValue"
    pfs = f"{branch}: pfs is enable without a line, the first dh-group of the IKE group of each peer"
    return (
        *_lists(span, OPENSSH_92, SSH.format(branch, "bookworm", "9.2p1")),
        Default("https", "version", *span, ("1.2", "1.3"), https),
        Default("ike", "version", *span, ("ikev1", "ikev2"), version),
        *_groups(span, GROUPS.format(branch)),
        Default("esp", "key_exchange", *span, (), pfs),
    )


ROWS = (
    *_lists(EQUULEUS, OPENSSH_79, SSH.format(OLD, "buster", "7.9p1")),
    Default("https", "version", *EQUULEUS, ("1.2", "1.3"), f"{OLD}, data/templates/https/nginx.default.tmpl, ssl_protocols"),
    *_groups(TUNNELS, "vyatta-cfg-vpn 1.3.2 to 1.3.6, templates/vpn/ipsec, default"),
    *_both(SAGITTA, NEW),
    *_both(ROLLING, LAST),
)
