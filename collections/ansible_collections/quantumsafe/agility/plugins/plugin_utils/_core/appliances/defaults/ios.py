"""Cisco IOS-XE, by its train, for a running configuration names no more.  A guide of one series of switches counts for its release.

Where two of Cisco's own pages contradict each other the row has no values.
"""

from __future__ import annotations

from .row import Default

GUIDE = "Cisco, Catalyst {0} Security Configuration Guide {1}, SSH Algorithms for Common Criteria Certification"
SEEN = "`show ip ssh` of IOL 17.16.1a, for which netlab writes no such line (ipspace/netlab issue 2976)"
SINCE = "Cisco, Security and VPN Configuration Guide, IOS XE 17.x, SSH Algorithms for Common Criteria Certification, Restriction"
CTR = ("aes128-ctr", "aes192-ctr", "aes256-ctr")
GCM = ("aes128-gcm", "aes256-gcm")
CIPHERS = ("chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", *GCM, *CTR)
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
ECDSA = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
EXCHANGES = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
)
USER_KEYS = (
    *ECDSA,
    "ssh-ed25519",
    *(f"x509v3-{name}" for name in ECDSA),
    "rsa-sha2-256",
    "rsa-sha2-512",
    "x509v3-rsa2048-sha256",
)

ROWS = (
    Default("ssh", "cipher", (17, 3), (17, 3), (*GCM, *CTR), GUIDE.format("9500", "17.3")),
    Default("ssh", "host_key", (17, 3), (17, 3), ("x509v3-ssh-rsa", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"), GUIDE.format("9500", "17.3")),
    Default("ssh", "cipher", (17, 9), (17, 9), CIPHERS, GUIDE.format("9300", "17.9")),
    Default("ssh", "mac", (17, 9), (17, 9), (), f"{GUIDE.format('9300', '17.9')} and what {SINCE} says of 17.10 contradict each other"),
    Default("ssh", "cipher", (17, 11), (17, 11), CIPHERS, GUIDE.format("9600", "17.11")),
    Default("ssh", "mac", (17, 11), (17, 11), MACS, f"{GUIDE.format('9600', '17.11')}; {SINCE}"),
    Default("ssh", "host_key", (17, 11), (17, 11), ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"), GUIDE.format("9600", "17.11")),
    Default("ssh", "key_exchange", (17, 16), (17, 16), EXCHANGES, SEEN),
    Default("ssh", "cipher", (17, 16), (17, 16), CIPHERS, SEEN),
    Default("ssh", "mac", (17, 16), (17, 16), MACS, SEEN),
    Default("ssh", "host_key", (17, 16), (17, 16), (*ECDSA, "rsa-sha2-512", "rsa-sha2-256"), SEEN),
    Default("ssh", "user_key", (17, 16), (17, 16), USER_KEYS, SEEN),
)
