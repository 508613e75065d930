from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML

from roadwork.bundle.load import load_bundle
from roadwork.embed.backbone import embed_views
from roadwork.errors import BundleError, CapabilityError, ParameterError, PhotographError
from roadwork.model.metadata import Metadata
from roadwork.photograph_files import OVERLAY_SUFFIX
from roadwork.predict import Prediction, predict_each
from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views


def predict(*arguments, **options):
    """All that `predict_each` yields: `predictions` and `failures`."""
    found = list(predict_each(*arguments, **options))
    predictions = [one for one in found if isinstance(one, Prediction)]
    return SimpleNamespace(predictions=predictions, failures=[one for one in found if not isinstance(one, Prediction)])


@pytest.fixture
def photographs(tmp_path):
    """Four small photographs in a folder, one of them below it, beside a file that is none."""
    folder = tmp_path / "photographs"
    (folder / "b").mkdir(parents=True)
    rng = np.random.default_rng(7)
    for number, name in enumerate(["c.jpg", "a.png", "b/z.JPG", "d.jpg"]):
        size = (40 + 16 * number, 64 - 8 * number, 3)
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("not a photograph")
    return folder


def test_a_folder_stands_for_its_images_in_order(folder, photographs):
    found = predict([photographs], folder, device="cpu")
    assert [p.path.relative_to(photographs).as_posix() for p in found.predictions] == [
        "a.png", "b/z.JPG", "c.jpg", "d.jpg",
    ]  # fmt: skip
    assert found.failures == []
    assert len({p.probability for p in found.predictions}) == 4
    assert all(p.roadwork == (p.probability >= 0.5) for p in found.predictions)


