"""What an sshd offers, with one unauthenticated connection: sshd counts them (PerSourcePenalties), so there is never a second.

RFC 4253 §4.2 (version exchange), §7.1 (KEXINIT: the first message of both sides; a side without a common method disconnects).
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, replace

from .failure import FAILURES, Said, describe
from .link import Link

MAX_PACKET = 35000  # RFC 4253 §6.1
LONGEST_LINE, MOST_LINES = 1024, 50  # before the banner a server may greet with any text
BANNER = b"SSH-2.0-quantumsafe.agility\r\n"
DISCONNECT, IGNORE, DEBUG, KEXINIT = 1, 2, 4, 20
REFUSALS = (2, 3)  # RFC 4253 §11.1: protocol error (what OpenSSH and others send when nothing matches), key exchange failed
MARKERS = re.compile(r"ext-info-[cs]|kex-strict-[cs]-v00@openssh\.com")  # RFC 8308 §2.1, OpenSSH PROTOCOL §1.10: flags, not methods
# what sshd says in clear text, instead of a banner
SAYINGS = {"Not allowed at this time": "penalty", "Exceeded MaxStartups": "busy"}


@dataclass(frozen=True, slots=True)
class SshResult:
    """kex, host_keys, ciphers (from the server), macs: as the server lists them.  seconds: until its list was read.

    refused: whether an offer of only the forbidden was refused, None = not asked.
    """

    banner: str = ""
    kex: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    refused: bool | None = None
    seconds: float = 0.0
    bytes_received: int = 0
    failure: str = ""


def probe_ssh(address: str, port: int, forbid_kex: tuple[str, ...] = (), timeout: float = 10, greeting: bool = False) -> SshResult:
    """Read the server's offer; with forbid_kex also offer only those and see the server refuse.  timeout: seconds for all of it.

    greeting: only see that an sshd answers, which costs its host half as much.
    """
    link = Link(address, port, timeout)
    result = SshResult()
    try:
        with link:
            result = replace(result, banner=_banner(link), seconds=link.elapsed)
            if not greeting:
                link.send(BANNER)
                lists = parse_kexinit(_packet(link))
                kex = tuple(name for name in lists[0] if not MARKERS.fullmatch(name))
                result = replace(result, kex=kex, host_keys=lists[1], ciphers=lists[3], macs=lists[5], seconds=link.elapsed)
                if forbid_kex:
                    result = replace(result, refused=_refuses(link, forbid_kex, lists))
    except FAILURES as error:
        result = SshResult(seconds=link.elapsed, failure=_describe(error))
    return replace(result, bytes_received=link.received)


def _describe(error: BaseException) -> str:
    text = describe(error)
    if isinstance(error, (EOFError, ConnectionResetError)):
        text += "; sshd does this to addresses that it penalises (PerSourcePenalties) and when too many log in (MaxStartups): see its log"
    return text


def _banner(link: Link) -> str:
    """The version line, after any greeting.  Raises Said for what sshd says instead, ValueError for another protocol."""
    for dummy in range(MOST_LINES):
        line = _line(link)
        for words, kind in SAYINGS.items():
            if words in line:
                raise Said(kind, line)
        if line.startswith(("SSH-2.0-", "SSH-1.99-")):  # RFC 4253 §5.1: 1.99 means that 2.0 is spoken too
            return line
        if line.startswith("SSH-"):
            raise ValueError(f"it speaks only {line}")
    raise ValueError("no SSH banner")


def _line(link: Link) -> str:
    out = b""
    while not out.endswith(b"\n"):
        if len(out) == LONGEST_LINE:
            raise ValueError("a line without an end instead of an SSH banner")
        out += link.read(1)
    return _printable(out)


def _printable(text: bytes) -> str:
    """A stranger's text for a log: without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text.decode("utf-8", "replace").strip())


