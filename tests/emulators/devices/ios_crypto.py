"""What the emulated IOS-XE knows of IKEv2 proposals and transform sets: its words, and what names what.  What it says is a guess; the words are YANG's."""

from __future__ import annotations

from collections.abc import Iterable

PROPOSAL, POLICY, SET = "crypto ikev2 proposal", "crypto ikev2 policy", "crypto ipsec transform-set"
MODES = {
    PROPOSAL: "ikev2-proposal",
    POLICY: "ikev2-policy",
    SET: "crypto-trans",
    "crypto ipsec profile": "ipsec-profile",
    "crypto map": "crypto-map",
}
BELOW = {
    "encryption": ("aes-gcm-256", "aes-gcm-128", "aes-cbc-256", "aes-cbc-192", "aes-cbc-128", "3des", "des"),
    "integrity": ("md5", "sha1", "sha256", "sha384", "sha512"),
    "prf": ("md5", "sha1", "sha256", "sha384", "sha512"),
    "group": ("1", "2", "5", "14", "15", "16", "19", "20", "21", "24"),
    "pqc": ("mlkem512", "mlkem768", "mlkem1024", "optional"),
}
CIPHERS = ("esp-gcm", "esp-aes", "esp-3des", "esp-null")
MACS = ("esp-md5-hmac", "esp-sha-hmac", "esp-sha256-hmac", "esp-sha384-hmac", "esp-sha512-hmac")
SUITES = (
    *("tls13-aes128-gcm-sha256", "tls13-aes256-gcm-sha384", "tls13-chacha20-poly1305-sha256"),
    *("aes-128-cbc-sha", "aes-256-cbc-sha", "ecdhe-rsa-aes-128-cbc-sha", "ecdhe-rsa-aes-gcm-sha2"),
)
VERSIONS = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
INVALID = "% Invalid input detected at '^' marker.\n"


def names(blocks: Iterable[list[str]], kind: str) -> set[str]:
    return {block[0].split()[3] for block in blocks if block[0].startswith(f"{kind} ")}


def used(blocks: Iterable[list[str]], kind: str) -> set[str]:
    """Names of objects of a kind that something names."""
    lines = [line.split() for block in blocks for line in block[1:]]
    said = {PROPOSAL: ["proposal"], SET: ["set", "transform-set"]}[kind]
    return {name for words in lines if words[: len(said)] == said for name in words[len(said) :]}


def wrong_top(words: list[str], train: tuple[int, ...]) -> str:
    """Of a line at the margin, "" = it is taken."""
    if words[:3] == SET.split():
        kinds = [word for word in words[4:] if not word.isdigit()]
        fine = bool(kinds) and kinds[0] in CIPHERS and set(kinds[1:]) <= set(MACS) and len(kinds) == (1 if kinds[0] == "esp-gcm" else 2)
        return "" if fine else INVALID
    known = {"tls-version": VERSIONS, "secure-ciphersuite": SUITES}.get(words[2]) if words[:2] == ["ip", "http"] and words[2:] else None
    return "" if known is None or (words[3:] and set(words[3:]) <= set(known)) else INVALID


def wrong_below(blocks: list[list[str]], mode: str, words: list[str], train: tuple[int, ...]) -> str:
    """Of a line below another, "" = it is taken."""
    if mode.startswith(f"{PROPOSAL} "):
        known = BELOW.get(words[0], ())
        fine = words[1:] and set(words[1:]) <= set(known) and (words[0] != "pqc" or train >= (26, 1))
        return "" if fine else INVALID
    if words[0] == "proposal" and not set(words[1:]) <= names(blocks, PROPOSAL):
        return f"% Proposal {words[1]} does not exist\n"
    if words[:2] == ["set", "transform-set"] and (absent := [name for name in words[2:] if name not in names(blocks, SET)]):
        return f'ERROR: transform set with tag "{absent[0]}" does not exist.\n'
    return ""


def wrong_gone(blocks: list[list[str]], command: str, mode: str) -> str:
    """Of what is taken away, "" = it goes."""
    for kind in (PROPOSAL, SET):
        if command.startswith(f"{kind} ") and command.split()[3] in used(blocks, kind):
            return f"% Cannot remove {command.split()[3]}: it is in use\n"
    block = next((block for block in blocks if block[0] == mode), [])
    if mode.startswith(f"{POLICY} ") and command.startswith("proposal ") and [one.split()[0] for one in block[1:]].count("proposal") < 2:
        return "% A policy needs a proposal\n"
    return ""
