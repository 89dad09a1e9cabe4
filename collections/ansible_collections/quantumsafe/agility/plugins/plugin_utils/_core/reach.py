"""Whether the controller could still log in after a change of sshd.  Pure: what its client offers is an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .model import Wishes


@dataclass(frozen=True, slots=True)
class Client:
    """offers: aspect → what the client proposes; {} = nothing is known of it.

    pinned: key types that known_hosts holds for the target; () = it takes any key, None = it insists on one and none was found.
    user_keys: types of the keys with which it may log in; () = they could not be found out.
    """

    offers: Mapping[str, tuple[str, ...]]
    pinned: tuple[str, ...] | None = ()
    user_keys: tuple[str, ...] = ()
    name: str = "the controller's ssh client"


# A key type → the signature algorithms it can make (RFC 8332 §3, sshd_config(5) PubkeyAcceptedAlgorithms).
SIGNS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}


def unreachable_after(client: Client, wishes: Wishes) -> list[str]:
    """Reasons why this client could no longer log in once the wishes for sshd are effective; [] = it can.

    Every aspect needs a common algorithm; host keys must include a type that known_hosts pins, user keys one that the client has.
    """
    reasons = []
    for aspects in wishes.values():
        for aspect, wanted in aspects.items():
            mine = client.offers.get(aspect)
            common = set(mine or ()) & set(wanted.names)
            if mine is None:
                reasons.append(f"{aspect}: what {client.name} offers is unknown")
            elif not common:
                reasons.append(f"{aspect}: {client.name} offers {', '.join(mine)}; sshd would offer only {', '.join(wanted.names)}")
            elif aspect == "host_key" and client.pinned is None:
                reasons.append(f"host_key: {client.name} insists on a known host key, and its known_hosts files show none of this host")
            elif aspect == "host_key" and client.pinned and not common & _signatures(client.pinned):
                reasons.append(f"host_key: known_hosts pins {', '.join(client.pinned)}; sshd would use only {', '.join(wanted.names)}")
            elif aspect == "user_key" and not common & _signatures(client.user_keys):
                keys = ", ".join(client.user_keys) or "an unknown type"
                reasons.append(f"user_key: the controller's key is {keys}; sshd would accept only {', '.join(wanted.names)}")
    return reasons


def _signatures(kinds: Sequence[str]) -> set[str]:
    return {name for kind in kinds for name in SIGNS.get(kind, (kind,))}
