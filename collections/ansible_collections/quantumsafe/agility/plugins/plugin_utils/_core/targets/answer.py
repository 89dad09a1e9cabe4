"""What the agent says → values.  The other side of agent/*.sh: markers, encoding, sections of \\001 and a letter."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import translate

from ..documents import lines
from ..model import Answer, File, Identity, Problem, Snapshot, Unparsable

# Where agent/transaction.sh (ca_host_key) looks for the keys that say which host this is, too.
HOST_KEYS = ("/etc/ssh/ssh_host_*_key.pub",)
_HOST_KEYS = re.compile("|".join(map(translate, HOST_KEYS)))  # here, before a worker is forked for each host
FINAL = ("CLEANED", "REVERTED", "REVERT_FAILED", "REFUSED", "ABSENT")
_BEGIN = re.compile(r"==CA:(?P<nonce>\w+):(?P<coding>b64|hex)==\r?\n")
_DIGEST = re.compile(r"\\?([0-9a-f]{64}) ")  # a name with a line break gives a backslash in front, or a line of its own
_SECTION = re.compile(r"(?:^|\n)\001")
UTILITIES = "install what is named, or leave this host to a gateway"


class NoAnswer(Problem):
    """The agent's answer did not arrive whole.  Sending the script again is safe."""


def body(output: str, nonce: str) -> str:
    """The decoded text between the markers.  Raises NoAnswer when it is missing or was cut off."""
    begin = next((found for found in _BEGIN.finditer(output) if found["nonce"] == nonce), None)
    if not begin:
        raise NoAnswer("the host ran no agent: nothing came back between the markers", remedy=_seen(output))
    coded, found, dummy = output[begin.end() :].partition(f"==CA:{nonce}:end==")
    if not found:
        raise NoAnswer("the answer was cut off before its end")
    try:
        raw = base64.b64decode(coded) if begin["coding"] == "b64" else bytes.fromhex("".join(coded.split()))
    except (binascii.Error, ValueError) as error:
        raise NoAnswer(f"the answer was damaged on its way: {error}") from error
    text, found, dummy = raw.decode("utf-8", "surrogateescape").rpartition(f"\n\001Z {nonce}\n")
    if not found:
        raise NoAnswer("the answer is larger than the agent sends", remedy="narrow agility_services")
    return text


def _seen(output: str) -> str:
    last = output.strip().splitlines()[-1:] or ["nothing"]
    return f"it said: {last[0][:200]}"


