"""FortiOS: the default column of Fortinet's CLI Reference, and the schema of its API, each of one release.

The lists of the SSH server are those with `strong-crypto enable`, which is itself the default.
"""

from __future__ import annotations

from .row import Default

API = "Fortinet's API schema of 7.6.5 (as hfortix-fortios 58431b4 has it), {}"
CLI = "FortiOS {} CLI Reference, config {}"
CIPHERS = ("aes256-ctr", "aes256-gcm@openssh.com")
HOST_KEYS = ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256", "rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519")
MACS = ("hmac-sha2-256", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-512-etm@openssh.com")
EXCHANGES = (
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
)
OLD, NEW, LAST = (7, 4, 8), (7, 6, 5), (8, 0, 0)

ROWS = (
    Default("ssh", "cipher", OLD, OLD, CIPHERS, CLI.format("7.4.8", "system ssh-config, ssh-enc-algo")),
    Default("ssh", "host_key", OLD, OLD, HOST_KEYS, CLI.format("7.4.8", "system ssh-config, ssh-hsk-algo")),
    Default("ssh", "key_exchange", NEW, NEW, EXCHANGES, API.format("system/ssh-config, ssh-kex-algo")),
    Default("ssh", "cipher", NEW, NEW, CIPHERS, API.format("system/ssh-config, ssh-enc-algo")),
    Default("ssh", "mac", NEW, NEW, MACS, API.format("system/ssh-config, ssh-mac-algo")),
    Default("ssh", "host_key", NEW, NEW, HOST_KEYS, API.format("system/ssh-config, ssh-hsk-algo")),
    Default("https", "version", NEW, NEW, ("tlsv1-2", "tlsv1-3"), API.format("system/global, admin-https-ssl-versions")),
    Default("phase1-interface", "version", NEW, NEW, ("ike-version 1",), API.format("vpn.ipsec/phase1-interface, ike-version")),
    Default("phase1-interface", "key_exchange", NEW, NEW, ("dhgrp 20",), API.format("vpn.ipsec/phase1-interface, dhgrp")),
    Default("phase2-interface", "key_exchange", NEW, NEW, ("dhgrp 20",), API.format("vpn.ipsec/phase2-interface, pfs and dhgrp")),
    Default("phase1-interface", "key_exchange", LAST, LAST, ("dhgrp 20",), CLI.format("8.0.0", "vpn ipsec phase1-interface, dhgrp")),
    Default("phase2-interface", "key_exchange", LAST, LAST, ("dhgrp 20",), CLI.format("8.0.0", "vpn ipsec phase2-interface, pfs and dhgrp")),
)
