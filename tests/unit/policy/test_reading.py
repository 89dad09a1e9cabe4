"""What a policy may read of the controller, and how a name that leads nowhere is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.facts import holds
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._policies import reader

from .texts import HEAD, of


def loaded(path: Path):
    return load(str(path), reader(str(path)))


def test_a_link_that_leads_out_of_the_folder_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    inside, outside = tmp_path / "policies", tmp_path / "secret.yml"
    inside.mkdir()
    outside.write_text(HEAD, encoding="utf-8")
    (inside / "b.yml").symlink_to(outside)
    (inside / "deep").symlink_to(tmp_path)
    for name in ("b.yml", "deep/secret.yml"):
        (inside / "p.yml").write_text(HEAD + f"extends: [{name}]\n", encoding="utf-8")
        with pytest.raises(PolicyError, match=r"p\.yml:2: cannot read .*a symbolic link leads out of the folder"):
            loaded(inside / "p.yml")


def test_a_link_to_the_policy_in_force_is_taken(tmp_path: Path) -> None:
    (tmp_path / "4.yml").write_text(HEAD + "extends: [b.yml]\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text(HEAD, encoding="utf-8")
    (tmp_path / "current.yml").symlink_to("4.yml")
    assert loaded(tmp_path / "current.yml").name == "t"


def test_what_is_no_text_file_of_a_sane_size_is_refused_without_reading_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "big.yml").write_bytes(b"#" * (10 * 1024 * 1024))
    (tmp_path / "latin.yml").write_bytes(b"policy: {name: caf\xe9}\n")
    (tmp_path / "folder.yml").mkdir()
    wrong = {"pipe": "not a regular file", "folder": "not a regular file", "big": "larger than 4 MiB", "latin": "latin.yml:1: not UTF-8: byte 0xe9"}
    for name, what in wrong.items():
        with pytest.raises(PolicyError) as found:
            loaded(tmp_path / f"{name}.yml")
        assert what in str(found.value)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nist-ir-8547", "did you mean nist-ir-8547@1?"),
        ("hybrid-transition@9", "did you mean hybrid-transition@1?"),
        ("nowhere", "shipped baselines: anssi@1"),
    ],
)
def test_the_edition_of_a_baseline_is_never_guessed_but_told(name: str, what: str) -> None:
    with pytest.raises(PolicyError) as found:
        of(HEAD + f"extends: [{name}]\n")
    assert what in str(found.value)


@pytest.mark.parametrize(
    ("value", "wanted", "held"),
    [
        ("12h", "<=7d", True),
        ("8d", "<=7d", False),
        ("168h", "<=1w", True),
        ("90d", "<=100d", True),
        ("1y", "<=100d", False),
        ("12", "<=7d", False),
        ("12h", "<=7", False),
        ("2048", ">=2048", True),
        ("soon", "<=7d", False),
        ("RSA-4096", "RSA-3072+", True),
    ],
)
def test_spans_of_time_are_compared_in_any_unit(value: str, wanted: str, held: bool) -> None:
    assert holds(value, wanted) is held