def _sections(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """(letter, rest of its line, lines until the next section)."""
    for part in _SECTION.split(text)[1:]:
        head, dummy, rest = part.partition("\n")
        yield head[:1], head[2:], rest.split("\n") if rest else []


def heard(output: str, nonce: str, host: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """The sections of an answer.  Raises NoAnswer; Problem when the agent says that it did nothing."""
    for letter, rest, content in _sections(body(output, nonce)):
        if letter == "P":
            raise Problem(rest.partition(" ")[2], host)
        yield letter, rest, content


def _name(text: str) -> str:
    return bytes.fromhex(text[2:]).decode("utf-8", "surrogateescape") if text.startswith("x:") else text[2:]


def parse_snapshot(output: str, nonce: str, host: str, taken: str) -> Snapshot:
    """A collect answer as a Snapshot.  Raises NoAnswer, and Problem naming utilities that the host lacks."""
    facts: dict[str, str] = {}
    files: dict[str, File] = {}
    answers: dict[str, Answer] = {}
    heads: list[tuple[str, str, list[str], str]] = []
    texts: dict[int, list[str]] = {}
    open_file, command, said = 0, "", ""
    pending: dict[str, str] = {}
    for letter, rest, content in heard(output, nonce, host):
        if letter == "I":
            pairs = [line.partition("=") for line in content if line]
            facts.update({key: value.strip('"') for key, dummy, value in pairs if key != "missing"})
            missing = [value for key, dummy, value in pairs if key == "missing"]
            if missing:
                raise Problem(f"the host lacks {', '.join(missing)}", host, UTILITIES)
        elif letter == "U":
            name = _name(rest)
            files[name] = File(name, None, "", 0, real=name, problem="cannot be read: no privilege")
        elif letter == "W":
            pending[_name(rest).rpartition(".")[0]] = _name(rest)
        elif letter == "F":
            heads = _heads(int(rest), content)
            files.update({head[0]: _file(head, [], 0, 0, 0) for head in heads})  # awk says nothing of an empty one
        elif letter == "L":
            open_file = int(rest)
            texts[open_file] = [line[1:] for line in content if line.startswith("|")]
        elif letter == "E" and rest:
            at, counted, hidden, nul = (int(word) for word in rest.split())
            files[heads[at - 1][0]] = _file(heads[at - 1], texts.get(at, []), counted, hidden, nul)
        elif letter == "O":
            at, nul = (int(word) for word in rest.split())
            files[heads[at - 1][0]] = replace(files[heads[at - 1][0]], text=None, problem=NUL.format(nul - 1))
        elif letter == "C":
            command, said = rest, "\n".join(content)
            answers[command] = Answer((), None, said.strip("\n"), problem=ENDED["141"])  # unless its end follows
        elif letter == "R":
            answers[command] = _answered(said, rest)
        elif letter == "N" and rest in answers:
            answers[rest] = replace(answers[rest], err="\n".join(content).strip("\n"))
    files.update({name: replace(files[name], pending=beside) for name, beside in pending.items() if name in files})
    host_keys = sorted(file.sha256 for path, file in files.items() if file.sha256 and _HOST_KEYS.fullmatch(path))
    identity = Identity(facts.pop("machine_id", ""), ",".join(host_keys), facts.pop("boot", ""))
    return Snapshot(host, taken, identity, facts, files, answers)


# What the shell says of a command that was ended: timeout(1) says 124; 128 + SIGTERM or SIGKILL; 128 + SIGPIPE when nobody read on.
ENDED = {"124": "timed out", "143": "timed out", "137": "timed out", "141": "said too much"}


def _answered(out: str, code: str) -> Answer:
    if code == "not found":
        return Answer((), None, problem="not found")
    ended = ENDED.get(code, "")
    return Answer((), None if ended else int(code), out.strip("\n"), problem=ended)


def _heads(count: int, content: list[str]) -> list[tuple[str, str, list[str], str]]:
    """(name, real, [size, mode, owner, group], sha256) of each file.  Raises NoAnswer when a file vanished while it was read."""
    content = [line for line in content if line]
    content[3 * count :] = [found[1] for line in content[3 * count :] if (found := _DIGEST.match(line))]
    if len(content) != 4 * count:
        raise NoAnswer("a file changed while the host was looked at", remedy="run it again")
    names = [(_name(content[2 * i]), content[2 * i + 1]) for i in range(count)]
    return [
        (name, _name(real) if real != "-" else name, content[2 * count + i].split(), content[3 * count + i]) for i, (name, real) in enumerate(names)
    ]


NUL = "not a text file: NUL at byte {}"


def _file(head: tuple[str, str, list[str], str], texts: list[str], counted: int, hidden: int, nul: int) -> File:
    """awk drops a missing final newline; the size says whether there was one.  nul: where the first one is, counted from 1, 0 = nowhere."""
    name, real, (size, mode, owner, group), digest = head
    problem, text = "", "\n".join(texts)
    unfinished = counted == int(size) + 1
    if int(size) and not texts and counted:
        problem = "too large to be read"
    elif nul:
        problem = NUL.format(nul - 1)
    elif counted != int(size) and not unfinished:
        problem = "not a text file, or it changed while it was read"
    else:
        text += "" if unfinished or not texts else "\n"
        try:
            lines.decode(text.encode("utf-8", "surrogateescape"), name)
        except Unparsable as error:
            problem = error.message + (" of what is left after redaction" if hidden else "")
        if not problem and not hidden and lines.sha256(text) != digest:
            problem = "not a text file: it changed or holds bytes that do not travel"
    return File(name, None if problem else text, digest, int(size), owner, group, mode.zfill(4), real, bool(hidden), problem)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """uptime: whole seconds since that boot."""

    number: int
    state: str
    uptime: int
    detail: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One path of a transaction.  kind: edit | create | restore | remove; before, after: sha256, "" = absent or not known; now: read back.

    mode, owner, group: as it is now; meta: the same as the change left them, () = not known.
    """

    kind: str
    before: str
    after: str
    now: str
    mode: str
    owner: str
    group: str
    path: str
    meta: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionReport:
    """What a host says of one transaction.  error: a code, "" = none.  left: seconds until it reverts by itself, 0 when nothing is pending.

    age: seconds since its last step, size: KiB that it takes there; both only in a list.
    """

    id: str
    state: str
    error: str = ""
    message: str = ""
    left: int = 0
    started_by: str = ""
    serial: int = 0
    age: int = 0
    size: int = 0
    services: tuple[str, ...] = ()
    journal: tuple[JournalLine, ...] = ()
    files: tuple[Kept, ...] = ()

    @property
    def final(self) -> bool:
        return self.state in FINAL


def parse_transactions(output: str, nonce: str) -> tuple[TransactionReport, ...]:
    """Every transaction of an answer, in the order of the host.  Raises NoAnswer; Problem when the host would not list them (no root)."""
    out = []
    for letter, rest, content in heard(output, nonce):
        if letter == "T":
            out.append(_report(rest, content))
    return tuple(out)


def notes(output: str, nonce: str) -> tuple[str, ...]:
    """What the host did in another way than asked for, e.g. forgot without shredding."""
    return tuple(rest for letter, rest, dummy in _sections(body(output, nonce)) if letter == "N")


def parse_transaction(output: str, nonce: str) -> TransactionReport:
    """The one transaction that was asked for; state "ABSENT" when the host does not know it."""
    return next(iter(parse_transactions(output, nonce)), TransactionReport("", "ABSENT"))


def _report(id_: str, content: list[str]) -> TransactionReport:
    fields: dict[str, str] = {}
    journal, files, services = [], [], []
    for line in content:
        key, dummy, value = line.partition(" ")
        if key == "J":
            if whole := re.match(r"(\d+) ([A-Z_]+) (\d+) ?(.*)", value):  # a crash may have cut a line off
                journal.append(JournalLine(int(whole[1]), whole[2], int(whole[3]), whole[4].rstrip()))
        elif key == "F":
            *words, name = ["" if word == "-" else word for word in value.split(" ", 10)]
            meta = (words[7].lstrip("0"), *words[8:]) if words[7] else ()
            files.append(Kept(words[0], words[1], words[2], words[3], words[4], words[5], words[6], _name(name), meta))
        elif key == "A":
            services.append(value)
        elif key:
            fields[key] = value
    code, dummy, message = fields.get("error", "").partition(" ")
    return TransactionReport(
        id=id_,
        state=fields.get("state", "ABSENT"),
        error=code,
        message=message,
        left=int(fields.get("left", "0")),
        started_by=fields.get("by", ""),
        serial=int(fields.get("serial") or 0),
        age=int(fields.get("age") or 0),
        size=int(fields.get("size") or 0),
        services=tuple(services),
        journal=tuple(journal),
        files=tuple(files),
    )


@dataclass(frozen=True, slots=True)
class NewKey:
    """What the host says of a key that it made.  request: PEM, or the public half of a host key of sshd.

    mode, owner, group: of the key that it will replace, "" when there is none.
    """

    request: str
    mode: str = ""
    owner: str = ""
    group: str = ""


def parse_keys(output: str, nonce: str, host: str) -> tuple[NewKey, ...]:
    """One for each order, in order.  Raises NoAnswer; Problem when the host could not make one."""
    out = []
    for letter, dummy, content in _sections(body(output, nonce)):
        if letter != "K":
            continue
        if failed := next((line for line in content if line.startswith("error ")), ""):
            raise Problem(failed.split(" ", 2)[2], host, "nothing was changed there; mend it and run again")
        like = next((line.split()[1:] for line in content if line.startswith("like ")), [])
        request = "\n".join(line for line in content if not line.startswith("like "))
        out.append(NewKey(f"{request.strip()}\n", *like[:3]))
    return tuple(out)
