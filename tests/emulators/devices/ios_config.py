"""The running configuration of the emulated device: lines and what stands below them, as its text has them."""

from __future__ import annotations

import ios_crypto
import ios_pki

# Commands of which there is one: a new line takes the place of the old one.
SINGLE = (
    "hostname",
    "ip ssh version",
    "ip ssh server algorithm kex",
    "ip ssh server algorithm encryption",
    "ip ssh server algorithm mac",
    "ip ssh server algorithm hostkey",
    "ip http tls-version",
    "ip http secure-ciphersuite",
    "ip http secure-port",
    "ip http secure-trustpoint",
)
HTTPS = ("server", "port", "trustpoint", "ciphersuite")  # as they stand in a configuration
# Commands that open a mode of their own, and its prompt.
MODES = {
    "archive": "archive",
    "line": "line",
    "interface": "if",
    **ios_crypto.MODES,
    "crypto isakmp policy": "isakmp",
    ios_pki.POINT: "",
}
BELOW = ("encryption", "integrity", "prf", "group", "pqc", "encr", "hash", "transport", "path", "maximum", "description", "ip address", "shutdown")
BELOW += ("proposal", "match", "mode", "set")
MANY = ("proposal", "match", "set")  # of which a further one stands beside the first; `set` by its second word
KEX = (
    *("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
    *("diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha1"),
)
ML_KEM = ("mlkem768x25519-sha256", "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384")
GCM = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
# What a release takes, and, of it, what it does without a line: its defaults are the emulator's guess.
ALGORITHMS = {
    "kex": (KEX, KEX[:7]),
    "encryption": (("chacha20-poly1305@openssh.com", *GCM, "aes128-ctr", "aes192-ctr", "aes256-ctr"),) * 2,
    "mac": (("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"),) * 2,
    "hostkey": (("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),) * 2,
}
INVALID = "% Invalid input detected at '^' marker."


def invalid(command: str) -> str:
    return f"{' ' * command.rfind(' ')} ^\n{INVALID}\n"


class Config:
    def __init__(self, text: str) -> None:
        self.blocks: list[list[str]] = []
        for line in text.splitlines():
            if line.startswith(" ") and self.blocks:
                self.blocks[-1].append(line)
            else:
                self.blocks.append([line])

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for block in self.blocks for line in block)

    def all(self) -> str:
        """As `show running-config all` has it: with the defaults of the algorithms that no line names."""
        copy = Config(self.text)
        for word in ALGORITHMS:
            if not self.value(f"ip ssh server algorithm {word}"):
                copy._put(["ip ssh server algorithm " + " ".join((word, *self.algorithms(word)))])
        return copy.text

    def value(self, head: str) -> str:
        return next((block[0][len(head) :].strip() for block in self.blocks if f"{block[0]} ".startswith(f"{head} ")), "")

    def algorithms(self, word: str) -> tuple[str, ...]:
        """What the SSH server does."""
        return tuple(self.value(f"ip ssh server algorithm {word}").split()) or ALGORITHMS[word][1]

    @property
    def archive_path(self) -> str:
        block = next((block for block in self.blocks if block[0] == "archive"), [])
        return next((line.split()[1] for line in block[1:] if line.split()[0] == "path"), "")

    # ------------------------------------------------------------ commands

    def enter(self, command: str, mode: str) -> tuple[str, str]:
        """(what is said, the mode afterwards: the line that it stands below, "" = none) of a line in configuration mode."""
        words = command.split()
        if words[0] in ("no", "default"):
            gone = " ".join(words[1:])
            return ios_crypto.wrong_gone(self.blocks, gone, mode) or self._remove(gone, mode), mode
        if mode.startswith(ios_pki.POINT) and words[0] in ios_pki.BELOW:
            return self._below(mode, words), mode
        if mode and command.startswith(BELOW):
            return ios_crypto.wrong_below(self.blocks, mode, words, self._train) or self._below(mode, words), mode
        if wrong := ios_crypto.wrong_top(words, self._train):
            return wrong, mode
        if words[:3] == ios_crypto.SET.split():
            command = self._set(words)
        if head := next((head for head in MODES if f"{command} ".startswith(f"{head} ")), ""):
            block = next((block for block in self.blocks if block[0] == command), None)
            if block is None:
                self._put([command])
            return "", command if len(words) > len(head.split()) or head == "archive" else mode
        return self._top(command, words), ""

    def _top(self, command: str, words: list[str]) -> str:
        if words[:4] == ["ip", "ssh", "server", "algorithm"] and (len(words) < 6 or words[4] not in ALGORITHMS):
            return "% Incomplete command.\n" if len(words) < 6 else invalid(command)
        if words[:4] == ["ip", "ssh", "server", "algorithm"] and not set(words[5:]) <= set(self._known(words[4])):
            return invalid(command)
        if words[0] not in ("ip", "hostname", "banner", "crypto", "snmp-server", "username", "logging", "ntp"):
            return invalid(command)
        head = next((head for head in SINGLE if f"{command} ".startswith(f"{head} ")), command)
        for block in self.blocks:
            if f"{block[0]} ".startswith(f"{head} "):
                block[0] = command
                return ""
        self._put([command])
        return ""

    def _known(self, word: str) -> tuple[str, ...]:
        return ALGORITHMS[word][0] + (ML_KEM if word == "kex" and self._train >= (26, 1) else ())

    @property
    def _train(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.value("version").split("."))

    def _set(self, words: list[str]) -> str:
        """A transform set by its name: what it holds is replaced."""
        for block in self.blocks:
            if block[0].split()[:4] == words[:4]:
                block[0] = " ".join(words)
        return " ".join(words)

    def _below(self, mode: str, words: list[str]) -> str:
        block = next(block for block in self.blocks if block[0] == mode)
        key = words[:2] if words[0] in MANY else words[:1]
        kept = [line for line in block[1:] if line.split()[: len(key)] != key]
        held = len(kept) < len(block) - 1 and words[0] == "proposal"  # named already: it keeps its place
        block[1:] = block[1:] if held else [*kept, " " + " ".join(words)]
        return ""

    def _remove(self, command: str, mode: str) -> str:
        head = next((head for head in SINGLE if f"{command} ".startswith(f"{head} ") or head.startswith(command)), command)
        for block in self.blocks:
            if block[0] == mode:
                block[1:] = [line for line in block[1:] if not f"{line.strip()} ".startswith(f"{command} ")]
        self.blocks = [block for block in self.blocks if not f"{block[0]} ".startswith(f"{head} ")]
        return ""

    def _put(self, block: list[str]) -> None:
        """Before the lines of the terminals, as a device has it; of HTTPS each where it belongs."""
        heads = tuple(f"ip http secure-{word}" for word in HTTPS)
        if head := next((head for head in heads if f"{block[0]} ".startswith(f"{head} ")), ""):
            behind = (*heads[heads.index(head) + 1 :], "ip http tls-version")
            at = next((place for place, one in enumerate(self.blocks) if one[0].startswith(behind)), -1)
            if at >= 0:
                self.blocks.insert(at, block)
                return
        at = next((place for place, one in enumerate(self.blocks) if one[0].startswith(("line ", "end"))), len(self.blocks))
        self.blocks.insert(at, block)
