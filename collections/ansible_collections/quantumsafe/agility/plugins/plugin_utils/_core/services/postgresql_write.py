"""How wishes become line edits: the value in the line that governs, else a line of its own behind the last one about TLS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..documents import guc, lines
from ..model import Capability, Change, Edit, File, Inexpressible, Setting, Snapshot, Wanted
from .openssl import Library, render_groups
from .paths import real_path
from .postgresql_config import Cluster, Entry

VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
LEAST, MOST = "ssl_min_protocol_version", "ssl_max_protocol_version"
HAS_VERSIONS, HAS_GROUPS = 12, 18
GROUPS, CURVE = "ssl_groups", "ssl_ecdh_curve"
CERTIFICATE, KEY = "ssl_cert_file", "ssl_key_file"
SAYS = ("ssl_ciphers", "ssl_tls13_ciphers", GROUPS, CURVE, LEAST, MOST)

# cluster → name of a setting → what it shall say
Said = Mapping[str, Mapping[str, str]]


def version_texts(cluster: Cluster, wanted: Wanted, now: Setting | None) -> dict[str, str]:
    """Raises Inexpressible: only a range can be said, and only from 12 on."""
    names = [name for name in VERSIONS if name in wanted.names]
    whole = VERSIONS[VERSIONS.index(names[0]) : VERSIONS.index(names[-1]) + 1] if names else ()
    if not names or len(names) != len(wanted.names) or tuple(names) != whole:
        raise Inexpressible(f"{', '.join(wanted.names) or 'nothing'} is no range of versions, which is all that it takes", cluster.conf)
    if cluster.major < HAS_VERSIONS:
        raise Inexpressible(f"{cluster.label} has no setting for versions of TLS, which came with {HAS_VERSIONS}", cluster.conf, "upgrade it")
    out = {LEAST: names[0]} if not now or names[0] != now.values[0] else {}
    if not now or names[-1] != now.values[-1]:
        out[MOST] = names[-1] if names[-1] != VERSIONS[-1] else ""
    return out


def group_texts(cluster: Cluster, wanted: Wanted, library: Library, capability: Capability) -> dict[str, str]:
    """Raises Inexpressible for an empty list, a name that the library is not known to have, and more than one before 18."""
    if not wanted.names:
        raise Inexpressible("an empty list for key_exchange: the server would fall back to its library's", cluster.conf)
    if capability.names is None:
        raise Inexpressible(f"which groups it can do is unknown: {capability.source}", cluster.conf)
    if unknown := [name for name in wanted.names if name not in capability.names]:
        raise Inexpressible(f"{capability.library} does not know {', '.join(unknown)}", cluster.conf, _way(cluster))
    if cluster.major >= HAS_GROUPS:
        return {GROUPS: render_groups(wanted.names, wanted.tiers, library)}
    if len(wanted.names) > 1:
        raise Inexpressible(f"{CURVE} of {cluster.label} takes one curve, not {', '.join(wanted.names)}", cluster.conf, _way(cluster))
    return {CURVE: wanted.names[0]}


def _way(cluster: Cluster) -> str:
    return f"upgrade to PostgreSQL {HAS_GROUPS}, or put a gateway that can in front of it" if cluster.major < HAS_GROUPS else "upgrade its OpenSSL"


def changes(snapshot: Snapshot, clusters: Iterable[Cluster], said: Said) -> tuple[Change, ...]:
    """One Change a file.  Raises Inexpressible for what another place than a file of configuration governs, and for files that clusters share
    which shall say different things."""
    edits: dict[str, dict[tuple[int, int], Edit]] = {}
    files: dict[str, File] = {}
    for cluster in clusters:
        for file, edit in _edits(snapshot, cluster, said.get(cluster.name, {})):
            files[real_path(file)] = file
            if edits.setdefault(real_path(file), {}).setdefault((edit.line, edit.delete), edit) != edit:
                where = f"{file.path}:{edit.line}"
                raise Inexpressible("the policy wants different values of clusters that share this line", where, "give each cluster its own")
    return tuple(_change(files[path], [edit for dummy, edit in sorted(found.items())]) for path, found in edits.items())


def _edits(snapshot: Snapshot, cluster: Cluster, said: Mapping[str, str]) -> Iterable[tuple[File, Edit]]:
    """A line changed for each setting that stands somewhere, and one insertion for all the others."""
    added = [f"{name} = {guc.quoted(value)}" for name, value in said.items() if _governing(cluster, name) is None]
    file, number = _place(snapshot, cluster)
    for name, value in said.items():
        if (entry := _governing(cluster, name)) and entry.file and entry.setting:
            line = guc.replaced(_lines(entry.file)[entry.setting.line - 1], entry.setting, value)
            unfinished = added and not line.endswith("\n") and entry.file is file and entry.setting.line == number
            yield entry.file, Edit(entry.setting.line, 1, (line, *_dressed(line, added)) if unfinished else (line,))
            added = [] if unfinished else added
    if added:
        last = _lines(file)[number - 1] if number else ""
        texts = _dressed(last, added)
        yield file, Edit(number, 1, (f"{last}\n", *texts[1:])) if last and not last.endswith("\n") else Edit(number + 1, 0, texts)


def _governing(cluster: Cluster, name: str) -> Entry | None:
    """The line to be changed; None = nobody says it.  Raises Inexpressible where we may not write."""
    names = {GROUPS: (GROUPS, CURVE)}.get(name, (name,)) if cluster.major >= HAS_GROUPS else (name,)
    found = [entry for one in names if (entry := cluster.entries.get(one))]
    entry = cluster.entries.get(name) or (found[0] if found else None)
    if entry is None:
        return None
    if entry.file is None:
        raise Inexpressible(
            f"{name} is given on the command line, which wins over every file", str(entry.origin), "take it out of the unit, or of pg_ctl.conf"
        )
    if entry.file.path == cluster.auto:
        raise Inexpressible(
            f"{name} was set with ALTER SYSTEM, which wins over every file and is edited by the server alone",
            str(entry.origin),
            f"run ALTER SYSTEM RESET {entry.setting.name if entry.setting else name}, reload, and come again",
        )
    return entry


def _place(snapshot: Snapshot, cluster: Cluster) -> tuple[File, int]:
    """Behind the last line about TLS that counts; else at the end of the main file."""
    tls = [entry for name, entry in cluster.entries.items() if name.startswith("ssl") and entry.file and entry.file.path != cluster.auto]
    if tls and (last := tls[-1]).file and last.setting:
        return last.file, last.setting.line
    file = snapshot.files[cluster.conf]
    return file, len(_lines(file))


def _dressed(line: str, texts: list[str]) -> tuple[str, ...]:
    """Lines like this one; an unfinished one is ended first."""
    ending = lines.newline(line) if line.endswith("\n") else "\n"
    head = line[: len(line) - len(line.lstrip(" \t"))]
    return (*(() if line.endswith("\n") or not line else (ending,)), *(f"{head}{text}{ending}" for text in texts))


def _change(file: File, found: list[Edit]) -> Change:
    """Raises Inexpressible when a line to be changed also holds a secret."""
    if any(guc.REDACTED in line for edit in found for line in edit.insert):
        raise Inexpressible("a line to be changed also holds a secret, which this controller does not know", real_path(file), "mend it by hand")
    after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, found))
    return Change(real_path(file), file.sha256, tuple(found), after, file.owner, file.group, file.mode)


def _lines(file: File) -> tuple[str, ...]:
    return lines.split(file.text or "")
