"""The certificate of a VyOS device is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asked import asked
from tests.emulators.certified import NAME, Vyos, issuing, rotated, served, trusted

from .test_device_recover import killed

pytestmark = pytest.mark.skipif(not asked("appliances"), reason="make verify-appliances runs it; appliances/test_vyos_keeping.py has its steps")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Vyos]:
    issuing(tmp_path / "authority")
    made = Vyos(tmp_path / "device")
    yield made
    made.kill()


def run(folder: Path, edge: Vyos, verb: str = "rotate_certificates", *more: str, **variables: object) -> dict[str, Any]:
    result = rotated(
        folder, edge.variables(), verb, "-vvv", *more, hidden=lambda: [one[-80:] for one in edge.private], **{"agility_names": [NAME], **variables}
    )
    assert edge.private
    return result


def without(text: str, name: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if name not in line)


def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, edge: Vyos) -> None:
    before = edge.text()
    result = run(tmp_path, edge, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", result["shown"]
    (sent,) = [one for one in result["plan"]["warnings"] if "is sent" in one]
    assert edge.text() == edge.text("startup") == before

    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    name, new = edge.bound(), served(edge.https)
    assert re.fullmatch(r"ag[0-9a-f]{6}", name)
    assert f"set service https certificates certificate {name}" in sent
    assert new != edge.old
    assert trusted(tmp_path / "authority/root.crt", edge.https)
    assert edge.text() == edge.text("startup")
    edge.reboot()
    assert served(edge.https) == new
    assert run(tmp_path, edge)["status"] == "ok"

    result = run(tmp_path, edge, "rollback")
    assert result["status"] == "rolled-back", result["shown"]
    assert served(edge.https) == edge.old
    assert without(edge.text(), name) == before
    assert edge.text() == edge.text("startup")


def test_who_serves_another_certificate_is_taken_back_and_the_next_run_names_the_new_one(tmp_path: Path, edge: Vyos) -> None:
    served(edge.https)
    edge.fault(stale=True)
    result = run(tmp_path, edge)
    assert (result["status"], "does not get the certificate that belongs there" in result["problem"]["message"]) == ("reverted", True)
    assert (edge.bound(), edge.bound("startup"), served(edge.https), len(edge.private)) == ("OLD", "OLD", edge.old, 2)
    edge.fault()
    assert run(tmp_path, edge)["status"] == "changed"
    assert len(edge.private) == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop_at", "power_at"])
@pytest.mark.parametrize("step", ["run generate *", "set pki certificate *", "set pki ca *", "commit", "save"])
def test_what_a_run_leaves_that_ends_while_it_makes_a_certificate_is_made_anew(tmp_path: Path, edge: Vyos, fault: str, step: str, when: str) -> None:
    edge.fault(**{fault: [step, when]})
    result = run(tmp_path, edge)
    assert result["status"] in ("unreachable", "failed"), result["shown"]
    if fault == "power_at":
        edge.start()
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    assert len(edge.private) == 2
    assert edge.text() == edge.text("startup")


def test_what_a_killed_controller_left_is_taken_back_by_recover(tmp_path: Path, edge: Vyos) -> None:
    said = {"agility_authority": str(tmp_path / "authority"), "agility_names": [NAME]}
    killed(tmp_path, edge, lambda: edge.bound() != "OLD", "rotate_certificates", **said)
    assert edge.bound() != "OLD"
    assert run(tmp_path, edge, "recover")["status"] == "changed"
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)


def test_a_kind_of_key_that_it_does_not_make_is_refused_by_its_name(tmp_path: Path, edge: Vyos) -> None:
    before = edge.text()
    result = run(tmp_path, edge, agility_keys=["ML-DSA-65"])
    assert (result["status"], result["problem"]["message"]) == ("failed", "VyOS makes no keys of kind ML-DSA-65")
    assert edge.text() == before
