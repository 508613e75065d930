"""Photographs that nobody can judge among those that can: each gives its error, and the others are predicted."""

import json
import os
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import roadwork.predict
from roadwork.errors import BundleError, PhotographError
from roadwork.predict import Prediction, predict_each
from roadwork.publish import write_json
from roadwork.sealed_json import seal
from roadwork.train.head_folder import file_sha256
from roadwork.views.resample import cut_views


@pytest.fixture
def photographs(tmp_path):
    """Three that can be judged."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rng = np.random.default_rng(7)
    for name in ("a.png", "m.png", "z.png"):
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(folder / name)
    return folder


def judged(folder, photographs, **options):
    """By name: the probability, or the error's text."""
    found = predict_each([photographs], folder, device="cpu", bar=False, **options)
    return {
        one.path.name if isinstance(one, Prediction) else os.path.basename(one.where): (
            one.probability if isinstance(one, Prediction) else str(one)
        )
        for one in found
    }


def test_every_kind_of_bad_file_is_told_and_the_others_are_predicted(folder, photographs):
    alone = judged(folder, photographs)
    content = (photographs / "a.png").read_bytes()
    (photographs / "b.png").write_bytes(content[: len(content) // 2])
    (photographs / "c.jpg").write_bytes(b"")
    (photographs / "d.jpg").write_text("not a photograph")
    os.mkfifo(photographs / "e.jpg")
    (photographs / "f.jpg").symlink_to("nowhere")
    (photographs / "n\no.png").write_bytes(b"\x89PNG")
    found = judged(folder, photographs)
    assert {name: one for name, one in found.items() if isinstance(one, float)} == alone
    told = {name: one for name, one in found.items() if isinstance(one, str)}
    assert told.keys() == {"b.png", "c.jpg", "d.jpg", "e.jpg", "f.jpg", "n\no.png"}
    assert "a pipe" in told["e.jpg"]
    assert "link to nothing" in told["f.jpg"]
    assert all("fix:" in one for one in told.values())


def test_a_pipe_that_is_named_is_not_waited_for(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (error,) = predict_each([tmp_path / "pipe.jpg"], folder, device="cpu", bar=False)
    assert isinstance(error, PhotographError)
    assert "a pipe" in error.what


def test_a_folder_that_cant_be_read_is_told(folder, photographs, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("roadwork.photograph_files.files_below", refuse)
    (error,) = predict_each([photographs], folder, device="cpu", bar=False)
    assert "Permission denied" in str(error)


def test_a_photograph_that_takes_too_long_is_told_and_the_others_are_predicted(folder, photographs, monkeypatch):
    released = threading.Event()

    def stall(rgb, boxes, size_px):
        if rgb.shape[0] == 41:
            released.wait(60)
        return cut_views(rgb, boxes, size_px)

    monkeypatch.setattr("roadwork.views.decoder.cut_views", stall)
    Image.fromarray(np.zeros((41, 48, 3), dtype=np.uint8)).save(photographs / "b.png")
    try:
        found = judged(folder, photographs, timeout_s=2.0)
    finally:
        released.set()
    assert "takes longer than 2 s" in found.pop("b.png")
    assert sorted(found) == ["a.png", "m.png", "z.png"]
    assert all(isinstance(one, float) for one in found.values())


def test_features_that_are_no_numbers_are_that_photographs_error(folder, photographs, monkeypatch):
    real = roadwork.predict.embed_views
    calls = []

    def second_overflows(backbone, views):
        calls.append(views)
        vectors = real(backbone, views)
        return vectors * 1e9 if len(calls) == 2 else vectors

    monkeypatch.setattr(roadwork.predict, "embed_views", second_overflows)
    found = judged(folder, photographs)
    assert "does not fit float16" in found.pop("m.png")
    assert all(isinstance(one, float) for one in found.values())


def test_weights_that_make_no_number_never_give_a_probability(folder, photographs):
    """Finite, rightly sealed, and far too large: the margin overflows."""
    for member in ("members/2", "members/0"):
        weights = folder / member / "head.safetensors"
        state = {name: torch.full_like(tensor, 3e38) for name, tensor in load_file(weights).items()}
        save_file(state, weights)
        rewrite(folder / member / "head.json", weights_sha256=file_sha256(weights))
    reseal(folder)
    found = judged(folder, photographs)
    assert len(found) == 3
    assert all("gives no number" in one for one in found.values())


def test_a_bundle_is_checked_on_every_load(folder, photographs):
    assert len(judged(folder, photographs)) == 3
    path = folder / "members/0/head.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="was changed"):
        judged(folder, photographs)


def rewrite(path, **changes):
    write_json(path, seal(json.loads(path.read_text()) | changes))


def reseal(folder):
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "bundle.json")
    rewrite(folder / "bundle.json", files={file.relative_to(folder).as_posix(): file_sha256(file) for file in files})
