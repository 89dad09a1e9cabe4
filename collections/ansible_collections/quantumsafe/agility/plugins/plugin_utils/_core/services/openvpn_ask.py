"""What a host is asked about the OpenVPN that runs there, what its log tells of handshakes, and how a new configuration is tried.

Sources: openvpn(8); options.c (options of the command line and of files are one list, in which the later counts); openvpn.c (crypto is set up
before the tunnel device is opened and before a socket is); multi.c, print_details() in ssl_openssl.c: "Control Channel: TLSv1.3, cipher …".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Snapshot

# Of the command line only these come with what stands behind them: the others may hold anything.
OPTIONS = (
    "config cd mode server server-bridge client pull tls-server tls-client secret local port lport proto proto-force nobind topology "
    "tls-groups ecdh-curve tls-cipher tls-ciphersuites tls-version-min tls-version-max data-ciphers data-ciphers-fallback ncp-ciphers ncp-disable "
    "cipher auth tls-auth tls-crypt tls-crypt-v2 cert key ca pkcs12 extra-certs dh remote-cert-tls compat-mode log log-append duplicate-cn "
    "verify-client-cert client-cert-not-required"
)
# For each process: program, folder, its unit, its options, what its log says of handshakes since it started (how often, and of what kind), and
# whether its file is newer than it.  One in a container of this host (another PID namespace) has a configuration of its own.
SERVERS = (
    "sh",
    "-c",
    "for p in /proc/[0-9]*; do"
    " t=; { read -r t <$p/cmdline; } 2>/dev/null; case $t in *openvpn*) ;; *) continue ;; esac;"
    " e=$(readlink $p/exe); case ${e% (deleted)} in */openvpn) ;; *) continue ;; esac;"
    " [ $p/ns/pid -ef /proc/self/ns/pid ] || continue; d=$(readlink $p/cwd);"
    ' printf "server %s\\t%s\\n" "$e" "$d"; sed -n "s,.*/\\([^/]*\\.service\\)\\$,unit \\1,p" $p/cgroup | head -n 1;'
    " w=$(tr '\\000' '\\n' <$p/cmdline); printf '%s\\n' \"$w\" | awk -v known=\" $1 \" '"
    'NR == 1 { next } /^--/ { o = substr($0, 3); k = index(known, " " o " "); if (k) printf "%soption %s", n, o; n = "\\n"; next }'
    ' k { printf "\\t%s", $0 } END { print "" }\';'
    ' c=$(printf "%s\\n" "$w" | sed -n "/^--config\\$/{n;p;}" | head -n 1); cd "$d" && [ "$c" -nt $p ] && echo changed;'
    " l=$(sed -n 's/^[[:blank:]]*log\\(-append\\)\\{0,1\\}[[:blank:]]\\{1,\\}\\([^[:blank:]]*\\).*/\\2/p' \"$c\" | tail -n 1);"
    ' { journalctl -q -o cat -n 2000 "_PID=${p#/proc/}"; [ -z "$l" ] || tail -n 2000 "$l"; } 2>/dev/null | awk \''
    '/OpenVPN [0-9][^ ]* [^ ]* \\[SSL/ { split("", n) } match($0, /Control Channel: TLS.*/) { n[substr($0, RSTART + 17)]++ }'
    ' END { for (k in n) printf "handshake %d %s\\n", n[k], k }\' | sort -k 2,2rn | head -n 20;'
    " done",
    "-",
    OPTIONS,
)
_SERVER = re.compile(r"^server (?P<program>[^\t\n]*)\t(?P<folder>[^\n]*)\n(?P<rest>(?:(?!server ).*\n?)*)", re.MULTILINE)
_HANDSHAKE = re.compile(r"(?P<count>\d+) (?P<version>[^,]+), cipher (?:\S+ )?(?P<cipher>[^, ]+)(?P<rest>.*)")
# OpenVPN 2.7 names what was agreed on; before that a server's log names the key of its client, and a client's says nothing of a hybrid.
_GROUPS = (re.compile(r"key agreement: ([^,]+)"), re.compile(r"peer temporary key: \d+ bits ([^,]+)"))


@dataclass(frozen=True, slots=True)
class Handshake:
    """How often one of this kind was seen.  group "" = the log does not name it."""

    count: int
    version: str
    cipher: str
    group: str

    def __str__(self) -> str:
        return f"{self.count} × {self.version} {self.cipher} with {self.group or 'an exchange that this release does not name in its log'}"


@dataclass(frozen=True, slots=True)
class Server:
    """A process.  options: (name, arguments) in their order; changed: its file is newer than it."""

    program: str
    folder: str
    unit: str
    options: tuple[tuple[str, tuple[str, ...]], ...]
    handshakes: tuple[Handshake, ...]
    changed: bool


def servers(snapshot: Snapshot) -> tuple[Server, ...]:
    answer = snapshot.answers.get("openvpn-servers")
    return tuple(_server(found) for found in _SERVER.finditer(answer.out if answer else ""))


def _server(found: re.Match[str]) -> Server:
    rest = found["rest"].splitlines()
    options = (line.removeprefix("option ").split("\t") for line in rest if line.startswith("option "))
    return Server(
        program=found["program"],
        folder=found["folder"],
        unit=next((line.removeprefix("unit ") for line in rest if line.startswith("unit ")), ""),
        options=tuple((name, tuple(arguments)) for name, *arguments in options),
        handshakes=tuple(_handshakes(line.removeprefix("handshake ") for line in rest if line.startswith("handshake "))),
        changed="changed" in rest,
    )


def _handshakes(lines: Iterator[str]) -> Iterator[Handshake]:
    for line in lines:
        if found := _HANDSHAKE.match(line):
            group = next((one[1] for pattern in _GROUPS if (one := pattern.search(found["rest"]))), "")
            yield Handshake(int(found["count"]), found["version"], found["cipher"], group)


# OpenVPN has no check.  So it is started on a copy of the file, in a network of its own where it reaches nothing and disturbs nobody, with a
# tunnel device that does not exist: a server ends there, a client at its first packet, both after everything that TLS needs was loaded.  What
# would touch the files of the one that runs (its log, which is emptied as soon as it is read, its status, its socket) is left out of the copy.
# Where no network namespace can be had, or the file includes another, only the check after the restart is left: that the unit stands.
_CHECK = (
    'check() { p=$1 f=$2; cd "$3" || return; [ -x "$p" ] || p=openvpn; t=$(mktemp -d) || return;'
    " sed -E 's/^[[:blank:]]*(--)?(daemon|log|log-append|syslog|inetd|status|writepid|chroot|dev-node|ifconfig-pool-persist|replay-persist|"
    'management-hold|management-query-passwords)([[:blank:]].*)?$/#/\' "$f" >"$t/c"; r=0;'
    ' if unshare -n true 2>/dev/null && ! grep -qE "^[[:blank:]]*(--)?config[[:blank:]]" "$t/c"; then'
    ' timeout 3 unshare -n "$p" --config "$t/c" --dev-node "$t/none" --management "$t/m" unix --remap-usr1 SIGTERM --verb 3 >"$t/out" 2>&1; r=$?;'
    ' case $r in 0 | 124 | 143) r=0 ;; *) ! grep -qF "$t/none" "$t/out" || r=0 ;; esac;'
    ' [ $r -eq 0 ] || grep -vE "Note:|library versions|DCO|Use --help|net_route|MANAGEMENT" "$t/out" | sed "s,$t/c,$f," | tail -n 3; fi;'
    ' rm -rf "$t"; return $r; }; '
)


def check(program: str, path: str, folder: str) -> str:
    """A call of it.  program "" = the one on the path."""
    return shlex.join(("check", program.removesuffix(" (deleted)") or "openvpn", path, folder))


def checks(calls: tuple[str, ...]) -> tuple[str, ...]:
    return ("sh", "-c", _CHECK + " && ".join(calls)) if calls else ("true",)
