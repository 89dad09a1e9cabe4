"""Engines other than ansible-playbook on a controller: ansible-runner, as AWX runs it, and ansible-pull on the host itself, over the local connection.

What became of a host is read from the host.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import ansible
import pytest

from .conftest import LAB, TOP, configuration, on

POLICY = str(TOP / "policies/default.yml")


class Runner:
    """One private data directory of ansible-runner."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "env").mkdir(parents=True)

    def play(self, name: str, **variables: object) -> tuple[int, Path]:
        """(exit code, results folder)."""
        output = self.home / "results" / name
        (self.home / "env/extravars").write_text(json.dumps({"agility_policy": POLICY, "agility_output": str(output), **variables}), encoding="utf-8")
        argv = ["ansible-runner", "run", str(self.home), "-p", f"playbooks/{name}.yml", "--project-dir", str(TOP), "--ident", name]
        done = subprocess.run([*argv, "--inventory", str(TOP / "inventories/lab"), "--limit", "web-bare", "-q"], check=False, timeout=300)
        assert self.artefact(name, "rc") == str(done.returncode)
        return done.returncode, output

    def artefact(self, ident: str, name: str) -> str:
        return (self.home / "artifacts" / ident / name).read_text(encoding="utf-8")


def result(output: Path, host: str) -> dict[str, object]:
    return json.loads((output / "hosts" / f"{host}.json").read_text(encoding="utf-8"))


def test_runner_audits_changes_and_takes_back_a_host(tmp_path: Path) -> None:
    runner, before = Runner(tmp_path / "runner"), configuration("web-bare")
    rc, output = runner.play("audit")
    assert (rc, result(output, "web-bare")["status"], configuration("web-bare")) == (0, "ok", before)
    assert json.loads((output / "summary.json").read_text(encoding="utf-8"))["hosts"] == 1, "the closing callback ran beside that of ansible-runner"

    rc, output = runner.play("enforce", agility_campaign="runner")
    assert (rc, result(output, "web-bare")["status"]) == (0, "changed"), runner.artefact("enforce", "stdout")
    assert "mlkem768x25519-sha256" in on("web-bare", "sshd -T | grep ^kexalgorithms")
    assert runner.artefact("enforce", "status") == "successful"

    rc, output = runner.play("rollback", agility_campaign="runner")
    assert (rc, configuration("web-bare")) == (0, before), runner.artefact("rollback", "stdout")


def test_runner_tells_a_host_that_is_not_as_it_was_promised(tmp_path: Path) -> None:
    runner, before = Runner(tmp_path / "runner"), configuration("web-bare")
    on("web-bare", "mv /usr/sbin/sshd /usr/sbin/sshd.away && printf '#!/bin/sh\\nexit 1\\n' > /usr/sbin/sshd && chmod 755 /usr/sbin/sshd")
    try:
        rc, output = runner.play("enforce", agility_campaign="broken")
    finally:
        on("web-bare", "mv /usr/sbin/sshd.away /usr/sbin/sshd")
    assert (rc, runner.artefact("enforce", "status")) == (2, "failed")
    assert result(output, "web-bare")["status"] == "refused"
    assert configuration("web-bare") == before


# What ansible-pull needs on the host: a controller of its own.  Compiled packages run under the Python that they were made for.
HOST = {11: "web-old", 13: "web-new"}.get(sys.version_info.minor, "")
PACKAGES = (
    *("ansible", "jinja2", "markupsafe", "yaml", "_yaml", "packaging", "cryptography", "jsonschema", "jsonschema_specifications", "referencing"),
    *("rpds", "attr", "attrs", "dateutil", "typing_extensions.py"),
)
PULL = "/opt/pull"
PROGRAM = "#!/usr/bin/python3\nimport sys\nfrom ansible.cli.{} import main\nsys.exit(main())\n"


def controller(tmp: Path) -> Path:
    """An archive with Ansible, git, and a repository of this checkout as it stands."""
    lib, bin_, work = tmp / "pull/lib", tmp / "pull/bin", tmp / "work"
    packages = Path(ansible.__file__).parents[1]
    for one in (*(packages / name for name in PACKAGES), *packages.glob("_cffi_backend*"), *packages.glob("*.dist-info")):
        if one.is_dir():
            shutil.copytree(one, lib / one.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            lib.mkdir(parents=True, exist_ok=True)
            shutil.copy2(one, lib)
    bin_.mkdir()
    for name, module in (("ansible", "adhoc"), ("ansible-playbook", "playbook"), ("ansible-pull", "pull")):
        (bin_ / name).write_text(PROGRAM.format(module), encoding="utf-8")
        (bin_ / name).chmod(0o755)
    shutil.copy2(str(shutil.which("git")), bin_ / "git")
    (bin_ / "git-upload-pack").symlink_to("git")
    work.mkdir()
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda one: (TOP / one).is_file(), listed.splitlines()):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, work / name)
    who = ["-c", "user.name=lab", "-c", "user.email=lab@example.com"]
    for argv in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "as it stands"]):
        subprocess.run(["git", *argv], cwd=work, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(tmp / "pull/agility.git")], check=True)
    subprocess.run(["tar", "-C", str(tmp), "--owner=0", "--group=0", "-cf", str(tmp / "pull.tar"), "pull"], check=True)
    return tmp / "pull.tar"


def pull(playbook: str, *more: str) -> subprocess.CompletedProcess[str]:
    """ansible-pull on the host."""
    there = {"PYTHONPATH": f"{PULL}/lib", "GIT_EXEC_PATH": f"{PULL}/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    env = [f"{name}={value}" for name, value in {**there, "PATH": f"{PULL}/bin:{os.defpath}:/usr/sbin:/sbin"}.items()]
    argv = ["ansible-pull", "-U", f"file://{PULL}/agility.git", "-d", f"{PULL}/checkout", "-i", "localhost,", "-c", "local"]
    return subprocess.run(
        [LAB, "exec", HOST, "env", *env, *argv, f"playbooks/{playbook}.yml", *more], capture_output=True, text=True, check=False, timeout=300
    )


def pulled(name: str) -> dict[str, object]:
    return json.loads(on(HOST, f"cat {PULL}/results/{name}/hosts/localhost.json"))


@pytest.mark.skipif(not HOST, reason="no lab host has this Python")
def test_a_host_pulls_audits_changes_and_takes_back_itself(tmp_path: Path) -> None:
    with controller(tmp_path).open("rb") as packed:
        subprocess.run([LAB, "exec", HOST, "tar", "-x", "-C", "/opt"], stdin=packed, check=True, timeout=120)
    before = configuration(HOST)
    try:
        ran = pull("audit", "-e", f"agility_policy=policies/default.yml agility_output={PULL}/results/audit")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert (pulled("audit")["status"], configuration(HOST)) == ("ok", before)

        ran = pull("enforce", "-e", f"agility_policy=policies/default.yml agility_output={PULL}/results/enforce agility_campaign=pull")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert pulled("enforce")["status"] == "changed"
        assert "sntrup761x25519-sha512" in on(HOST, "sshd -T | grep ^kexalgorithms")
        assert configuration(HOST) != before

        ran = pull("rollback", "-e", f"agility_output={PULL}/results/rollback agility_campaign=pull")
        assert (ran.returncode, configuration(HOST)) == (0, before), ran.stdout + ran.stderr
    finally:
        on(HOST, f"rm -rf {PULL}")
