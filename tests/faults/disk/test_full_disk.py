"""A disk that is really full, or really read-only, also for what native code writes."""

from __future__ import annotations

import shutil

import pytest
from harness.recovery import assert_finished
from harness.tiny import STAGES
from harness.trees import temporaries, tree

pytestmark = pytest.mark.faults


def assert_one_message(ended, told):
    assert ended.code == 1, f"{told}: {ended.code}\n{ended.output}"
    assert "Traceback" not in ended.output, f"{told}: {ended.output}"
    assert "error: " in ended.output, f"{told}: {ended.output}"
    assert "fix: " in ended.output, f"{told}: {ended.output}"


def growth_kb(stage, reference):
    """What `stage` adds to project and cache, in whole pages."""

    def used(place):
        files = [file for folder in (place.project, place.cache) for file in folder.rglob("*") if file.is_file()]
        return sum(-(-file.stat().st_size // 4096) * 4 for file in files)

    return used(reference.after(stage)) - used(reference.before(stage))


@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_stage_that_fills_the_disk_says_so_and_finishes_when_there_is_space(
    stage, reference, small_disk, tmp_path, tally
):
    needed = growth_kb(stage, reference)
    for number, free_kb in enumerate(sorted({0, needed // 3 // 4 * 4, needed * 2 // 3 // 4 * 4})):
        told = f"{' '.join(stage)} with {free_kb} of {needed} kB free"
        place = small_disk.place(stage, reference)
        small_disk.leave_free(free_kb)
        assert_one_message(small_disk.nursery.run(place, stage), told)
        left = small_disk.copy_out(tmp_path / f"{number}-full")
        assert not temporaries(left), f"{told}: {temporaries(left)}"
        small_disk.make_roomy()
        again = small_disk.nursery.run(place, stage)
        assert again.code == 0, f"{told}: {again.output}"
        assert_finished(small_disk.copy_out(tmp_path / f"{number}-roomy"), stage, reference, told)
        tally.add("disk failures")
        tally.add("faults survived")


@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_read_only_output_folder_is_one_message_and_changes_nothing(stage, reference, small_disk, tmp_path, tally):
    told = f"{' '.join(stage)}, read-only"
    place = small_disk.place(stage, reference)
    small_disk.make_read_only()
    assert_one_message(small_disk.nursery.run(place, stage), told)
    left = small_disk.copy_out(tmp_path / "left")
    before = reference.before(stage)
    assert tree(left.project) == tree(before.project)
    assert tree(left.cache) == tree(before.cache)
    shutil.rmtree(tmp_path / "left")
    small_disk.make_roomy()
    again = small_disk.nursery.run(place, stage)
    assert again.code == 0, f"{told}: {again.output}"
    assert_finished(small_disk.copy_out(tmp_path / "roomy"), stage, reference, told)
    tally.add("disk failures")
    tally.add("faults survived")
