from __future__ import annotations

import numpy as np
import pytest

from benchmarks.embedding import COMMITTED, embed_files
from benchmarks.photographs import photographs_of_files, sample_files
from benchmarks.rivals.dataloader_embedding import dataloader_embeddings
from benchmarks.row import UnequalError
from benchmarks.rows import obvious_way
from roadwork.embed.backbone import build_backbone
from roadwork.embed.backbone_config import BackboneConfig


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Our features and the rival's of three photographs, by the same small model."""
    files = sample_files(tmp_path_factory.mktemp("sample"), 3, max_width_px=160)
    photographs = photographs_of_files(files)
    config = BackboneConfig(
        name="vit_small_plus_patch16_dinov3", weights="random", weights_sha256=None, kwargs={"depth": 1}, pool="auto",
        precision="fp32",
    )  # fmt: skip
    backbone = build_backbone(config, size_px=COMMITTED.size_px, seed=1, device="cpu")
    rival = dataloader_embeddings(
        files,
        [photo.boxes for photo in photographs],
        obvious_way.plain_model(backbone),
        size_px=COMMITTED.size_px,
        batch_size=2,
        workers=0,
    )
    return backbone, embed_files(photographs, backbone), rival


def test_the_rival_computes_the_same(both):
    _, ours, rival = both
    assert rival.shape == ours.shape == (3, 12, 384)
    assert obvious_way.least_cosine(ours, rival) >= 0.999


def test_another_result_is_not_timed(both):
    _, ours, rival = both
    with pytest.raises(UnequalError, match="cosine"):
        obvious_way.least_cosine(ours[::-1], rival)
    with pytest.raises(UnequalError, match="nan"):
        obvious_way.least_cosine(ours, np.full_like(rival, np.nan))


def test_only_our_own_arithmetic_has_the_target(both):
    backbone, ours, rival = both
    rows = [
        obvious_way._row(name, backbone, lambda: ours, lambda: rival, rival, 1)
        for name in ("images_per_second", "float32")
    ]
    assert rows[0].target is not None
    assert (rows[0].target.kind, rows[0].target.value) == ("at least", 3.0)
    assert rows[1].target is None
    assert "same arithmetic" in rows[1].note
