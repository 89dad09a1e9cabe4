"""Whether two ends of an OpenVPN come together in a mix of their stages: group, version and cipher are agreed on apart, each from what both have.

Sources: RFC 8446 §4.2.7 (groups) and §4.2.1 (versions): no common one ends the handshake; ssl_ncp.c: the server takes the first of its data-ciphers
that its client names in IV_CIPHERS, and refuses one that names none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..services.openvpn_log import same

APART = {"key_exchange": "group", "version": "version of TLS", "cipher": "cipher of the data channel"}
Said = Mapping[str, Sequence[str]]


def apart(mine: Said, theirs: Said) -> Iterator[str]:
    """In what they have nothing in common; what is not known of one of them says nothing."""
    for aspect, what in APART.items():
        here, there = ([same(aspect, name) for name in said.get(aspect, ())] for said in (mine, theirs))
        if here and there and not set(here) & set(there):
            yield f"no common {what} ({', '.join(here)} here, {', '.join(there)} there)"
