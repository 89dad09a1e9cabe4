"""What a start of ours costs: Ansible's own loader would compile all that our plugins share each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COLLECTIONS = Path(__file__).parents[2] / "collections"
BY_ANSIBLE = f"""
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[{str(COLLECTIONS)!r}])._install()
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy import load
from ansible_collections.quantumsafe.agility.plugins import plugin_utils
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _ledger
print(type(plugin_utils.__loader__).__module__, *(word for one in (load, _ledger) for word in (type(one.__loader__).__name__, one.__cached__)))
"""


def test_under_ansible_what_plugins_share_is_loaded_from_bytecode() -> None:
    said = subprocess.run([sys.executable, "-c", BY_ANSIBLE], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "ansible.utils.collection_loader._collection_finder"
    assert said[1::2] == ["SourceFileLoader"] * 2 and all("__pycache__" in path for path in said[2::2])
