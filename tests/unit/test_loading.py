"""Each plugin may be the first that is used, in a process where Ansible's loader found the collection: nothing is half loaded then."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[2] / "collections/ansible_collections/quantumsafe/agility/plugins"
COLLECTIONS = PLUGINS.parents[3]
NAME = "ansible_collections.quantumsafe.agility.plugins"

# Forks for each plugin, so that each time it is the first; an error within a load is lost where Python only looks at a module (__spec__), so what
# is loaded is held against what its file defines.
PROGRAM = """
import json, os, sys
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[sys.argv[1]])._install()
import ansible.plugins.action, ansible.plugins.callback, cryptography.x509, jsonschema
import importlib
defined = json.load(sys.stdin)
for name in sys.argv[2:]:
    sys.stdout.flush()
    if not os.fork():
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(name, type(error).__name__, error)
        loaded = {other: vars(sys.modules[other]) for other in defined if type(sys.modules.get(other)).__name__ == "module"}
        for other, has in loaded.items():
            if lacks := [word for word in defined[other] if word not in has]:
                print(f"{name} first: {other} lacks {lacks}")
        print("looked", len(loaded))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


def defined(path: Path) -> list[str]:
    """The functions and classes of a file, in their order."""
    return [node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def modules() -> dict[str, list[str]]:
    found = {}
    for path in sorted((PLUGINS / "plugin_utils").rglob("*.py")):
        words = path.relative_to(PLUGINS).with_suffix("").parts
        found[".".join((NAME, *(words[:-1] if words[-1] == "__init__" else words)))] = defined(path)
    return found


def test_whichever_plugin_is_used_first_nothing_is_half_loaded() -> None:
    plugins = [f"{NAME}.{path.parent.name}.{path.stem}" for folder in ("action", "callback") for path in sorted((PLUGINS / folder).glob("*.py"))]
    argv = [sys.executable, "-c", PROGRAM, str(COLLECTIONS), *plugins]
    done = subprocess.run(argv, input=json.dumps(modules()), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("looked ")] == []
    looked = [int(line.removeprefix("looked ")) for line in lines]
    assert len(looked) == len(argv) - 4 and min(looked) > 4
