"""What a running configuration of Cisco IOS or IOS-XE says about its cryptography.

Sources: Cisco's native YANG of IOS-XE 26.1.1 (Cisco-IOS-XE-ip, -http, -crypto) for the words and for what came with 26.1.1: ML-KEM in SSH and in
IKEv2.  An absent line means the default of a release: what defaults/ios.py has a source for is documented, all else unknown, and a note says so.
All of it is as configured: nothing here was asked of the device.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..algorithms.lookup import all_of
from ..certificates.read import leaf
from ..credentials import Certificate
from ..documents.indent import Command, Document, parse
from ..model import Capability, Endpoint, Origin, Protocol, Setting, Snapshot
from .defaults import default_of, documented

SSH = {"key_exchange": "kex", "cipher": "encryption", "mac": "mac", "host_key": "hostkey", "user_key": "publickey"}
IKEV2 = {"cipher": "encryption", "mac": "integrity", "prf": "prf"}
ISAKMP = {"cipher": ("encr", "encryption"), "mac": ("hash",), "key_exchange": ("group",)}
MODELLED = (26, 1)  # the release whose YANG was read
_HEX = re.compile(r"[0-9A-Fa-f]+")
_ESP, _AH = re.compile(r"esp-"), re.compile(r"(?:esp-\w+-hmac|ah-)")


def release(document: Document) -> tuple[str, str]:
    """("IOS-XE", "17.12"), from the `version` line, which names the train alone; IOS-XE 3 calls itself 15 there, and counts as IOS."""
    number = next((one.words[1] for one in document.of("version")), "")
    return ("IOS-XE" if _train(number) >= (16,) else "IOS"), number


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    return tuple(endpoint for file in snapshot.files.values() for endpoint in _Device(parse(file.text or "", file.path)).endpoints())


def _train(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])


def esp_name(one: Command) -> str:
    """Of a profile, a map or a dynamic map."""
    return " ".join(one.words[1:])


class _Device:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.name, self.number = release(document)
        self.version = f"{self.name} {self.number}"

    def endpoints(self) -> Iterator[Endpoint]:
        if any(self._takes_ssh(line) for line in self.document.of("line", "vty")):
            yield self._ssh()
        if servers := self.document.of("ip", "http", "secure-server"):
            yield self._https(servers[0])
        for one in self.document.of("crypto", "ikev2", "proposal"):
            yield self._proposal(one)
        for one in self.document.of("crypto", "isakmp", "policy"):
            yield self._isakmp(one)
        for head in (("crypto", "ipsec", "profile"), ("crypto", "map"), ("crypto", "dynamic-map")):
            for one in self.document.of(*head):
                if found := one.under("set", "transform-set"):
                    yield self._esp(one, found[-1])

    # ------------------------------------------------------------ management

    def _takes_ssh(self, line: Command) -> bool:
        """Without a `transport input` line a release decides, and most take everything."""
        said = line.under("transport", "input")
        return not said or bool({"ssh", "all"} & set(said[-1].words[2:]))

    def _ssh(self) -> Endpoint:
        lines = {aspect: self.document.of("ip", "ssh", "server", "algorithm", word) for aspect, word in SSH.items()}
        settings = {aspect: self._setting(found[-1], found[-1].words[5:]) for aspect, found in lines.items() if found}
        settings.update({aspect: one for aspect in SSH if aspect not in settings and (one := self._default("ssh", aspect))})
        silent = [f"`ip ssh server algorithm {SSH[aspect]}`" for aspect in lines if aspect not in settings]
        unsure = [row.source for aspect in lines if aspect not in settings and (row := default_of("ios", self.number, "ssh", aspect))]
        notes = ["whether it answers depends on a key pair, which a configuration does not show", *unsure]
        notes += [f"{self._origin(one)}: it takes version 1 of SSH alone, which is broken" for one in self.document.of("ip", "ssh", "version", "1")]
        return self._endpoint("ssh", "ssh", settings, silent, notes, (("*", 22),))

    def _https(self, server: Command) -> Endpoint:
        heads = {"version": ("ip", "http", "tls-version"), "cipher": ("ip", "http", "secure-ciphersuite")}
        lines = {aspect: (head, self.document.of(*head)) for aspect, head in heads.items()}
        settings = {aspect: self._setting(found[-1], found[-1].words[3:]) for aspect, (dummy, found) in lines.items() if found}
        silent = [f"`{' '.join(head)}`" for aspect, (head, dummy) in lines.items() if aspect not in settings]
        ports = self.document.of("ip", "http", "secure-port")
        port = int(ports[-1].words[3]) if ports and ports[-1].words[3:] and ports[-1].words[3].isdigit() else 443
        notes = [f"{self._origin(server)}: no line of a configuration names the groups of its key exchange"]
        names = [one.words[3] for one in self.document.of("ip", "http", "secure-trustpoint") if one.words[3:]]
        found = tuple(shown(self.document, names[-1])) if names else ()
        return self._endpoint("https", "tls", settings, silent, notes, (("*", port),), found)

    # ------------------------------------------------------------ IKE and ESP

    def _proposal(self, one: Command) -> Endpoint:
        lines = {aspect: one.under(word) for aspect, word in IKEV2.items()}
        settings = {aspect: self._setting(found[-1], found[-1].words[1:]) for aspect, found in lines.items() if found}
        settings["version"] = self._setting(one, ("IKEv2",))
        groups, kems, notes = one.under("group"), one.under("pqc"), []
        if groups:
            plain = [f"group {number}" for number in groups[-1].words[1:]]
            added = [word for word in kems[-1].words[1:] if word != "optional"] if kems else []
            hybrid = [f"{group} pqc {kem}" for kem in added for group in plain]
            spare = kems and "optional" in kems[-1].words
            settings["key_exchange"] = self._setting(kems[-1] if kems else groups[-1], (*hybrid, *(plain if spare or not added else ())))
            if spare:
                notes.append(f"{self._origin(kems[-1])}: ML-KEM is optional: a peer without it gets a classical exchange in silence")
        ppk, more = self._ppk(one)
        settings["ppk"] = ppk
        words = {**IKEV2, "key_exchange": "group"}
        combined = "gcm" in " ".join(settings["cipher"].values) if "cipher" in settings else False
        silent = [f"`{word}`" for aspect, word in words.items() if aspect not in settings and not (combined and aspect == "mac")]
        return self._endpoint(f"ikev2 proposal {one.words[-1]}", "ikev2", settings, silent, [*notes, *more])

    def _ppk(self, proposal: Command) -> tuple[Setting, list[str]]:
        """A PPK belongs to profiles, and a proposal serves them all: the weakest counts."""
        profiles = self.document.of("crypto", "ikev2", "profile")
        keyrings = {one.words[-1]: one for one in self.document.of("crypto", "ikev2", "keyring")}
        modes = {}
        for one in profiles:
            named = one.under("keyring", "ppk")
            ring = keyrings.get(named[-1].words[-1]) if named else None
            keys = [key for peer in (ring.body if ring else ()) for key in peer.under("ppk")]
            modes[one] = "off" if not keys else "required" if all(key.words[-1] == "required" for key in keys) else "enabled"
        weakest = next((mode for mode in ("off", "enabled", "required") if mode in modes.values()), "off")
        where = next((one for one, mode in modes.items() if mode == weakest), proposal)
        silent = "the PPK is not required: a peer without it gets an SA without it in silence"
        lax = [f"{self._origin(one)}: {silent}" for one, mode in modes.items() if mode == "enabled"]
        return self._setting(where, (f"mode={weakest}",)), lax

    def _isakmp(self, one: Command) -> Endpoint:
        lines = {aspect: [found for word in words for found in one.under(word)] for aspect, words in ISAKMP.items()}
        settings = {aspect: self._setting(found[-1], (" ".join(found[-1].words[1:]),)) for aspect, found in lines.items() if found}
        if group := lines["key_exchange"]:
            settings["key_exchange"] = self._setting(group[-1], (" ".join(group[-1].words),))
        settings["version"] = self._setting(one, ("IKEv1",))
        silent = [f"`{ISAKMP[aspect][0]}`" for aspect in lines if aspect not in settings]
        return self._endpoint(f"isakmp policy {one.words[-1]}", "ikev2", settings, silent, ["IKEv1 has no additional exchanges and no PPK"])

    def _esp(self, one: Command, named: Command) -> Endpoint:
        sets = {each.words[3]: each for each in self.document.of("crypto", "ipsec", "transform-set") if each.words[3:]}
        used = [sets[name] for name in named.words[2:] if name in sets]
        said = [list(transforms(each.words[4:])) for each in used]
        settings = {}
        if used:
            ciphers = tuple(dict.fromkeys(word for words in said for word in words if _ESP.match(word) and not _AH.match(word)))
            macs = tuple(dict.fromkeys(word for words in said for word in words if _AH.match(word)))
            settings = {aspect: self._setting(used[0], words) for aspect, words in (("cipher", ciphers), ("mac", macs)) if words}
        notes = [f"{self._origin(named)}: no transform set is called {name}" for name in named.words[2:] if name not in sets]
        pfs = one.under("set", "pfs")
        if pfs and pfs[-1].words[2:]:
            settings["key_exchange"] = self._setting(pfs[-1], (" ".join(pfs[-1].words[2:]),))
        silent = [] if "key_exchange" in settings else ["`set pfs` with its group"]
        return self._endpoint(esp_name(one), "esp", settings, silent, notes)

    # ------------------------------------------------------------ pieces

    def _default(self, place: str, aspect: str) -> Setting | None:
        """Of IOS-XE alone: a classic IOS has releases of its own."""
        return documented("ios", self.version, self.number, place, aspect) if self.name == "IOS-XE" else None

    def _origin(self, one: Command) -> Origin:
        return Origin(self.document.path, one.line)

    def _setting(self, one: Command, values: Iterable[str]) -> Setting:
        return Setting(tuple(values), self._origin(one), "configured")

    def _endpoint(
        self,
        id_: str,
        protocol: Protocol,
        settings: dict[str, Setting],
        silent: list[str],
        notes: list[str],
        addresses: tuple[tuple[str, int], ...] = (("*", 500),),
        certificates: tuple[Certificate, ...] = (),
    ) -> Endpoint:
        if silent:
            notes = [*notes, f"no line says {', '.join(silent)}: what {self.version} does then is not known here; `show running-config all` tells it"]
        can = {aspect: self._capability(protocol, aspect) for aspect in ("key_exchange", *settings)}
        if protocol == "tls" and "version" in can:
            can["version"] = replace(can["version"], most=1)  # `ip http tls-version` takes one
        return Endpoint(f"ios {id_}", "ios", protocol, "ios", addresses, self.version, settings, can, certificates, tuple(notes))

    def _capability(self, protocol: Protocol, aspect: str) -> Capability:
        """What came with 26.1.1 is known to be missing before; what else an older IOS-XE has is the model's word for IKE and SSH exchanges alone."""
        newest = _train(self.number) >= MODELLED
        rows = [a for a in all_of(protocol, aspect) if "ios" in a.names]
        if not rows or self.name != "IOS-XE" or not (newest or aspect == "key_exchange"):
            return Capability(None, self.version, self.version)
        names = [
            name
            for a in rows
            if newest or not a.quantum_category
            for name in a.names["ios"]
            if not name.isdigit() and not (protocol == "ikev2" and name.startswith("mlkem"))
        ]
        source = "Cisco's YANG of IOS-XE 26.1.1" + ("" if newest else ", without what came with that")
        return Capability(tuple(names), source, self.version, order="set" if protocol == "ssh" else "list")


def shown(document: Document, trustpoint: str) -> Iterator[Certificate]:
    """What a trustpoint shows itself, without the authority's."""
    for chain in document.of("crypto", "pki", "certificate", "chain", trustpoint):
        for one in chain.under("certificate"):
            digits = "".join(word for line in one.body for word in line.words if _HEX.fullmatch(word))
            if "ca" not in one.words[1:-1] and digits and len(digits) % 2 == 0:
                body = base64.encodebytes(bytes.fromhex(digits)).decode()
                found = leaf(f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n", str(Origin(document.path, one.line)))
                yield from (found,) if found else ()


def transforms(words: tuple[str, ...]) -> Iterator[str]:
    """esp-aes 256 esp-sha-hmac → "esp-aes 256", "esp-sha-hmac"."""
    for place, word in enumerate(words):
        if not word.isdigit():
            bits = words[place + 1 : place + 2]
            yield f"{word} {bits[0]}" if bits and bits[0].isdigit() else word
