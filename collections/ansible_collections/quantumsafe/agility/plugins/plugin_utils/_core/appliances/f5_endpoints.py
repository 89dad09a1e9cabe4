"""What a configuration of BIG-IP says about its cryptography.

Sources: the choices of f5networks.f5_modules for IKE and IPsec; F5's Terraform provider for cipher rules and groups; the project's own notes, not
checked against a manual, for sshd, httpd and the options of TLS profiles.  No release's defaults are written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..algorithms.lookup import find
from ..model import Endpoint, Setting, Snapshot
from .kept import Node, tree
from .reading import Aspects, Device, port

# Keywords of sshd_config, by what they say.
SSHD = {"KexAlgorithms": "key_exchange", "Ciphers": "cipher", "MACs": "mac", "HostKeyAlgorithms": "host_key"}
SSH: Aspects = {aspect: f"include {keyword}" for keyword, aspect in SSHD.items()}
TLS: Aspects = {"version": "options", "cipher": "ciphers", "key_exchange": "dh-groups"}
HTTPS: Aspects = {"version": "ssl-protocol", "cipher": "ssl-ciphersuite"}
IKE: Aspects = {
    "key_exchange": "phase1-perfect-forward-secrecy",
    "cipher": "phase1-encrypt-algorithm",
    "mac": "phase1-hash-algorithm",
    "prf": "prf",
    "version": "version",
}
ESP: Aspects = {
    "key_exchange": "ike-phase2-perfect-forward-secrecy",
    "cipher": "ike-phase2-encrypt-algorithm",
    "mac": "ike-phase2-auth-algorithm",
}
VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
OFF = {"no-ssl": "SSLv3", "no-sslv3": "SSLv3", "no-tlsv1": "TLSv1", "no-tlsv1.1": "TLSv1.1", "no-tlsv1.2": "TLSv1.2", "no-tlsv1.3": "TLSv1.3"}


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    devices = ((Device("f5", "BIG-IP", release, file.path, "list … all-properties"), file.text or "") for file in snapshot.files.values())
    return tuple(one for device, text in devices for one in _endpoints(device, tree(text)))


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    """SSH and the web page count as served unless SSH is switched off: both are without a line."""
    sshd, httpd = top.at("sys", "sshd") or Node(), top.at("sys", "httpd") or Node()
    if sshd.under("login") != ("disabled",):
        yield _ssh(device, sshd)
    yield _https(device, httpd)
    for kind in ("client-ssl", "server-ssl"):
        profiles = dict(top.each("ltm", "profile", kind))
        for name, profile in profiles.items():
            if profile.under("mode") != ("disabled",):
                yield _profile(device, f"{kind} {name}", profile, profiles, top)
    for name, peer in top.each("net", "ipsec", "ike-peer"):
        if peer.under("state") != ("disabled",):
            notes = ["IKEv1 has no additional exchanges and no PPK"] if "v1" in peer.under("version") else []
            yield device.endpoint(f"ike-peer {name}", "ikev2", device.said(peer, IKE), IKE, notes)
    for name, policy in top.each("net", "ipsec", "ipsec-policy"):
        yield _esp(device, name, policy)


def _ssh(device: Device, sshd: Node) -> Endpoint:
    settings, notes = {}, []
    for aspect, said in device.said(sshd, SSH).items():
        (value,) = said.values[:1]
        if value[0] in "+-^":
            notes.append(f"{said.origin}: it changes a list that is not written down here")
        else:
            settings[aspect] = Setting(tuple(value.split(",")), said.origin, "configured")
    return device.endpoint("ssh", "ssh", settings, SSH, notes, (("*", port(sshd.under("port"), 22)),))


def _https(device: Device, httpd: Node) -> Endpoint:
    """ssl-protocol is that of Apache: `all -SSLv3` is what the release has without that."""
    settings, notes = {}, ["no line of a configuration names the groups of its key exchange"]
    if protocol := httpd.at("ssl-protocol"):
        words = " ".join(protocol.words()).split()
        if "all" in (word.lower().lstrip("+") for word in words):
            notes.append(f"{device.origin(protocol)}: of `all` TLSv1.3 counts only where it is named: whether this release has it is not known here")
        if versions := _protocols(words):
            settings["version"] = device.setting(versions, protocol)
    settings.update(_suites(device, httpd.at("ssl-ciphersuite"), notes))
    return device.endpoint("https", "tls", settings, HTTPS, notes, (("*", port(httpd.under("ssl-port"), 443)),))


def _protocols(words: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for word in words:
        name = word.lstrip("+-").lower()
        meant = [one for one in VERSIONS if one.lower() == name] or (list(VERSIONS[:-1]) if name == "all" else [])
        if word[0] not in "+-":
            found = {} if meant else found
        for one in meant:
            if word[0] == "-":
                found.pop(one, None)
            else:
                found[one] = None
    return list(found)


def _suites(device: Device, node: Node | None, notes: list[str]) -> dict[str, Setting]:
    """A list with nothing but names of suites in it; what only takes some away leaves no more than is said."""
    if not node:
        return {}
    words = [word for word in node.words()[0].split(":") if word and word[0] not in "!-"]
    if words and all(find("tls", "cipher", word) for word in words):
        return {"cipher": device.setting(words, node)}
    if words != ["none"]:
        notes.append(f"{device.origin(node)}: `{node.words()[0]}` stands for suites that are not worked out here")
    return {}


def _profile(device: Device, id_: str, profile: Node, profiles: dict[str, Node], top: Node) -> Endpoint:
    """What it does not say is its parent's, as far as that stands in the text."""
    notes: list[str] = []
    line, seen = [profile], {id_.partition(" ")[2]}
    while (parent := (line[-1].under("defaults-from") or ("",))[0]) not in ("", "none", *seen):
        if parent not in profiles:
            notes.append(f"what it does not say is that of {parent}, which is not in this text")
            break
        seen.add(parent)
        line.append(profiles[parent])
    said = {word: next((node for one in line if (node := one.at(word))), None) for word in ("options", "ciphers", "cipher-group")}
    settings: dict[str, Setting] = {}
    if options := said["options"]:
        off = {OFF[word] for word in options.words() if word in OFF} | _taken(said["ciphers"])
        settings["version"] = device.setting((one for one in VERSIONS if one not in off), options)
    group = said["cipher-group"]
    if group and group.words() != ("none",):
        settings.update(_group(device, group, top, notes))
    else:
        settings.update(_suites(device, said["ciphers"], notes))
    return device.endpoint(id_, "tls", settings, TLS, notes, ())


