"""The properties of the loop that both trainings rely on, tried on pretraining."""

import math
import random
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from roadwork.errors import TrainingError
from roadwork.train import loop
from roadwork.train.pretrain import pretrain
from roadwork.train.resume import load_state
from roadwork.train.saving_pace import Pace
from roadwork.train.schedule import lr_factor
from roadwork.train.trainer import Trainer


def assert_same_weights(one, other):
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def changed(plan, **changes):
    return replace(plan, config=plan.config.model_copy(update=changes))


def in_precision(plan, precision):
    train = plan.setting.train.model_copy(update={"precision": precision})
    return replace(plan, setting=replace(plan.setting, train=train))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_seed_gives_the_same_bits(pretraining, tmp_path, ignore, precision):
    plan = in_precision(changed(pretraining, epochs=2), precision)
    torch.manual_seed(1)
    one = pretrain(plan, area=tmp_path / "one", on_epoch=ignore)
    torch.manual_seed(2)
    two = pretrain(plan, area=tmp_path / "two", on_epoch=ignore)
    assert_same_weights(one.head, two.head)
    assert one.details == two.details


def test_another_seed_gives_other_weights(pretraining, tmp_path, ignore):
    plan = changed(pretraining, epochs=1)
    other = replace(plan, setting=replace(plan.setting, seed=18))
    one = pretrain(plan, area=tmp_path / "one", on_epoch=ignore)
    two = pretrain(other, area=tmp_path / "two", on_epoch=ignore)
    assert one.details["history"] != two.details["history"]
    assert plan.digest != other.digest


@pytest.mark.parametrize("killed_after", [1, 2, 4, 6])
def test_a_killed_run_goes_on_bit_for_bit(pretraining, tmp_path, ignore, killed_after):
    unbroken = pretrain(pretraining, area=tmp_path / "unbroken", on_epoch=ignore)

    def kill(record):
        if record.epoch == killed_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(pretraining, area=tmp_path / "area", on_epoch=kill)
    torch.manual_seed(99)
    seen = []
    resumed = pretrain(pretraining, area=tmp_path / "area", on_epoch=lambda record: seen.append(record.epoch))
    assert_same_weights(unbroken.head, resumed.head)
    assert unbroken.details == resumed.details
    assert seen == [1, 2, 3, 4, 5, 6], "the epochs before the kill are reported again"


@contextmanager
def killed_in_batch(batch):
    """The batch number `batch` from now on, over all epochs and counted from 1, ends the process."""
    real, seen = Trainer.losses, []

    def losses(self, forward, rows):
        seen.append(len(rows))
        if len(seen) == batch:
            raise KeyboardInterrupt
        return real(self, forward, rows)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "losses", losses)
        yield


def disturb_global_generators():
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)


def test_a_run_killed_within_an_epoch_goes_on_bit_for_bit(pretraining, tmp_path, ignore):
    """Killed within the first of 3 epochs of 8 batches, in every batch of the second, and in the first of the third."""
    plan = changed(pretraining, epochs=3)
    unbroken = pretrain(plan, area=tmp_path / "unbroken", on_epoch=ignore)
    for batch in (1, 5, *range(9, 18)):
        area = tmp_path / str(batch)
        with killed_in_batch(batch):
            pretrain(plan, area=area, on_epoch=ignore)
        disturb_global_generators()
        resumed = pretrain(plan, area=area, on_epoch=ignore)
        assert resumed.epochs_here == 3 - (batch - 1) // 8, "no finished epoch is done again"
        assert_same_weights(unbroken.head, resumed.head)
        assert unbroken.details == resumed.details


def test_a_state_is_saved_as_often_as_its_share_of_the_time_allows(pretraining, tmp_path, ignore, monkeypatch):
    """Each epoch takes a second and a save 0.2 s, by the clock that is given, and 10 % of it is for saving."""
    now, saved = [0.0], []
    real_save, real_epoch = loop.save_state, loop.train_epoch

    def save(area, state):
        now[0] += 0.2
        saved.append(len(state.history))
        real_save(area, state)

    def epoch(*args, **kwargs):
        now[0] += 1.0
        return real_epoch(*args, **kwargs)

    monkeypatch.setattr(loop, "save_state", save)
    monkeypatch.setattr(loop, "train_epoch", epoch)
    monkeypatch.setattr(loop, "Pace", lambda share: Pace(0.1, lambda: now[0]))
    seldom = pretrain(pretraining, area=tmp_path / "seldom", on_epoch=ignore)
    assert saved == [1, 4, 6]
    monkeypatch.undo()
    assert_same_weights(seldom.head, pretrain(pretraining, area=tmp_path / "always", on_epoch=ignore).head)


