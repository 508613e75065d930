"""A golden loss curve: pretraining on drawn photographs, epoch by epoch, as it was when the file was written.

Tolerances. The same code with other vector instructions (AVX-512, AVX2, SSE; PyTorch, oneDNN, MKL and NumPy restricted
alike) moved no number of the curve by more than 1.1e-5 of itself: sums of products in another order, carried through 30
steps. `RELATIVE` is a hundred times that. Each of the changes below moves a number of the first two epochs by more.
(AdamW takes much out of a change of the clip norm: its step doesn't depend on the gradient's length.)

Elsewhere than on x86-64 with MKL PyTorch draws its dropout masks from another generator, so the curve is another one.
"""

import importlib.util
import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from roadwork.train import loop, pretrain

RELATIVE = 1e-3
ABSOLUTE = 1e-6  # for the last learning rates, which are nearly 0

GOLDEN = Path(__file__).with_name("golden") / "curve.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64") or not torch.backends.mkl.is_available(),
        reason="PyTorch's generator for dropout on the CPU is another one here",
    ),
]


@pytest.fixture(scope="module")
def golden():
    spec = importlib.util.spec_from_file_location("golden_curve", GOLDEN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plan(golden, tmp_path_factory):
    return golden.make_plan(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def recorded(golden):
    return json.loads(golden.CURVE.read_text(encoding="utf-8"))


def differences(curve, recorded):
    """What lies outside the tolerances, as `epoch field: is, was`."""
    found = [f"{len(curve)} epochs, recorded are {len(recorded)}"] if len(curve) != len(recorded) else []
    for now, then in zip(curve, recorded, strict=False):
        assert now.keys() == then.keys(), "another record of an epoch: write the curve anew"
        found += [
            f"epoch {then['epoch']} {name}: {now[name]}, recorded {then[name]}"
            for name in then
            if now[name] != pytest.approx(then[name], rel=RELATIVE, abs=ABSOLUTE)
        ]
    return found


def test_training_goes_as_it_went(golden, plan, recorded, tmp_path):
    found = differences(golden.curve_of(plan, tmp_path), recorded)
    assert not found, (
        "training goes another way than recorded:\n  " + "\n  ".join(found) + "\n"
        "If no result was meant to change, this is a fault. If one was (an initialisation, a loss, the schedule, the "
        "order of images, the drawn sample, a decoder, a new PyTorch), look at the differences, run\n"
        "  python tests/train/golden/curve.py\n"
        "and commit the new curve with the reason."
    )


def loss(plan, **changes):
    return replace(plan, setting=replace(plan.setting, loss=plan.setting.loss.model_copy(update=changes)))


def train(plan, **changes):
    return replace(plan, setting=replace(plan.setting, train=plan.setting.train.model_copy(update=changes)))


CHANGED_PLANS = {
    "no label smoothing": lambda plan: loss(plan, label_smoothing=0.0),
    "a loss weight": lambda plan: loss(plan, weather=0.19),
    "the focal exponent": lambda plan: loss(plan, gamma=1.9),
    "another clip norm": lambda plan: train(plan, clip_norm=1.0),
    "smaller groups": lambda plan: train(plan, accumulation=1),
    "the learning rate": lambda plan: replace(plan, config=plan.config.model_copy(update={"lr": 1.98e-3})),
}


@pytest.mark.parametrize("name", CHANGED_PLANS)
def test_a_small_change_of_a_number_is_noticed(golden, plan, recorded, tmp_path, name):
    assert differences(golden.curve_of(CHANGED_PLANS[name](plan), tmp_path, epochs=2), recorded[:2])


_order, _head, _warmup, _factor = (
    pretrain.weighted_order,
    pretrain.fresh_head,
    loop.warmup_length,
    loop.lr_factor,
)

CHANGED_CODE = {
    "a warm-up that is one step longer": ("loop.warmup_length", lambda *args: _warmup(*args) + 1),
    "first weights of another seed": ("pretrain.fresh_head", lambda spec, seed: _head(spec, seed + 1)),
    "the order of another epoch": (
        "pretrain.weighted_order",
        lambda weights, *, seed, epoch: _order(weights, seed=seed, epoch=epoch + 1),
    ),
    "unweighted draws": (
        "pretrain.weighted_order",
        lambda weights, *, seed, epoch: _order(weights * 0 + 1, seed=seed, epoch=epoch),
    ),
    "dropout of another stream": ("loop.derive", lambda seed, *names: 5),
    "features that aren't standardised": ("pretrain.Head.fit_standardisation", lambda self, embeddings: None),
    "a schedule that starts a step late": (
        "loop.lr_factor",
        lambda step, **facts: _factor(max(step - 1, 0), **facts),
    ),
}


@pytest.mark.parametrize("name", CHANGED_CODE)
def test_a_fault_of_a_refactoring_is_noticed(golden, plan, recorded, tmp_path, monkeypatch, name):
    where, instead = CHANGED_CODE[name]
    monkeypatch.setattr(f"roadwork.train.{where}", instead)
    assert differences(golden.curve_of(plan, tmp_path, epochs=2), recorded[:2])
