"""The agent's redaction (agent/collect.sh, ca_show), for folders that are read on the controller.  Line numbers stay true."""

from __future__ import annotations

import re

from ..documents.lines import split

_SECRET = re.compile(
    r"(^|[^a-z0-9])(password|passwd|passphrase|secret|presharedkey|privatekey|token|api[_-]?key|authorization|stats[ \t]+auth|ca-sign-pass|"
    r"(archive|restore|cleanup|end|passphrase)_command|primary_conninfo|ldapbindpasswd|radiussecrets)[\"']?[ \t]*[:= \t][ \t]*",
    re.IGNORECASE,
)
# PSK is a word of cipher lists, too ("HIGH:!PSK:!MD5"), so ":" is not enough after it.
_SHARED = re.compile(r"(^|[^a-z0-9!+-])(?:p[sp]k|pin)([\"']?[ \t]*=|[\"'][ \t]*:|[ \t]*:[ \t]|[ \t])[ \t]*", re.IGNORECASE)
_KIND = re.compile(r"(auth(?:by)?[ \t]*=[ \t]*)psk", re.IGNORECASE)  # of authentication, in swanctl.conf and ipsec.conf: no secret
# A quoted value that ends on a later line.
_OPENS, _CLOSES = re.compile(r'"(?:[^"\\]|\\.)*\\?'), re.compile(r'(?:[^"\\]|\\.)*"')
_TAIL = re.compile(r"[;{} \t\r\n]*$")


def redact(text: str) -> str:
    """The text with private keys and the values behind secret-looking words replaced by "[redacted]"."""
    out, in_key, quoted = [], False, False
    for line in split(text):
        end = line[len(line.rstrip("\n")) :]
        in_key = in_key or bool(re.search(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY", line))
        if in_key:
            in_key = not re.search(r"-----END [A-Z0-9 ]*PRIVATE KEY", line)
            out.append(f"[redacted]{end}")
            continue
        tail = _TAIL.search(line)
        if quoted:
            quoted = not _CLOSES.match(line)
            out.append("[redacted]" + (end if quoted or not tail else f'"{tail.group()}'))
            continue
        found = _SECRET.search(line) or _SHARED.search(_KIND.sub(r"\1---", line))
        if found and _OPENS.fullmatch(line.rstrip("\n"), found.end()):
            quoted = True
            out.append(f'{line[: found.end()]}"[redacted]{end}')
            continue
        hides = found and tail and found.end() < tail.start()
        out.append(_cut(line, found.end(), tail.group()) if hides and found and tail else line)
    return "".join(out)


def _cut(line: str, at: int, tail: str) -> str:
    head = line[:at]
    quotes = "".join(quote for quote in "\"'" if head.count(quote) % 2)
    return f"{head} [redacted]{quotes}{tail}"