def test_the_probability_is_the_members_mean_margin_calibrated(folder, photographs, backbone):
    bundle = load_bundle(folder)
    pixels = np.asarray(Image.open(photographs / "a.png"))
    height, width = pixels.shape[:2]
    side = min(height, width)
    tile_h, tile_w = -(-height * 4 // 7), -(-width * 4 // 7)  # ceil(L / 1.75)
    boxes = [(0, 0, width, height)]
    boxes += [(x, y, x + tile_w, y + tile_h) for y in (0, height - tile_h) for x in (0, width - tile_w)]
    x, y = (width - side) // 2, (height - side) // 2
    boxes += [(x, y, x + side, y + side), (width - side, height - side, width, height)]
    views = [
        np.asarray(Image.open(photographs / "a.png").crop(b).resize((32, 32), Image.Resampling.LANCZOS)) for b in boxes
    ]
    embeddings = embed_views(backbone, torch.from_numpy(np.stack(views)[None])).half().float()
    hidden = Metadata.null(1, bundle.description.spec.metadata)
    with torch.no_grad():
        logits = torch.stack([head(embeddings, hidden).logits[0] for head in bundle.heads]).double().mean(0)
    expected = 1 / (1 + np.exp(-2.0 * ((logits[1] - logits[0]).item() - 0.25)))
    (found,) = predict([photographs / "a.png"], folder, device="cpu").predictions
    assert found.probability == pytest.approx(expected, abs=1e-4)  # the views are Pillow's within a grey level or two


def test_each_view_has_its_evidence_and_its_box(folder, photographs, backbone):
    """Against the heads run by hand: the members' mean margin, once with every view and once without each."""
    bundle, path = load_bundle(folder), photographs / "a.png"
    (found,) = predict([path], folder, device="cpu").predictions
    pixels = np.asarray(Image.open(path))
    names = ["global", "tile_1_1", "tile_1_2", "tile_2_1", "tile_2_2", "center", "right"]
    assert [view.name for view in found.views] == names
    assert found.boxes.tolist() == view_boxes(56, 56, grid=2, overlap=0.25).tolist()
    cut = cut_views(pixels, found.boxes, 32)
    embeddings = embed_views(backbone, torch.from_numpy(cut[None])).half().float()
    hidden = Metadata.null(1, bundle.description.spec.metadata)

    def probability(views):
        given = torch.tensor([views])
        with torch.no_grad():
            outputs = [head(embeddings[:, views], hidden, given) for head in bundle.heads]
        margin = np.mean([float(output.logits[0, 1] - output.logits[0, 0]) for output in outputs])
        return 1 / (1 + np.exp(-2.0 * (margin - 0.25))), outputs

    whole, outputs = probability(list(range(7)))
    for place, view in enumerate(found.views):
        rest, _ = probability([other for other in range(7) if other != place])
        assert view.deletion == pytest.approx(whole - rest, abs=1e-6)
        keepers = [output for output in outputs if place in output.kept[0].tolist()]
        assert view.kept == len(keepers) / 2
        at = [output.kept[0].tolist().index(place) for output in keepers]
        gates = [float(output.gates[0, token]) for output, token in zip(keepers, at, strict=True)]
        assert view.gate == pytest.approx(sum(gates) / 2, abs=1e-6)
        says = [o.view_logits[0, token] for o, token in zip(keepers, at, strict=True)]
        own = np.mean([float(logits[1] - logits[0]) for logits in says]) if says else None
        assert view.logit == (None if own is None else pytest.approx(own, abs=1e-5))


def test_what_a_photograph_gets_depends_on_no_other(folder, photographs):
    together = predict([photographs], folder, device="cpu").predictions
    for found in together:
        (alone,) = predict([found.path], folder, device="cpu").predictions
        assert alone.probability == found.probability
        assert alone.views == found.views


def test_each_is_yielded_before_a_later_one_is_embedded(folder, photographs, monkeypatch):
    embedded = []

    def counted(backbone, pixels):
        embedded.append(len(pixels))
        return embed_views(backbone, pixels)

    monkeypatch.setattr("roadwork.predict.embed_views", counted)
    each = predict_each([photographs], folder, device="cpu", bar=False)
    for number in (1, 2, 3):
        assert isinstance(next(each), Prediction)
        assert embedded == [1] * number
    each.close()
    assert embedded == [1, 1, 1]


def test_a_photograph_named_twice_is_predicted_once_where_it_was_named_first(folder, photographs, tmp_path):
    (tmp_path / "link").symlink_to(photographs)
    named = [
        photographs / "c.jpg", photographs, photographs / "b" / ".." / "a.png", tmp_path / "link",
        photographs / "c.jpg",
    ]  # fmt: skip
    found = predict(named, folder, device="cpu")
    assert [p.path.relative_to(photographs).as_posix() for p in found.predictions] == [
        "c.jpg", "a.png", "b/z.JPG", "d.jpg",
    ]  # fmt: skip
    assert len(predict([tmp_path / "gone"] * 2, folder, device="cpu").failures) == 1


def test_a_folder_stands_for_its_images_without_the_overlays_in_it(folder, photographs, capsys):
    overlay = photographs / "b" / f"a-01234567{OVERLAY_SUFFIX}"
    overlay.write_bytes((photographs / "c.jpg").read_bytes())
    assert len(predict([photographs], folder, device="cpu").predictions) == 4
    assert "1 of the images in these folders are overlays" in capsys.readouterr().err
    assert [p.path for p in predict([overlay], folder, device="cpu").predictions] == [overlay]
    (photographs / "b" / "z.JPG").unlink()
    assert len(predict([photographs / "b"], folder, device="cpu").failures) == 1


def test_bad_photographs_are_named_and_the_others_predicted(folder, photographs, tmp_path):
    whole = (photographs / "d.jpg").read_bytes()
    (photographs / "d.jpg").write_bytes(whole[: len(whole) // 2])
    empty = tmp_path / "empty"
    empty.mkdir()
    found = predict([photographs, tmp_path / "gone.jpg", empty], folder, device="cpu")
    assert [p.path.name for p in found.predictions] == ["a.png", "z.JPG", "c.jpg"]
    assert all(isinstance(failure, PhotographError) for failure in found.failures)
    assert sorted(failure.where.rsplit("/", 1)[-1] for failure in found.failures) == ["d.jpg", "empty", "gone.jpg"]


def test_a_named_file_is_tried_whatever_its_name(folder, photographs):
    found = predict([photographs / "notes.txt"], folder, device="cpu")
    assert found.predictions == []
    assert "notes.txt" in found.failures[0].where


def test_a_photograph_above_the_limit_is_refused(folder, photographs):
    found = predict([photographs / "a.png"], folder, device="cpu", max_pixels=100)
    assert found.predictions == []
    assert len(found.failures) == 1


def test_no_bundle_is_an_error_before_anything_else(photographs, tmp_path):
    with pytest.raises(BundleError, match="dvc repro ensemble"):
        predict([photographs], tmp_path / "nowhere", device="cpu")


def test_a_projects_parameters_must_agree(folder, photographs, tmp_path, origin):
    sections = {"backbone": origin.backbone.model_dump(mode="json"), "views": origin.views.model_dump(mode="json")}
    sections["views"]["size_px"] = 64
    YAML(typ="safe", pure=True).dump(sections, tmp_path / "params.yaml")
    with pytest.raises(BundleError, match=r"views\.size_px"):
        predict([photographs], folder, params=tmp_path / "params.yaml", device="cpu")


def test_a_device_that_is_none_or_not_there_is_an_error(folder, photographs):
    with pytest.raises(ParameterError, match="--device"):
        predict([photographs], folder, device="tpu")
    with pytest.raises(CapabilityError):
        predict([photographs], folder, device="cuda:99")
