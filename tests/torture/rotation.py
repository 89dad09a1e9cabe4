"""A certificate and its key replaced: never a key that others can read, not for an instant; never a pair live that does not belong together.

The same faults as `inject`, on another story: a key that was made on the host and waits in our folder, its certificate, and the
configuration that names both.  Besides, each good run is stopped after every writing call and looked at.
"""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.request import request_config
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script

from . import inject
from .inject import Kind, Tally, machines, spread_evenly
from .machine import NONCE, Machine
from .scenario import FIRST, SECOND, Bench, Phase, Story, sha256, transaction

FAULT, OF = "looked at after each call", "of a certificate"
CONF, OLD, NEW = "etc/app/demo.conf", "etc/app/server", "etc/app/server.ecdsa-p384-3f9a1c"
# The last two hold chain and key in one: a new file, and one that gives way because the daemon loads it for where it lies.
FILES = (CONF, f"{OLD}.crt", f"{OLD}.key", f"{NEW}.crt", f"{NEW}.key", f"{NEW}.key.pem", "etc/app/folder/site.key.pem")
ORDER = (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), "host.example")


def openssl(*words: str, text: bytes = b"") -> str:
    return subprocess.run(["openssl", *words], input=text, capture_output=True, check=True).stdout.decode()


def install(machine: Machine) -> None:
    """An old pair that the daemon serves, and a new key that waits with its request."""
    machine.build()
    conf, certificate, key = machine.targets[:3]
    conf.parent.mkdir(exist_ok=True)
    words = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=old", "-days", "9")
    openssl(*words, "-keyout", str(key), "-out", str(certificate))
    key.chmod(0o600)
    certificate.chmod(0o644)
    loaded = machine.targets[6]
    loaded.parent.mkdir()
    loaded.touch(0o600)
    loaded.write_text(certificate.read_text() + key.read_text())
    conf.write_text(f"pair {certificate.name} {key.name}\n")
    machine.send(keys(machine))
    request, key = waiting(machine).with_suffix(".csr"), waiting(machine)
    signed(machine).write_text(openssl("req", "-x509", "-in", str(request), "-key", str(key), "-days", "9"))
    machine.load()


def signed(machine: Machine) -> Path:
    """The new certificate, made once: no two signatures of ECDSA are the same."""
    return machine.root / "signed"


def waiting(machine: Machine) -> Path:
    return machine.state / "keys" / FIRST / "1.key"


def keys(machine: Machine) -> str:
    return script.compose_keys(FIRST, [(ORDER[0], str(machine.targets[2]), request_config((ORDER[1],)))], NONCE)


def apply(machine: Machine) -> str:
    conf, certificate, key, both, loaded = (machine.targets[number] for number in (0, 3, 4, 5, 6))
    chain = signed(machine).read_text()
    changes = (
        Change(str(certificate), "", (Edit(1, 0, (chain,)),)),
        script.Place(str(key), 1, "root", "root", "0600"),
        script.Place(str(both), 1, "root", "root", "0600", ahead=chain),
        script.Place(str(loaded), 1, "root", "root", "0600", ahead=chain, sha256=sha256(loaded)),
        Change(str(conf), sha256(conf), (Edit(1, 1, (f"pair {certificate.name} {key.name}\n",)),)),
    )
    return script.compose_apply(transaction(machine, FIRST, *changes), {}, NONCE)


def rollback(machine: Machine) -> str:
    conf, certificate, key, both, loaded = (machine.targets[number] for number in (0, 3, 4, 5, 6))
    changes = (
        script.Restore(str(certificate), sha256(certificate), FIRST, 1, kind="remove"),
        script.Restore(str(key), sha256(key), FIRST, 2, kind="remove"),
        script.Restore(str(both), sha256(both), FIRST, 3, kind="remove"),
        script.Restore(str(loaded), sha256(loaded), FIRST, 4),
        script.Restore(str(conf), sha256(conf), FIRST, 5),
    )
    return script.compose_apply(transaction(machine, SECOND, *changes), {}, NONCE)


STORY = Story(FILES, install, apply, rollback)
MAKE = Phase("making the key", "bare", FIRST, keys)


def readable(machine: Machine) -> list[str]:
    """Files that hold or will hold a private key and that others than root may open."""
    out = []
    for top in (machine.root / "etc", machine.state):
        for path in top.rglob("*") if top.exists() else ():
            try:
                found = path.lstat()
                secret = stat.S_ISREG(found.st_mode) and (".key" in path.name or b"PRIVATE KEY" in path.read_bytes())
            except FileNotFoundError:
                continue
            if secret and found.st_mode & 0o077:
                out.append(f"others can open {path.relative_to(machine.root)}, mode {stat.S_IMODE(found.st_mode):o}")
    return out


