"""Cisco ASA: a saved running configuration, and what it says about its cryptography.

It names its release (`ASA Version 9.16(4)`) and closes with `: end`, a saved one with `Cryptochecksum:`.  Words and lines are those of the project's
notes, not checked against Cisco's command reference; the additional key exchanges of 9.20 are noted, not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..documents.indent import parse
from ..documents.statements import Document
from ..model import Endpoint, Setting, Snapshot, Unparsable
from .appliance import Appliance
from .kept import Node, keep, tree
from .reading import ECHO, Aspects, Device, alone, flat, once, port, together

LABEL = "Cisco ASA"
SAVE = "save `show running-config` again, whole and alone (terminal pager 0)"
KEEP = (
    "ASA Version *",
    "hostname *",
    "ssh cipher encryption +",
    "ssh cipher integrity +",
    "ssh key-exchange group +",
    "ssh key-exchange hostkey +",
    "ssh version +",
    "ssh * * *",
    "http server enable",
    "http server enable *",
    "webvpn enable",
    "ssl server-version +",
    "ssl cipher * custom +",
    "crypto ikev2 policy *",
    "crypto ikev2 policy * encryption +",
    "crypto ikev2 policy * integrity +",
    "crypto ikev2 policy * group +",
    "crypto ikev2 policy * prf +",
    "crypto ikev2 policy * additional-key-exchange",
    "crypto ikev1 policy *",
    "crypto ikev1 policy * encryption +",
    "crypto ikev1 policy * hash +",
    "crypto ikev1 policy * group +",
    "crypto ipsec ikev2 ipsec-proposal * protocol esp encryption +",
    "crypto ipsec ikev2 ipsec-proposal * protocol esp integrity +",
    "crypto ipsec ikev1 transform-set * +",
    "crypto ipsec profile * set ikev2 ipsec-proposal +",
    "crypto ipsec profile * set pfs +",
    "crypto map * * set ikev2 ipsec-proposal +",
    "crypto map * * set ikev1 transform-set +",
    "crypto map * * set pfs +",
    "crypto dynamic-map * * set ikev2 ipsec-proposal +",
    "crypto dynamic-map * * set ikev1 transform-set +",
    "crypto dynamic-map * * set pfs +",
)
SSH: Aspects = {
    "key_exchange": "key-exchange group",
    "cipher": "cipher encryption custom",
    "mac": "cipher integrity custom",
    "host_key": "key-exchange hostkey",
}
IKEV2: Aspects = {"key_exchange": "group {}", "cipher": "encryption", "mac": "integrity", "prf": "prf"}
IKEV1: Aspects = {"key_exchange": "group {}", "cipher": "encryption", "mac": "hash"}
ESP: Aspects = {"cipher": "protocol esp encryption", "mac": "protocol esp integrity"}
PFS: Aspects = {"key_exchange": "set pfs"}
_END = re.compile(r"^(?:: end|Cryptochecksum:\S+)[ \t\r]*$", re.MULTILINE)
_COMMAND = re.compile(r"[a-z0-9:]|ASA Version|Cryptochecksum:")


def look(text: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Raises Unparsable (file:line) for what is cut off, holds more than one device, or is mixed with prose."""
    indented = parse(text, path, banners=False)
    alone(text, Document(path, indented.lines, ()), SAVE)
    if not _END.search(text):
        raise Unparsable("it is cut off: a running configuration closes with `: end`", f"{path}:{len(indented.lines)}", SAVE)
    for one in indented.commands:
        said = " ".join(one.words)
        if not _COMMAND.match(said) and not ECHO.fullmatch(said):
            raise Unparsable("a line that is no command of ASA", f"{path}:{one.line}", SAVE)
    release = once((one.words[2] for one in indented.of("ASA", "Version") if one.words[2:]), "`ASA Version`", path)
    hostname = once((one.words[1] for one in indented.of("hostname") if one.words[1:]), "`hostname`", path)
    statements = tuple(one for command in indented.commands for one in flat(command))
    facts = {"os_ID": "asa", "os_PRETTY_NAME": f"Cisco ASA {release}", "hostname": hostname, "release": release}
    return keep(Document(path, indented.lines, statements), KEEP), facts


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    release = snapshot.facts.get("release", "")
    devices = ((Device("asa", "ASA", release, file.path, "show running-config all"), file.text or "") for file in snapshot.files.values())
    return tuple(one for device, text in devices for one in _endpoints(device, tree(text)))


