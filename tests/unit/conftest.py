"""What the unit tests share: the snapshots captured from the lab, and ways to change them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import hypothesis
import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Collect, File, Identity, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.snapshot_json import snapshot_from_json
from hypothesis import settings

settings.register_profile("timeless", deadline=None)  # a loaded machine is no reason to fail
settings.load_profile("timeless")

hypothesis.settings.register_profile("patient", deadline=None)  # a machine that others use, too, fails no property
hypothesis.settings.load_profile("patient")

TOP = Path(__file__).parents[2]
FIXTURES = TOP / "tests" / "fixtures"
CORPUS = TOP.parent / "shared" / "corpus"
TODAY = date(2026, 11, 23)
HOSTS = ("web-new", "web-old", "web-legacy", "web-bare", "web-include")

__all__ = ["CORPUS", "FIXTURES", "HOSTS", "TODAY", "Answer", "Collect", "Identity", "captured", "files_of", "policy_of", "requirements", "with_files"]


def captured(host: str) -> Snapshot:
    """What this lab host showed, see tests/fixtures/snapshots/README.md."""
    return snapshot_from_json((FIXTURES / "snapshots" / f"{host}.json").read_text(encoding="utf-8"))


def with_files(snapshot: Snapshot, **texts: str) -> Snapshot:
    """The snapshot with other texts; keys are paths."""
    files = dict(snapshot.files)
    for path, text in texts.items():
        files[path] = File(path, text, lines.sha256(text), len(text.encode()), real=path)
    return replace(snapshot, files=files)


def files_of(texts: dict[str, str], **answers: Answer) -> Snapshot:
    """A snapshot of nothing but these files."""
    return with_files(Snapshot("h", "2026-11-23", Identity(), {"uid": "0"}, {}, answers), **texts)


def policy_of(name: str) -> Policy:
    return load(name, lambda path: Path(path).read_text(encoding="utf-8"))


def requirements(policy: Policy, protocol: str, host: str = "web-new", day: date = TODAY):
    return resolve(policy, Target(host, ("web",), protocol), day)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)
