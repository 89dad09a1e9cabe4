"""The first message of IKEv2 and its answer, as bytes: IKE_SA_INIT, which is neither encrypted nor authenticated.  Pure.

RFC 7296 §3 (header and payloads), §2.6 (cookies), §2.7 (negotiation); RFC 9370 §2.2.1 (ADDKE1 to ADDKE7 are transform types 6 to 12);
RFC 9242 §3.1, RFC 7383 §2.3, RFC 7427 §4, RFC 8784 §3, RFC 9867 §3 (what each side says that it supports).  Code points: the catalogue.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..algorithms.lookup import all_of

SA_INIT = 34
INITIATOR, RESPONSE = 0x08, 0x20
SA, KE, NONCE, NOTIFY = 33, 34, 40, 41
ENCR, PRF, INTEG, GROUP, ADDKE1 = 1, 2, 3, 4, 6
NO_PROPOSAL_CHOSEN, INVALID_KE, COOKIE = 14, 17, 16390
FRAGMENTATION, HASHES, PPK, INTERMEDIATE, PPK_INT = 16430, 16431, 16435, 16438, 16445
KEY_LENGTH = 0x800E
# Error notifies that end the exchange (RFC 7296 §3.10.1), in words
ERRORS = {
    1: "UNSUPPORTED_CRITICAL_PAYLOAD",
    4: "INVALID_IKE_SPI",
    5: "INVALID_MAJOR_VERSION",
    7: "INVALID_SYNTAX",
    NO_PROPOSAL_CHOSEN: "NO_PROPOSAL_CHOSEN",
}
ERRORS |= {24: "AUTHENTICATION_FAILED", 35: "NO_ADDITIONAL_SAS"}
OTHERS = 16383  # the last number of an error

_HEADER = struct.Struct(">8s8sBBBBII")
_ASPECTS = {ENCR: "cipher", PRF: "prf", INTEG: "mac", GROUP: "key_exchange"}


@dataclass(frozen=True, slots=True)
class Transform:
    """kind: ENCR, PRF, INTEG, GROUP or ADDKE1 and above; bits: the length of a key, 0 = it has one length only."""

    kind: int
    code: int
    bits: int = 0

    @property
    def name(self) -> str:
        """The catalogue's, else the bare number."""
        aspect = _ASPECTS.get(GROUP if self.kind >= ADDKE1 else self.kind, "")
        rows = (a for a in all_of("ikev2", aspect) if a.code == self.code and (aspect != "cipher" or not self.bits or a.key_bits == self.bits))
        return next((a.id for a in rows), f"transform {self.kind}/{self.code}")


@dataclass(frozen=True, slots=True)
class Answer:
    """proposal: what was chosen; notifies: number → data, of the first of each."""

    spi: bytes
    proposal: tuple[Transform, ...] = ()
    notifies: Mapping[int, bytes] = field(default_factory=dict)
    group: int = 0

    @property
    def exchange(self) -> str:
        """As the catalogue writes it: "CURVE_25519+ML_KEM_768"."""
        return "+".join(t.name for t in sorted(self.proposal, key=lambda t: t.kind) if (t.kind == GROUP or t.kind >= ADDKE1) and t.code)

    @property
    def error(self) -> int:
        return next((number for number in self.notifies if number <= OTHERS), 0)


def transforms(kind: int, names: Iterable[str]) -> tuple[Transform, ...]:
    """Of the catalogue's names."""
    aspect = _ASPECTS[GROUP if kind >= ADDKE1 else kind]
    known = {a.id: a for a in all_of("ikev2", aspect)}
    sized = aspect == "cipher"
    return tuple(Transform(kind, known[n].code, known[n].key_bits if sized and known[n].id.endswith(str(known[n].key_bits)) else 0) for n in names)


