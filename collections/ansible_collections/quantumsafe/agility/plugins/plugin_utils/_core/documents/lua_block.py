"""Where a Lua block inside an nginx file ends (`content_by_lua_block { … }` of lua-nginx-module): only as much Lua as that takes.

Braces count, except within strings, long brackets and comments (Lua 5.1 manual, section 2.1).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<comment> --(?!\[=*\[) [^\n]* )
      | (?: -- )? \[ (?P<level> =* ) \[
      | (?P<string> "(?: \\. | [^"\\\n] )*" | '(?: \\. | [^'\\\n] )*' )
      | (?P<brace> [{}] )""",
    re.VERBOSE | re.DOTALL,
)


def end_of_lua(text: str, start: int) -> int | None:
    """The offset of the "}" that closes the block whose inside begins at `start`; None when there is none."""
    depth, at = 1, start
    while token := _TOKEN.search(text, at):
        at = token.end()
        if token["level"] is not None:
            close = text.find(f"]{token['level']}]", at)
            if close < 0:
                return None
            at = close
        elif token["brace"]:
            depth += 1 if token["brace"] == "{" else -1
            if depth == 0:
                return token.start()
    return None
