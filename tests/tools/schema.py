"""docs/policy.schema.json from the schema that the collection checks policies with: python tests/tools/schema.py > docs/policy.schema.json

At run time every scalar is the text that was written, so that schema knows strings only.  An editor sees what YAML 1.2 makes of the text:
`aead: true` is a boolean there and `quantum_category: 5` a number.  Where text of that form is right, so is the value.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "collections"))

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import SCHEMA  # noqa: E402

FORMS = (("number", "1.5"), ("integer", "128"), ("boolean", "true"))  # a YAML type, and text that is read as it
COMMENT = "Written by tests/tools/schema.py from the schema of the collection; change that, then run it again."


def typed(node: Any) -> Any:
    """The same demands on what YAML 1.2 makes of the text."""
    if isinstance(node, list):
        return [typed(one) for one in node]
    if not isinstance(node, dict):
        return node
    out = {key: typed(value) for key, value in node.items()}
    if node.get("type") == "string":
        pattern = node.get("pattern", "")
        kinds = [kind for kind, text in FORMS if re.search(pattern, text)]
        out["type"] = ["string", *(kind for kind in kinds if kind != "integer" or "number" not in kinds)]
    if "true" in node.get("enum", ()):
        out["enum"] = [*node["enum"], True, False]
    return out


def published() -> dict[str, Any]:
    return {"$schema": SCHEMA["$schema"], "$comment": COMMENT, **typed(SCHEMA)}


def compact(value: Any, indent: int = 0) -> str:
    """As the schema itself is written: a short thing on one line, a long one a line for each of its own."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(flat) + indent <= 140:
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        inner = [f"{pad}{json.dumps(key)}: {compact(one, indent + 2)}" for key, one in value.items()]
        return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + compact(one, indent + 2) for one in value) + "\n" + " " * indent + "]"


def page() -> str:
    return compact(published()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
