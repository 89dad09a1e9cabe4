"""Which files HAProxy reads: what the running process was told, else what its service would tell it.

Sources: haproxy(1) and management guide, 3 "Starting HAProxy" (-f FILE or FOLDER, of which it takes the *.cfg in the order of the C locale;
"--" FILE...; -C FOLDER); Debian's haproxy.service (-f $CONFIG … $EXTRAOPTS from /etc/default/haproxy).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from ..documents.lines import split
from ..model import Answer, Snapshot, Unparsable

DEFAULT_CONF = "/etc/haproxy/haproxy.cfg"
BINARIES = ("/usr/sbin/haproxy", "/usr/local/sbin/haproxy")
DEFAULTS = ("/etc/default/haproxy", "/etc/sysconfig/haproxy")

# "process", program ("=" for the one on the path) and arguments of each that runs here, then "path" and the haproxy that we would ask.
# One in a container of this host (another PID namespace) has a configuration of its own.
PROCESSES = (
    "sh",
    "-c",
    "r= n=$(command -v haproxy); for p in /proc/[0-9]*; do"
    " t=; { t=$(tr '\\000' '\\t' <$p/cmdline); } 2>/dev/null; case ${t%%\"$(printf '\\t')\"*} in haproxy | */haproxy) ;; *) continue ;; esac;"
    " [ $p/ns/pid -ef /proc/self/ns/pid ] || [ ! -r $p/ns/pid ] || continue;"
    ' if [ $p/exe -ef "$n" ]; then e==; else r=$(readlink -f "$n") e=$(readlink $p/exe); fi;'
    ' printf "process %s\\t%s\\n" "$e" "$t"; done; printf "path %s\\n" "${r:-$n}"',
)
# Of the environment of a running one those variables that its TLS stands on, and no others: they may hold anything.
ENVIRONMENT = (
    "sh",
    "-c",
    "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */haproxy) ;; *) continue ;; esac;"
    " [ $p/ns/pid -ef /proc/self/ns/pid ] || continue; cd $p/cwd;"
    " n=$(tr '\\000' '\\n' <$p/cmdline | while read -r f; do"
    ' if [ -d "$f" ]; then cat "$f"/*.cfg; elif [ -f "$f" ] && ! [ "$f" -ef $p/exe ]; then cat "$f"; fi; done 2>/dev/null |'
    " grep -E '^[[:space:]]*\"?(bind|ssl-|crt-|key-base|load|default-path|tune\\.ssl)' |"
    " grep -oE '[$][{]?[A-Za-z_][A-Za-z0-9_]*' | tr -d '${' | sort -u | tr '\\n' '|');"
    " [ -z \"$n\" ] || tr '\\000' '\\n' <$p/environ | grep -E \"^(${n%|})=\"; break; done",
)
_PROCESS = re.compile(r"^process (?P<program>[^\t\n]*)\t(?P<words>.*)$", re.MULTILINE)
_PATH = re.compile(r"^path (\S+)", re.MULTILINE)
_ASSIGNED = re.compile(r"\s*(?:export\s+)?(CONFIG|EXTRAOPTS|OPTIONS)=(.*)")
WITH_ONE = ("-f", "-C", "-L", "-m", "-M", "-N", "-n", "-p", "-S", "-x", "-dM", "-dR", "-dt", "-dT")  # options that take the word behind them


@dataclass(frozen=True, slots=True)
class Told:
    """files: files and folders, in the order in which they are read; folder: that relative names begin at."""

    files: tuple[str, ...]
    folder: str = "/"

    @property
    def words(self) -> tuple[str, ...]:
        """The options that make another haproxy read the same."""
        at = ("-C", self.folder) if self.folder != "/" else ()
        return (*at, *(word for file in self.files for word in ("-f", file)))


def told(snapshot: Snapshot) -> Told | None:
    """None where no HAProxy is.  Raises Unparsable where what runs cannot be followed: another binary, or two that differ."""
    answer = snapshot.answers.get("haproxy-processes")
    said = answer.out if answer else ""
    ours = next(iter(_PATH.findall(said)), "")
    running: dict[Told, None] = {}
    for found in _PROCESS.finditer(said):
        program = found["program"].removesuffix(" (deleted)")
        if program not in ("", "=", ours):
            what = f"{program} runs, which is not the haproxy on the path ({ours or 'none'})"
            raise Unparsable(what, snapshot.host, "what it is configured with is not read: put it on the path, or stop it")
        running[of_words(tuple(found["words"].rstrip("\t").split("\t"))[1:])] = None
    if len(running) > 1:
        files = " and ".join(" ".join(one.files) for one in running)
        raise Unparsable(f"several HAProxy run, with {files}", snapshot.host, "only one can be read: merge them, or stop one")
    if running:
        return next(iter(running))
    return _of_service(snapshot) if DEFAULT_CONF in snapshot.files or _there(snapshot.answers.get("haproxy-vv")) else None


def of_words(words: tuple[str, ...]) -> Told:
    """By the arguments of its command line."""
    files: list[str] = []
    folder, at = "/", 0
    while at < len(words):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else ""
        if word == "--":
            files += words[at + 1 :]
            break
        if word == "-f":
            files.append(value)
        elif word == "-C":
            folder = posixpath.normpath(posixpath.join(folder, value))
        at += 2 if word in WITH_ONE else 1
    return Told(tuple(posixpath.normpath(posixpath.join(folder, file)) for file in files), folder)


def _of_service(snapshot: Snapshot) -> Told:
    """Nothing runs: what the unit of the distributions would start."""
    config, more = DEFAULT_CONF, ""
    for path in DEFAULTS:
        file = snapshot.files.get(path)
        for line in split((file.text if file else None) or ""):
            if found := _ASSIGNED.match(line):
                value = " ".join(_shell_words(found[2]))
                config, more = (value, more) if found[1] == "CONFIG" else (config, value)
    return of_words(("-f", config, *more.split()))


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _there(answer: Answer | None) -> bool:
    return bool(answer and answer.ok)
