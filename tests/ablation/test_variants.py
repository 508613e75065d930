import json
import shutil

import pytest
import torch
from dvc.utils.hydra import apply_overrides

from pipeline.owners import OWNERS, owner
from roadwork.ablation.variants import FINETUNING, FULL, changed, override, value_of, variants
from roadwork.config import parse_section, read_params
from roadwork.errors import ParameterError
from roadwork.model.head import Head
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig

NAMES = (
    "full", "no_standardise", "no_pruning", "no_view_embedding", "no_pyramid", "no_attention", "no_gate",
    "no_view_fusion", "no_metadata", "no_text", "no_consistency", "no_weather", "no_focal", "no_label_smoothing",
    "no_gps_weighting", "finetuning", "keep_12", "gate_headwise", "mean_pooling",
)  # fmt: skip


@pytest.fixture
def params(request):
    return read_params(request.config.rootpath / "params.yaml")


def named(params, name):
    return next(variant for variant in variants(params) if variant.name == name)


def test_every_variant_of_the_design_is_worth_running_with_the_committed_parameters(params):
    assert tuple(variant.name for variant in variants(params)) == NAMES
    assert [variant.name for variant in variants(params) if variant.pointless] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (FULL, FINETUNING)])
def test_dvc_reads_each_override_as_exactly_that_change(name, params, request, tmp_path):
    variant = named(params, name)
    file = tmp_path / "params.yaml"
    shutil.copy2(request.config.rootpath / "params.yaml", file)
    apply_overrides(file, [override(path, value) for path, value in variant.changes.items()] + ["train.seed=3"])
    after = read_params(file)
    assert after == changed(params, {**variant.changes, "train.seed": 3})
    assert json.dumps(after) != json.dumps(params | {"train": params["train"] | {"seed": 3}})
    for section in OWNERS:
        parse_section(after[section], section, owner(section), where=file)


@pytest.mark.parametrize(
    "name",
    [
        "no_standardise", "no_pruning", "no_view_embedding", "no_pyramid", "no_attention", "no_gate", "no_view_fusion",
        "no_metadata", "no_text", "gate_headwise", "mean_pooling",
    ],
)  # fmt: skip
def test_a_variant_of_the_head_builds_another_head(name, params):
    assert shapes(changed(params, named(params, name).changes)) != shapes(params)


def test_keep_12_sends_every_view_on_through_the_same_weights(params):
    twelve = changed(params, named(params, "keep_12").changes)
    assert spec(twelve).tokens == 12 > spec(params).tokens
    assert shapes(twelve) == shapes(params)


def test_mean_pooling_leaves_nothing_between_projection_and_classifier(params):
    head = build(changed(params, named(params, "mean_pooling").changes))
    assert not list(head.pyramid.parameters())
    assert not len(head.attention)
    assert not list(head.view_fusion.parameters())
    assert head.pruning.scorer is None


def build(params):
    with torch.device("meta"):
        return Head(spec(params))


def spec(params):
    return HeadSpec(
        head=parse_section(params["head"], "head", HeadConfig, where="params.yaml"),
        metadata=parse_section(params["metadata"], "metadata", MetadataConfig, where="params.yaml"),
        embedding_dim=64,
        views=12,
    )


def shapes(params):
    return {name: tensor.shape for name, tensor in build(params).state_dict().items()}


def test_what_already_holds_is_pointless_and_says_so(params):
    without = changed(params, {"head.pruning.enabled": False, "loss.consistency": 0, "metadata.fields": ["gps"]})
    found = {variant.name: variant.pointless for variant in variants(without)}
    assert found["no_pruning"] == "already so: head.pruning.enabled=false"
    assert found["no_consistency"] == "already so: loss.consistency=0.0"
    assert found["no_text"] == "already so: metadata.fields=[gps]"
    assert found["keep_12"] == "without effect while head.pruning.enabled=false"
    assert {name for name, why in found.items() if why} == {"no_pruning", "no_consistency", "no_text", "keep_12"}


def test_a_gate_without_attention_and_fine_tuning_without_folds_are_pointless(params):
    bare = changed(params, {"head.attention.layers": 0, "finetune.folds": [0]})
    found = {variant.name: variant.pointless for variant in variants(bare)}
    for name in ("no_gate", "gate_headwise"):
        assert found[name] == "without effect while head.attention.layers=0"
    assert found["no_attention"] == "already so: head.attention.layers=0"
    assert "need 2" in found[FINETUNING]


def test_another_grid_has_other_views_to_keep(params):
    variant = named(changed(params, {"views.grid": 4}), "keep_19")
    assert variant.changes == {"head.pruning.keep": 19}


def test_changed_copies(params):
    before = json.dumps(params)
    copy = changed(params, {"head.pruning.keep": 3, "metadata.fields": []})
    assert value_of(copy, "head.pruning.keep") == 3
    copy["views"]["grid"] = 9
    assert json.dumps(params) == before


@pytest.mark.parametrize("path", ["head.prunning.keep", "head.pruning.keep.deeper", "nothing"])
def test_a_parameter_that_the_file_lacks_is_never_invented(path, params):
    with pytest.raises(ParameterError, match="is missing"):
        changed(params, {path: 1})


def test_a_parameter_file_without_a_block_is_explained(params):
    del params["head"]["pyramid"]["enabled"]
    with pytest.raises(ParameterError, match=r"head\.pyramid\.enabled"):
        variants(params)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "a=null"), (True, "a=true"), (0, "a=0"), (0.0, "a=0.0"), ("none", "a=none"), ([], "a=[]"),
        (["gps", "weather"], "a=[gps,weather]"),
    ],
)  # fmt: skip
def test_override(value, text):
    assert override("a", value) == text


def test_a_text_that_would_need_quotes_is_refused():
    with pytest.raises(ValueError, match="quotes"):
        override("a", "two words")
