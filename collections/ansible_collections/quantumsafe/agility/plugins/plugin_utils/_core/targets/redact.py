"""The agent's redaction (agent/collect.sh, ca_show), for folders that are read on the controller.  Line numbers stay true."""

from __future__ import annotations

import re

from ..documents.lines import split

_SECRET = re.compile(
    r"(^|[^a-z0-9])(password|passwd|passphrase|secret|(preshared|private)-?key|token|api[_-]?key|authorization|stats[ \t]+auth|ca-sign-pass|"
    r"pin-value|(archive|restore|cleanup|end|passphrase)_command|primary_conninfo|ldapbindpasswd|radiussecrets)[\"']?[ \t]*[:= \t][ \t]*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"pkcs11:[^ \t\"'?]*", re.IGNORECASE)  # there the label of a token is none
# PSK is a word of cipher lists, too ("HIGH:!PSK:!MD5"), so ":" is not enough after it.
_SHARED = re.compile(r"(^|[^a-z0-9!+-])(?:p[sp]k|pin)([\"']?[ \t]*=|[\"'][ \t]*:|[ \t]*:[ \t]|[ \t])[ \t]*", re.IGNORECASE)
_KIND = re.compile(r"(auth(?:by)?[ \t]*=[ \t]*)psk", re.IGNORECASE)  # of authentication, in swanctl.conf and ipsec.conf: no secret
# Whether there is a PPK, in the ipsec.conf of libreswan: no secret.
_WHETHER = re.compile(r"^([ \t]+)ppk(?=[ \t]*=[ \t]*(?:yes|no|insist|propose|permit|never)[ \t\r]*(?:#.*)?$)", re.IGNORECASE)
# A quoted value that ends on a later line.
_OPENS, _CLOSES = re.compile(r'"(?:[^"\\]|\\.)*\\?'), re.compile(r'(?:[^"\\]|\\.)*"')
_BEGINS, _ENDS = (re.compile(rf"-----{word} ([A-Z0-9 ]*PRIVATE KEY|OpenVPN )") for word in ("BEGIN", "END"))
# Blocks of OpenVPN whose lines are secret.
_BLOCK = re.compile(r"[ \t]*[\"']?<((?:auth-gen-token-)?secret|key|tls-auth|tls-crypt|tls-crypt-v2|pkcs12|(?:http-proxy-|auth-)user-pass)>")
_CONTINUED = re.compile(r"\\[ \t\r\n]*$|^[ \t]*[#;]")  # systemd skips a comment between lines that go on
_TAIL = re.compile(r"[;{} \t\r\n]*$")


def redact(text: str) -> str:
    """The text with private keys and the values behind secret-looking words replaced by "[redacted]"."""
    out, in_key, block, goes_on, quoted = [], False, "", False, False
    for line in split(text):
        end = line[len(line.rstrip("\n")) :]
        if goes_on:
            goes_on = bool(_CONTINUED.search(line))
            out.append(f"[redacted]{end}")
            continue
        if block:
            closes = line.lstrip(" \t").startswith(f"</{block}>")
            out.append(line if closes else f"[redacted]{end}")
            block = "" if closes else block
            continue
        block = found[1] if (found := _BLOCK.match(line)) else ""
        in_key = in_key or bool(_BEGINS.search(line))
        if in_key:
            in_key = not _ENDS.search(line)
            out.append(f"[redacted]{end}")
            continue
        tail = _TAIL.search(line)
        if quoted:
            quoted = not _CLOSES.match(line)
            out.append("[redacted]" + (end if quoted or not tail else f'"{tail.group()}'))
            continue
        low = _TOKEN.sub(lambda uri: re.sub("([:;])token=", r"\1label=", uri.group(), flags=re.IGNORECASE), line)
        found = _SECRET.search(low) or _SHARED.search(_WHETHER.sub(r"\1---", _KIND.sub(r"\1---", line)))
        if found and _OPENS.fullmatch(line.rstrip("\n"), found.end()):
            quoted = True
            out.append(f'{line[: found.end()]}"[redacted]{end}')
            continue
        goes_on = bool(found and line.rstrip().endswith("\\"))
        hides = found and tail and found.end() < tail.start()
        out.append(_cut(line, found.end(), tail.group()) if hides and found and tail else line)
    return "".join(out)


def _cut(line: str, at: int, tail: str) -> str:
    head = line[:at]
    quotes = "".join(quote for quote in "\"'" if head.count(quote) % 2)
    return f"{head} [redacted]{quotes}{tail}"
