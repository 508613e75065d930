"""Somebody empties the cache while a stage is at work in it, or a clock goes wrong."""

from __future__ import annotations

import os
import time

import pytest
from harness.events import Plan
from harness.recovery import assert_finished
from harness.tiny import STAGES
from harness.trees import differences, temporaries

pytestmark = pytest.mark.faults

YEAR_S = 365 * 86_400.0
TRAINED = [("embed_images",), ("pretrain",), ("finetune", "0")]


@pytest.mark.parametrize("stage", TRAINED, ids="-".join)
def test_a_cache_that_vanishes_costs_time_only(stage, reference, nursery, tmp_path, tally):
    count = len(reference.events(stage))
    for at in sorted({round(count * share / 10) for share in range(1, 10)}):
        place = reference.copy(stage, tmp_path / "place")
        ended = nursery.run(place, stage, Plan(at=at, remove=str(place.cache)))
        told = f"the cache vanished before operation {at} of {count}"
        assert ended.code in (0, 1), f"{told}: {ended.code}\n{ended.output}"
        assert "Traceback" not in ended.output, f"{told}: {ended.output}"
        again = nursery.run(place, stage)
        assert again.code == 0, f"{told}: {again.output}"
        wrong = differences(place.project, reference.after(stage).project) + temporaries(place)
        assert not wrong, f"{told}: {wrong}"
        assert not list(place.cache.glob("training/*")), told
        tally.add("caches that vanished")
        tally.add("faults survived")


@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_clock_that_goes_back_changes_nothing(stage, reference, nursery, tmp_path, tally):
    place = reference.copy(stage, tmp_path / "place")
    middle = max(len(reference.events(stage)) // 2, 1)
    ended = nursery.run(place, stage, Plan(at=middle, clock_back_s=YEAR_S))
    assert ended.code == 0, ended.output
    assert_finished(place, stage, reference, "the clock went back")
    tally.add("clocks turned back")
    tally.add("faults survived")


@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_files_from_the_future_change_nothing(stage, reference, nursery, tmp_path, tally):
    place = reference.copy(stage, tmp_path / "place")
    future = time.time() + 10 * YEAR_S
    for path in [*place.project.rglob("*"), *place.cache.rglob("*")]:
        os.utime(path, (future, future))
    ended = nursery.run(place, stage)
    assert ended.code == 0, ended.output
    assert_finished(place, stage, reference, "files from the future")
    tally.add("faults survived")
