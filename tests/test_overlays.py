from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadwork.errors import DataError, ParameterError, PhotographError
from roadwork.evidence.view import ViewEvidence
from roadwork.overlays import check_overlay_folder, draw_overlay, overlay_path
from roadwork.predict import Prediction
from roadwork.views.geometry import view_boxes, view_names


def predicted(path, *, size=(64, 48), probability=0.7):
    """A prediction for a new photograph at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (60, 160, 90)).save(path)
    views = tuple(ViewEvidence(name, 0.5, 1.0, 0.2, 0.01 * n) for n, name in enumerate(view_names(3)))
    return Prediction(path, probability, probability >= 0.5, views, view_boxes(*size, grid=3, overlap=0.25))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "overlays" / "deep"


def test_one_picture_per_photograph(tmp_path, folder):
    predictions = [predicted(tmp_path / name) for name in ("a/1.jpg", "b/1.jpg", "b/1.png")]
    assert not folder.exists()
    pictures = [draw_overlay(prediction, folder) for prediction in predictions]
    assert sorted(folder.iterdir()) == sorted(pictures)
    assert len(set(pictures)) == 3
    for picture in pictures:
        assert picture.name.startswith("1-")
        assert picture.name.endswith(".overlay.jpg")
        with Image.open(picture) as opened:
            assert opened.format == "JPEG"
            assert opened.width > 1000


def test_a_second_run_replaces_the_pictures_of_the_first(tmp_path, folder):
    first = predicted(tmp_path / "a.png")
    draw_overlay(first, folder)
    (picture,) = folder.iterdir()
    before = picture.read_bytes()
    draw_overlay(first, folder)
    assert picture.read_bytes() == before
    draw_overlay(predicted(tmp_path / "a.png", probability=0.2), folder)
    assert [*folder.iterdir()] == [picture]
    assert picture.read_bytes() != before


def test_a_name_belongs_to_a_place_however_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {
        overlay_path(Path("out"), Path(text)) for text in ("a.jpg", "./a.jpg", "x/../a.jpg", str(tmp_path / "a.jpg"))
    }
    assert len(names) == 1
    assert overlay_path(Path("out"), Path("b/a.jpg")) not in names


@pytest.mark.parametrize("letter", ["x", "ö", "道"], ids=["one byte", "two", "three"])
def test_the_longest_names_fit(tmp_path, folder, letter):
    stem = letter * (251 // len(letter.encode()))
    picture = draw_overlay(predicted(tmp_path / f"{stem}.png"), folder)
    assert [*folder.iterdir()] == [picture]
    assert picture.name.startswith(stem[:40])


def test_a_photograph_that_is_gone_is_named_and_leaves_no_folder(tmp_path, folder):
    gone = predicted(tmp_path / "gone.png")
    gone.path.unlink()
    with pytest.raises(PhotographError) as caught:
        draw_overlay(gone, folder)
    assert "gone.png" in caught.value.where
    assert not folder.parent.exists()


def test_a_large_photograph_keeps_the_caller_s_limit(tmp_path, folder):
    with pytest.raises(PhotographError):
        draw_overlay(predicted(tmp_path / "a.png"), folder, max_pixels=100)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match="can't be made") as caught:
        check_overlay_folder(tmp_path / "taken", [])
    assert "--overlay" in caught.value.where
    with pytest.raises(DataError, match="taken is no folder"):
        check_overlay_folder(tmp_path / "taken" / "below", [])
    with pytest.raises(DataError, match="can't be made"):
        draw_overlay(predicted(tmp_path / "a.png"), tmp_path / "taken" / "below")


def test_a_folder_in_one_that_is_read_only_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(DataError, match="can't be written to"):
        check_overlay_folder(tmp_path / "x" / "y", [])


def test_the_overlays_never_lie_among_the_photographs(tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for inside in (photographs, photographs / "overlays", photographs / "x" / ".." / "overlays"):
        with pytest.raises(ParameterError, match="lies in"):
            check_overlay_folder(inside, [photographs])
    assert [*photographs.iterdir()] == []
    check_overlay_folder(tmp_path / "photographs_overlays", [photographs])
    check_overlay_folder(photographs / "overlays", [photographs / "one.jpg"])


def test_a_folder_that_cannot_be_written_to_is_one_error(tmp_path, folder, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    prediction = predicted_without_saving(tmp_path / "a.ppm")
    with pytest.raises(DataError, match="No space left on device"):
        draw_overlay(prediction, folder)
    assert [*folder.iterdir()] == []


def predicted_without_saving(path):
    path.write_bytes(b"P6 64 48 255\n" + bytes(64 * 48 * 3))
    views = tuple(ViewEvidence(name, 0.5, 1.0, 0.2, 0.1) for name in view_names(3))
    return Prediction(path, 0.7, True, views, np.asarray(view_boxes(64, 48, grid=3, overlap=0.25)))
