"""The TLS of an emulated device: a certificate of its own, and a door whose versions and suites are those of the moment."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def certificate(device: Any, name: str) -> str:
    """One of its own, made at its first start."""
    path = device.folder / "server.pem"
    if not path.is_file():
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key()).serial_number(1)
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(text + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return str(path)


def door(port: int, context: Callable[[], ssl.SSLContext]) -> None:
    """Shakes hands, and says nothing.  context: as each newcomer finds it."""
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        while True:
            peer, dummy = listener.accept()
            peer.settimeout(5)
            with peer, contextlib.suppress(OSError):
                context().wrap_socket(peer, server_side=True).close()

    threading.Thread(target=serve, daemon=True).start()
