"""Who came to this charon, as its journal tells it: for each connection how many clients, and what the newest SA of each agreed on and was offered.

The host counts, so no identity and no address leaves it; a client is whoever has another identity or comes from another address.

Sources: charon-systemd.c (journal fields GROUP, IKE_SA_UNIQUE_ID); `selected proposal` is level 1 of CFG, the default, `received proposals` is
level 2, `IKE_SA name[n] established between` is level 0 of IKE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Snapshot
from .client_gate import Book, Came
from .ike_proposal import Proposal
from .journal import clock, counted
from .strongswan_proposals import FORM, named

LOG = "swanctl-log"
# "log": since when it reaches, and the host's clock.  Then a line a kind of client, with tabs: protocol, connection, how many, first, last, what
# was selected and what was received, as charon writes them.  What an SA is rekeyed to is logged
# under its old number.
_COUNT = r"""
function said() { return substr($0, index($0, "=") + 1) }
/^__REALTIME_TIMESTAMP=/ { t = substr(said(), 1, 10); if (!since) since = t }
/^CUT$/ { cut = 1 }
/^_BOOT_ID=/ { b = said() }
/^_PID=/ { p = said() }
/^IKE_SA_UNIQUE_ID=/ { u = said() }
/^MESSAGE=/ { m = substr(said(), 1, 2000) }
/^$/ {
  k = b ":" p ":" u
  if (m ~ /^received proposals: IKE:/) r[k] = substr(m, 21)
  else if (m ~ /^selected proposal: IKE:/) { s[k] = substr(m, 20); if (k in of) { is[of[k]] = s[k]; ir[of[k]] = r[k] } }
  else if (m ~ /^received proposals: (ESP|AH):/) re[k] = substr(m, 21)
  else if (m ~ /^selected proposal: (ESP|AH):.*\/(CURVE_|ECP_|MODP_|KE[1-7]_|ML_KEM_)/ && (k in of)) { es[of[k]] = substr(m, 20); er[of[k]] = re[k] }
  else if (m ~ /^IKE_SA [^ ]+\[[0-9]+\] (established|rekeyed) between .*\]\.\.\./) {
    n = m; sub(/^IKE_SA /, "", n); sub(/ .*/, "", n); c = n; sub(/\[[0-9]+\]$/, "", c)
    sub(/^.*\[/, "", n); sub(/\]$/, "", n); k = b ":" p ":" n
    w = m; sub(/^.*\]\.\.\./, "", w); i = c SUBSEP w
    of[k] = i; name[i] = c; last[i] = t; if (!(i in first)) first[i] = t
    if (m ~ /\] established between /) { is[i] = s[k]; ir[i] = r[k] }
  }
  m = u = p = ""
}
function row(kind, i, one, other,    g) {
  g = kind "\t" name[i] "\t" one "\t" other
  if (!(g in N) && ++G > 400) g = kind "\t" name[i] "\t\t"
  N[g]++
  if (!(g in F) || first[i] < F[g]) F[g] = first[i]
  if (last[i] > L[g]) L[g] = last[i]
}
END {
  if (cut) exit
  print "log\t" since
  for (i in name) { row("ikev2", i, is[i], ir[i]); row("esp", i, es[i], er[i]) }
  for (g in N) { split(g, part, "\t"); print part[1] "\t" part[2] "\t" N[g] "\t" F[g] "\t" L[g] "\t" part[3] "\t" part[4] }
}
"""
COMMAND = counted("MESSAGE,IKE_SA_UNIQUE_ID,_PID", _COUNT, "_COMM=charon-systemd", "GROUP=CFG", "GROUP=IKE")


@dataclass(frozen=True, slots=True)
class Log:
    """since: how far back it reaches; now: the host's clock."""

    since: int
    now: int
    rows: tuple[tuple[str, str, Came], ...]

    def came(self, connection: str, protocol: str) -> tuple[Came, ...]:
        return tuple(one for kind, name, one in self.rows if (kind, name) == (protocol, connection))


def log(snapshot: Snapshot) -> Log | None:
    """None: there is no journal of charon that this login may read."""
    answer = snapshot.answers.get(LOG)
    lines = answer.out.splitlines() if answer and answer.ok else []
    now = clock(lines)
    since = next((line.removeprefix("log\t") for line in lines if line.startswith("log\t")), "")
    if now is None or not since.isdigit():
        return None
    return Log(int(since), now, tuple(_rows(lines)))


def book(snapshot: Snapshot, connection: str, protocol: str) -> Book | None:
    """Who came to this connection; None as for log."""
    found = log(snapshot)
    return Book(found.since, found.now, found.came(connection, protocol)) if found else None


def _rows(lines: list[str]) -> Iterator[tuple[str, str, Came]]:
    for line in lines:
        parts = line.split("\t")
        if len(parts) == 7 and parts[0] in ("ikev2", "esp") and all(part.isdigit() for part in parts[2:5]):
            offered = tuple(dict.fromkeys(name for text in parts[6].split(", ") for name in exchanges(text)))
            agreed = next(iter(exchanges(parts[5])), "")
            yield parts[0], parts[1], Came(int(parts[2]), agreed, offered, int(parts[3]), int(parts[4]))


def exchanges(text: str) -> tuple[str, ...]:
    """Every one that can come out of a proposal as charon logs it (`IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768`)."""
    made, rounds = Proposal(FORM), dict[int, tuple[str, ...]]()
    for word in text.partition(":")[2].split("/"):
        if word[:2] == "KE" and word[2:3].isdigit() and word[3:4] == "_":
            rounds[int(word[2])] = (*rounds.get(int(word[2]), ()), named("key_exchange", "KE_NONE" if word[4:] == "NONE" else word[4:]))
        elif (name := named("key_exchange", word)) != word:
            made = made.having("key_exchange", name)
    return Proposal(FORM, key_exchange=made.key_exchange, additional=tuple(sorted(rounds.items()))).exchanges
