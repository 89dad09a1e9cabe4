"""What a configuration of Junos says about its cryptography.

Sources: Juniper's native YANG of 24.4R1 (junos-es-conf-security) for the words of IKE and IPsec, and for what no release up to that one has: ML-KEM;
Juniper's CLI reference for ssh, web-management and ssl.  What holds without a line: defaults/junos.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Endpoint, Setting, Snapshot
from .junos_live import SSH
from .junos_objects import KEPT, kept
from .kept import Node, tree
from .reading import EXCHANGES, SSH_LISTS, Aspects, Device, Known, port, together, weakest

SSL: Aspects = {"version": "protocol-version", "cipher": "custom-ciphers"}
IKE: Aspects = {"key_exchange": "dh-group", "cipher": "encryption-algorithm", "mac": "authentication-algorithm"}
ESP: Aspects = {"cipher": "encryption-algorithm", "mac": "authentication-algorithm"}
PFS: Aspects = {"key_exchange": "perfect-forward-secrecy keys"}
PROPOSALS = frozenset({"ikev2 cipher", "ikev2 mac", "esp cipher", "esp mac"})
KNOWN = Known((24, 4), "Juniper's YANG of Junos 24.4R1", EXCHANGES | SSH_LISTS | PROPOSALS)


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    return tuple(
        one
        for file in snapshot.files.values()
        for one in _endpoints(Device("junos", "Junos", release, file.path, known=KNOWN), tree(file.text or ""))
    )


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    yield from _management(device, top)
    for kind in ("termination", "initiation"):
        for name, profile in top.each("services", "ssl", kind, "profile"):
            chosen = profile.at("preferred-ciphers")
            notes = [f"{device.origin(chosen)}: preferred-ciphers {chosen.words()[0]} is a set that is not written down here"] if chosen else []
            notes.append("no line of a configuration names the groups of its key exchange")
            yield device.endpoint(f"ssl {kind} {name}", "tls", device.said(profile, SSL), SSL, notes, ())
    for within, place in _places(top):
        yield from _ike(device, within, place)
        yield from _esp(device, within, place)


def _places(top: Node) -> Iterator[tuple[str, Node]]:
    """Where tunnels are configured: SRX, MX with its services card, and the parts that a device is divided into."""
    yield "", top.at("security") or Node()
    yield "services ", top.at("services", "ipsec-vpn") or Node()
    for kind in ("logical-systems", "tenants"):
        for name, part in top.each(kind):
            yield f"{name} ", part.at("security") or Node()


def _management(device: Device, top: Node) -> Iterator[Endpoint]:
    services = top.at("system", "services") or Node()
    ssh, netconf, web = services.at("ssh"), services.at("netconf", "ssh"), services.at("web-management", "https")
    if ssh or netconf:
        addresses = [("*", port(ssh.under("port"), 22))] if ssh else []
        addresses += [("*", port(netconf.under("port"), 830))] if netconf else []
        versions = ssh.at("protocol-version") if ssh else None
        notes = [f"{device.origin(versions)}: it takes version 1 of SSH, which is broken"] if versions and "v1" in versions.below else []
        yield device.endpoint("ssh", "ssh", device.said(ssh or Node(), SSH), SSH, notes, tuple(addresses), place="ssh")
    if web:
        where = port(web.under("port"), 443)
        notes = ["no line of web-management names a version, a suite or a group of TLS: what the release does is not known here"]
        yield device.endpoint("web-management", "tls", {}, {}, notes, (("*", where),))


def _ike(device: Device, within: str, place: Node) -> Iterator[Endpoint]:
    policies = dict(place.each("ike", "policy"))
    gateways = dict(place.each("ike", "gateway"))
    for name, proposal in place.each("ike", "proposal"):
        users = {which for which, policy in policies.items() if name in (policy.at("proposals") or Node()).below}
        yield _negotiated(device, f"{within}ike proposal {name}", proposal, device.said(proposal, IKE), _gateways(gateways, users))
    for name, policy in policies.items():
        if chosen := policy.at("proposal-set"):
            notes = [f"{device.origin(chosen)}: proposal-set {chosen.words()[0]} stands for proposals that are not written down here"]
            yield _negotiated(device, f"{within}ike policy {name}", policy, {}, _gateways(gateways, {name}), notes)
    for name, gateway in gateways.items():
        missing = [word for word in gateway.under("ike-policy") if word not in policies]
        for word in missing:
            notes = [f"{device.origin(gateway)}: no policy is called {word}"]
            yield _negotiated(device, f"{within}ike gateway {name}", gateway, {}, [gateway], notes)


def _gateways(gateways: dict[str, Node], policies: set[str]) -> list[Node]:
    return [one for one in gateways.values() if policies & set((one.at("ike-policy") or Node()).below)]


def _negotiated(device: Device, id_: str, node: Node, settings: dict[str, Setting], users: list[Node], notes: list[str] | None = None) -> Endpoint:
    """A proposal as those gateways use it that come to it: their versions of IKE, and the least that they ask of a PPK."""
    told = notes or []
    if not users and not id_.startswith("services "):  # there are none
        told = [*told, "no gateway uses it here"]
    versions = [one.at("version") for one in users]
    if versions and all(versions):
        settings["version"] = device.setting((word for one in versions if one for word in one.words()), versions[0] or node)
    mode = weakest("enabled" if one.at("ppk-profile") else "off" for one in users)
    bare = next((one for one in users if not one.at("ppk-profile")), node)
    settings["ppk"] = device.setting((f"mode={mode}",), bare if mode == "off" else users[0])
    if mode == "enabled":
        told = [*told, "whether a peer without the PPK gets an SA without it is not known here"]
    return device.endpoint(id_, "ikev2", settings, {**IKE, "version": "gateway … version"}, told)


def _esp(device: Device, within: str, place: Node) -> Iterator[Endpoint]:
    """Each policy with the proposals that it names; a proposal that none names for itself."""
    proposals = dict(place.each("ipsec", "proposal"))
    named = set()
    for name, policy in place.each("ipsec", "policy"):
        words = policy.under("proposals")
        named |= set(words)
        notes = [f"{device.origin(policy)}: no proposal is called {word}" for word in words if word not in proposals]
        if chosen := policy.at("proposal-set"):
            notes.append(f"{device.origin(chosen)}: proposal-set {chosen.words()[0]} stands for proposals that are not written down here")
        behind = kept(words) if not within else ()  # what we put in front of others is judged alone
        for part, mine in ((name, words[: len(words) - len(behind)]), *(((f"{name}{KEPT}", behind),) if behind else ())):
            settings = {**together([device.said(proposals[word], ESP) for word in mine if word in proposals]), **device.said(policy, PFS)}
            yield device.endpoint(f"{within}ipsec policy {part}", "esp", settings, {**ESP, **PFS}, notes)
    for name, proposal in proposals.items():
        if name not in named:
            yield device.endpoint(f"{within}ipsec proposal {name}", "esp", device.said(proposal, ESP), ESP, ["no policy uses it here"])
