"""Handshake messages out of TLS records: put together however they were cut, decrypted once there are keys.  RFC 9846 §5, §6."""

from __future__ import annotations

import struct
from contextlib import suppress

from .failure import Alert
from .link import Link
from .tls_hello import ALERT, CHANGE_CIPHER, DATA, HANDSHAKE
from .tls_keys import ServerKeys

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.exceptions import InvalidTag

LARGEST = 16384 + 256  # RFC 9846 §5.2
# user_canceled, no_renegotiation, unrecognized_name: as a warning they are remarks, after which the server goes on
REMARKS = (90, 100, 112)


class Messages:
    def __init__(self, link: Link) -> None:
        self.link = link
        self.keys: ServerKeys | None = None
        self.pending = b""

    def decrypt(self, keys: ServerKeys) -> None:
        """From here on everything comes encrypted.  Raises ValueError when a message lies across the change (RFC 9846 §5.1)."""
        if self.pending:
            raise ValueError("a message before its keys")
        self.keys = keys

    def next(self) -> bytes:
        """The next whole message, with its head of four bytes.  Raises Alert, and what Link raises."""
        while len(self.pending) < 4 or len(self.pending) < self._size():
            self.pending += self._piece()
        size = self._size()
        message, self.pending = self.pending[:size], self.pending[size:]
        return message

    def _size(self) -> int:
        return 4 + int.from_bytes(self.pending[1:4], "big")

    def _piece(self) -> bytes:
        kind, data = self._record()
        if kind == HANDSHAKE and data:
            return data
        if kind == ALERT and len(data) == 2:
            level, code = data
            if level != 1 or code not in REMARKS:
                raise Alert(code)
        elif kind != CHANGE_CIPHER:
            raise ValueError(f"a record of type {kind} and {len(data)} bytes")
        return b""

    def _record(self) -> tuple[int, bytes]:
        head = self.link.read(5)
        kind, version, length = struct.unpack(">BHH", head)
        if kind not in (HANDSHAKE, ALERT, CHANGE_CIPHER, DATA) or version >> 8 != 3 or length > LARGEST:
            raise ValueError(f"not TLS: it begins with {head!r}")
        data = self.link.read(length)
        if self.keys is None or kind == CHANGE_CIPHER:
            return kind, data
        if kind == HANDSHAKE:
            raise ValueError("a message that ought to be encrypted")
        if kind == ALERT:  # of a server that gave up before it had keys; whoever sends it, it is not the answer to an offer any more
            return kind, data
        try:
            return self.keys.open(head, data)
        except InvalidTag as error:
            raise ValueError("a record that does not decrypt") from error
