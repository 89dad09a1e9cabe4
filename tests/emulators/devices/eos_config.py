"""The running configuration of the emulated EOS device: lines below lines, three spaces each."""

from __future__ import annotations

from dataclasses import dataclass, field

STEP = "   "
# Modes, by what they stand below, and the word that the prompt has for each.
MODES = {
    (): {
        "management ssh": "mgmt-ssh",
        "management security": "mgmt-security",
        "management api http-commands": "mgmt-api-http-cmds",
        "ip security": "ipsec",
        "interface": "if",
    },
    ("management security",): {"ssl profile": "ssl-profile"},
    ("ip security",): {"ike policy": "ike", "sa policy": "sa"},
}
# Lines that a mode takes; of each there is one.  "" = no mode.
LINES = {
    "": ("hostname", "ip routing", "ntp server", "logging host", "snmp-server community", "radius-server host", "username"),
    "management ssh": ("cipher", "key-exchange", "mac", "hostkey server", "server-port", "idle-timeout"),
    "management api http-commands": ("protocol https ssl profile", "protocol https port", "no shutdown", "shutdown"),
    "interface": ("description", "ip address", "no switchport"),
    "ssl profile": ("tls versions", "cipher-list", "cipher v1.0", "cipher v1.3", "certificate", "trust certificate", "chain certificate"),
    "ike policy": ("encryption", "integrity", "dh-group"),
    "sa policy": ("esp encryption", "esp integrity", "pfs dh-group"),
}
MANY = ("ntp server", "logging host", "snmp-server community", "radius-server host", "username", "chain certificate")
CTR = ("aes128-ctr", "aes192-ctr", "aes256-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1")
# What it takes, and, of it, what it does without a line: the defaults are the emulator's guess.
ALGORITHMS = {
    "key-exchange": (
        (
            *("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
            *(
                "diffie-hellman-group-exchange-sha256",
                "diffie-hellman-group14-sha256",
                "diffie-hellman-group16-sha512",
                "diffie-hellman-group14-sha1",
            ),
        ),
    )
    * 2,
    "cipher": (
        ("aes128-cbc", "aes256-cbc", "3des-cbc", *CTR, "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
        (*CTR, "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
    ),
    "mac": (MACS,) * 2,
    "hostkey server": (("rsa", "ecdsa-nistp256", "ecdsa-nistp521", "ed25519"), ("rsa",)),
}
# Of ssl profiles, as public configurations have them: words with colons between, and how OpenSSL calls the versions.
OLD = ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA384", "AES256-SHA")
MODERN = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")
SUITES = {"cipher-list": OLD, "cipher v1.0": OLD, "cipher v1.3": MODERN}
VERSIONS = {"1.0": "TLSv1", "1.1": "TLSv1_1", "1.2": "TLSv1_2", "1.3": "TLSv1_3"}
SPLIT = (4, 32)  # since when `cipher v1.0` and `cipher v1.3` stand in the place of `cipher-list`
SSHD = {"kex": "key-exchange", "encryption": "cipher", "mac": "mac", "hostkey": "hostkey server"}


@dataclass
class Line:
    text: str
    below: list[Line] = field(default_factory=list)

    def find(self, head: str) -> Line | None:
        return next((one for one in self.below if f"{one.text} ".startswith(f"{head} ")), None)


class Config:
    def __init__(self, text: str) -> None:
        self.top = Line("")
        above = [self.top]
        for said in text.splitlines():
            depth = (len(said) - len(said.lstrip())) // len(STEP)
            del above[depth + 1 :]
            above[-1].below.append(line := Line(said.strip()))
            above.append(line)

    @property
    def text(self) -> str:
        return "".join(_lines(self.top.below, ""))

    def value(self, head: str) -> str:
        found = self.top.find(head)
        return found.text[len(head) :].strip() if found else ""

    def algorithms(self, word: str) -> tuple[str, ...]:
        """What the SSH server does."""
        name = SSHD[word]
        ssh = self.top.find("management ssh")
        said = ssh.find(name) if ssh else None
        return tuple(said.text.removeprefix(f"{name} ").split()) if said else ALGORITHMS[name][1]

    def all(self) -> str:
        """As `show running-config all` has it: with the defaults of the lists that no line names."""
        copy = Config(self.text)
        ssh = copy.top.find("management ssh") or copy.put(copy.top, "management ssh")
        for word, name in SSHD.items():
            if not ssh.find(name):
                copy.put(ssh, " ".join((name, *self.algorithms(word))))
        return copy.text

    def profile(self) -> dict[str, str]:
        """The lines of the ssl profile of its API, and its `port` where a line says it; {} when it is not served."""
        api = self.top.find("management api http-commands")
        if not api or not api.find("no shutdown"):
            return {}
        found, where = self._named(api), api.find("protocol https port")
        lines = {head: one.text.removeprefix(head).strip() for head in LINES["ssl profile"] if found and (one := found.find(head))}
        return {**lines, **({"port": where.text.split()[-1]} if where else {})}

    def chain(self) -> tuple[str, ...]:
        """The authorities that it serves."""
        api = self.top.find("management api http-commands")
        found = self._named(api) if api else None
        heads = [one.text.split() for one in (found.below if found else ())]
        return tuple(words[2] for words in heads if words[:2] == ["chain", "certificate"] and words[2] != "requirement")

    def _named(self, api: Line) -> Line | None:
        security, named = self.top.find("management security") or Line(""), api.find("protocol https ssl profile")
        return security.find(named.text.removeprefix("protocol https ")) if named else None

    # ------------------------------------------------------------ commands

    def enter(self, command: str, mode: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
        """(whether it is taken, the lines that the next one stands below).  What no mode takes is looked for in those above it."""
        for size in range(len(mode), -1, -1):
            at = mode[:size]
            plain = command.removeprefix("no ").removeprefix("default ")
            if head := next((head for head in MODES.get(at, {}) if f"{plain} ".startswith(f"{head} ")), ""):
                if plain != command:
                    return self._remove(at, plain), at
                here = self._at(at)
                if not here.find(command):
                    self.put(here, command)
                return True, (*at, command)
            heads = LINES.get(_kind(at), ())
            if head := next((head for head in heads if f"{command} ".startswith(f"{head} ")), ""):
                return self._line(at, command, head), at
            if plain != command and (head := next((head for head in heads if f"{plain} ".startswith(f"{head} ")), "")):
                return self._remove(at, plain if head in MANY else head), at
        return False, mode

    def put(self, here: Line, said: str) -> Line:
        """Before the end of all."""
        end = here.find("end")
        here.below.insert(here.below.index(end) if end else len(here.below), line := Line(said))
        return line

    def _line(self, at: tuple[str, ...], command: str, head: str) -> bool:
        values = command.removeprefix(head).split()
        if _kind(at) == "management ssh" and head in ALGORITHMS and (not values or not set(values) <= set(ALGORITHMS[head][0])):
            return False
        if _kind(at) == "ssl profile" and not _tls(head, values):
            return False
        here = self._at(at)
        old = here.find(command if head in MANY else "shutdown" if head == "no shutdown" else head)
        if old:
            old.text = command
        else:
            self.put(here, command)
        return True

    def _remove(self, at: tuple[str, ...], head: str) -> bool:
        here = self._at(at)
        here.below = [one for one in here.below if not f"{one.text} ".startswith(f"{head} ")]
        return True

    def _at(self, mode: tuple[str, ...]) -> Line:
        here = self.top
        for said in mode:
            here = here.find(said) or self.put(here, said)
        return here


def _tls(head: str, values: list[str]) -> bool:
    """Whether a line of an ssl profile is one."""
    if head == "tls versions":
        return bool(values) and set(values) <= set(VERSIONS)
    return head not in SUITES or (len(values) == 1 and set(values[0].split(":")) <= set(SUITES[head]))


def _kind(at: tuple[str, ...]) -> str:
    """The key of LINES for a mode."""
    return next((kind for kind in LINES if kind and f"{at[-1]} ".startswith(f"{kind} ")), "-") if at else ""


def label(mode: tuple[str, ...]) -> str:
    """What the prompt says of it."""
    if not mode:
        return ""
    return next((f"-{word}" for head, word in MODES[mode[:-1]].items() if mode[-1].startswith(head)), "")


def _lines(below: list[Line], indent: str) -> list[str]:
    return [said for one in below for said in (f"{indent}{one.text}\n", *_lines(one.below, indent + STEP))]
