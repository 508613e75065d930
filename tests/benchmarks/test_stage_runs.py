"""The stage as the benchmarks of Ray run it: from outside, alone, from an empty cache."""

from __future__ import annotations

import os

import numpy as np
import pytest

from benchmarks.photographs import camera_files
from benchmarks.stage_runs import StageProject, StageRun, on_cores, pace_of_blocks
from roadwork.embed.cache_block import write_block

SMALL = {
    "backbone.name": "vit_small_plus_patch16_dinov3", "backbone.kwargs": {"depth": 1}, "views.size_px": 32,
    "embed.block_images": 2,
}  # fmt: skip


def test_what_is_no_photograph_s_is_the_start_s():
    assert StageRun(512, 64.8, 0.1, peak_mib=100.0, features="f").start_s == pytest.approx(13.6)


def test_cores_that_are_not_there_are_told(tmp_path):
    assert on_cores(None) == []
    assert on_cores(1)[0] == "taskset"
    with pytest.raises(RuntimeError, match="4096 cores"):
        on_cores(4096)


def test_the_pace_is_read_off_the_blocks(tmp_path):
    for number, (count, finished_s) in enumerate([(4, 100.0), (4, 102.0), (2, 103.5)]):
        ids = [f"{number}{row}".rjust(64, "0") for row in range(count)]
        path = write_block(tmp_path, ids, np.zeros((count, 1, 1), np.float16))
        os.utime(path, (finished_s, finished_s))
        if not number:
            with pytest.raises(RuntimeError, match="1 blocks"):
                pace_of_blocks(tmp_path)
    assert pace_of_blocks(tmp_path) == pytest.approx(3.5 / 6)


@pytest.mark.slow
def test_each_run_computes_everything_again_and_gives_the_same_features(tmp_path):
    (tmp_path / "drawn").mkdir()
    project = StageProject(tmp_path / "a", camera_files(tmp_path / "drawn", 4, width_px=320, height_px=240), SMALL)
    first = project.embed({"embed.engine": "local"}, memory=True)
    second = project.embed({"embed.engine": "local", "embed.decode_workers": 1}, cores=1)
    assert first.photographs == second.photographs == 4
    assert first.features == second.features
    assert first.peak_mib is not None
    assert first.peak_mib > 50
    assert second.peak_mib is None
    assert 0 < first.photograph_s < first.wall_s
    with pytest.raises(RuntimeError, match="embed_images failed") as caught:
        project.embed({"embed.engine": "nowhere"})
    assert "nowhere" in str(caught.value)
