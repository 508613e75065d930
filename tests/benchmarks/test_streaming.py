from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.embedding import COMMITTED, embed_files
from benchmarks.photographs import photographs_of_files, sample_files
from benchmarks.row import Scale, UnequalError
from benchmarks.rows import streaming
from roadwork.embed.backbone import Backbone, build_backbone
from roadwork.embed.backbone_config import BackboneConfig


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """A small vision transformer of the committed size."""
    config = BackboneConfig(
        name="vit_small_plus_patch16_dinov3", weights="random", weights_sha256=None, kwargs={"depth": 1}, pool="auto",
        precision="fp32",
    )  # fmt: skip
    return build_backbone(config, size_px=COMMITTED.size_px, seed=1, device="cpu")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return sample_files(tmp_path_factory.mktemp("sample"), 3, max_width_px=160)


def test_the_row_tells_the_ratio_and_the_limit(backbone, files):
    row = streaming._overlap("mixture", "three", files, backbone, Scale(quick=True))
    assert row.target is not None
    assert (row.target.kind, row.target.value) == ("at most", 1.10)
    assert row.detail["lowest_possible_ratio"] >= 1 or row.detail["cores"] == 1
    assert row.detail["images"] == 3
    assert row.detail["against_that_limit"] > 0
    assert "÷ cores" in row.limit


def test_other_features_than_the_models_are_not_timed(backbone, files):
    photographs = photographs_of_files(files)
    cut = [np.zeros((12, COMMITTED.size_px, COMMITTED.size_px, 3), np.uint8)] * 3
    rows = embed_files(photographs, backbone)
    with pytest.raises(UnequalError, match="photograph 0 has other features"):
        streaming.check_rows(rows, cut, backbone)


def test_the_stand_in_tells_photographs_apart(files):
    rows = embed_files(photographs_of_files(files), streaming.mean_colours)
    assert rows.shape == (3, 12, 1280)
    assert len({row.tobytes() for row in rows}) == 3
    assert streaming.mean_colours(torch.zeros(1, 12, 4, 4, 3, dtype=torch.uint8)).shape == (1, 12, 1280)


def test_the_peak_of_a_process_is_in_mebibytes(files):
    assert 100 < streaming._peak_mib(files[:1]) < 100_000
