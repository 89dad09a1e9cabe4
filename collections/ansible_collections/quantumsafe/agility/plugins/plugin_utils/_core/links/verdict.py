"""Whether a link is quantum-safe, could be, or why not.  Facts only: what a policy asks for is a finding of each end."""

from __future__ import annotations

from collections.abc import Sequence

from ..algorithms.lookup import find
from ..peers import quantum_safe
from .agree import AUGMENTED, Agreement
from .end import End
from .link import Verdict
from .match import sas

Both = tuple[End, End, tuple[Agreement, ...]]
ONE_END = "is not managed here: this end can put ML-KEM in front (stage prefer), and take nothing away"


def partner(end: End, whom: str) -> Verdict:
    if end.protocol == "wireguard":
        return Verdict("one-end", f"{whom} is not managed here, and a preshared key is set at both ends")
    return lacking(end) or Verdict("one-end", f"{whom} {ONE_END}")


def judge(pairs: Sequence[Both]) -> Verdict:
    """Of all channels of a link whose two ends are managed; the first is the main one."""
    a, b, would = pairs[0]
    if a.protocol == "wireguard":
        return _wireguard(a, b, would)
    return _obstacle(pairs) or (_openvpn(a, b, would) if a.protocol == "openvpn" else _ipsec(pairs))


def _obstacle(pairs: Sequence[Both]) -> Verdict | None:
    a, b, dummy = pairs[0]
    if found := lacking(a) or lacking(b):
        return found
    if broken := [f"{one.protocol} {one.name}: {told.fails}" for one, dummy, said in pairs for told in said if told.fails]:
        return Verdict("unable", broken[0])
    return None if safe_ones(a, b) else Verdict("unable", "there is no quantum-safe exchange that both can do")


def _ipsec(pairs: Sequence[Both]) -> Verdict:
    a, b, dummy = pairs[0]
    could = [(one, two, said) for one, two, said in pairs if one.protocol != "esp" or set(_hybrids(one)) & set(_hybrids(two))]
    rest = "" if len(could) == len(pairs) else f"; what carries packets is rekeyed without it: {_classical(pairs)} has no such exchange there"
    if all(_did(one, two, a, b) for one, two, dummy2 in could):
        return Verdict("moved", f"every SA of it, in the {_lists(could)}, names ML-KEM{rest}")
    if all(said and all(quantum_safe(one.protocol, new.exchange) for new in said) for one, dummy, said in could):
        if not any(one.exchange != "?" for end in (a, b) for one in end.sas):
            return Verdict(
                "agreed", f"both would agree on ML-KEM, and neither names what an SA of now agreed on: see the log of pluto (addke1=){rest}"
            )
        return Verdict("agreed", f"both would agree on ML-KEM, and an SA of now is older: establish it anew, rekey the child, and look again{rest}")
    return Verdict("able", f"both can do {safe_ones(a, b)[0]}: put it in front where it is missing (stage prefer), and establish the SAs anew{rest}")


def _classical(pairs: Sequence[Both]) -> str:
    ends = [end for one, two, dummy in pairs for end in (one, two) if end.protocol == "esp"]
    return next((end.host for end in ends if not _hybrids(end)), "one of them")


def _hybrids(end: End) -> tuple[str, ...]:
    found = ((name, find(end.protocol, "key_exchange", name)) for name in end.able or ())
    return tuple(name for name, algorithm in found if algorithm and algorithm.construction == "hybrid")


def _lists(pairs: Sequence[Both]) -> str:
    """Whose list tells: a daemon that does not name what was agreed on has agreed on the same, or there would be no SA."""
    silent = {end.host for row in pairs for end in row[:2] if any(one.exchange == "?" for one in end.sas)}
    told = [end.host for end in pairs[0][:2] if end.host not in silent]
    return f"list of {told[0]} ({' and '.join(sorted(silent))} does not tell)" if silent and told else "lists of both ends"


def lacking(end: End) -> Verdict | None:
    if end.able is None:
        return Verdict("unknown", f"{end.host}: {end.source or 'nobody knows what it can do'}")
    if not any(quantum_safe(end.protocol, name) for name in end.able):
        return Verdict("unable", f"{end.host} runs {end.version}, which has nothing quantum-safe ({end.source})")
    return None


def safe_ones(a: End, b: End) -> tuple[str, ...]:
    """What both can do and is quantum-safe: first what one of them offers already, then hybrids that add to what both offer."""
    found = [name for name in a.able or () if name in (b.able or ()) and quantum_safe(a.protocol, name)]
    return tuple(sorted(found, key=lambda name: (name not in (*a.offers, *b.offers), _new(a, b, name))))


def _new(a: End, b: End, name: str) -> tuple[bool, bool]:
    algorithm = find(a.protocol, "key_exchange", name)
    base = name.partition("-ke1_")[0]
    return algorithm is None or algorithm.construction != "hybrid", base not in a.offers or base not in b.offers


def _did(one: End, two: End, a: End, b: End) -> bool:
    """Of IPsec: whether every SA of this link is quantum-safe, as far as each end tells; a hub has others, too."""
    mine = [sas(one, two, a), sas(two, one, b)]
    told = [sa.exchange for some in mine for sa in some if sa.exchange != "?"]
    return all(mine) and bool(told) and all(quantum_safe(one.protocol, exchange) for exchange in told)


def _wireguard(a: End, b: End, would: tuple[Agreement, ...]) -> Verdict:
    if not would:
        return Verdict("unknown", "whether both have a preshared key is not known")
    if would[0].fails:
        return Verdict("unable", would[0].fails)
    if would[0].exchange != AUGMENTED:
        return Verdict("unable", "WireGuard has no ML-KEM; a preshared key would help, and is set at both ends by hand (docs/tunnels.md)")
    if not (a.one("met") and b.one("met")):
        return Verdict("agreed", "both have a preshared key, and no handshake was seen since")
    return Verdict("moved", "a preshared key at both ends, and a handshake with it: as safe as that key is kept secret")


def _openvpn(a: End, b: End, would: tuple[Agreement, ...]) -> Verdict:
    seen = [name for end in (a, b) for name in end.all("met")]
    if not would or not quantum_safe("openvpn", would[0].exchange):
        return Verdict(
            "able", f"both can do {safe_ones(a, b)[0]}: put it in front where it is missing (stage prefer); the restart ends their sessions"
        )
    if any(quantum_safe("openvpn", name) for name in seen):
        return Verdict("moved", "a log names a handshake with ML-KEM")
    return Verdict("agreed", "both would agree on ML-KEM, and no log names such a handshake yet")
