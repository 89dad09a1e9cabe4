"""The execution environment is what ansible-builder takes, holds what a controller needs, and has a volume for what must outlive the container."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parents[2]
VOLUME = "/var/lib/agility"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ansible-builder makes of it, which also holds it against its own schema; no image is built."""
    made = tmp_path_factory.mktemp("context")
    argv = ["ansible-builder", "create", "-f", str(TOP / "execution-environment.yml"), "-c", str(made), "--output-filename", "Containerfile"]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def lines(context: Path) -> list[str]:
    return (context / "Containerfile").read_text(encoding="utf-8").splitlines()


def test_results_ledger_and_known_hosts_lie_on_a_volume(context: Path) -> None:
    assert f"VOLUME {VOLUME}" in lines(context)
    assert f"WORKDIR {VOLUME}" in lines(context), "where nobody says agility_output, results and ledger lie under the working directory"
    (said,) = [line for line in lines(context) if line.startswith("ENV ANSIBLE_SSH_COMMON_ARGS")]
    assert f"UserKnownHostsFile={VOLUME}/known_hosts" in said
    assert "ENV ANSIBLE_HOST_KEY_CHECKING=True" in lines(context)
    written = max(n for n, line in enumerate(lines(context)) if line.startswith("RUN") and VOLUME in line)
    assert written < lines(context).index(f"VOLUME {VOLUME}"), "what is written below a volume after it was declared is lost"


def test_it_brings_this_collection_and_the_pinned_requirements(context: Path) -> None:
    assert (context / "_build/collection/galaxy.yml").is_file()
    galaxy = yaml.safe_load((context / "_build/requirements.yml").read_text(encoding="utf-8"))
    assert galaxy == {"collections": [{"name": "collection", "type": "dir"}]}
    pinned = (TOP / "requirements.txt").read_text(encoding="utf-8")
    assert (context / "_build/requirements.txt").read_text(encoding="utf-8") == pinned
    said = yaml.safe_load((TOP / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert said["ansible_core"]["package_pip"] in pinned.splitlines()
    assert said["ansible_runner"]["package_pip"] in (TOP / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


def test_the_closing_callback_runs_in_it(context: Path) -> None:
    assert "ENV ANSIBLE_CALLBACKS_ENABLED=quantumsafe.agility.summary" in lines(context)
