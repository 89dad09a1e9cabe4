"""What a configuration of FortiOS says about its cryptography.

Sources: Fortinet's own schema by version (collection fortinet.fortios 2.4.2) for words and since when they are there; defaults/fortios.py for what
holds without a line.  `show` omits defaults, `show full-configuration` does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..certificates.read import leaf
from ..credentials import Certificate
from ..model import Capability, Endpoint, Origin, Setting, Snapshot
from .kept import Node, tree
from .reading import EXCHANGES, SSH_LISTS, Aspects, Device, Known, port, sealed, train

SSH: Aspects = {"key_exchange": "ssh-kex-algo", "cipher": "ssh-enc-algo", "mac": "ssh-mac-algo", "host_key": "ssh-hsk-algo"}
HTTPS: Aspects = {"version": "admin-https-ssl-versions", "cipher": "admin-https-ssl-ciphersuites"}
VPN: Aspects = {"version": "ssl-min-proto-ver", "cipher": "ciphersuite", "key_exchange": "tls-groups"}
PHASE1: Aspects = {"version": "ike-version {}"}
GROUPS: Aspects = {"key_exchange": "dhgrp {}"}
OLD = ("ssh-kex-sha1", "ssh-cbc-cipher", "ssh-hmac-md5", "ssh-mac-weak", "admin-ssh-v1")  # weak words that releases before 7.0.2 switch as a whole
VERSIONS = ("tls1-0", "tls1-1", "tls1-2", "tls1-3")
PPK = {"require": "required", "allow": "enabled", "disable": "off"}
TUNNELS = frozenset({"ikev2 cipher", "ikev2 mac", "ikev2 prf", "esp cipher", "esp mac"})
KNOWN = Known((7, 6, 99), "Fortinet's schema by version (fortinet.fortios 2.4.2)", EXCHANGES | SSH_LISTS | TUNNELS)
# Words of the SSH server that came later than its lists, which are of 7.0.2.
_EXCHANGES = {f"diffie-hellman-{group}": (7, 4, 1) for group in ("group14-sha256", "group16-sha512", "group18-sha512")}
LATER = {**_EXCHANGES, "ecdsa-sha2-nistp256": (7, 4, 2), "ecdsa-sha2-nistp384": (7, 4, 2)}
CERTIFICATES = (("vpn", "certificate", "local"), ("certificate", "local"))  # of global scope: without VDOMs, and with them
BOUND = "admin-server-cert"
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
NONE = ("0", "none")  # of addke: a peer may go without; the second from NAMED on
FIXED = "RFC 2409, section 5: IKEv1 does not agree on a group in aggressive mode and for a child, so both ends must change it together"
NAMED = (7, 6, 7)  # from here on the words of addke are names, not numbers
# What HTTPS of the device takes, and since when.
MANAGED = {
    "version": ((6, 2, 0), ("tlsv1-1", "tlsv1-2", "tlsv1-3")),
    "cipher": (
        (7, 0, 2),
        tuple(
            f"TLS-{name}"
            for name in ("AES-256-GCM-SHA384", "CHACHA20-POLY1305-SHA256", "AES-128-GCM-SHA256", "AES-128-CCM-SHA256", "AES-128-CCM-8-SHA256")
        ),
    ),
}


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    return tuple(
        one
        for file in snapshot.files.values()
        for one in _endpoints(Device("fortios", "FortiOS", release, file.path, "show full-configuration", KNOWN), tree(file.text or ""))
    )


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    yield from _management(device, top)
    for vdom, here in (("", top), *top.each("vdom")):
        within = f"{vdom} " if vdom else ""
        yield from _ssl(device, within, here)
        for kind in ("phase1-interface", "phase1"):
            for name, phase in here.each("vpn", "ipsec", kind):
                yield _spoken(device, _phase1(device, f"{within}{kind} {name}", phase, kind), phase)
        for kind in ("phase2-interface", "phase2"):
            for name, phase in here.each("vpn", "ipsec", kind):
                first = here.at("vpn", "ipsec", kind.replace("2", "1"), "".join(phase.under("phase1name"))) or Node()
                yield _spoken(device, _phase2(device, f"{within}{kind} {name}", phase, kind), first)


def _management(device: Device, top: Node) -> Iterator[Endpoint]:
    """Only where an interface allows it; a text without interfaces does not say."""
    places = [top, *(one for dummy, one in top.each("vdom"))]
    access = [node.at("allowaccess") for where in places for dummy, node in where.each("system", "interface")]
    allowed = {word for one in access if one for word in one.below}
    whole, later = top.at("system", "global") or Node(), top.at("system", "ssh-config") or Node()
    strong = "disable" not in whole.under("strong-crypto")  # with it the defaults that are written down
    if not access or "ssh" in allowed:
        older = {**SSH, "host_key": "ssh-hostkey-algo"}
        settings = {**device.said(whole, older), **device.said(whole, SSH), **device.said(later, SSH)}
        switches = [(word, node) for word in OLD if (node := whole.at(word)) and "enable" in node.below]
        notes = [f"{device.origin(node)}: {word} enable lets broken words in" for word, node in switches]
        where = (("*", port(whole.under("admin-ssh-port"), 22)),)
        yield _able(device, device.endpoint("ssh", "ssh", settings, SSH, notes, where, place="ssh" if strong else ""))
    if not access or "https" in allowed:
        settings = device.said(whole, HTTPS)
        notes = ["no line of a configuration names the groups of its key exchange"]
        if "cipher" in settings and "".join(whole.under("admin-https-ssl-versions")) != "tlsv1-3":
            suites = settings.pop("cipher")
            notes.append(f"{suites.origin}: {HTTPS['cipher']} are those of TLS 1.3; what older versions may use is not said by name")
        where = (("*", port(whole.under("admin-sport"), 443)),)
        certificates = shown(device.path, top, "".join(whole.under(BOUND)))
        yield _managed(device, device.endpoint("https", "tls", settings, HTTPS, notes, where, certificates, "https" if strong else ""))


def shown(path: str, top: Node, name: str) -> tuple[Certificate, ...]:
    """The certificate of global scope of that name, where the text holds it: of what came with the device it does not."""
    for table in CERTIFICATES:
        if (node := top.at(*table, name, "certificate")) and (found := leaf(_pem(node.words()[0]), str(Origin(path, node.line)))):
            return (found,)
    return ()


def _pem(said: str) -> str:
    """The first certificate of what was kept in one line."""
    body = said.partition(BEGIN)[2].partition(END)[0].split()
    return "\n".join((BEGIN, *body, END, ""))


def _able(device: Device, server: Endpoint) -> Endpoint:
    """Without the words that this release does not have yet."""
    mine = train(device.release)
    can = {
        aspect: replace(one, names=one.names and tuple(name for name in one.names if LATER.get(name, ()) <= mine))
        for aspect, one in server.capabilities.items()
    }
    return replace(server, capabilities=can)


def _managed(device: Device, https: Endpoint) -> Endpoint:
    """With what a source says that its HTTPS takes."""
    mine = train(device.release)
    can = {
        aspect: Capability(names, KNOWN.source, device.version, order="set")
        for aspect, (since, names) in MANAGED.items()
        if aspect in https.settings and since <= mine <= KNOWN.upto
    }
    return replace(https, capabilities={**https.capabilities, **can})


def _ssl(device: Device, within: str, here: Node) -> Iterator[Endpoint]:
    """The VPN over TLS, where it has an interface and is not switched off."""
    node = here.at("vpn", "ssl", "settings")
    if not node or not node.at("source-interface") or node.under("status") == ("disable",):
        return
    settings, notes = device.said(node, VPN), []
    least, most = node.under("ssl-min-proto-ver"), node.under("ssl-max-proto-ver") or VERSIONS[-1:]
    if "version" in settings and least[0] in VERSIONS and most[0] in VERSIONS:
        between = VERSIONS[VERSIONS.index(least[0]) : VERSIONS.index(most[0]) + 1]
        settings["version"] = Setting(between, settings["version"].origin, "configured")
    if "cipher" in settings and least != ("tls1-3",):
        suites = settings.pop("cipher")
        notes.append(f"{suites.origin}: ciphersuite names those of TLS 1.3 alone; what older versions may use is not said by name")
    yield device.endpoint(f"{within}ssl vpn", "tls", settings, VPN, notes, (("*", port(node.under("port"), 443)),))


def _phase1(device: Device, id_: str, phase: Node, kind: str) -> Endpoint:
    settings = {**_proposals(device, phase), **device.said(phase, PHASE1)}
    exchange, notes = _exchange(device, phase, kind)
    settings.update(exchange)
    chosen = phase.at("ppk")
    mode = PPK.get(chosen.words()[0], "") if chosen else "off"  # without a secret of its own there is none
    if mode:
        settings["ppk"] = device.setting((f"mode={mode}",), chosen or phase)
    if mode == "enabled" and chosen:
        notes.append(f"{device.origin(chosen)}: the PPK is not required: a peer without it gets an SA without it in silence")
    expected = {"version": "ike-version", "cipher": "proposal", "key_exchange": "dhgrp"}
    return device.endpoint(id_, "ikev2", settings, expected, notes, place=kind)


def _phase2(device: Device, id_: str, phase: Node, kind: str) -> Endpoint:
    settings = {aspect: one for aspect, one in _proposals(device, phase).items() if aspect != "prf"}
    exchange, notes = _exchange(device, phase, kind)
    chosen = phase.at("pfs")
    if chosen and chosen.words() == ("disable",):
        exchange = {}
        notes.append(f"{device.origin(chosen)}: pfs disable: every child stands on the keys of IKE")
    return device.endpoint(id_, "esp", {**settings, **exchange}, {"cipher": "proposal", "key_exchange": "dhgrp"}, notes)


def _spoken(device: Device, tunnel: Endpoint, first: Node) -> Endpoint:
    """Without the words of another release, and those that its version of IKE does not have or cannot agree on.  first: its phase 1."""
    named, two = train(device.release) >= NAMED, first.under("ike-version") == ("2",)
    fixed = not two and (tunnel.protocol == "esp" or first.under("mode") == ("aggressive",))

    def takes(aspect: str, name: str) -> bool:
        if aspect == "key_exchange" and fixed:
            return name in tunnel.settings[aspect].values if aspect in tunnel.settings else False
        if " addke " in name:
            return two and name.rpartition(" ")[2].isdigit() != named
        return two or aspect != "cipher" or tunnel.protocol == "esp" or not sealed((name,))

    can = {aspect: replace(one, names=one.names and tuple(n for n in one.names if takes(aspect, n))) for aspect, one in tunnel.capabilities.items()}
    if fixed and can["key_exchange"].names is not None:
        can["key_exchange"] = replace(can["key_exchange"], source=FIXED)
    return replace(tunnel, capabilities=can)


def _proposals(device: Device, phase: Node) -> dict[str, Setting]:
    """aes256-sha384 → cipher and mac; aes256gcm-prfsha384 → cipher and prf; aes256gcm → cipher."""
    node = phase.at("proposal")
    if not node:
        return {}
    apart = [word.partition("-")[::2] for word in node.words()]
    found = {
        "cipher": [cipher for cipher, dummy in apart],
        "prf": [rest for dummy, rest in apart if rest.startswith("prf")],
        "mac": [rest for dummy, rest in apart if rest and not rest.startswith("prf")],
    }
    return {aspect: device.setting(values, node) for aspect, values in found.items() if values}


def _exchange(device: Device, phase: Node, kind: str) -> tuple[dict[str, Setting], list[str]]:
    """dhgrp, each with each of the first addke that asks for something."""
    groups = device.filled(device.said(phase, GROUPS), GROUPS, kind).get("key_exchange")
    if not groups:
        return {}, []
    plain = groups.values
    added = [(f"addke{number}", node) for number in range(1, 8) if (node := phase.at(f"addke{number}")) and set(node.words()) - set(NONE)]
    if not added:
        return {"key_exchange": groups}, []
    (name, node), more = added[0], added[1:]
    hybrid = [f"{group} addke {kem}" for group in plain for kem in node.words() if kem not in NONE]
    notes = [f"{device.origin(other)}: {word} asks for one more exchange, which is not judged" for word, other in more]
    spare = bool(set(NONE) & set(node.words()))
    if spare:
        notes.append(f"{device.origin(node)}: {name} may be left out: a peer without it gets a classical exchange in silence")
    return {"key_exchange": device.setting((*hybrid, *(plain if spare else ())), node)}, notes
