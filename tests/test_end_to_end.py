"""The whole pipeline as a user runs it: a clone, `dvc repro`, an experiment, a prediction."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from harness.clone import Clone
from harness.under_way import epochs, under_way
from PIL import Image

pytestmark = pytest.mark.slow

# The same pipeline, small: 64 drawn photographs, one block of the backbone at 32 px, two folds.
TINY = {
    "ingest.sample.images": 64,
    "ingest.sample.max_width_px": 320,
    "views.size_px": 32,
    "backbone.kwargs": {"depth": 1},
    "head.projection.dim": 64,
    "head.pyramid.dims": [64, 32, 16],
    "head.attention.layers": 1,
    "pretrain.epochs": 2,
    "finetune.folds": [0, 1],
    "finetune.epochs": 1,
    "ensemble.members": 2,
    "evaluate.resamples": 200,
    "sampling.min_share": 0.1,
    "sampling.target_share": 0.2,
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("end_to_end"))
    clone.create(TINY)
    clone.run("dvc", "repro")
    return clone


def test_every_output_is_there(clone: Clone) -> None:
    store = zarr.open_group(clone.folder / "features" / "images.zarr", mode="r")
    embeddings = np.asarray(store["embeddings"])
    assert embeddings.shape == (64, 12, 1280)
    assert embeddings.dtype == np.float16
    assert np.isfinite(embeddings).all()
    scores = clone.json("metrics/evaluate.json")
    for name in ("image_only", "with_metadata"):
        low, high = scores["test"][name]["mcc_ci95"]
        assert -1 <= low <= scores["test"][name]["mcc"] <= high <= 1
    assert scores["oof"]["n"] == scores["test"]["image_only"]["n"]
    assert scores["holdout"]["n"] > 0
    assert "majority" in scores["baselines"]
    assert "<html" in (clone.folder / "reports" / "index.html").read_text(encoding="utf-8")
    assert not list(clone.folder.rglob("*.partial"))


def test_a_second_repro_does_nothing(clone: Clone) -> None:
    assert "Data and pipelines are up to date" in clone.run("dvc", "repro").stdout
    assert clone.up_to_date()


def test_a_training_parameter_re_runs_training_and_nothing_before(clone: Clone) -> None:
    scores = (clone.folder / "metrics" / "evaluate.json").read_bytes()
    done = clone.run("dvc", "exp", "run", "-S", "pretrain.lr=1e-2", "-n", "faster")
    for stage in ("ingest", "tile", "embed_images", "embed_text", "folds", "sampling", "baselines"):
        assert f"Running stage '{stage}'" not in done.stdout
    for stage in ("pretrain", "finetune@0", "finetune@1", "ensemble", "evaluate", "report"):
        assert f"Running stage '{stage}'" in done.stdout
    assert (clone.folder / "metrics" / "evaluate.json").read_bytes() != scores
    shown = json.loads(clone.run("dvc", "exp", "show", "--json").stdout)
    assert "faster" in json.dumps(shown)


def test_from_scratch_gives_the_same_scores_byte_for_byte(clone: Clone) -> None:
    clone.run("git", "checkout", "-q", "--", "params.yaml")
    clone.run("dvc", "repro")
    names = ("metrics/evaluate.json", "metrics/pretrain.json", "metrics/ensemble.json")
    before = {name: (clone.folder / name).read_bytes() for name in names}
    heads = {path: path.read_bytes() for path in sorted((clone.folder / "models").rglob("*.safetensors"))}
    clone.run("dvc", "repro", "--force", "pretrain", "--downstream")
    assert {name: (clone.folder / name).read_bytes() for name in names} == before
    assert {path: path.read_bytes() for path in heads} == heads


def test_code_that_is_edited_while_its_stage_runs_is_not_recorded(clone: Clone) -> None:
    loop = clone.folder / "roadwork" / "train" / "loop.py"
    committed = loop.read_text(encoding="utf-8")
    recorded = clone.recorded("pretrain")
    made = clone.results()
    clone.change({"pretrain.epochs": 20, "pretrain.patience": 20})
    with under_way(clone, "dvc", "repro", "--single-item", "pretrain") as running:
        held = running.stage("pretrain", epochs(clone, 1))
        loop.write_text(f"{committed}\n# edited\n", encoding="utf-8")
        held.resume()
        ended = running.end()
    assert ended.code != 0
    assert "changed while it ran" in ended.printed
    assert clone.recorded("pretrain") == recorded
    clone.run("git", "checkout", "-q", "--", "params.yaml", "roadwork")
    clone.repro("--single-item", "pretrain")
    assert clone.results() == made


def test_predict_on_a_photograph_of_no_split(clone: Clone, tmp_path: Path) -> None:
    photograph = tmp_path / "unseen.jpg"
    Image.effect_noise((333, 222), 80).convert("RGB").save(photograph)
    line = clone.run("python", "-m", "pipeline", "predict", str(photograph)).stdout
    assert len(line.strip().splitlines()) == 1
    result = json.loads(clone.run("python", "-m", "pipeline", "predict", str(photograph), "--json").stdout)
    assert 0 <= result["predictions"][0]["probability"] <= 1


def test_check_runs_on_real_data(clone: Clone) -> None:
    result = json.loads(clone.run("python", "-m", "pipeline", "check", "--json").stdout)
    assert [check["name"] for check in result["checks"]] == ["shapes", "null metadata", "sampling", "views"]
    assert result["passed"]


def test_another_backbone_is_refused_by_the_bundle(clone: Clone) -> None:
    photograph = next((clone.folder / "data" / "images").iterdir())
    params = clone.folder / "other.yaml"
    params.write_text(
        (clone.folder / "params.yaml").read_text(encoding="utf-8").replace("size_px: 32", "size_px: 48"),
        encoding="utf-8",
    )
    done = clone.run("python", "-m", "pipeline", "predict", str(photograph), "--params", str(params), code=1)
    assert "size_px" in done.stderr
    assert "Traceback" not in done.stderr
