"""A stage that is asked to stop does so in order, and one whose machine stops at once has lost nothing it relied on."""

from __future__ import annotations

import signal

import pytest
from harness.events import Plan, moments
from harness.nursery import SIGNALLED
from harness.recovery import assert_recovers
from harness.tiny import STAGES
from harness.trees import temporaries

pytestmark = pytest.mark.faults

MOST = 6  # moments of a stage


@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_what_was_not_flushed_when_the_power_failed_was_not_needed(stage, reference, nursery, tmp_path, tally):
    for at in moments(len(reference.events(stage)), MOST):
        place = reference.copy(stage, tmp_path / "place")
        ended = nursery.run(place, stage, Plan(at=at, signal=signal.SIGKILL, power_cut=True))
        assert ended.code == -signal.SIGKILL, ended.output
        tally.add("power cuts")
        assert_recovers(place, stage, reference, nursery, f"without power before {ended.events[-1]}")
        tally.add("faults survived")


@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_stage_that_is_asked_to_stop_leaves_in_order(stage, reference, nursery, tmp_path, tally):
    # Not while it removes something: a signal in the very act of clearing up leaves that to the next run.
    making = [event.number for event in reference.events(stage) if event.operation not in ("remove", "rmdir")]
    for index, chosen in enumerate(moments(len(making), MOST)):
        at, sent = making[chosen - 1], (signal.SIGTERM, signal.SIGINT)[index % 2]
        place = reference.copy(stage, tmp_path / "place")
        ended = nursery.run(place, stage, Plan(at=at, signal=sent))
        tally.add("kills")
        told = f"{sent.name} before {ended.events[at - 1]}"
        assert ended.code == SIGNALLED[sent], f"{told}: {ended.output}"
        assert "Traceback" not in ended.output, f"{told}: {ended.output}"
        assert not temporaries(place), f"{told}: {temporaries(place)}"
        assert_recovers(place, stage, reference, nursery, told)
        tally.add("faults survived")