def _taken(ciphers: Node | None) -> set[str]:
    """The versions whose suites a list takes away, all of them."""
    words = ciphers.words()[0].split(":") if ciphers else []
    return {name for word in words if word[:1] in ("!", "-") and (name := word[1:].replace("_", ".")) in VERSIONS}


def _group(device: Device, used: Node, top: Node, notes: list[str]) -> dict[str, Setting]:
    """The rules that a group allows, together; one whose words are not known makes the whole unknown."""
    name = used.words()[0]
    names = (top.at("ltm", "cipher", "group", name) or Node()).under("allow")
    rules = [top.at("ltm", "cipher", "rule", one) for one in names]
    if not rules or not all(rules):
        notes.append(f"{device.origin(used)}: the rules of cipher-group {name} are not in this text")
        return {}
    ciphers = [_suites(device, rule.at("cipher"), notes) for rule in rules if rule]
    groups = [_groups(device, rule.at("dh-groups"), notes) for rule in rules if rule]
    return {**_all(ciphers), **_all(groups)}


def _groups(device: Device, node: Node | None, notes: list[str]) -> dict[str, Setting]:
    words = [word for word in node.words()[0].split(":") if word and word[0] not in "!-"] if node else []
    if node and all(find("tls", "key_exchange", word) for word in words):
        return {"key_exchange": device.setting(words, node)}
    if node:
        notes.append(f"{device.origin(node)}: `{node.words()[0]}` stands for groups that are not worked out here")
    return {}


def _all(each: list[dict[str, Setting]]) -> dict[str, Setting]:
    if not all(each):
        return {}
    ((aspect, first),) = each[0].items()
    return {aspect: Setting(tuple(dict.fromkeys(value for one in each for value in one[aspect].values)), first.origin, "configured")}


def _esp(device: Device, name: str, policy: Node) -> Endpoint:
    settings, notes = device.said(policy, ESP), []
    exchange = settings.get("key_exchange")
    if exchange and exchange.values == ("none",):
        del settings["key_exchange"]
        notes.append(f"{exchange.origin}: without an exchange of its own every child stands on the keys of IKE")
    if "mac" in settings and "gcm" in settings["mac"].values[0]:
        del settings["mac"]  # the cipher itself
    return device.endpoint(f"ipsec-policy {name}", "esp", settings, ESP, notes)
