"""Which cipher suites nginx takes on a socket: what ssl_ciphers and Ciphersuites mean to this library, less what cannot come about.

Cannot come about, whatever is listed: pre-shared keys and SRP (nginx has no callback for either), DHE without ssl_dhparam (documentation
of that directive), what the security level bars, and suites of TLS 1.2 where that version is off.  Which certificates are there today is
left out on purpose: a list that forgets RSA would break the day on which a certificate becomes one.
Sources: ngx_http_ssl_module, openssl-ciphers(1), SSL_CTX_set_cipher_list(3), SSL_CONF_cmd(3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..algorithms.cipher_string import Expansion, Suite
from ..model import Capability, Evidence, Inexpressible, Origin, Setting
from .nginx_config import Node
from .nginx_sockets import Server, Socket
from .openssl import Library
from .openssl_lists import Limits, Lists, is_modern, old_versions, spelled

DEFAULT_CIPHERS = "HIGH:!aNULL:!MD5"  # documentation of ssl_ciphers, in http, stream and mail alike
_NAME = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+")


@dataclass(frozen=True, slots=True)
class Listed:
    """The suites of one server.  problem: why they are not known ("" = they are).  level: the @SECLEVEL that its own text names."""

    names: tuple[str, ...] = ()
    evidence: Evidence = "effective"
    problem: str = ""
    notes: tuple[str, ...] = ()
    level: int | None = None


def governing(server: Server) -> Node | None:
    """What says the suites of TLS 1.2 and before; ssl_conf_command is carried out last."""
    return server.command("cipherstring") or next(iter(server.governing("ssl_ciphers")[-1:]), None)


@dataclass(frozen=True, slots=True)
class Ciphers(Lists):
    """What this nginx makes of its lists."""

    def setting(self, socket: Socket, versions: tuple[str, ...]) -> tuple[Setting | None, tuple[str, ...]]:
        """The suites of all servers of the socket, the default server's first: a peer may ask for any of their names.

        None with the reason among the notes when those of one server are not known.
        """
        found: dict[str, None] = {}
        notes: list[str] = []
        evidence: Evidence = "effective"
        for server in socket.servers:
            old = self.old(server, versions)
            if old.problem:
                return None, (old.problem,)
            found.update(dict.fromkeys((*self.modern(server, versions), *old.names)))
            notes += old.notes
            evidence = old.evidence if old.evidence == "configured" else evidence
        return Setting(tuple(sorted(found, key=lambda name: not is_modern(name))), self.origin(socket.default, versions), evidence), tuple(notes)

    def origin(self, server: Server, versions: tuple[str, ...]) -> Origin:
        node = governing(server) if old_versions(versions) else server.command("ciphersuites")
        return node.origin if node else self.default

    def capability(self, socket: Socket, versions: tuple[str, ...]) -> Capability:
        """What each server of the socket could take: the library's suites, less what cannot come about there."""
        if self.known.doubt:
            return Capability(None, self.known.doubt, self.library.label)
        here = {name for server in socket.servers for name in self.modern(server, versions)}
        modern = (*self.known.modern, *sorted(here - set(self.known.modern)))
        limits = {self.limits(server, versions) for server in socket.servers}
        old = (suite.name for suite in self.known.old if all(limit.lets(suite) for limit in limits))
        return Capability((*modern, *old), "openssl ciphers -v", self.library.label)

    def modern(self, server: Server, versions: tuple[str, ...]) -> tuple[str, ...]:
        """The suites of TLS 1.3; () where that version is off."""
        if "TLSv1.3" not in versions:
            return ()
        node = server.command("ciphersuites")
        return self.tls13(node.args[-1] if node else "", self.level(server))

    def old(self, server: Server, versions: tuple[str, ...]) -> Listed:
        """The suites of TLS 1.2 and before; none where those versions are off."""
        if not old_versions(versions):
            return Listed()
        node = governing(server)
        where = f"{node.name} at {node.origin}" if node else f"{DEFAULT_CIPHERS} ({self.default})"
        text = self.text(node)
        names = tuple((text or "").split(":"))
        if self.known.doubt and all(_NAME.fullmatch(name) for name in names):
            return Listed(names, "configured")
        if problem := self.problem(text):
            return Listed(problem=f"{where} {problem}")
        means = self.expanded(text or "")
        limit = self.limits(server, versions)
        usable = tuple(suite for suite in means.suites if limit.lets(suite))
        return Listed(tuple(suite.name for suite in usable), notes=_remarks(where, means, usable, names, self.library), level=means.level)

    def everyone(self, socket: Socket, versions: tuple[str, ...]) -> frozenset[str]:
        """What any server of the socket takes.  Raises Inexpressible when that is not known of one."""
        found: set[str] = set()
        for server in socket.servers:
            old = self.old(server, versions)
            if old.problem:
                raise Inexpressible(old.problem, str(server.node.origin))
            found.update(self.modern(server, versions), old.names)
        return frozenset(found)

    def old_text(self, server: Server, wanted: list[str], versions: tuple[str, ...], everyone: frozenset[str]) -> str:
        """What ssl_ciphers shall say for one server; "" = it may stay as it is."""
        own = self.old(server, versions)
        names = _share(wanted, own.names, everyone)
        if not old_versions(versions) or set(names) == set(own.names):
            return ""
        return spelled(names, own.level)

    def modern_text(self, server: Server, wanted: list[str], versions: tuple[str, ...], everyone: frozenset[str]) -> str:
        """What Ciphersuites shall say for one server; "" = it may stay as it is."""
        own = self.modern(server, versions)
        names = _share(wanted, own, everyone)
        return "" if "TLSv1.3" not in versions or set(names) == set(own) else ":".join(names)

    def level(self, server: Server) -> int:
        """The security level: the last that is named counts, and CipherString is carried out behind ssl_ciphers."""
        return self.level_of(self.text(governing(server)), self.text(next(iter(server.governing("ssl_ciphers")[-1:]), None)))

    def limits(self, server: Server, versions: tuple[str, ...]) -> Limits:
        has_dh = bool(server.governing("ssl_dhparam") or server.command("dhparameters"))
        return Limits(self.level(server), has_dh, "TLSv1.2" in versions)

    def text(self, node: Node | None) -> str | None:
        """The expression; None when the system's policy decides and is not known."""
        return self.resolved(node.args[-1] if node and node.args else DEFAULT_CIPHERS)


def _share(wanted: list[str], own: tuple[str, ...], everyone: frozenset[str]) -> list[str]:
    """Of what the socket shall take, what this server takes already and what is new to all: no server gets what only another had."""
    return [name for name in wanted if name in own or name not in everyone] or wanted


def _remarks(where: str, means: Expansion, usable: tuple[Suite, ...], names: tuple[str, ...], library: Library) -> tuple[str, ...]:
    """What a person who reads the expression may not expect."""
    notes = [f"{where}: {library.label} knows no {', '.join(means.unknown)} and ignores that"] if means.unknown else []
    unused = {suite.name for suite in means.suites} - {suite.name for suite in usable}
    idle = [name for name in names if name in unused]
    return (*notes, f"{where} lists {', '.join(idle)}, which cannot come about here (see ssl_dhparam and @SECLEVEL)") if idle else tuple(notes)
