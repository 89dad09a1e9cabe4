"""What one end of an OpenVPN tells of its tunnels: whom it calls, by which name it is known there, and how far its log tells of sessions.

Sources: openvpn(8) of 2.4 to 2.7: verb is 1 unless it is said, `ping-restart` of a client that pulls is 120; ssl_verify.c: the log of a server
calls a client by the last CN of its certificate, unless it is told to take another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .openvpn_config import Config
from .openvpn_seen import Seen

NAMES_HYBRIDS = (2, 7)  # of clients; a server's log names them earlier
LEAST_VERB = 2  # "Control Channel" and "Data Channel"
NOTICES = "120"  # seconds after which a client misses its server, where nobody says how long
_CN = re.compile(r"(?:^|,)CN=((?:\\.|[^\\,+])*)")


def facts(seen: Seen) -> Iterator[str]:
    """remote: whom a client calls; met: the groups that the log names since it started; unit: its journal is that of this.

    name: what its server calls a client.  silent, shared, mute: why its log tells nothing of sessions, whose they are, or of hybrids.
    back: of a server, seconds until its clients miss it and come back.
    """
    config = seen.config
    for one in config.said if config.role == "client" else ():
        if one.option.name == "remote" and one.option.value:
            host, port, *dummy = (*one.option.arguments, config.value("rport") or config.value("port", "1194"))
            yield f"remote={host}:{port}"
    for group in dict.fromkeys(shake.group for shake in (config.server.handshakes if config.server else ()) if shake.group):
        yield f"met={group}"
    yield f"unit={config.unit}"
    if why := _silent(config):
        yield f"silent={why}"
    if config.role == "client":
        certificate = seen.certificate()
        if certificate and (found := _CN.search(certificate.subject)):
            yield "name=" + re.sub(r"\\(.)", r"\1", found[1])
        if seen.version < NAMES_HYBRIDS:
            yield f"mute={seen.label} as a client does not name a hybrid in its log"
    else:
        if said := config.last("duplicate-cn", "username-as-common-name", "x509-username-field"):
            yield f"shared=with {said.option.name} ({said.origin}) its log does not tell whose a session is"
        elif one_name_for_all(config):
            yield "shared=its clients need no certificate, so its log does not tell whose a session is"
        yield f"back={_back(config)}"


def one_name_for_all(config: Config) -> bool:
    """Whether two clients may have one name."""
    return config.has("duplicate-cn", "client-cert-not-required") or config.value("verify-client-cert") in ("none", "optional")


def notifies(config: Config) -> bool:
    """Whether its clients learn at once that it ends."""
    return config.value("proto", "udp").startswith("tcp") or config.value("explicit-exit-notify", "0") != "0"


def _silent(config: Config) -> str:
    if said := config.last("log", "log-append"):
        return f"it writes its log to a file ({said.origin}), and not to the journal"
    verb = config.value("verb", "1")
    if not verb.isdigit() or int(verb) < LEAST_VERB:
        return f"with verb {verb} its log does not tell what a session agreed on (verb 3 makes it do so)"
    return ""


def _back(config: Config) -> str:
    said = config.last("keepalive")
    after = said.option.arguments[1] if said and len(said.option.arguments) > 1 else NOTICES
    return "0" if notifies(config) else after if after.isdigit() else NOTICES
