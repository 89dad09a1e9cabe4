"""What an IKEv2 responder takes, with IKE_SA_INIT alone: no credentials, and nothing that it would act on.

A responder keeps a half-open SA for each offer that it took (strongSwan: half a minute), and five from one address are a reason to drop what
comes next without a word (block_threshold).  So there are two questions: everything at once, and then only the sort that was not chosen.  It
answers by the connection that fits our address: one that is meant for a certain peer refuses everybody else, which says nothing about that peer.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from . import ike_messages as ike
from .failure import FAILURES, Said, describe
from .ike_messages import ADDKE1, ENCR, GROUP, INTEG, PRF, Answer, Transform, transforms
from .link import looked_up

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NAT_T = 4500  # RFC 3948 §2.2: four zero bytes in front, or it would be ESP
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds until a question is asked again; UDP loses some
MOST_ASKED = 4  # a cookie, another group, and both anew
LARGEST = 65535
AEADS = transforms(ENCR, ("ENCR_AES_GCM_16-256", "ENCR_AES_GCM_16-128", "ENCR_CHACHA20_POLY1305"))
BLOCKS = transforms(ENCR, ("ENCR_AES_CBC-256", "ENCR_AES_CBC-128"))
MACS = transforms(INTEG, ("AUTH_HMAC_SHA2_256_128", "AUTH_HMAC_SHA2_384_192", "AUTH_HMAC_SHA2_512_256", "AUTH_HMAC_SHA1_96"))
PRFS = transforms(PRF, ("PRF_HMAC_SHA2_512", "PRF_HMAC_SHA2_384", "PRF_HMAC_SHA2_256", "PRF_HMAC_SHA1"))
GROUPS = transforms(GROUP, ("CURVE_25519", "ECP_384", "ECP_256", "ECP_521", "CURVE_448", "MODP_3072", "MODP_4096", "MODP_2048"))
KEMS = transforms(ADDKE1, ("ML_KEM_768", "ML_KEM_1024", "ML_KEM_512"))
HYBRID = ((*AEADS, *PRFS, *GROUPS, *KEMS), (*BLOCKS, *PRFS, *MACS, *GROUPS, *KEMS))
CLASSICAL = ((*AEADS, *PRFS, *GROUPS), (*BLOCKS, *PRFS, *MACS, *GROUPS))
SIZES = {14: 256, 15: 384, 16: 512, 31: 32, 32: 56}  # bytes of a public value that needs no more than to be smaller than the prime
CURVES = {19: "SECP256R1", 20: "SECP384R1", 21: "SECP521R1"}


@dataclass(frozen=True, slots=True)
class IkeResult:
    """exchange, cipher, prf, mac: of what it chose of all that was offered, hybrids first, in the catalogue's names.

    hybrid, classical: whether it takes an offer of only those, None = not known.  hinted: groups that it asked for (INVALID_KE_PAYLOAD).
    intermediate, fragmentation, ppk: whether it says that it can; ppk: that some of its connections have one.  refusal: its word for no.
    """

    exchange: str = ""
    cipher: str = ""
    prf: str = ""
    mac: str = ""
    hybrid: bool | None = None
    classical: bool | None = None
    intermediate: bool = False
    fragmentation: bool = False
    ppk: bool = False
    signature_hashes: tuple[str, ...] = ()
    cookie: bool = False
    hinted: tuple[str, ...] = ()
    refusal: str = ""
    seconds: float = 0.0
    bytes_received: int = 0
    failure: str = ""


def probe_ike(address: str, port: int = 500, timeout: float = 10) -> IkeResult:
    """timeout: seconds for all of it."""
    talk = _Talk(address, port, timeout)
    result = IkeResult()
    try:
        with talk:
            first = talk.ask((*HYBRID, *CLASSICAL))
            result = _told(talk, first)
            if result.exchange:
                hybrid = "+" in result.exchange
                result = replace(result, hybrid=True) if hybrid else replace(result, classical=True)
                other = not talk.ask(CLASSICAL if hybrid else HYBRID).error
                result = replace(result, classical=other) if hybrid else replace(result, hybrid=other)
            else:
                result = replace(result, hybrid=False, classical=False)
                raise Said("refused", f"{result.refusal}; it may be meant for other addresses than ours")
    except FAILURES as error:
        result = replace(result, failure=describe(error))
    return replace(result, seconds=talk.elapsed, bytes_received=talk.received, cookie=talk.cookie, hinted=tuple(talk.hinted))


def _told(talk: _Talk, answer: Answer) -> IkeResult:
    names = {t.kind: t.name for t in answer.proposal}
    said = answer.notifies
    return IkeResult(
        exchange="" if answer.error else answer.exchange,
        cipher=names.get(ENCR, ""),
        prf=names.get(PRF, ""),
        mac=names.get(INTEG, ""),
        intermediate=ike.INTERMEDIATE in said,
        fragmentation=ike.FRAGMENTATION in said,
        ppk=ike.PPK in said or ike.PPK_INT in said,
        signature_hashes=ike.hashes(said.get(ike.HASHES, b"")),
        refusal=ike.ERRORS.get(answer.error, f"notify {answer.error}") if answer.error else "",
    )


class _Talk:
    """Questions to one responder, each with a share for the group that it asked for."""

    def __init__(self, address: str, port: int, seconds: float) -> None:
        self.address, self.port, self.group = address.strip("[]"), port, GROUPS[0].code
        self.started = time.monotonic()
        self.until = self.started + seconds
        self.received, self.cookie = 0, False
        self.hinted: list[str] = []

    def __enter__(self) -> _Talk:
        family, *dummy, where = looked_up(self.address, self.port, socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.socket.connect(where)
        except OSError:
            self.socket.close()
            raise
        return self

    def __exit__(self, *dummy: object) -> None:
        self.socket.close()

    @property
    def elapsed(self) -> float:
        return round(time.monotonic() - self.started, 4)

    def ask(self, proposals: tuple[tuple[Transform, ...], ...]) -> Answer:
        """The answer to an offer, after cookies and another group.  Raises TimeoutError, ValueError."""
        spi, nonce, cookie = os.urandom(8), os.urandom(32), b""
        for dummy in range(MOST_ASKED):
            answer = self.exchange(ike.request(spi, proposals, self.group, share(self.group), nonce, cookie), spi)
            if ike.COOKIE in answer.notifies and not answer.proposal:
                cookie, self.cookie = answer.notifies[ike.COOKIE], True
            elif ike.INVALID_KE in answer.notifies:
                self.group = int.from_bytes(answer.notifies[ike.INVALID_KE][:2], "big")
                self.hinted.append(Transform(GROUP, self.group).name)
                if self.group not in {one.code for one in GROUPS}:
                    raise ValueError(f"it asks for a group that was not offered: {self.hinted[-1]}")
            else:
                return answer
        raise ValueError("it never has enough: a cookie or another group again and again")

    def exchange(self, message: bytes, spi: bytes) -> Answer:
        marked = bytes(4) + message if self.port == NAT_T else message
        for pause in (*PAUSES, *(PAUSES[-1] for dummy in range(100))):
            self.socket.send(marked)
            again = min(time.monotonic() + pause, self.until)
            while (left := again - time.monotonic()) > 0:
                self.socket.settimeout(left)
                try:
                    data = self.socket.recv(LARGEST)
                except TimeoutError:
                    break
                self.received += len(data)
                answer = ike.parse(data[4:] if self.port == NAT_T and data[:4] == bytes(4) else data, spi)
                if answer:
                    return answer
            if time.monotonic() >= self.until:
                break
        raise TimeoutError


def share(group: int) -> bytes:
    """A public value that passes a responder's check; nobody needs the secret behind it, for this ends with the answer."""
    if group in CURVES:
        key = ec.generate_private_key(getattr(ec, CURVES[group])()).public_key()
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    return b"\x7f" + os.urandom(SIZES[group] - 1)
