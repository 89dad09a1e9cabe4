"""What a start of ours costs: Ansible's own loader would compile the whole core each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COLLECTIONS = Path(__file__).parents[2] / "collections"
BY_ANSIBLE = f"""
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[{str(COLLECTIONS)!r}])._install()
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _core
print(type(_core.__loader__).__module__, type(load.__loader__).__name__, load.__cached__)
"""


def test_under_ansible_the_core_is_loaded_from_bytecode() -> None:
    said = subprocess.run([sys.executable, "-c", BY_ANSIBLE], capture_output=True, text=True, check=True).stdout.split()
    assert said[:2] == ["ansible.utils.collection_loader._collection_finder", "SourceFileLoader"]
    assert "__pycache__" in said[2]