def _endpoints(device: Device, top: Node) -> Iterator[Endpoint]:
    ssh = top.at("ssh") or Node()
    if any("." in word or ":" in word for word in ssh.below):  # a network from which it is let in
        yield _ssh(device, ssh)
    web, vpn = top.at("http", "server", "enable"), top.at("webvpn", "enable")
    if web or vpn:
        ports = [port(web.words(), 443)] if web else []
        ports += [443] if vpn and 443 not in ports else []
        yield _ssl(device, top.at("ssl") or Node(), tuple(("*", number) for number in ports))
    for name, policy in top.each("crypto", "ikev2", "policy"):
        settings = _without_null({**device.said(policy, IKEV2), "version": device.setting(("IKEv2",), policy)})
        more = policy.at("additional-key-exchange")
        notes = [f"{device.origin(more)}: additional-key-exchange is not judged"] if more else []
        yield device.endpoint(f"ikev2 policy {name}", "ikev2", settings, IKEV2, notes)
    for name, policy in top.each("crypto", "ikev1", "policy"):
        settings = {**device.said(policy, IKEV1), "version": device.setting(("IKEv1",), policy)}
        yield device.endpoint(f"ikev1 policy {name}", "ikev2", settings, IKEV1, ["IKEv1 has no additional exchanges and no PPK"])
    for name, profile in top.each("crypto", "ipsec", "profile"):
        yield _esp(device, f"ipsec profile {name}", profile, top)
    for kind in ("map", "dynamic-map"):
        for name, numbered in top.each("crypto", kind):
            for number, entry in numbered.below.items():
                if entry.at("set", "ikev2") or entry.at("set", "ikev1"):
                    yield _esp(device, f"{kind} {name} {number}", entry, top)


def _ssh(device: Device, ssh: Node) -> Endpoint:
    """Lists are one word with colons; a word such as `high` stands for a list that is not written down here."""
    settings = {aspect: _apart(one) for aspect, one in device.said(ssh, SSH).items()}
    notes = []
    for what in ("encryption", "integrity"):
        level = ssh.at("cipher", what)
        if level and "custom" not in level.below:
            notes.append(f"{device.origin(level)}: ssh cipher {what} {' '.join(level.words())} is a list that is not written down here")
    version = ssh.at("version")
    if version and "1" in version.below:
        notes.append(f"{device.origin(version)}: it takes version 1 of SSH, which is broken")
    return device.endpoint("ssh", "ssh", settings, {aspect: f"ssh {words}" for aspect, words in SSH.items()}, notes, (("*", 22),))


def _apart(setting: Setting) -> Setting:
    return Setting(tuple(word for value in setting.values for word in value.strip('"').split(":")), setting.origin, "configured")


def _ssl(device: Device, ssl: Node, addresses: tuple[tuple[str, int], ...]) -> Endpoint:
    """server-version is the least; the suites of that one version are known where they are written out."""
    settings, notes = {}, ["which groups TLS takes for its key exchange is not judged"]
    least = ssl.at("server-version")
    if least:
        version = least.words()[0]
        settings["version"] = device.setting((version,), least)
        notes.append(f"{device.origin(least)}: server-version is the least; what the release has above it is spoken, too")
        custom = ssl.at("cipher", version, "custom")
        if custom:
            settings["cipher"] = _apart(device.setting(custom.words(), custom))
    return device.endpoint("ssl", "tls", settings, {"version": "ssl server-version", "cipher": "ssl cipher … custom"}, notes, addresses)


def _without_null(settings: dict[str, Setting]) -> dict[str, Setting]:
    """`integrity null` stands beside ciphers that need none."""
    return {aspect: one for aspect, one in settings.items() if aspect != "mac" or one.values != ("null",)}


def _esp(device: Device, id_: str, entry: Node, top: Node) -> Endpoint:
    """A map or a profile with the proposals and transform sets that it names."""
    notes: list[str] = []
    each: list[dict[str, Setting]] = []
    for kind, words in (("ikev2", ("ipsec-proposal",)), ("ikev1", ("transform-set",))):
        named = entry.at("set", kind, *words)
        for name in named.words() if named else ():
            node = top.at("crypto", "ipsec", kind, *words, name)
            if node is None:
                notes.append(f"{device.origin(entry)}: no {words[0]} is called {name}")
            else:
                each.append(_without_null(device.said(node, ESP)) if kind == "ikev2" else _transforms(device, node))
    settings = {**together(each), **device.said(entry, PFS)}
    return device.endpoint(id_, "esp", settings, {**ESP, **PFS}, notes)


def _transforms(device: Device, node: Node) -> dict[str, Setting]:
    words = [word for word in node.words() if word.startswith("esp-")]
    macs = [word for word in words if word.endswith("-hmac")]
    found = {"cipher": [word for word in words if word not in macs], "mac": macs}
    return {aspect: device.setting(values, node) for aspect, values in found.items() if values}


APPLIANCE = Appliance("asa", LABEL, re.compile(r"^ASA Version ", re.MULTILINE), look, read)