def served(machine: Machine) -> list[str]:
    """The pairs that the daemon has loaded: what the configuration names is there, and each certificate has the key that belongs to it."""
    loaded = (machine.root / "daemon/loaded").read_text()
    texts = {path.name: text for path in machine.targets if (text := part(loaded, path))}
    names = next(line.split()[1:] for line in texts["demo.conf"].splitlines() if line.startswith("pair "))
    if missing := [name for name in names if name not in texts]:
        return [f"the daemon serves {' and '.join(names)}, and {missing[0]} was not there"]
    pairs = [names, *([name, name] for name in texts if name.endswith(".pem"))]
    return [
        f"the daemon serves {certificate} with a key that is not its own"
        for certificate, key in pairs
        if openssl("x509", "-noout", "-pubkey", text=texts[certificate].encode()) != openssl("pkey", "-pubout", text=texts[key].encode())
    ]


def part(loaded: str, path: Path) -> str:
    """What the daemon read of that file: its name stands in a line of its own before it."""
    dummy, found, rest = loaded.partition(f"{path}\n")
    following = rf"^{re.escape(str(path).partition('/etc/')[0])}/etc/"  # a line of base64 may begin with "/", too
    return re.split(following, rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""


def bench(folder: Path, machine: Machine) -> Bench:
    """With a disk before the key was made, too."""
    made = Bench.make(folder, machine, STORY)
    machine.restore(made.images / "fresh")
    machine.send(script.compose_drop_keys(FIRST, NONCE))
    machine.keep(made.images / "bare")
    return made


def watch(bench: Bench, phase: Phase) -> tuple[int, list[str]]:
    """One good run, stopped after each of its writing calls."""
    machine, seen, looks = bench.machine, [], 0
    last = b""

    def look(_: str) -> None:
        nonlocal last, looks
        looks += 1
        seen.extend(readable(machine))
        if (now := (machine.root / "daemon/loaded").read_bytes()) != last:
            last = now
            seen.extend(served(machine))

    bench.begin(phase)
    bench.run(phase, None, look)
    return looks, list(dict.fromkeys(seen))


def judge_making(bench: Bench, kind: Kind, at: int) -> tuple[bool, list[str], str]:
    """A fault while the key is made: what is served stays; made again it is whole; dropped nothing of it is left."""
    machine = bench.machine
    bench.begin(MAKE)
    before = {path: path.read_bytes() for path in machine.targets[:3]}
    outcome = bench.run(MAKE, inject.Fault(kind.fault, at, kind.kinds))
    bad = readable(machine)
    machine.send(keys(machine))
    if openssl("req", "-noout", "-pubkey", "-in", str(waiting(machine).with_suffix(".csr"))) != openssl(
        "pkey", "-pubout", "-in", str(waiting(machine))
    ):
        bad.append("the request is not that of the key")
    machine.send(script.compose_drop_keys(FIRST, NONCE))
    bad += [f"left behind: {path.name}" for path in (machine.state / "keys").rglob("*")]
    bad += [f"{path.name} was changed" for path, text in before.items() if path.read_bytes() != text]
    hit = next((call for call in outcome.calls if call.number == at), None)
    return hit is not None, bad, str(hit)


def run(folder: Path, count: int, workers: int, tally: Tally, say: Callable[[str], None], progress: Callable[[int], None]) -> None:
    """`count` points, all when it is 0; every good run is looked at whole."""
    make = machines(story=STORY)
    watched = bench(folder / "disks", make(folder / "watched"))
    try:
        for phase in (MAKE, *STORY.phases):
            looks, bad = watch(watched, phase)
            for number in range(looks):
                tally.add(FAULT, f"{phase.name} {OF}", bad if not number else [], f"{FAULT} / {phase.name}")
        kinds = [kind for kind in inject.KINDS if kind.kinds != "r"]
        making = [
            (kind, call.number) for kind in kinds for call in inject.good_calls(watched, MAKE, kind.kinds) if not kind.only or call.name == kind.only
        ]
        for kind, at in spread_evenly(making, count // 4):
            hit, bad, call = judge_making(watched, kind, at)
            if hit:
                tally.add(kind.name, f"{MAKE.name} {OF}", bad, f"{kind.name} / {MAKE.name} / {at}: {call}")
    finally:
        watched.close()
    every = list(inject.all_points(folder / "points", make, kinds, STORY))
    chosen = spread_evenly(every, count)
    say(f"a certificate and its key: {len(chosen)} of {len(every)} points, {len(making)} of making the key")
    mine = Tally(loud=tally.loud)
    inject.work(folder / "pairs", chosen, workers, mine, make, progress, STORY)
    for (fault, phase), runs in mine.runs.items():
        tally.runs[fault, f"{phase} {OF}"] += runs
        tally.bad[fault, f"{phase} {OF}"] += mine.bad[fault, phase]
    tally.said += mine.said
    tally.missed += mine.missed
