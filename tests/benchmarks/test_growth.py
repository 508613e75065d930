"""The growth rows on a handful of images: real stages, real targets, and a stop where an image is computed again."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.growth_stages import Taken, assemble, use
from benchmarks.row import UnequalError
from benchmarks.rows import growth
from benchmarks.synthetic_project import FINGERPRINT, Paths, fill_cache, photographs
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.store import read_image_store


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Small tensors."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill_cache(tmp_path / "cache", 100)
    return tmp_path / "cache"


def test_the_cache_holds_different_rows_for_different_images(root: Path) -> None:
    cache, ids = EmbeddingCache(root, FINGERPRINT), [photo.image_id for photo in photographs(100)]
    rows = np.concatenate(list(cache.pieces(ids, images=30)))
    assert len(np.unique(rows.reshape(100, -1), axis=0)) == 100


def test_the_stages_run_on_what_the_cache_holds(root: Path, tmp_path: Path) -> None:
    taken = assemble(root, tmp_path, 80)
    ids = [photo.image_id for photo in photographs(80)]
    assert len(read_image_store(Paths.of(tmp_path).images, image_ids=ids).embeddings) == 80
    taken |= use(tmp_path, 80, steps=1)
    assert set(taken) >= {*growth._STAGES, "steps", "peak_bytes", "kept"}


def test_an_image_that_is_not_in_the_cache_is_a_fault_of_the_benchmark(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UnequalError, match="computed again"):
        assemble(root, tmp_path, 101)


def test_one_percent_more_is_counted_through_the_real_stage(root: Path, tmp_path: Path) -> None:
    row = growth._one_percent_more(root, tmp_path / "more", 100)
    assert (row.figure, row.met, row.detail) == (1.0, True, {"added": 1, "reordered": 0, "removed": 0})


def taken(*seconds: float) -> dict[int, dict[str, Taken]]:
    return {size: {"load": Taken(each, each)} for size, each in zip((10, 100, 1000), seconds, strict=True)}


def test_linear_is_met_and_quadratic_is_not() -> None:
    assert growth._linear("load", "", taken(1.0, 10.0, 100.0)).met
    assert growth._linear("load", "", taken(5.0, 12.0, 100.0)).met, "a fixed cost"
    late = growth._linear("load", "", taken(50.0, 51.0, 5000.0))
    assert not late.met, "a fixed cost doesn't hide what grows faster later"
    assert late.figure == pytest.approx(math.log10(5000 / 51))
