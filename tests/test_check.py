from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from roadwork.check import check_null_metadata, check_sampling, check_shapes, check_views
from roadwork.config import load_section, read_params
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.embeddings import Resident
from roadwork.train.features import FeatureTable
from roadwork.views.geometry import ViewsConfig

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "photos" / "no_roadwork"
IMAGES = 6


@pytest.fixture(scope="module")
def spec() -> HeadSpec:
    return HeadSpec(
        head=load_section(PARAMS, "head", HeadConfig),
        metadata=load_section(PARAMS, "metadata", MetadataConfig),
        embedding_dim=1280,
        views=12,
    )


@pytest.fixture
def table(spec: HeadSpec) -> FeatureTable:
    torch.manual_seed(0)
    return FeatureTable(
        image_ids=[f"{row:064x}" for row in range(IMAGES)],
        embeddings=Resident(torch.randn(IMAGES, 12, 1280).half()),
        metadata=Metadata.null(IMAGES, spec.metadata),
        labels=torch.zeros(IMAGES, dtype=torch.int64),
        split=np.full(IMAGES, "train"),
        block=np.arange(IMAGES, dtype=np.int32),
        roles=np.empty((IMAGES, 0), dtype=np.str_),
        fingerprint="x",
        digest="d" * 64,
    )


def test_shapes_through_the_whole_head(table: FeatureTable, spec: HeadSpec) -> None:
    finding = check_shapes(table, spec, seed=1)
    assert finding.passed, finding.detail
    assert f"embeddings [{IMAGES}, 12, 1280] → logits [{IMAGES}, 2], view_logits [{IMAGES}, 8, 2]" in finding.detail


def test_features_that_are_not_finite_are_found(table: FeatureTable, spec: HeadSpec) -> None:
    broken = table.embeddings.tensor.clone()
    broken[0, 0, 0] = float("inf")
    finding = check_shapes(replace(table, embeddings=Resident(broken)), spec, seed=1)
    assert not finding.passed
    assert "not all finite" in finding.detail


def test_gradients_reach_every_null(table: FeatureTable, spec: HeadSpec) -> None:
    finding = check_null_metadata(table, spec, seed=1)
    assert finding.passed, finding.detail
    for field in ("gps", "weather", "daytime", "scene"):
        assert field in finding.detail


def test_a_head_without_metadata_has_no_null_to_check(table: FeatureTable, spec: HeadSpec) -> None:
    alone = spec.model_copy(update={"metadata": spec.metadata.model_copy(update={"fields": ()})})
    finding = check_null_metadata(table, alone, seed=1)
    assert finding.passed
    assert "no field in use" in finding.detail


def test_the_share_of_draws_near_a_centre() -> None:
    weights, distance_km = np.array([5.0, 2.5, 1.0, 0.3, 9.0]), np.array([10.0, 100.0, 300.0, 900.0, np.nan])
    share = 7.5 / 8.8
    good = check_sampling(weights, distance_km, near_km=100, target_share=0.85)
    assert good.passed
    assert f"{share:.1%} of draws" in good.detail
    assert "uniform: 50.0%" in good.detail
    assert not check_sampling(weights, distance_km, near_km=100, target_share=0.86).passed
    assert not check_sampling(weights, np.full(5, np.nan), near_km=100, target_share=0.1).passed


def views_config() -> ViewsConfig:
    return ViewsConfig.model_validate({**read_params(PARAMS)["views"], "size_px": 32})


def test_twelve_views_where_they_should_be(tmp_path: Path) -> None:
    photograph = tmp_path / "photo.png"
    Image.effect_noise((403, 302), 50).convert("RGB").save(photograph)
    finding = check_views(photograph, (403, 302), views_config(), 10**9)
    assert finding.passed, finding.detail
    assert "12 views" in finding.detail
    assert "no 4032×3024 photograph" in finding.detail
    stale = check_views(photograph, (302, 403), views_config(), 10**9)
    assert not stale.passed
    assert "the manifest's size" in stale.detail


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real photographs are not here")
def test_twelve_views_of_a_real_photograph_of_12_megapixels() -> None:
    finding = check_views(SHARED / "phone_4032x3024.jpg", (4032, 3024), views_config(), 10**9)
    assert finding.passed, finding.detail
    assert "no 4032×3024" not in finding.detail
