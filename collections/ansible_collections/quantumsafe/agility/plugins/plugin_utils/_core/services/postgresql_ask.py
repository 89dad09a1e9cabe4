"""What a host is asked about the PostgreSQL servers that run there, and how a new configuration is checked without touching them.

Sources: postgres(1), PostmasterMain() and SelectConfigFiles(): the server changes into its data directory; what -c, --name, -p, -h, -i and -l
say wins over every file.  check_ssl_key_file_permissions(): the key belongs to the server's account without any right of others, or to root and is at
most readable by its group.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..model import Snapshot

# Options besides these may hold secrets and stay on the host.
_OPTIONS = (
    "awk 'function say(o, v) {"
    ' if (o != "-c" || (tolower(v) ~ /^(ssl|config.file|hba.file|data.directory|listen.addresses|port)/ && tolower(v) !~ /passphrase/))'
    ' print "option " o " " v }'
    ' NR == 1 { next } w { say(w, $0); w = ""; next } /^-[cDph]$/ { w = $0; next }'
    ' /^--[a-z]/ { say("-c", substr($0, 3)); next } /^-[cDphil]/ { say(substr($0, 1, 2), substr($0, 3)) }\''
)
# For each server: program, data directory, its unit, the library that it has loaded, its options, its version, and owner and mode of the key files
# that its main file names.  Who may not look into its process (no CAP_SYS_PTRACE) takes program and directory from its command line.
# One in a container of this host (another PID namespace) has a configuration of its own.
SERVERS = (
    "sh",
    "-c",
    "f=; for p in /proc/[0-9]*; do"
    ' t=; { read -r t <$p/cmdline; } 2>/dev/null; case $t in "postgres: "*) continue ;; *postgres* | *postmaster*) ;; *) continue ;; esac;'
    " w=$(tr '\\000' '\\n' <$p/cmdline); e=$(readlink $p/exe) || e=$(printf '%s\\n' \"$w\" | head -n 1);"
    " case $e in */postgres | */postmaster | */postgres\\ *) ;; *) continue ;; esac;"
    " [ $p/ns/pid -ef /proc/self/ns/pid ] || [ ! -r $p/ns/pid ] || continue; f=1;"
    ' d=$(readlink $p/cwd) || d=$(printf "%s\\n" "$w" | sed -n "/^-D\\$/{n;p;}");'
    ' printf "server %s\\t%s\\n" "$e" "$d"; sed -n "s,.*/\\([^/]*\\.service\\)\\$,unit \\1,p" $p/cgroup | head -n 1;'
    ' sed -n "s,^[^/]*\\(/.*/libssl\\.so.*\\),library \\1,p" $p/maps | head -n 1;'
    f' printf "%s\\n" "$w" | {_OPTIONS};'
    ' printf "version "; "${e% (deleted)}" --version || echo;'
    ' c=$(printf "%s\\n" "$w" | sed -n "s/^config_file=//p");'
    ' for k in "$d/server.key" $(sed -n "s/^[[:blank:]]*ssl_key_file[[:blank:]=]*\'\\([^\']*\\)\'.*/\\1/p"'
    ' "${c:-$d/postgresql.conf}" "${c%/*}"/conf.d/*.conf "$d/postgresql.auto.conf" 2>/dev/null); do'
    ' stat -L -c "key %a %U %G %n" "$k" 2>/dev/null; done; done;'
    ' [ -z "$f" ] || for l in $(ldd "$(command -v openssl)" | sed -n "s,[^/]*\\(/[^ ]*/libssl\\.so[^ ]*\\).*,\\1,p"); do'
    ' printf "openssl %s\\n" "$(readlink -f "$l")"; done',
)

_SERVER = re.compile(r"^server (?P<program>[^\t\n]*)\t(?P<data>[^\n]*)\n(?P<rest>(?:(?!server ).*\n?)*)", re.MULTILINE)
_VERSION = re.compile(r"PostgreSQL\) (\d+(?:\.\d+)*)")
_SHORT = {"-D": "-D", "-p": "port", "-h": "listen_addresses"}


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs.  options: by name, what its command line says, the folder of -D under "-D"; library: the file of its libssl, "" = not known;
    keys: path → mode, owner, group."""

    program: str
    data: str
    unit: str = ""
    library: str = ""
    version: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


def servers(snapshot: Snapshot) -> tuple[Server, ...]:
    answer = snapshot.answers.get("postgresql-servers")
    return tuple(_server(found) for found in _SERVER.finditer(answer.out if answer else ""))


def openssl_library(snapshot: Snapshot) -> str:
    """The file of the libssl that the openssl command loads."""
    answer = snapshot.answers.get("postgresql-servers")
    return next((line.removeprefix("openssl ") for line in (answer.out if answer else "").splitlines() if line.startswith("openssl ")), "")


def _server(found: re.Match[str]) -> Server:
    said: dict[str, list[str]] = {}
    for line in found["rest"].splitlines():
        word, dummy, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    version = _VERSION.search("".join(said.get("version", ())))
    stats = (text.split(" ", 3) for text in said.get("key", ()))
    options = dict(option for text in said.get("option", ()) for option in _option(text))
    return Server(
        found["program"],
        found["data"] or options.get("-D", ""),
        unit="".join(said.get("unit", ())),
        library="".join(said.get("library", ())),
        version=version[1] if version else "",
        options=options,
        keys={path: (mode, owner, group) for mode, owner, group, path in stats},
    )


def _option(text: str) -> Iterator[tuple[str, str]]:
    short, dummy, value = text.partition(" ")
    if short == "-c":
        name, dummy, value = value.partition("=")
        yield name.replace("-", "_").lower(), value
    elif short in _SHORT:
        yield _SHORT[short], value
    elif short in ("-i", "-l"):
        yield ("listen_addresses", "*") if short == "-i" else ("ssl", "on")


# A reload takes bad TLS settings for no error (the server keeps those of before and says so in its log), and no other question reads them:
# pg_file_settings and `postgres -C ssl_groups` take any name.  A start does; this one ends before it opens anything: a value that has to be
# computed (from 15 on) is told behind the TLS settings.  It needs a data directory that is not in use: a copy of the files that it looks at.
# Its log goes where we hear it, and libraries stay out.
_CHECK = (
    'check() { [ -x "$1" ] && command -v runuser >/dev/null || return 0; p=$1 d=$2 v=$3; shift 3; u=$(stat -c %U "$d/PG_VERSION") &&'
    ' t=$(mktemp -d) || return; mkdir "$t/global" && cp "$d/PG_VERSION" "$t" && cp "$d/global/pg_control" "$t/global" &&'
    ' { [ ! -e "$d/postgresql.auto.conf" ] || cp "$d/postgresql.auto.conf" "$t"; } &&'
    ' chown -R "$u" "$t" && runuser -u "$u" -- "$p" -C "$v" -c data_directory="$t" -c log_destination=stderr -c logging_collector=off'
    ' -c shared_preload_libraries= "$@" >/dev/null; r=$?; rm -rf "$t"; return $r; }; cd /; '
)
COMPUTED = 15  # the first release with values that have to be computed


def check(server: Server, major: int, options: Mapping[str, str]) -> str:
    """A call of it.  options: what the command line shall say besides."""
    value = "shared_memory_size" if major >= COMPUTED else "ssl"
    words = [word for name, text in options.items() for word in ("-c", f"{name}={text}")]
    return shlex.join(("check", server.program.removesuffix(" (deleted)"), server.data, value, *words))


def checks(calls: tuple[str, ...]) -> tuple[str, ...]:
    return ("sh", "-c", _CHECK + " && ".join(calls)) if calls else ("true",)
