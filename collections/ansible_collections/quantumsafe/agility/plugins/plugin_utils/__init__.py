# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what its plugins share, and the pure core below.

Ansible compiles every module of a collection anew at each start, which took 0.15 s of each of our runs.  So all that is in here is declared to
Python's own loader, which keeps its bytecode in __pycache__, before Ansible's is asked for it; each is loaded when it is first used.
"""

from __future__ import annotations

import gc
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import LazyLoader, module_from_spec, spec_from_file_location
from importlib.util import _LazyModule as Lazy  # type: ignore[attr-defined]  # its stubs leave it out
from pathlib import Path
from types import ModuleType
from typing import Any


class _Declared(ModuleType):
    """A module whose package has not been loaded either.  That comes first, as it does in Python: loaded behind one of its modules it may find that
    half done, and such an error is lost, for Python looks at modules (__spec__) without a word about what goes wrong."""

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__(self, "__dict__")["__name__"]
        self.__class__ = Lazy
        vars(sys.modules[own.rpartition(".")[0]])
        return getattr(self, name)


def _declare(folder: Path) -> None:
    for path in sorted(folder.rglob("*.py")):
        words = path.relative_to(folder).with_suffix("").parts
        package = words[-1] == "__init__"
        name = ".".join((__name__, *(words[:-1] if package else words)))
        if name in sys.modules:
            continue
        loader = LazyLoader(SourceFileLoader(name, str(path)))
        spec = spec_from_file_location(name, path, loader=loader, submodule_search_locations=[str(path.parent)] if package else None)
        if spec:
            sys.modules[name] = module = module_from_spec(spec)
            loader.exec_module(module)
            module.__class__ = _Declared
            # So that `from . import name` finds it without asking for it, which would load it (_handle_fromlist of Python's importlib).
            parent, dummy, own = name.rpartition(".")
            setattr(sys.modules[parent], own, module)


# What Ansible has loaded by now is no garbage; to look through all of it while we are loaded took 50 ms.
gc.freeze()
if not isinstance(globals().get("__loader__"), SourceFileLoader):  # Ansible's; elsewhere, in tests, Python's has it already
    _declare(Path(__file__).parent)