def _packet(link: Link) -> bytes:
    """The payload of the next unencrypted packet that means anything (RFC 4253 §6, §11.2–11.3).  Raises Said for a DISCONNECT."""
    while True:
        length, padding = struct.unpack(">IB", link.read(5))
        if not padding + 2 <= length <= MAX_PACKET:
            raise ValueError(f"a packet of {length} bytes, {padding} of them padding")
        payload = link.read(length - 1)[: length - 1 - padding]
        if payload[0] == DISCONNECT:
            raise _Disconnect(payload)
        if payload[0] not in (IGNORE, DEBUG):
            return payload


class _Disconnect(Said):
    """RFC 4253 §11.1: reason code, description, language."""

    def __init__(self, payload: bytes) -> None:
        self.code, size = struct.unpack_from(">II", payload, 1)
        super().__init__("protocol", f"it disconnects, reason {self.code}: {_printable(payload[9 : 9 + size])}")


def parse_kexinit(payload: bytes) -> tuple[tuple[str, ...], ...]:
    """The ten name lists of a KEXINIT: kex, host keys, ciphers ↑↓, MACs ↑↓, compression ↑↓, languages ↑↓.  Raises ValueError, struct.error."""
    if payload[:1] != bytes([KEXINIT]):
        raise ValueError(f"message {payload[0] if payload else 'none'} instead of KEXINIT")
    lists, at = [], 17
    for dummy in range(10):
        (length,) = struct.unpack_from(">I", payload, at)
        text = payload[at + 4 : at + 4 + length]
        if len(text) < length:
            raise ValueError("a KEXINIT that was cut off")
        lists.append(tuple(name for name in _printable(text).split(",") if name))
        at += 4 + length
    return tuple(lists)


def kexinit(kex: tuple[str, ...], server: tuple[tuple[str, ...], ...]) -> bytes:
    """A KEXINIT that agrees with the server in everything but offers only these key exchanges."""
    lists = (kex, *server[1:])
    body = b"".join(struct.pack(">I", len(text)) + text for text in (",".join(names).encode() for names in lists))
    return bytes([KEXINIT]) + os.urandom(16) + body + b"\0" + struct.pack(">I", 0)


def packet(payload: bytes) -> bytes:
    """RFC 4253 §6: padded to a multiple of 8, at least 4 bytes of padding."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + os.urandom(padding)


def _refuses(link: Link, kex: tuple[str, ...], lists: tuple[tuple[str, ...], ...]) -> bool:
    """Whether the server refuses an offer of only these.  Both lists decide what is agreed on (RFC 4253 §7.1), so a server that lists one
    of them accepts it; one that does not must disconnect, and is seen to.  OpenSSH closes without a DISCONNECT.  A reset is no refusal:
    anyone on the way can send it.  Silence is none either: a server that agreed waits for our half of the key exchange."""
    if set(kex) & set(lists[0]):
        return False
    try:
        link.send(packet(kexinit(kex, lists)))
        _packet(link)
    except _Disconnect as said:
        return said.code in REFUSALS
    except EOFError:
        return True
    except (OSError, ValueError, struct.error):
        return False
    return False


# `ssh -v` says what was negotiated: "debug1: kex: algorithm: …", "debug1: kex: host key algorithm: …", "debug1: kex: server->client cipher: …"
_NEGOTIATED = {
    "kex": re.compile(r"debug1: kex: algorithm: (\S+)"),
    "host_key": re.compile(r"debug1: kex: host key algorithm: (\S+)"),
    "cipher": re.compile(r"debug1: kex: server->client cipher: (\S+)"),
    "mac": re.compile(r"debug1: kex: server->client cipher: \S+ MAC: (\S+)"),
}


def parse_ssh_debug(stderr: str) -> dict[str, str]:
    """What the OpenSSH client negotiated, from its -v output; {} when it says nothing."""
    return {name: found[1] for name, pattern in _NEGOTIATED.items() if (found := pattern.search(stderr))}
