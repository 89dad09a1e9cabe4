"""Somebody is lost while both ends of a tunnel move: two of the points of tests/torture/links, and that these are whole."""

from __future__ import annotations

import pytest

from tests.torture.links.bench import Bench
from tests.torture.links.points import LAYOUTS, PAIR, PLAYS, A, B, Point, Step, every_point, some

from .test_ipsec import SITE

IN_FRONT = f"sed -i -E 's/(proposals = )(aes256gcm16(-prfsha384)?-x25519)/\\1\\2-ke1_mlkem1024, \\2-ke1_mlkem768, \\2/' {SITE}"


@pytest.fixture(scope="module", autouse=True)
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Both ends as they were built."""
    return Bench(tmp_path_factory.mktemp("links") / "bench")


@pytest.mark.parametrize(
    ("point", "stages"),
    [
        (Point("expand", Step(A, "moved"), "controller", "expand"), {("old", "old")}),
        (Point("expand", Step(B, "confirmed"), f"path to {A}", "rollback"), {("old", "both"), ("both", "both")}),
    ],
    ids=["controller", "path"],
)
def test_whoever_is_lost_a_tunnel_stays_and_one_further_run_brings_both_ends_together(
    pristine: Bench, point: Point, stages: set[tuple[str, str]]
) -> None:
    """The controller before the confirmations: both go back.  The way to A between them: one stage apart, or A was told just before."""
    judged = pristine.judge(point)
    assert judged.reached and judged.split == ()
    assert judged.stages in stages


def test_an_sa_of_the_new_configuration_that_came_out_classical_is_made_anew(pristine: Bench) -> None:
    """The other end had lost power, and was at the old again; charon makes no second IKE SA of one configuration."""
    pristine.begin("old")
    a, b = pristine.ends
    a.run(f"cp -p {SITE} /root/old.conf; {IN_FRONT} && swanctl --load-all --noprompt && swanctl --terminate --ike site --force")
    a.run(f"swanctl --initiate --child net && cp -p /root/old.conf {SITE} && swanctl --load-all --noprompt")
    assert a.agreed(PAIR.tunnels[0], b) is False
    assert pristine.end(pristine.start("expand")) == 0
    assert a.agreed(PAIR.tunnels[0], b) and pristine.tunnel() == []


def test_a_sample_holds_every_play_and_every_loss_and_is_the_same_for_a_seed() -> None:
    points = every_point()
    chosen = some(points, 60, 7)
    assert len(points) > 1000 and len(set(points)) == len(points) and len(chosen) == 60
    for layout in LAYOUTS.values():
        mine = [point for point in chosen if point.layout == layout.name]
        assert {point.play for point in mine} == set(PLAYS) and {point.loss for point in mine} == set(layout.losses)
    assert chosen == some(points, 60, 7) != some(points, 60, 8)
    assert {point.further for point in points if point.step.word == "moved"} == {"expand", "contract", "rollback"}
