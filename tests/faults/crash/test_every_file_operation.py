"""A stage is killed before each of its file operations: all that matters about a moment is what's on disk then.

Quick: a few moments of the four long stages. At length: moments of every stage, as near to each other as time allows.
"""

from __future__ import annotations

import signal

import pytest
from harness.events import Plan, moments
from harness.recovery import assert_recovers
from harness.tiny import STAGES

LONG_STAGES = [("embed_images",), ("pretrain",), ("finetune", "0"), ("ensemble",)]
MOST = 20  # moments of a stage, at length


def kill_at_each(points, stage, reference, nursery, tmp_path, tally):
    for at in points:
        place = reference.copy(stage, tmp_path / "place")
        ended = nursery.run(place, stage, Plan(at=at, signal=signal.SIGKILL))
        assert ended.code == -signal.SIGKILL, ended.output
        tally.add("kills")
        last = ended.events[-1]
        assert_recovers(place, stage, reference, nursery, f"killed before {last}")
        tally.add("faults survived")


@pytest.mark.slow
@pytest.mark.parametrize("stage", LONG_STAGES, ids="-".join)
def test_a_kill_at_some_moments_costs_nothing(stage, reference, nursery, tmp_path, tally):
    inner = moments(len(reference.events(stage)), 4)[1:-1]
    kill_at_each(inner, stage, reference, nursery, tmp_path, tally)


@pytest.mark.faults
@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_kill_before_any_file_operation_costs_nothing(stage, reference, nursery, tmp_path, tally):
    points = moments(len(reference.events(stage)), MOST)
    kill_at_each(points, stage, reference, nursery, tmp_path, tally)


@pytest.mark.faults
@pytest.mark.parametrize("stage", LONG_STAGES, ids="-".join)
def test_the_run_after_a_kill_can_be_killed_too(stage, reference, nursery, tmp_path, tally):
    count = len(reference.events(stage))
    place = reference.copy(stage, tmp_path / "place")
    for at in (count // 2, count // 3, count // 5, 3):
        if nursery.run(place, stage, Plan(at=at, signal=signal.SIGKILL)).code == -signal.SIGKILL:
            tally.add("kills")
    assert_recovers(place, stage, reference, nursery, "killed four times in a row")
    tally.add("faults survived")
