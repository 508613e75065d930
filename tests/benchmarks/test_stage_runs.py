"""The stage as the benchmarks of Ray run it: from outside, alone, from an empty cache."""

from __future__ import annotations

import pytest

from benchmarks.photographs import camera_files
from benchmarks.stage_runs import Pace, StageProject, StageRun

SMALL = {"backbone.name": "vit_small_plus_patch16_dinov3", "backbone.kwargs": {"depth": 1}, "views.size_px": 32}


def run(photographs: int, wall_s: float) -> StageRun:
    return StageRun(photographs, wall_s, peak_mib=100.0, features="f")


def test_the_line_through_two_runs():
    pace = Pace.of(run(64, 20.0), run(512, 64.8))
    assert pace.photograph_s == pytest.approx(0.1)
    assert pace.start_s == pytest.approx(13.6)


def test_more_photographs_that_took_no_longer_tell_nothing():
    assert Pace.of(run(64, 20.0), run(512, 21.0)).measured
    assert not Pace.of(run(64, 20.0), run(512, 19.0)).measured


@pytest.mark.slow
def test_each_run_computes_everything_again_and_gives_the_same_features(tmp_path):
    (tmp_path / "drawn").mkdir()
    project = StageProject(tmp_path / "a", camera_files(tmp_path / "drawn", 4, width_px=320, height_px=240), SMALL)
    first = project.embed({"embed.engine": "local"})
    second = project.embed({"embed.engine": "local", "embed.decode_workers": 1})
    assert first.photographs == second.photographs == 4
    assert first.features == second.features
    assert first.peak_mib > 50
    with pytest.raises(RuntimeError, match="embed_images failed") as caught:
        project.embed({"embed.engine": "nowhere"})
    assert "nowhere" in str(caught.value)