def test_what_was_trained_since_the_last_save_is_trained_again_bit_for_bit(pretraining, tmp_path, ignore, monkeypatch):
    unbroken = pretrain(pretraining, area=tmp_path / "unbroken", on_epoch=ignore)
    area = tmp_path / "area"
    real = loop.save_state
    monkeypatch.setattr(loop, "save_state", lambda area, state: len(state.history) == 2 and real(area, state))

    def kill(record):
        if record.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(pretraining, area=area, on_epoch=kill)
    monkeypatch.undo()
    disturb_global_generators()
    seen = []
    resumed = pretrain(pretraining, area=area, on_epoch=lambda record: seen.append(record.epoch))
    assert resumed.epochs_here == 4
    assert seen == [1, 2, 3, 4, 5, 6]
    assert_same_weights(unbroken.head, resumed.head)
    assert unbroken.details == resumed.details


def test_a_training_imports_no_compiler():
    """Seconds of imports that a training on the CPU has no use for; in a process of its own."""
    program = """
import sys
import torch
from torch import nn
from roadwork.train import loop
from roadwork.train.optimizer import AdamW
from roadwork.train.reproducible import reproducible

module = nn.Linear(2, 2)
with reproducible(True, torch.device("cpu"), compiled=False):
    with torch.autocast("cpu", torch.bfloat16):
        loss = module(torch.ones(1, 2)).float().sum()
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    AdamW(module, weight_decay=0.1).step(0.1, skip=torch.zeros(()))
print(sorted({".".join(name.split(".")[:2]) for name in sys.modules} & {"torch._dynamo", "torch._inductor", "sympy"}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_a_resumed_run_trains_only_what_is_missing(pretraining, tmp_path, ignore, monkeypatch):
    pretrain(pretraining, area=tmp_path, on_epoch=ignore)
    monkeypatch.setattr("roadwork.train.loop.train_epoch", lambda *args, **kwargs: pytest.fail("trained again"))
    assert pretrain(pretraining, area=tmp_path, on_epoch=ignore).details["epochs"] == 6


def test_the_global_generator_is_left_alone(pretraining, tmp_path, ignore):
    before = torch.get_rng_state()
    pretrain(changed(pretraining, epochs=1), area=tmp_path, on_epoch=ignore)
    assert torch.equal(before, torch.get_rng_state())


def test_the_best_epoch_is_kept_not_the_last(pretraining, tmp_path, ignore):
    """A learning rate that wrecks the head: the first epochs are the best."""
    plan = changed(pretraining, lr=0.3, epochs=5)
    states = {}

    def remember(record):
        states[record.epoch] = load_state(tmp_path).head

    trained = pretrain(plan, area=tmp_path, on_epoch=remember)
    best = trained.details["best_epoch"]
    ranked = min(trained.details["history"], key=lambda record: (-record["val_mcc_image_only"], record["val_loss"]))
    assert best == ranked["epoch"] < 5
    for name, tensor in trained.head.state_dict().items():
        assert torch.equal(tensor, states[best][name])


def test_patience_ends_training(pretraining, tmp_path, ignore):
    trained = pretrain(changed(pretraining, lr=1e-9, epochs=6, patience=2), area=tmp_path, on_epoch=ignore)
    assert trained.metrics["epochs"] == trained.metrics["best_epoch"] + 2 < 6


def test_numbers_that_go_wrong_keep_the_last_good_state(pretraining, tmp_path, monkeypatch):
    def kill(record):
        if record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(pretraining, area=tmp_path, on_epoch=kill)
    monkeypatch.setattr("roadwork.train.loop.lr_factor", lambda step, **_: math.inf if step == 9 else 1.0)
    with pytest.raises(
        TrainingError, match=r"(?s)weight \S+ is no number.*epoch 3, optimizer step 11, batches 5, 6 of 8, images"
    ):
        pretrain(pretraining, area=tmp_path, on_epoch=lambda record: None)
    state = load_state(tmp_path)
    assert len(state.history) == 2
    assert all(tensor.isfinite().all() for tensor in state.head.values())


def test_the_rate_follows_the_schedule(pretraining, tmp_path, ignore):
    """120 images in batches of 16, two to a step: 4 steps an epoch, 24 in all, 2 of warm-up."""
    history = pretrain(pretraining, area=tmp_path, on_epoch=ignore).details["history"]
    assert [record["steps"] for record in history] == [4, 8, 12, 16, 20, 24]
    shares = [record["learning_rate"] / pretraining.config.lr for record in history]
    assert shares == pytest.approx([lr_factor(step, total_steps=24, warmup=2) for step in (3, 7, 11, 15, 19, 23)])
