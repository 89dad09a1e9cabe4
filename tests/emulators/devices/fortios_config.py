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
GLOBAL: dict[str, object] = {"hostname": "", "admin-ssh-port": 22, "cfg-save": "automatic", "cfg-revert-timeout": 600}
MODES = ("automatic", "manual", "revert")


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
        return next((block for block in self.blocks if block[0] == f"config {table.replace('/', ' ')}"), None)

    def get(self, table: str, word: str) -> str:
        found = (re.match(rf"\s*set {word} (.*)", line) for line in self._block(table) or ())
        return next((one[1].strip('"') for one in found if one), "")

    def put(self, table: str, word: str, value: str, default: str) -> None:
        block = self._block(table)
        if block is None:
            block = [f"config {table.replace('/', ' ')}", "end"]
            self.blocks.append(block)
        at = next((place for place, line in enumerate(block) if line.split()[:2] == ["set", word]), 0)
        if at:
            del block[at]
        if value != default:
            block.insert(at or 1, f"    set {word} {value}")
        if len(block) == 2:
            self.blocks.remove(block)


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
