"""What a host is asked about WireGuard: what is in effect, and which preshared keys are the same, without any key leaving the host.

Sources: wg(8), "dump"; wg-quick(8); systemd.netdev(5), [WireGuardPeer].  Keys go through pipes only, and come out as small numbers: the same
number is the same key, in whatever file or interface.  User-space implementations have a socket in /run/wireguard (wireguard-go, README).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Answer, Snapshot

QUICK = "/etc/wireguard/*.conf"
NETDEVS = tuple(f"{place}/systemd/network/{name}" for place in ("/etc", "/run") for name in ("*.netdev", "*.netdev.d/*.conf"))

_AWK = """
function id(k) { if (k == "" || k == "(none)") return "-"; if (!(k in n)) n[k] = ++count; return n[k] }
function flush() { if (pub != "") print "file", from, pub, id(psk); pub = psk = "" }
kind == "dump" && NF == 5 { print "interface", $1, $4, $3 }
kind == "dump" && NF == 9 { print "peer", $1, $2, id($3), $4, $6 }
kind == "dump" { next }
FNR == 1 { flush(); from = FILENAME; peer = 0 }
{ sub(/#.*/, ""); s = $0; gsub(/[ \\t\\r]/, "", s); low = tolower(s) }
s ~ /^\\[/ { flush(); peer = low == "[peer]" || low == "[wireguardpeer]" }
!peer { next }
low ~ /^publickey=/ { pub = substr(s, 11) }
low ~ /^presharedkey=/ { psk = substr(s, 14) }
low ~ /^presharedkeyfile=/ { k = substr(s, 18); if ((getline psk < k) < 1) psk = ""; close(k); sub(/[ \\t\\r]+$/, "", psk) }
END { flush() }
"""

SHOW = (
    "sh",
    "-c",
    f'for f in {" ".join((QUICK, *NETDEVS))}; do [ ! -r "$f" ] || set -- "$@" "$f"; done;'
    " command -v wg >/dev/null && echo wg; date '+now %s';"
    ' for s in /run/wireguard/*.sock; do [ ! -S "$s" ] || printf "userspace %s\\n" "$s"; done;'
    ' [ $# -eq 0 ] || sed -n "s/^[[:blank:]]*PresharedKeyFile[[:blank:]]*=[[:blank:]]*//p" "$@" | while read -r k; do'
    ' stat -L -c "mode %a %U %G %n" "$k"; [ -h "$k" ] || sha256sum "$k" | sed "s/^/sum /"; done;'
    " networkctl --version 2>/dev/null | sed -n 1p;"
    # shellcheck disable=SC2016
    " wg show all dump | awk -F '\\t' -v OFS='\\t' \"$0\" kind=dump - kind=conf \"$@\"",
    _AWK,
)
COMMANDS = {"wireguard-shown": SHOW, "wireguard-version": ("wg", "--version")}
MODULE = {"wireguard-module": ("/sys/module/wireguard",)}


@dataclass(frozen=True, slots=True)
class Live:
    """A peer in effect.  psk: the number of its preshared key, "" without one; handshake: seconds since the last one, None = there was none."""

    interface: str
    public: str
    psk: str
    endpoint: str
    handshake: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """asked: whether wg could tell what is in effect.  ports, own: by interface that is up; userspace: those that no kernel runs.

    own: the public key of this end.

    numbers: (file, public key of the peer) → number of its preshared key; modes: of files that hold nothing but a key, sums: their SHA-256, of those
    that are no links.  networkd: its version, 0 = not known.
    """

    asked: bool
    ports: dict[str, int]
    own: dict[str, str]
    peers: tuple[Live, ...]
    userspace: frozenset[str]
    numbers: dict[tuple[str, str], str]
    modes: dict[str, tuple[str, str, str]]
    sums: dict[str, str]
    networkd: int


def shown(snapshot: Snapshot) -> Shown:
    lines = _lines(snapshot.answers.get("wireguard-shown"))
    sums = (line[4:].split("  ", 1) for line in lines if line.startswith("sum "))
    rows = [line.split("\t") for line in lines]
    now = next((int(line.split()[1]) for line in lines if line.startswith("now ")), 0)
    modes = (line.split(" ", 4)[1:] for line in lines if line.startswith("mode "))
    return Shown(
        asked="wg" in lines,
        ports={row[1]: int(row[2]) for row in rows if row[0] == "interface" and len(row) == 4},
        own={row[1]: row[3] for row in rows if row[0] == "interface" and len(row) == 4},
        peers=tuple(
            Live(row[1], row[2], row[3].strip("-"), "" if row[4] == "(none)" else row[4], now - int(row[5]) if int(row[5]) else None)
            for row in rows
            if row[0] == "peer" and len(row) == 6
        ),
        userspace=frozenset(line.rpartition("/")[2].removesuffix(".sock") for line in lines if line.startswith("userspace ")),
        numbers={(row[1], row[2]): row[3].strip("-") for row in rows if row[0] == "file" and len(row) == 4},
        modes={name: (mode, owner, group) for mode, owner, group, name in modes},
        sums={name: digest for digest, name in sums},
        networkd=next((int(line.split()[1]) for line in lines if line.startswith("systemd ") and line.split()[1].isdigit()), 0),
    )


def version(snapshot: Snapshot) -> str:
    """ "wireguard-tools v1.0.20210914", "" when it did not tell."""
    answer = snapshot.answers.get("wireguard-version")
    return answer.out.partition(" - ")[0].strip() if answer and answer.ok else ""


def _lines(answer: Answer | None) -> list[str]:
    return answer.out.splitlines() if answer else []
