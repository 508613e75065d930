from dataclasses import replace

import pytest

from roadwork.config import load_section
from roadwork.train import finetune_run
from roadwork.train.config import TrainConfig
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.finetune_run import FinetuneRun, device_facts
from roadwork.train.loss_config import LossConfig


@pytest.fixture
def run(request):
    params = request.config.rootpath / "params.yaml"
    return FinetuneRun(
        code="c" * 64,
        data="d" * 64,
        head=("a" * 64, "b" * 64),
        views=("global", "center"),
        config=load_section(params, "finetune", FinetuneConfig),
        train=load_section(params, "train", TrainConfig),
        loss=load_section(params, "loss", LossConfig),
        seed=17,
    )


def test_whatever_can_change_a_result_changes_the_digest(run):
    others = [
        replace(run, code="e" * 64),
        replace(run, data="e" * 64),
        replace(run, head=("a" * 64, "c" * 64)),
        replace(run, head=("c" * 64, "b" * 64)),
        replace(run, views=("global",)),
        replace(run, seed=18),
        replace(run, loss=run.loss.model_copy(update={"gamma": 1.0})),
        *(replace(run, train=run.train.model_copy(update=change)) for change in ({"device": "cpu"}, {"batch_size": 8})),
        *(
            replace(run, config=run.config.model_copy(update={name: value}))
            for name, value in {"lr": 1.0, "weight_decay": 0.5, "dropout": 0.5, "epochs": 9, "patience": 9}.items()
        ),
    ]
    digests = {run.digest(0), run.digest(1), *(other.digest(0) for other in others)}
    assert len(digests) == len(others) + 2
    assert run.digest(0) == replace(run).digest(0)


def test_whether_folds_are_trained_together_does_not(run):
    apart = replace(run, config=run.config.model_copy(update={"together": not run.config.together}))
    assert apart.digest(0) == run.digest(0)


def test_auto_depends_on_what_cuda_there_is(monkeypatch, tmp_path):
    monkeypatch.setattr(finetune_run, "_CUDA_DRIVERS", (tmp_path / "driver",))
    assert device_facts("cuda:1") == "cuda:1"
    assert device_facts("auto") == "auto"
    (tmp_path / "driver").touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    everything = device_facts("auto")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert len({"auto", everything, device_facts("auto")}) == 3