def request(spi: bytes, proposals: Sequence[Sequence[Transform]], group: int, share: bytes, nonce: bytes, cookie: bytes = b"") -> bytes:
    """IKE_SA_INIT of an initiator that takes all that can be asked without credentials."""
    hashes = b"".join(struct.pack(">H", a.code) for a in all_of("ikev2", "hash"))
    payloads = [(NOTIFY, _notify(COOKIE, cookie))] if cookie else []
    payloads += [(SA, _sa(proposals)), (KE, struct.pack(">HH", group, 0) + share), (NONCE, nonce)]
    payloads += [(NOTIFY, _notify(number)) for number in (FRAGMENTATION, INTERMEDIATE, PPK, PPK_INT)]
    payloads.append((NOTIFY, _notify(HASHES, hashes)))
    following = [kind for kind, dummy in payloads[1:]] + [0]
    body = b"".join(struct.pack(">BBH", after, 0, len(data) + 4) + data for after, (dummy, data) in zip(following, payloads, strict=True))
    return _HEADER.pack(spi, b"\0" * 8, payloads[0][0], 0x20, SA_INIT, INITIATOR, 0, _HEADER.size + len(body)) + body


def _notify(number: int, data: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0, 0, number) + data


def _sa(proposals: Sequence[Sequence[Transform]]) -> bytes:
    out = b""
    for number, said in enumerate(proposals, 1):
        body = b"".join(_transform(one, place == len(said)) for place, one in enumerate(said, 1))
        out += struct.pack(">BBHBBBB", 0 if number == len(proposals) else 2, 0, len(body) + 8, number, 1, 0, len(said)) + body
    return out


def _transform(one: Transform, last: bool) -> bytes:
    attribute = struct.pack(">HH", KEY_LENGTH, one.bits) if one.bits else b""
    return struct.pack(">BBHBBH", 0 if last else 3, 0, 8 + len(attribute), one.kind, 0, one.code) + attribute


# ---------------------------------------------------------------- the answer


def parse(data: bytes, spi: bytes) -> Answer | None:
    """None: not an answer to this request.  Raises ValueError for one that is cut off or contradicts itself."""
    if len(data) < _HEADER.size:
        return None
    theirs, mine, kind, version, exchange, flags, number, length = _HEADER.unpack_from(data)
    if theirs != spi or exchange != SA_INIT or not flags & RESPONSE or version >> 4 != 2 or number:
        return None
    if length != len(data):
        raise ValueError(f"an IKE message of {len(data)} bytes that says {length}")
    proposal: tuple[Transform, ...] = ()
    notifies: dict[int, bytes] = {}
    group = 0
    for payload, body in _payloads(data, kind):
        if payload == SA:
            proposal = _chosen(body)
        elif payload == KE and len(body) >= 4:
            (group,) = struct.unpack_from(">H", body)
        elif payload == NOTIFY and len(body) >= 4:
            (said,) = struct.unpack_from(">H", body, 2)
            notifies.setdefault(said, body[4 + body[1] :])
    return Answer(mine, proposal, notifies, group)


def _payloads(data: bytes, kind: int) -> Iterator[tuple[int, bytes]]:
    at = _HEADER.size
    while kind:
        if at + 4 > len(data):
            raise ValueError("an IKE message that was cut off")
        after, dummy, length = struct.unpack_from(">BBH", data, at)
        if length < 4 or at + length > len(data):
            raise ValueError("a payload that leaves its IKE message")
        yield kind, data[at + 4 : at + length]
        kind, at = after, at + length


def _chosen(body: bytes) -> tuple[Transform, ...]:
    """The transforms of the one proposal of an answer."""
    if len(body) < 8:
        raise ValueError("a proposal that was cut off")
    spi_size, count = body[6], body[7]
    at, out = 8 + spi_size, []
    for dummy in range(count):
        if at + 8 > len(body):
            raise ValueError("a proposal that was cut off")
        length, kind, code = struct.unpack_from(">HBxH", body, at + 2)
        if length < 8 or at + length > len(body):
            raise ValueError("a transform that leaves its proposal")
        bits = struct.unpack_from(">HH", body, at + 8)[1] if length >= 12 and body[at + 8 : at + 10] == b"\x80\x0e" else 0
        out.append(Transform(kind, code, bits))
        at += length
    return tuple(out)


def hashes(data: bytes) -> tuple[str, ...]:
    """The names of SIGNATURE_HASH_ALGORITHMS."""
    known = {a.code: a.id for a in all_of("ikev2", "hash")}
    codes = struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2])
    return tuple(known.get(code, f"hash {code}") for code in codes)
