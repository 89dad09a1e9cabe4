"""PRIVATE to the collection: the pure core.  Text and facts in, values out; see docs/architecture.md for the rooms.

Ansible compiles every module of a collection anew at each start, which took 0.15 s of each of our runs.  So Python's own loader, which keeps
its bytecode in __pycache__, loads what is in here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class _Compiled:
    """Finds the modules of this package, and no others (importlib.abc.MetaPathFinder)."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not path or not name.startswith(f"{__name__}."):
            return None
        return FileFinder(path[0], (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name, target)


if not isinstance(globals().get("__loader__"), SourceFileLoader):  # Ansible's; elsewhere, in tests, Python's has it already
    sys.meta_path.insert(0, _Compiled())
