"""The reference in docs/policy.md, from the schema of the language: python tests/tools/reference.py writes all below its headline anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "collections"))

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import SCHEMA  # noqa: E402

PAGE = TOP / "docs/policy.md"
HEAD = "## Reference\n"
INTRO = """
<!-- Written by tests/tools/reference.py from the schema; change that, then run it again. -->

`*` marks what must be said.
"""
SECTIONS = (  # what a reader looks for → where it is in the schema
    ("policy", "properties.policy"),
    ("algorithms", "$defs.life"),
    ("zones", "$defs.zone"),
    ("regimes", "$defs.regime"),
    ("peers", "$defs.peer"),
    ("rules", "$defs.rule"),
    ("match", "$defs.match"),
    ("allow, fallback", "$defs.select"),
    ("source", "$defs.source"),
    ("stages", "$defs.stage"),
    ("overrides", "$defs.override"),
    ("exceptions", "$defs.exception"),
    ("windows", "$defs.window"),
    ("freezes", "$defs.freeze"),
    ("events", "$defs.event"),
    ("escrow", "$defs.escrow"),
    ("recipient", "$defs.escrow.properties.recipient"),
    ("clients", "$defs.watched"),
    ("acknowledge", "$defs.watched.properties.acknowledge"),
)


def at(path: str) -> dict[str, Any]:
    node = SCHEMA
    for step in path.split("."):
        node = node[step]
    return node


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The node with what it refers to; its own words win."""
    return {**resolved(at(node["$ref"].removeprefix("#/").replace("/", "."))), **node} if "$ref" in node else node


def values(node: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    known = resolved(node)
    if "enum" in known:
        return " \\| ".join(str(word) for word in known["enum"])
    if "if" in known:
        first, second = values(known["then"]) or _kind(known["if"]), values(known["else"])
        return f"{first}, or a list" if second == f"list of {first}" else f"{first} or {second}"
    if known.get("type") == "array":
        return f"list of {values(known.get('items', {})) or 'words'}"
    return _kind(known)


def _kind(node: dict[str, Any]) -> str:
    kind = {"string": "text", "object": "mapping"}.get(str(node.get("type", "")), "")
    return ALIASES.get(node.get("pattern", ""), kind)


ALIASES = {
    resolved({"$ref": f"#/$defs/{name}"})["pattern"]: word
    for name, word in (("date", "date"), ("moment", "moment"), ("span", "span"), ("number", "comparison"))
}


def rows(node: dict[str, Any]) -> Iterator[str]:
    yield "| key | value | meaning |"
    yield "|---|---|---|"
    for name, one in node["properties"].items():
        must = "*" if name in node.get("required", ()) else ""
        meaning = resolved(one).get("description", "").replace("|", "\\|")
        yield f"| `{name}`{must} | {values(one)} | {meaning} |"
    yield ""


def reference() -> str:
    out = [INTRO, "### At the top", "", *rows(SCHEMA)]
    for title, path in SECTIONS:
        node = at(path)
        said = SCHEMA["properties"].get(title, {}).get("description") or node.get("description", "")
        out += [f"### {title}", "", said, "", *rows(node)] if said else [f"### {title}", "", *rows(node)]
    return "\n".join(out).rstrip() + "\n"


def page(text: str) -> str:
    """The page with its reference anew."""
    return text[: text.index(HEAD)] + HEAD + reference()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
