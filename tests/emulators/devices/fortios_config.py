"""A configuration of the emulated FortiGate: blocks, as a backup has them.  What is a default is no line of it."""

from __future__ import annotations

import re

KEX = (
    *("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512"),
    *("diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha256"),
    *("curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
)
ENC = ("chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes256-cbc", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
MAC = ("hmac-sha1", "hmac-sha2-256", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-512-etm@openssh.com")
HSK = ("ssh-rsa", "rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519")
# What a list takes, and what it is without a line: the defaults are the emulator's guess.
LISTS = {
    "ssh-kex-algo": (KEX, (*KEX[2:4], *KEX[7:])),
    "ssh-enc-algo": (ENC, (*ENC[:1], ENC[3], ENC[6])),
    "ssh-mac-algo": (MAC, MAC[1:]),
    "ssh-hsk-algo": (HSK, HSK[1:]),
}
OLDER = {"ssh-hsk-algo": "ssh-hostkey-algo"}  # while the lists stood in `system global`
VERSIONS = "admin-https-ssl-versions"
GLOBAL: dict[str, object] = {
    "hostname": "",
    "admin-ssh-port": 22,
    "admin-sport": 443,
    "admin-server-cert": "self-sign",
    VERSIONS: "tlsv1-2 tlsv1-3",
    "admin-https-ssl-ciphersuites": "TLS-AES-128-GCM-SHA256 TLS-AES-256-GCM-SHA384",
    "cfg-save": "automatic",
    "cfg-revert-timeout": 600,
}
_SET = re.compile(r'^\s*set (\S+) ("[^"]*"|.*)$', re.MULTILINE)
_BARE = re.compile(r"ENC |global$|user$|factory$")
MODES = ("automatic", "manual", "revert")
# Of a tunnel: what a list takes.  Of proposals some words, of addke1 those of both spellings; a list is never empty but addke1, which is by default.
GROUPS = ("1", "2", "5", *(str(number) for number in range(14, 22)), "31", "32")
HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")
CBC = ("des", "3des", "aes128", "aes192", "aes256")
AEAD = ("aes128gcm", "aes256gcm", "chacha20poly1305")
TUNNEL = {
    "phase1": [f"{cipher}-{name}" for cipher in CBC for name in HASHES] + [f"{cipher}-prf{name}" for cipher in AEAD for name in HASHES[1:]],
    "phase2": [*(f"{cipher}-{name}" for cipher in CBC for name in HASHES), *AEAD],
}
NUMBERS, NAMES = ("0", "35", "36", "37"), ("none", "ml-kem-512", "ml-kem-768", "ml-kem-1024")


class Config:
    """blocks: those of global scope, which stand in `config global` where there are VDOMs; around: what stands before and behind that."""

    def __init__(self, text: str) -> None:
        self.blocks = _blocks(text.splitlines())
        self.around: tuple[list[list[str]], list[list[str]]] = ([], [])
        at = next((place for place, block in enumerate(self.blocks) if block[0].split() == ["config", "global"]), None)
        if at is not None:
            self.around = (self.blocks[:at], self.blocks[at + 1 :])
            self.blocks = _blocks(self.blocks[at][1:-1])

    @property
    def vdoms(self) -> bool:
        return self.around != ([], [])

    @property
    def text(self) -> str:
        blocks = [*self.around[0], ["config global"], *self.blocks, ["end"], *self.around[1]] if self.vdoms else self.blocks
        return "".join(f"{line}\n" for block in blocks for line in block)

    def _block(self, table: str) -> list[str] | None:
        return next((block for block in self.blocks if block[:1] == [f"config {table.replace('/', ' ')}"]), None)

    def get(self, table: str, word: str) -> str:
        return _get(self._block(table) or [], word)

    def put(self, table: str, word: str, value: str, default: str) -> None:
        block = self._block(table)
        if block is None:
            block = [f"config {table.replace('/', ' ')}", "end"]
            self.blocks.append(block)
        _put(block, word, "" if value == default else value)
        if len(block) == 2:
            self.blocks.remove(block)

    # ------------------------------------------------------------ entries of global scope: name → word → value, which may have many lines

    def entries(self, table: str) -> dict[str, dict[str, str]]:
        text = "\n".join(self._block(table) or [])
        found = re.findall(r'^\s*edit "?([^"\n]*?)"?\n(.*?)^\s*next$', text, re.MULTILINE | re.DOTALL)
        return {name: {word: value.strip('"') for word, value in _SET.findall(body)} for name, body in found}

    def entry(self, table: str, name: str) -> dict[str, str]:
        return self.entries(table).get(name, {})

    def put_entry(self, table: str, name: str, values: dict[str, str]) -> None:
        self._rewrite(table, {**self.entries(table), name: values})

    def drop_entry(self, table: str, name: str) -> None:
        self._rewrite(table, {one: values for one, values in self.entries(table).items() if one != name})

    def _rewrite(self, table: str, entries: dict[str, dict[str, str]]) -> None:
        """Its values are quoted, but what is encrypted and a word of a choice."""
        block = self._block(table)
        if block is None:
            block = []
            self.blocks.append(block)
        block[:] = [f"config {table}"]
        for name, values in entries.items():
            said = ((word, value if _BARE.match(value) else f'"{value}"') for word, value in values.items())
            shown = (f"        set {word} {value}" for word, value in said)
            block += [f'    edit "{name}"', *"\n".join(shown).splitlines(), "    next"]
        block += ["end"]
        if not entries:
            self.blocks.remove(block)

    # ------------------------------------------------------------ objects

    def objects(self, vdom: str, kind: str) -> dict[str, tuple[list[str], int, int]]:
        """Name → (the block that it stands in, its first line, the line of its `next`); those of another VDOM are not seen."""
        inside, found, name, begun = not self.vdoms, dict[str, tuple[list[str], int, int]](), "", 0
        for block in (*self.blocks, *(self.around[1] if self.vdoms else ())):
            table = ""
            for at, line in enumerate(block):
                words = line.split()
                if self.vdoms and words[:1] == ["edit"] and not table:
                    inside = words[1].strip('"') == vdom
                elif words[:1] == ["config"] and at + 1 < len(block):
                    table = " ".join(words[1:]) if words[1:] != ["vdom"] else ""
                elif inside and table == f"vpn ipsec {kind}" and words[:1] == ["edit"]:
                    name, begun = line.strip().removeprefix("edit ").strip('"'), at
                elif inside and table == f"vpn ipsec {kind}" and words == ["next"]:
                    found[name] = (block, begun, at)
                elif words == ["end"]:
                    table = ""
        return found

    def tunnel(self, vdom: str, kind: str, name: str, word: str) -> str:
        block, first, last = self.objects(vdom, kind)[name]
        return _get(block[first:last], word)

    def change(self, vdom: str, kind: str, name: str, values: dict[str, str]) -> None:
        for word, value in values.items():
            block, first, last = self.objects(vdom, kind)[name]
            mine = block[first : last + 1]
            _put(mine, word, value)
            block[first : last + 1] = mine


def _get(block: list[str], word: str) -> str:
    found = (re.match(rf"\s*set {word} (.*)", line) for line in block)
    return next((one[1].strip('"') for one in found if one), "")


def _put(block: list[str], word: str, value: str) -> None:
    """In its place, else first; "" takes the line away."""
    at = next((place for place, line in enumerate(block) if line.split()[:2] == ["set", word]), 0)
    deep = block[at or 1][: len(block[at or 1]) - len(block[at or 1].lstrip())] if len(block) > 2 else "    "
    if at:
        del block[at]
    if value:
        block.insert(at or 1, f"{deep}set {word} {value}")


def _blocks(lines: list[str]) -> list[list[str]]:
    """Each from its `config` to its `end`."""
    made: list[list[str]] = []
    depth = 0
    for line in lines:
        if depth == 0:
            made.append([])
        depth += {"config": 1, "end": -1}.get((line.split() or [""])[0], 0)
        made[-1].append(line)
    return made
