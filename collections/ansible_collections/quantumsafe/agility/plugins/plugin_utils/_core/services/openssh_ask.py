"""What sshd itself says of its lists, and what a value stands for.  Sources: sshd(8) -T, -G and -t, ssh(1) -Q, sshd_config(5)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from ..model import Snapshot
from .openssh_config import IN_MATCH, KEYWORDS, QUERIES, Placed, conditional, given, winning
from .recorded import SSHD_DEFAULTS

# What is asked for effective values, each only when the one before failed.  `sshd -T` needs readable host keys and, on Debian, /run/sshd,
# which systemd removes with the last sshd that it started for a socket.  `sshd -G` (9.3) needs neither.  For older ones the third brings
# an empty /run of its own, in a mount namespace: the host is not changed, not even by a mount that spreads (unshare before util-linux 2.27)
# or by mount's notes in /run/mount (-n).
_APART = "mount --make-rprivate / && mount -n -t tmpfs -o mode=0755 none /run && mkdir -m 0755 /run/sshd && exec sshd"
# A list that a server only uses for host-based logins, which nobody judges, is widened to all that sshd knows (every release takes this
# name for it): a process less than `ssh -Q key-sig` for the same answer.
WIDE, HOST_BASED = "sshd-T-wide", ("hostbasedacceptedalgorithms", "hostbasedacceptedkeytypes")
ASKED: Mapping[str, tuple[str, ...]] = {
    WIDE: ("sshd", "-T", "-o", "HostbasedAcceptedKeyTypes=*"),
    "sshd-T": ("sshd", "-T"),
    "sshd-G": ("sshd", "-G"),
    "sshd-T-apart": ("unshare", "-m", "sh", "-c", f"{_APART} -T"),
}
SECOND_TRIES = {"sshd-T": WIDE, "sshd-G": "sshd-T", "sshd-T-apart": "sshd-G", "ssh-Q-key-sig": WIDE}
CHECK = ("sshd", "-t")
CHECK_APART = ("sh", "-c", f"[ ! -d /run/sshd ] || exec sshd -t; exec unshare -m sh -c '{_APART} -t'")


def effective(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """keyword → every value that sshd itself prints for it; {} when it did not answer.  The first command that was answered counts."""
    answer = next((a for name in ASKED if (a := snapshot.answers.get(name)) and a.ok), None)
    return _values(answer.out) if answer else {}


@lru_cache(maxsize=16)  # every aspect asks
def _values(said: str) -> Mapping[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {}
    for line in said.splitlines():
        name, dummy, value = line.strip().partition(" ")
        out[name.lower()] = (*out.get(name.lower(), ()), value)  # 10.6 prints names as the manual writes them
    return out


def listed(value: str, default: tuple[str, ...] | None, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The names that a value stands for.  default: the compiled-in list that "+", "-" and "^" change; known: what patterns are matched
    with.  None = it cannot be said, because the one that is needed is unknown."""
    sign = value[0] if value[:1] and value[0] in "+-^" else ""
    patterns = value[len(sign) :].split(",")
    if any("*" in pattern or "?" in pattern for pattern in patterns):
        if known is None:
            return None
        named = tuple(name for pattern in patterns for name in known if fnmatchcase(name, pattern))
    else:
        named = tuple(patterns)
    if not sign:
        return named
    if default is None:
        return None
    rest = tuple(name for name in default if name not in named)
    return {"-": rest, "^": (*named, *rest), "+": (*default, *(name for name in named if name not in default))}[sign]


def everybody(snapshot: Snapshot, order: tuple[Placed, ...], aspect: str) -> tuple[tuple[str, ...] | None, bool]:
    """(the list that counts where no Match block says otherwise, whether sshd said so); None = it is not known."""
    said = effective(snapshot)
    value = next((said[name][0] for name in KEYWORDS[aspect] if name in said), None)
    option, first = given(snapshot, aspect), winning(order, aspect)
    if value is not None and not option:
        return tuple(value.split(",")), True
    explicit = option[0] if option else first.directive.arguments[0] if first else ""
    default = _recorded(snapshot, aspect)
    return (listed(explicit, default, supported(snapshot, aspect) if default else None) if explicit else default) or None, False


def _recorded(snapshot: Snapshot, aspect: str) -> tuple[str, ...] | None:
    """The compiled-in list of this release, where the binary itself could not be asked."""
    answer = snapshot.answers.get(SSHD_DEFAULTS)
    said = _values(answer.out) if answer else {}
    return next((tuple(said[name][0].split(",")) for name in KEYWORDS[aspect] if name in said), None)


def blocks(snapshot: Snapshot, order: tuple[Placed, ...]) -> tuple[tuple[Placed, tuple[str, ...] | None], ...]:
    """What Match blocks put in the place of the one list that may stand in them; None = it changes a default that is not known."""
    known = supported(snapshot, IN_MATCH)
    plain = not winning(order, IN_MATCH) and not given(snapshot, IN_MATCH)
    default = everybody(snapshot, order, IN_MATCH)[0] if plain else None
    return tuple((placed, listed(placed.directive.arguments[0], default, known)) for placed in conditional(order, IN_MATCH))


def supported(snapshot: Snapshot, aspect: str) -> tuple[str, ...] | None:
    """What `ssh -Q` of this host lists, or sshd itself; None when neither gave an answer."""
    answer, wide = snapshot.answers.get(f"ssh-Q-{QUERIES[aspect]}"), snapshot.answers.get(WIDE)
    if answer and answer.ok:
        return tuple(answer.out.split())
    said = _values(wide.out) if wide and wide.ok and QUERIES[aspect] == "key-sig" else {}
    return next((tuple(said[name][0].split(",")) for name in HOST_BASED if name in said), None)
