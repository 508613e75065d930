"""The same views from a process of its own, and only the photograph's loss where that process fails."""

from __future__ import annotations

import hashlib
import importlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadwork.embed.isolated_cutter import IsolatedCutter
from roadwork.embed.photograph import Photograph
from roadwork.embed.view_cutter import view_cutter
from roadwork.errors import PhotographError
from roadwork.storage.place import Place
from roadwork.views.decoder import CpuDecoder
from roadwork.views.geometry import view_boxes

HERE = view_cutter(CpuDecoder(), 16)


@pytest.fixture
def spoiling(monkeypatch: pytest.MonkeyPatch) -> type:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "isolation" / "services"))
    return importlib.import_module("misbehaving").SpoilsSome


def jpeg(number: int, deed: bytes = b"") -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue() + deed


def photograph(place: Place, content: bytes) -> Photograph:
    boxes = view_boxes(60, 40, grid=2, overlap=0.25)
    return Photograph(hashlib.sha256(content).hexdigest(), place, boxes, 60 * 40)


def written(folder: Path, name: str, content: bytes) -> Photograph:
    (folder / name).write_bytes(content)
    return photograph(folder / name, content)


def test_views_are_those_of_this_process_bit_for_bit(tmp_path: Path) -> None:
    photos = [written(tmp_path, f"{number} ä.jpg", jpeg(number)) for number in range(3)]
    with IsolatedCutter(16, timeout_s=300) as cut:
        views = [cut(photo) for photo in photos]
    for photo, each in zip(photos, views, strict=True):
        assert each.dtype == np.uint8
        assert np.array_equal(each, HERE(photo))


def test_errors_are_those_of_this_process(tmp_path: Path) -> None:
    photos = [
        Photograph("0" * 64, tmp_path / "none.jpg", photograph(tmp_path, b"").boxes, 2400),
        written(tmp_path, "text.jpg", b"no photograph"),
        written(tmp_path, "cut.jpg", jpeg(1)[:-100]),
        written(tmp_path, "changed.jpg", jpeg(2)),
    ]
    (tmp_path / "changed.jpg").write_bytes(jpeg(3))
    with IsolatedCutter(16, timeout_s=300) as cut:
        for photo in photos:
            with pytest.raises(PhotographError) as here:
                HERE(photo)
            with pytest.raises(PhotographError) as there:
                cut(photo)
            assert str(there.value) == str(here.value)
        assert len(cut._pool.workers) == 1  # bad files are none of the process's faults


def test_a_decoder_that_crashes_costs_its_photograph_alone(tmp_path: Path, spoiling: type) -> None:
    good, bad = written(tmp_path, "good.jpg", jpeg(1)), written(tmp_path, "bad.jpg", jpeg(2, b"crash"))
    with IsolatedCutter(16, spoiling, timeout_s=300) as cut:
        assert np.array_equal(cut(good), HERE(good))
        with pytest.raises(PhotographError) as caught:
            cut(bad)
        assert caught.value.rule == "the file must decode to its end: the decoder crashed (signal 11)"
        assert caught.value.where == str(bad.path)
        assert np.array_equal(cut(good), HERE(good))


def test_a_decoder_that_hangs_is_ended(tmp_path: Path, spoiling: type) -> None:
    bad = written(tmp_path, "bad.jpg", jpeg(2, b"hang"))
    with IsolatedCutter(16, spoiling, timeout_s=1) as cut, pytest.raises(PhotographError, match="longer than 1 s"):
        cut(bad)


def test_a_decoder_that_asks_for_all_memory_is_refused_it(tmp_path: Path, spoiling: type) -> None:
    good, bad = written(tmp_path, "good.jpg", jpeg(1)), written(tmp_path, "bad.jpg", jpeg(2, b"memory"))
    with IsolatedCutter(16, spoiling, timeout_s=300) as cut:
        with pytest.raises(PhotographError, match="memory"):
            cut(bad)
        assert np.array_equal(cut(good), HERE(good))
