"""Who came to this OpenVPN, or what it agreed on with its server, as its journal tells it: for each unit how many, by what the newest session of each
agreed on.

The host counts, so no name and no address leaves it.  A client is whoever has another name or comes from another address; where all may have one
name, each session counts as one.  A session is told by the address and port in front of its lines, and by none where there is one peer.

Sources: ssl.c, ssl_verify.c, multi.c and ssl_ncp.c of 2.6 and 2.7: "Control Channel: TLS" (at each renegotiation, too) is level 2 of verb, "Peer
Connection Initiated" and "peer info" are level 1, "Data Channel: cipher" is level 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..algorithms.lookup import find
from ..model import Snapshot
from .client_gate import Book, Came
from .journal import clock, counted

LOG = "openvpn-log"
# "log": a unit, and since when it is in the journal.  Then a line a kind of client, with tabs: whether clients or sessions are counted, the unit, how
# many, first, last, version, exchange as OpenVPN writes it, cipher of the data channel, and those that were offered.  What stands in front of a
# line is "name/address:port "; whoever could put such a line into another one has a ": " in front of it.
_COUNT = r"""
function said() { return substr($0, index($0, "=") + 1) }
function at(word) {
  if (!(i = index(m, word))) return 0
  w = substr(m, 1, i - 1); return w !~ /: / && (w == "" || w ~ /:[0-9]+ $/)
}
function session() {
  n = ""; sub(/ $/, "", w); if (match(w, /.*\//)) { n = substr(w, 1, RLENGTH - 1); w = substr(w, RLENGTH + 1) }
  k = b ":" p ":" w
}
function seen() {
  of[k] = u; last[k] = t; order[k] = NR; from[k] = w; if (!(k in first)) first[k] = t; if (n != "") name[k] = n
}
/^__REALTIME_TIMESTAMP=/ { t = substr(said(), 1, 10) }
/^CUT$/ { cut = 1 }
/^_BOOT_ID=/ { b = said() }
/^_PID=/ { p = said() }
/^_SYSTEMD_UNIT=/ { u = said() }
/^MESSAGE=/ { m = substr(said(), 1, 2000); sub(/^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9:]+ (us=[0-9]+ )?/, "", m) }
/^$/ {
  if (u != "" && m != "") {
    if (!(u in since)) since[u] = t
    if (at("Control Channel: TLS")) {
      r = substr(m, i + 17); session(); seen(); v[k] = r; sub(/,.*/, "", v[k]); e[k] = ""
      if (match(r, /key agreement: [^,]+/) || match(r, /peer temporary key: [0-9]+ bits [^,]+/)) e[k] = substr(r, RSTART, RLENGTH)
    } else if ((i = index(m, "] Peer Connection Initiated with [")) && (j = index(m, "["))) {
      w = substr(m, 1, j - 1); if (w == "" || w ~ /:[0-9]+ $/) { session(); n = substr(m, j + 1, i - j - 1); seen() }
    } else if (at("Data Channel: cipher '") || at("Outgoing Data Channel: Cipher '")) {
      r = substr(m, i); sub(/^[^']*'/, "", r); sub(/'.*/, "", r); session(); seen(); c[k] = r
    } else if (i = index(m, " peer info: IV_CIPHERS=")) {
      w = substr(m, 1, i); r = substr(m, i + 23); gsub(/[^A-Za-z0-9:-]/, "", r); if (w !~ /: /) { session(); o[k] = substr(r, 1, 400) }
    }
  }
  m = u = p = ""
}
function row(kind, k, began,    g) {
  g = kind "\t" of[k] "\t" v[k] "\t" e[k] "\t" c[k] "\t" o[k]
  if (!(g in N) && ++G > 400) g = kind "\t" of[k] "\t\t\t\t"
  N[g]++
  if (!(g in F) || began < F[g]) F[g] = began
  if (last[k] > L[g]) L[g] = last[k]
}
END {
  if (cut) exit
  for (u in since) print "log\t" u "\t" since[u]
  for (k in of) {
    row("session", k, first[k])
    w = from[k]; sub(/^(udp|tcp)[a-z0-9-]*:/, "", w); sub(/:[0-9]+$/, "", w); x = of[k] SUBSEP name[k] SUBSEP w
    if (!(x in newest) || order[k] > order[newest[x]]) newest[x] = k
    if (!(x in began) || first[k] < began[x]) began[x] = first[k]
  }
  for (x in newest) row("client", newest[x], began[x])
  for (g in N) { split(g, part, "\t"); print part[1] "\t" part[2] "\t" N[g] "\t" F[g] "\t" L[g] "\t" part[3] "\t" part[4] "\t" part[5] "\t" part[6] }
}
"""
COMMAND = counted("MESSAGE,_SYSTEMD_UNIT,_PID", _COUNT, "_COMM=openvpn")
_EXCHANGE = re.compile(r"(?:key agreement: |peer temporary key: \d+ bits (?:EC(?=[a-z]))?)(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class _Row:
    """Of clients or sessions that are alike.  agreed: aspect → name in the catalogue's spelling, "" = not told; ciphers: offered."""

    kind: str
    unit: str
    count: int
    first: int
    last: int
    agreed: dict[str, str]
    ciphers: tuple[str, ...]


def book(snapshot: Snapshot, unit: str, aspect: str, each_session: bool = False) -> Book | None:
    """Who came to this unit, in one aspect.  None: its journal cannot be read, or has nothing of it."""
    answer = snapshot.answers.get(LOG)
    lines = answer.out.splitlines() if answer and answer.ok else []
    now = clock(lines)
    since = next((line.split("\t")[2] for line in lines if line.startswith(f"log\t{unit}\t")), "")
    if now is None or not since.isdigit():
        return None
    mine = [one for one in _rows(lines) if (one.kind, one.unit) == ("session" if each_session else "client", unit)]
    return Book(int(since), now, tuple(_merged(mine, aspect)), "offer" if aspect == "cipher" else "agree on")


def _merged(rows: list[_Row], aspect: str) -> Iterator[Came]:
    """Those that are alike in this aspect are one, the most common first."""
    kinds: dict[tuple[str, tuple[str, ...]], list[_Row]] = {}
    for row in rows:
        kinds.setdefault((row.agreed[aspect], row.ciphers if aspect == "cipher" else ()), []).append(row)
    made = (
        Came(sum(row.count for row in found), agreed, offered, min(row.first for row in found), max(row.last for row in found))
        for (agreed, offered), found in kinds.items()
    )
    return iter(sorted(made, key=lambda one: (-one.clients, one.agreed)))


def _rows(lines: list[str]) -> Iterator[_Row]:
    for line in lines:
        kind, unit, *rest = (*line.split("\t"), "", "")[:9]
        if kind in ("client", "session") and len(rest) == 7 and all(one.isdigit() for one in rest[:3]):
            count, first, last = map(int, rest[:3])
            version, exchange, cipher, offered = rest[3:]
            agreed = {"version": version, "key_exchange": exchange_of(exchange), "cipher": same("cipher", cipher)}
            yield _Row(kind, unit, count, first, last, agreed, tuple(same("cipher", name) for name in offered.split(":") if name))


def exchange_of(said: str) -> str:
    """Of what a log says of a key, in the catalogue's spelling; "" = it names none."""
    found = _EXCHANGE.match(said)
    return same("key_exchange", found["name"]) if found else ""


def same(aspect: str, name: str) -> str:
    """The one spelling in which a name can be compared.  OpenSSL calls the groups of ML-KEM alone as FIPS 203 does: ML-KEM-768."""
    found = find("openvpn", aspect, name.replace("ML-KEM-", "MLKEM"))
    return found.id if found else name
