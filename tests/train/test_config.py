import pytest

from roadwork.config import load_section, parse_section, read_params
from roadwork.errors import ParameterError
from roadwork.train.config import TrainConfig
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.pretrain_config import NearConfig, PretrainConfig

SECTIONS = {"train": TrainConfig, "pretrain": PretrainConfig, "finetune": FinetuneConfig}


@pytest.mark.parametrize("name", SECTIONS)
def test_the_committed_section_is_valid_and_complete(params, name):
    config = load_section(params, name, SECTIONS[name])
    assert set(config.model_dump()) == set(read_params(params)[name])
    assert all(field.description for field in SECTIONS[name].model_fields.values())


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("train", "precision", "fp16"),
        ("train", "compile", "fast"),
        ("train", "batch_size", 0),
        ("train", "accumulation", 1.5),
        ("train", "clip_norm", 0),
        ("train", "seed", 1.5),
        ("pretrain", "lr", -1e-3),
        ("pretrain", "warmup_max_fraction", 1.1),
        ("pretrain", "epochs", 0),
        ("pretrain", "patience", 0),
        ("finetune", "dropout", 1.0),
        ("finetune", "folds", [0, 2]),
        ("finetune", "weight_decay", -1),
    ],
)
def test_a_value_out_of_range_names_its_path(params, section, key, value):
    values = {**read_params(params)[section], key: value}
    with pytest.raises(ParameterError, match=rf"{section}(\.{key})?"):
        parse_section(values, section, SECTIONS[section], where=params)


def test_near_is_the_sampling_sections(params):
    assert NearConfig(near_km=read_params(params)["sampling"]["near_km"]).near_km == 100


def test_training_has_the_runs_seed_unless_it_has_its_own(params):
    config = load_section(params, "train", TrainConfig)
    assert config.seed is None
    assert config.training_seed(17) == 17
    assert config.model_copy(update={"seed": 3}).training_seed(17) == 3
    with pytest.raises(ParameterError, match=r"train\.seed"):
        parse_section({**read_params(params)["train"], "seed": -1}, "train", TrainConfig, where=params)
