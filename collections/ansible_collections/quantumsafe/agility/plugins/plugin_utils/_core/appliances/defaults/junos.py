"""Junos: what was read of Juniper's CLI Reference names the words of the SSH server, and of host keys alone what holds without a line."""

from __future__ import annotations

from .row import Default

KEYS = "Junos CLI Reference, hostkey-algorithm-list: since 22.3R1 all of them are enabled by default, and DSS is none (page that tells of 24.2R1)"
NONE = "the CIS benchmark says without a release that weak ones hold without a line, and no source was found that lists them"
ANY = ((11, 2), (99, 99))

ROWS = (
    *(Default("ssh", aspect, *ANY, (), NONE) for aspect in ("key_exchange", "cipher", "mac")),
    Default("ssh", "host_key", (22, 3, 1), (24, 2), ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ed25519", "rsa"), KEYS),
)
