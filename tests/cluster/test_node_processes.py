"""What runs on nodes, run here: no Ray is needed to try it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from clustered.tiny import (
    SEED,
    SIZE_PX,
    VIEWS,
    backbone_config,
    blocks,
    content,
    photographs,
    run_local,
)

from roadwork.cluster.backbone_task import backbone_task
from roadwork.cluster.cutter import Cutter, CutterTask
from roadwork.cluster.model import Model
from roadwork.cluster.model_task import ModelTask
from roadwork.cluster.node_backbone import build_on_node, notes_kept
from roadwork.cluster.node_sight import Sight, sight_of_photographs
from roadwork.cluster.photograph_table import photograph_tables, photographs_in, view_table, views_in
from roadwork.cluster.told_error import as_error, told
from roadwork.embed.fingerprint import feature_fingerprint
from roadwork.errors import BackboneError, CapabilityError, DataError, PhotographError, StoreError

TASK = backbone_task(backbone_config(), size_px=SIZE_PX, seed=SEED, on_gpu=False, compile=False)


def model_task(folder: Path, **changes: object) -> ModelTask:
    fields = feature_fingerprint(build_on_node(TASK), VIEWS).fields
    task = ModelTask(TASK, VIEWS, fields, str(folder / "cache"), (), "auto", 300.0)
    return replace(task, **changes)  # pyright: ignore[reportArgumentType]


def test_cutter_and_model_write_the_local_engines_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "root"))
    photos = photographs(tmp_path / "photographs", 8)
    run_local(photos, tmp_path / "local")
    cutter, model = Cutter(CutterTask(SIZE_PX, 60.0, ())), Model(model_task(tmp_path / "ray"))
    views = [cutter(table) for table in photograph_tables(photos, sizes=[4, 4])]
    result = model(pa.concat_tables(views))
    assert result.to_pydict() == {"image_id": [photo.image_id for photo in photos], "error": [None] * 8}
    assert blocks(tmp_path / "ray") == blocks(tmp_path / "local")
    names = [name for name in content(tmp_path / "ray" / "cache") if name.endswith(".safetensors")]
    assert len(names) == 1
    assert content(tmp_path / "ray")[f"cache/{names[0]}"] == content(tmp_path / "local")[f"cache/{names[0]}"]


def test_a_missing_photograph_takes_no_other_with_it(tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photographs", 4)
    Path(str(photos[2].path)).unlink()
    (table,) = photograph_tables(photos, sizes=[len(photos)])
    result = Model(model_task(tmp_path))(Cutter(CutterTask(SIZE_PX, 60.0, ()))(table)).to_pydict()
    assert [error is None for error in result["error"]] == [True, True, False, True]
    error = as_error(result["error"][2])
    assert isinstance(error, PhotographError)
    assert str(photos[2].path) in error.where
    assert len(blocks(tmp_path)) == 1


def test_a_folder_that_the_node_does_not_see_ends_the_run(tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photographs", 2)
    (table,) = photograph_tables(photos, sizes=[len(photos)])
    elsewhere = Sight(str(tmp_path / "elsewhere"), "the photographs", "ingest.path")
    views = Cutter(CutterTask(SIZE_PX, 60.0, (elsewhere,)))(table)
    result = Model(model_task(tmp_path))(views).to_pydict()
    assert len(result["error"]) == 1
    error = as_error(result["error"][0])
    assert isinstance(error, DataError)
    assert not isinstance(error, PhotographError)
    assert "node " in error.what
    assert "every node sees" in error.fix
    cache = Sight(str(tmp_path / "elsewhere"), "the embedding cache", "ROADWORK_CACHE")
    (answer,) = Model(model_task(tmp_path, sights=(cache,)))(views).column("error").to_pylist()
    assert "the embedding cache" in as_error(answer).what
    assert blocks(tmp_path) == []


def test_a_node_with_another_backbone_is_named(tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photographs", 1)
    (table,) = photograph_tables(photos, sizes=[len(photos)])
    other = replace(TASK, seed=SEED + 1)
    views = Cutter(CutterTask(SIZE_PX, 60.0, ()))(table)
    (answer,) = Model(model_task(tmp_path, backbone=other))(views).column("error").to_pylist()
    error = as_error(answer)
    assert isinstance(error, BackboneError)
    assert "node " in error.what
    assert "backbone.weights_digest" in error.where
    assert blocks(tmp_path) == []


def test_a_weights_file_that_the_node_lacks_is_told_with_the_node(tmp_path: Path) -> None:
    config = backbone_config(weights="weights/none.safetensors")
    task = backbone_task(config, size_px=SIZE_PX, seed=SEED, on_gpu=False, compile=False)
    assert Path(task.config.weights).is_absolute()
    with pytest.raises(BackboneError, match=r"none\.safetensors") as caught:
        build_on_node(task)
    assert "node " in caught.value.where
    assert "every node sees" in caught.value.fix


def test_a_gpu_that_pytorch_cannot_use_is_told() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(CapabilityError, match="PyTorch there can't use it"):
        build_on_node(replace(TASK, on_gpu=True))


def test_notes_are_kept_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with notes_kept() as notes:
        build_on_node(TASK)
    assert any("RANDOM weights" in line for line in notes)
    assert capfd.readouterr().err == ""


def test_errors_travel_as_text() -> None:
    for kind in (PhotographError, StoreError, DataError):
        error = kind("what", where="where", rule="rule", fix="fix")
        back = as_error(told(error))
        assert type(back) is kind
        assert str(back) == str(error)
        assert json.loads(told(error))["kind"] == kind.__name__


def test_tables_keep_photographs_and_views(tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photographs", 5)
    tables = list(photograph_tables(photos, sizes=[2, 2, 1]))
    assert [len(table) for table in tables] == [2, 2, 1]
    back = photographs_in(pa.concat_tables(tables))
    for one, other in zip(photos, back, strict=True):
        assert (one.image_id, one.path, one.pixels) == (other.image_id, other.path, other.pixels)
        np.testing.assert_array_equal(one.boxes, other.boxes)
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    table = view_table(tables[0], [pixels, PhotographError("broken")])
    first, second = views_in(table, 4)
    np.testing.assert_array_equal(first, pixels)
    assert second.shape == (0, 4, 4, 3)
    assert [text is None for text in table.column("error").to_pylist()] == [True, False]


def test_the_photographs_common_folder_has_to_be_seen(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    sights = sight_of_photographs([tmp_path / "a" / "1.jpg", tmp_path / "b" / "2.jpg"])
    assert [sight.folder for sight in sights] == [str(tmp_path)]
    sights[0].check()
    assert sight_of_photographs([]) == ()
    assert sight_of_photographs([tmp_path / "none" / "1.jpg"]) == ()
