"""Which file nginx begins with: what the running master was told, else what the binary was built with.

Sources: nginx -V (configure arguments), nginx(8) -c and -p, ngx_process_options(); a master's title repeats its command line
(ngx_master_process_cycle).
"""

from __future__ import annotations

import posixpath
import re

from ..model import Answer, Snapshot, Unparsable

DEFAULT_CONF = "/etc/nginx/nginx.conf"
DEFAULT_PREFIX = "/usr/local/nginx"
# Main files of other builds (ports, tarballs, OpenResty), and binaries off the path that must not go unnoticed.
TOPS = ("/usr/local/nginx", "/usr/local/openresty/nginx", "/opt/nginx")
OTHER_CONFS = ("/usr/local/etc/nginx/nginx.conf", *(f"{top}/conf/nginx.conf" for top in TOPS))
BINARIES = tuple(f"{folder}/nginx" for folder in ("/usr/sbin", "/usr/local/sbin", *(f"{top}/sbin" for top in TOPS)))

# "master", program ("=" for the one on the path) and title of each that runs here, then "path" and the nginx that we would ask.  One in a
# container of this host (another PID namespace) has a configuration of its own.  The program of a package that was replaced reads
# "… (deleted)".
MASTERS = (
    "sh",
    "-c",
    "r= n=$(command -v nginx); for p in /proc/[0-9]*; do"
    ' t=; { read -r t <$p/cmdline; } 2>/dev/null; case $t in "nginx: master process"*) ;; *) continue ;; esac;'
    " [ $p/ns/pid -ef /proc/self/ns/pid ] || [ ! -r $p/ns/pid ] || continue;"
    ' if [ $p/exe -ef "$n" ]; then e==; else r=$(readlink -f "$n") e=$(readlink $p/exe); fi;'
    ' printf "master %s\\t%s\\n" "$e" "$t"; done; printf "path %s\\n" "${r:-$n}"',
)
_PATH = re.compile(r"^path (\S+)", re.MULTILINE)
_CONF_PATH, _PREFIX = re.compile(r"--conf-path=(\S+)"), re.compile(r"--prefix=(\S+)")
_OPTIONS = tuple(re.compile(rf"(?:^| )-{letter} ?(\S+)") for letter in "cp")
_MASTER = re.compile(r"^master (?P<program>[^\t]*)\tnginx: master process ?(?P<words>.*)$", re.MULTILINE)


def main_path(snapshot: Snapshot) -> str:
    """The main file, "" where no nginx is.

    Raises Unparsable, by name, where what runs cannot be followed: another binary than that of the path, or two with a file each.
    """
    version, masters = snapshot.answers.get("nginx-V"), snapshot.answers.get("nginx-masters")
    said = masters.out if masters else ""
    ours = next(iter(_PATH.findall(said)), "")
    mains: dict[str, None] = {}
    for found in _MASTER.finditer(said):
        program = found["program"].removesuffix(" (deleted)")
        if program not in ("", "=", ours):
            what = f"a master of {program} runs, which is not the nginx on the path ({ours or 'none'})"
            raise Unparsable(what, snapshot.host, "what it is configured with is not read: put it on the path, or stop it")
        mains[_told(found["words"], version)] = None
    if len(mains) > 1:
        raise Unparsable(f"several nginx run, with {' and '.join(mains)}", snapshot.host, "only one can be read: merge them, or stop one")
    if version and version.problem == "not found" and not mains and not _files(snapshot):
        raise Unparsable("an nginx is installed, but none is on the path", snapshot.host, f"link it there; usual places: {', '.join(BINARIES)}")
    return next(iter(mains), "") or built(version) or next(iter(_files(snapshot)), "")


def absent(snapshot: Snapshot, main: str) -> bool:
    """Whether no nginx is here.  Raises Unparsable where one is whose main file was not seen."""
    if main in snapshot.files:
        return False
    masters = snapshot.answers.get("nginx-masters")
    if (masters and _MASTER.search(masters.out)) or _files(snapshot):
        raise Unparsable(f"nginx begins with {main}, which was not seen", snapshot.host, "look whether that file is there")
    return True


def _files(snapshot: Snapshot) -> list[str]:
    return [path for path in (DEFAULT_CONF, *OTHER_CONFS) if path in snapshot.files]


def built(version: Answer | None) -> str:
    """What `nginx -V` tells of the main file; "" when it was not asked."""
    said = version.err + version.out if version else ""
    found = _CONF_PATH.search(said)
    return posixpath.join(_prefix(said), found[1] if found else "conf/nginx.conf") if "configure arguments" in said or found else ""


def _prefix(said: str) -> str:
    found = _PREFIX.search(said)
    return found[1] if found else DEFAULT_PREFIX


def _told(words: str, version: Answer | None) -> str:
    """The main file by a command line: -c FILE, relative to -p or to the prefix that it was built with; else what it was built with."""
    conf, prefix = (option.search(words) for option in _OPTIONS)
    base = prefix[1] if prefix else _prefix(version.err + version.out if version else "")
    return posixpath.normpath(posixpath.join(base, conf[1])) if conf else built(version)
