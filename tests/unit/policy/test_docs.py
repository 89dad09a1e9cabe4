"""docs/policy.md says what this release has: its reference is that of the schema, its options and links exist, its policy is one."""

from __future__ import annotations

import re
import runpy

import pytest
import yaml
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.cases import load_cases, run

from ..conftest import TOP

PAGE = TOP / "docs/policy.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n# (append to )?(mine/\S+)\n(.*?)```", TEXT, re.DOTALL)


def written() -> dict[str, str]:
    """The reader's files at the end of the tutorial."""
    out: dict[str, str] = {}
    for append, name, text in BLOCKS:
        out[name] = (out[name] if append else "") + text
    return out


def test_the_reference_is_that_of_the_schema() -> None:
    assert runpy.run_path(str(TOP / "tests/tools/reference.py"))["page"](TEXT) == TEXT, "python tests/tools/reference.py"


def test_every_link_leads_somewhere() -> None:
    headlines = {re.sub(r"[^a-z0-9 -]", "", line.strip("# \n").lower()).replace(" ", "-") for line in TEXT.splitlines() if line.startswith("#")}
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert links
    assert [link for link in links if not (link[1:] in headlines if link.startswith("#") else (PAGE.parent / link).exists())] == []


def test_every_option_exists() -> None:
    playbook = TOP / "collections/ansible_collections/quantumsafe/agility/playbooks/validate_policy.yml"
    asked = yaml.safe_load(playbook.read_text(encoding="utf-8"))[0]["tasks"][0]["quantumsafe.agility.crypto_policy_info"]
    assert set(re.findall(r"agility_([a-z_]+)", TEXT)) <= set(asked)


def test_the_policy_of_the_tutorial_is_sound_and_passes_its_cases() -> None:
    files = written()
    policy = load("mine/policy.yml", lambda name: files[name])
    named, cases = load_cases(files["mine/cases.yml"], "mine/cases.yml")
    assert named == "policy.yml"
    outcomes = list(run(policy, cases))
    assert [text for outcome in outcomes for text in outcome.failures] == []
    assert len(outcomes) == 3


@pytest.mark.parametrize("state", ["candidate", "approved", "preferred", "deprecated", "retired"])
def test_every_state_of_a_life_is_explained(state: str) -> None:
    assert f"`{state}`" in TEXT.partition("## Reference")[0]
