"""A disk that fails in the middle of a stage: full, over quota, broken. The stage says so, and loses nothing.

Native code (Parquet, safetensors) writes past the shim; `test_full_disk.py` has a disk that is really full.
"""

from __future__ import annotations

import errno

import pytest
from harness.events import GROWING, Plan, moments
from harness.recovery import assert_recovers
from harness.tiny import STAGES
from harness.trees import temporaries, tree

QUICK_STAGES = [("folds",), ("pretrain",)]
MOST = 6  # moments of a stage
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def fail_from(at, error, stage, reference, nursery, folder, tally):
    """From its operation `at` on, everything that needs space fails with `error`; then the disk is well again."""
    place = reference.copy(stage, folder)
    before = tree(place.project)
    ended = nursery.run(place, stage, Plan(at=at, error=error))
    told = f"{errno.errorcode[error]} from {ended.events[at - 1]} on"
    assert ended.code == 1, f"{told}: {ended.code}\n{ended.output}"
    assert "Traceback" not in ended.output, f"{told}: {ended.output}"
    assert ended.output.count("\nerror: ") + ended.output.startswith("error: ") == 1, f"{told}: {ended.output}"
    assert "fix: " in ended.output, f"{told}: {ended.output}"
    assert not temporaries(place), f"{told}: {temporaries(place)}"
    after, finished = tree(place.project), tree(reference.after(stage).project)
    for name, content in after.items():
        whole = content in (before.get(name), finished.get(name)) or name.startswith("metrics/live/")
        assert whole, f"{told}: {name} is neither what it was nor what it becomes"
    tally.add("disk failures")
    assert_recovers(place, stage, reference, nursery, told)
    tally.add("faults survived")


def growing(events):
    """The numbers of the operations that a full disk can fail."""
    return [event.number for event in events if event.operation in GROWING]


@pytest.mark.slow
@pytest.mark.parametrize("stage", QUICK_STAGES, ids="-".join)
def test_a_full_disk_is_one_message_and_loses_nothing(stage, reference, nursery, tmp_path, tally):
    at = growing(reference.events(stage))
    fail_from(at[len(at) // 2], errno.ENOSPC, stage, reference, nursery, tmp_path / "place", tally)


@pytest.mark.faults
@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_disk_that_fails_at_any_moment_is_one_message_and_loses_nothing(stage, reference, nursery, tmp_path, tally):
    at = growing(reference.events(stage))
    for index, chosen in enumerate(moments(len(at), MOST)):
        fail_from(at[chosen - 1], ERRORS[index % len(ERRORS)], stage, reference, nursery, tmp_path / "place", tally)
