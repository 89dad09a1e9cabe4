"""What a policy is asked about client certificates: settings of the sockets that ask for them, and an endpoint for each that nginx shows."""

from __future__ import annotations

from ..certificates.read import leaf
from ..model import Endpoint, Origin, Setting
from .client_settings import WEAKEST, authentication, capabilities, trust
from .nginx_clients import BUNDLES, Leg, bundles, depth, legs, showings, verify
from .nginx_config import Assembly
from .nginx_sockets import Server, Socket
from .openssl import Library
from .openssl_schemes import default_schemes, schemes

Found = tuple[dict[str, Setting], list[str]]


def asked(assembly: Assembly, socket: Socket, library: Library, versions: tuple[str, ...], default: Origin) -> Found:
    """(settings, notes) of one socket.  Of several servers the one that asks for least counts: a client chooses the name."""
    said = {server: verify(server) for server in socket.servers}
    least = min(said, key=lambda server: WEAKEST.index(said[server]))
    directive = next(iter(least.governing("ssl_verify_client")[-1:]), None)
    origin = directive.origin if directive else default
    settings = {"client_authentication": authentication(said[least], origin, None if said[least] == "off" else depth(least))}
    notes = [f"{server.label()} has ssl_verify_client of its own: {word}" for server, word in said.items() if word != said[least]]
    asking = [server for server, word in said.items() if word != "off"]
    if asking:
        paths = dict.fromkeys(path for server in asking for path in bundles(assembly, server))
        kinds, why = trust({path: file.text if (file := assembly.file(path)) else None for path in paths})
        if kinds:
            origin = next((node.origin for server in asking for name in BUNDLES for node in server.governing(name)[-1:]), default)
            settings["client_trust"] = Setting(kinds, origin)
        notes += why
        if taken := _signature(asking, library, versions, default):
            settings["client_signature"] = taken
    return settings, notes


def _signature(asking: list[Server], library: Library, versions: tuple[str, ...], default: Origin) -> Setting | None:
    """What any of them takes.  The request is made after the name is known, with the lists of its server (SSL_set_SSL_CTX)."""
    both = (("clientsignaturealgorithms", "client_sigalgs"), ("signaturealgorithms", "sigalgs"))
    commands = [next((node for names in both if (node := server.command(*names))), None) for server in asking]
    lists = [schemes(node.args[-1]) if node else default_schemes(library, versions) for node in commands]
    if None in lists:
        return None
    names = dict.fromkeys(name for names in lists for name in names or ())
    return Setting(tuple(names), next((node.origin for node in commands if node), default))


def shown(assembly: Assembly, label: str, library: Library) -> tuple[Endpoint, ...]:
    """One for each certificate that nginx shows to another server."""
    trusting = {leg.target: note for leg in legs(assembly) if (note := _unverified(leg))}
    out = []
    for one in showings(assembly):
        path, origin = one.binding.pair.certificate, one.binding.origin
        file = assembly.file(path)
        mine = leaf(file.text, path) if file and file.text else None
        notes = [*([one.binding.fixed] if one.binding.fixed else []), *(note for target, note in trusting.items() if f"→ {target}" in one.endpoint)]
        settings = {"client_certificate": Setting((mine.key,), origin)} if mine and mine.key else {}
        has = (mine,) if mine else ()
        out.append(
            Endpoint(one.endpoint, "nginx", "tls", "openssl", (), label, settings, capabilities(library.label), has, tuple(notes), role="client")
        )
    return tuple(out)


def _unverified(leg: Leg) -> str:
    node = leg.governing("verify")
    on = node is not None and node.args == ("on",)
    return "" if on else f"whom it shows its certificate to is not verified: {leg.prefix}verify is off{f' at {node.origin}' if node else ''}"
