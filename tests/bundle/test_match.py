import dataclasses
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import save_file

from roadwork.bundle import match
from roadwork.bundle.load import load_bundle
from roadwork.bundle.match import build_matching_backbone
from roadwork.errors import BackboneError, BundleError, CapabilityError

CPU = torch.device("cpu")


@pytest.fixture
def params(tmp_path, origin):
    def write(**changes):
        sections = {"backbone": origin.backbone.model_dump(mode="json"), "views": origin.views.model_dump(mode="json")}
        for dotted, value in changes.items():
            section, name = dotted.split("__")
            sections[section][name] = value
        path = tmp_path / "params.yaml"
        YAML(typ="safe", pure=True).dump(sections, path)
        return path

    return write


def built(folder, *, params=None, weights=None):
    return build_matching_backbone(load_bundle(folder).description, folder, params=params, weights=weights, device=CPU)


def test_the_bundles_own_backbone_is_rebuilt(folder, origin):
    assert built(folder).identity == origin.identity


def test_a_project_with_the_same_parameters_agrees(folder, params, origin):
    assert built(folder, params=params()).identity == origin.identity
    assert built(folder, params=params(backbone__precision="auto")).precision == "fp32"


@pytest.mark.parametrize(
    "change",
    [
        {"backbone__name": "vit_small_patch16_224"},
        {"backbone__kwargs": {"depth": 2}},
        {"backbone__pool": "mean"},
        {"backbone__precision": "bf16"},
        {"views__grid": 3},
        {"views__overlap": 0.5},
        {"views__size_px": 48},
    ],
)
def test_a_project_that_differs_is_told_where_and_what_to_do(folder, params, change):
    dotted = next(iter(change)).replace("__", ".")
    with pytest.raises(BundleError, match=f"`{dotted}`") as error:
        built(folder, params=params(**change))
    assert "dvc repro" in error.value.fix


def test_other_weights_are_refused_by_their_digest(write, origin, tmp_path):
    other = dataclasses.replace(origin, seed=origin.seed + 1)
    write(tmp_path / "other", origin=other)
    with pytest.raises(BundleError, match="weights digest") as error:
        built(tmp_path / "other")
    assert "--weights" in error.value.fix


def test_weights_may_lie_elsewhere(folder, backbone, tmp_path, origin):
    save_file(
        {name: tensor.contiguous() for name, tensor in backbone.module.state_dict().items()}, tmp_path / "w.safetensors"
    )
    assert built(folder, weights=tmp_path / "w.safetensors").identity == origin.identity


def test_another_decoder_is_refused(folder, monkeypatch):
    monkeypatch.setattr("roadwork.embed.fingerprint.DECODER_VERSION", -1)
    with pytest.raises(BundleError, match="decodes photographs in another way"):
        built(folder)


def test_bf16_features_need_bf16(write, origin, tmp_path, monkeypatch):
    write(tmp_path / "half", origin=dataclasses.replace(origin, identity=origin.identity | {"precision": "bf16"}))
    monkeypatch.setattr(match, "has_bf16", lambda device: False)
    with pytest.raises(CapabilityError, match="bfloat16") as error:
        built(tmp_path / "half")
    assert Path(error.value.where).name == "bundle.json"


def test_weights_that_are_not_there_name_the_option(folder, tmp_path):
    with pytest.raises(BackboneError, match="there is no weights file") as error:
        built(folder, weights=tmp_path / "nope.safetensors")
    assert error.value.where == "--weights"
    assert "backbone.weights" not in str(error.value)
