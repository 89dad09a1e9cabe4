# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: clients of two kinds that shake hands with one endpoint at once, and what its host says of itself around that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ._core.model import Collect, Probe, Problem
from ._core.pilot.layers import LOST
from ._core.pilot.load import Handshake, Load, counted, cpu_used
from ._core.probe.starttls import PRELUDES
from ._core.probe.tls import OFFER, probe_tls
from ._core.probe.tls_hello import CLASSICAL
from ._core.targets.answer import parse_snapshot
from ._core.targets.script import compose_collect
from ._run import Run

SECONDS = 4  # for one handshake
IN_A_ROW = 4  # handshakes without any answer, after which clients of that kind are not sent any more
# kind of client → (groups that it offers, those that it sends a key share for)
OFFERS = {
    "classical": (tuple(group for group in OFFER if group in CLASSICAL), ("x25519",)),
    "hybrid": (OFFER, ("X25519MLKEM768", "x25519")),
}
CPU = {"pilot-cgroup": ("cat", "/sys/fs/cgroup/cpu.stat"), "pilot-stat": ("head", "-n", "1", "/proc/stat")}
# Which of the units run, how long the logs are that they hold open, and where the journal ends.
MARK = (
    'for u; do p=$(systemctl show -p MainPID --value "$u" 2>/dev/null); [ "${p:-0}" -gt 0 ] || continue; echo "unit $u";'
    ' for f in /proc/"$p"/fd/*; do t=$(readlink "$f"); case $t in /*.log) [ ! -f "$t" ] || stat -c "file %s %n" "$t" ;; esac; done;'
    " done | sort -u; journalctl -q -n 0 --show-cursor 2>/dev/null; :"
)
# The first error that was written behind that length, and how many there are.
NEWS = 'tail -c "+$1" "$2" | grep -E "\\[(error|crit|alert|emerg)\\]|(ERROR|FATAL|PANIC):" | sed -n "1p;\\$="'
CURSOR = "-- cursor: "


@dataclass(frozen=True, slots=True)
class Seen:
    """errors: how many the log of the daemon has more, None = it could not be read; error: the first, or why.  at_home: layers.py, Evidence."""

    load: Load
    errors: int | None
    error: str
    at_home: bool | None = None


def loaded(run: Run, probe: Probe, where: str, units: tuple[str, ...]) -> Seen:
    """Raises Problem only for a host that cannot be asked before the load."""
    before, dull = _asked(run, {"pilot-mark": ("sh", "-c", MARK, "sh", *units), **CPU}), ""
    handshakes = shaken(where, probe, int(run.args["pilot_handshakes"]), int(run.args["pilot_concurrency"]))
    lost = any(one.client == "hybrid" and one.failure for one in handshakes)
    try:
        after = _asked(run, {**CPU, **_news(before), **({"pilot-home": _at_home(probe)} if lost else {})})
    except Problem as problem:
        after, dull = {}, str(problem)
    start, end = _cpu(before), _cpu(after)
    load = counted(handshakes, end - start if start is not None and end is not None else None)
    errors, error = _errors(before, after)
    return Seen(load, errors, dull or error, _shook(after))


def shaken(where: str, probe: Probe, handshakes: int, concurrency: int) -> list[Handshake]:
    """So many of each kind of client, side by side."""
    lost: Counter[str] = Counter()

    def one(client: str) -> Handshake | None:
        if lost[client] >= IN_A_ROW:
            return None
        offer, shares = OFFERS[client]
        seen = probe_tls(where, probe.port, probe.server_name, offer, shares, timeout=SECONDS, starttls=probe.starttls)
        kind = seen.failure.partition(":")[0]
        lost[client] = lost[client] + 1 if kind in LOST else 0
        return Handshake(client, seen.seconds, seen.bytes_sent + seen.bytes_received, seen.group, kind, seen.certificate_sha256)

    with ThreadPoolExecutor(concurrency) as pool:
        return [found for found in pool.map(one, [client for dummy in range(handshakes) for client in OFFERS]) if found]


# ---------------------------------------------------------------- what the host says

Said = Mapping[str, str]  # command → its output, of those that ran to a good end; "!" + command → what it complained of


def _asked(run: Run, commands: Mapping[str, tuple[str, ...]]) -> Said:
    """One look.  An installed agent runs no commands but those of its services: then nothing is known."""
    if run.channel.installed:
        return {}
    requests = {"pilot": Collect(needs=("/",), commands=commands)}
    found = run.channel.ask(lambda nonce: compose_collect(requests, nonce), lambda output, nonce: parse_snapshot(output, nonce, run.host, run.taken))
    good = {name: answer.out for name, answer in found.answers.items() if answer.rc == 0}
    return good | {f"!{name}": answer.err or answer.problem for name, answer in found.answers.items() if answer.rc != 0}


def _cpu(said: Said) -> float | None:
    return cpu_used(said.get("pilot-cgroup", "").splitlines(), said.get("pilot-stat", "").splitlines())


def _news(before: Said) -> dict[str, tuple[str, ...]]:
    """The commands that find what was logged since."""
    marks = before.get("pilot-mark", "").splitlines()
    units = [line.removeprefix("unit ") for line in marks if line.startswith("unit ")]
    files = [line.split(" ", 2)[1:] for line in marks if line.startswith("file ")]
    cursor = next((line.removeprefix(CURSOR) for line in marks if line.startswith(CURSOR)), "")
    out: dict[str, tuple[str, ...]] = {
        f"pilot-log-{number}": ("sh", "-c", NEWS, "sh", str(int(size) + 1), path) for number, (size, path) in enumerate(files)
    }
    if units and cursor:
        named = tuple(word for unit in units for word in ("-u", unit))
        out["pilot-journal"] = ("journalctl", "-q", "-o", "cat", "-p", "err", f"--after-cursor={cursor}", *named)
    return out


def _errors(before: Said, after: Said) -> tuple[int | None, str]:
    """(how many errors its log has more, the first), or (None, why nobody knows)."""
    asked = _news(before)
    if not asked:
        return None, "no unit of it runs under systemd there" if before else "the installed agent reads no logs"
    if unread := [name for name in asked if name not in after]:
        return None, f"its log could not be read: {after.get(f'!{unread[0]}') or 'no answer'}"
    lines = after.get("pilot-journal", "").splitlines()
    count, first = len(lines), lines[:1]
    for name in asked:
        if name != "pilot-journal" and (found := after[name].splitlines()):
            count, first = count + int(found[-1]), first or found[:1]
    return count, first[0] if first else ""


def _at_home(probe: Probe) -> tuple[str, ...]:
    """A hybrid client on the host itself: nothing is on that way."""
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(probe.address, probe.address)
    names = ("-servername", probe.server_name) if probe.server_name else ()
    before = ("-starttls", probe.starttls) if probe.starttls in PRELUDES else ()
    return ("openssl", "s_client", "-connect", f"{here}:{probe.port}", "-tls1_3", "-groups", "X25519MLKEM768", *names, *before)


def _shook(after: Said) -> bool | None:
    if "pilot-home" in after:
        return True
    why = after.get("!pilot-home", "not asked")
    return None if "SSL_CONF_cmd" in why or why in ("not asked", "not found") or "timed out" in why else False
