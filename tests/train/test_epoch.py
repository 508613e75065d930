import math
from dataclasses import replace

import pytest
import torch

from roadwork.errors import TrainingError
from roadwork.train.compilation import forward_of
from roadwork.train.embeddings import Resident
from roadwork.train.epoch import take_step, train_epoch
from roadwork.train.losses import total
from roadwork.train.optimizer import AdamW
from roadwork.train.pretrain import fresh_head
from roadwork.train.trainer import Trainer


@pytest.fixture
def still(spec):
    """A spec without randomness in training."""
    head = spec.head.model_copy(update={"dropout": 0.0})
    return spec.model_copy(update={"head": head, "metadata": spec.metadata.model_copy(update={"dropout": 0.0})})


@pytest.fixture
def make(still, table, setting):
    def make(table=table, **changes):
        head = fresh_head(still, 1)
        return Trainer(
            head=head,
            forward=forward_of(head, "off", batch_size=setting.train.batch_size),
            optimizer=AdamW(head, weight_decay=0.0),
            table=table,
            config=setting.train.model_copy(update=changes),
            loss=setting.loss.model_copy(update={"weather": 0.0}),
            weather_null=3,
            lr=lambda step: 1e-3,
        )

    return make


def weights(trainer):
    return torch.cat([parameter.detach().flatten() for parameter in trainer.head.parameters()])


@pytest.mark.parametrize("images", [24, 20, 9, 8, 3])
def test_accumulated_batches_step_like_one_large_batch(make, images):
    order = torch.arange(images)
    split, whole = make(batch_size=8, accumulation=3), make(batch_size=24, accumulation=1)
    gradients = []
    for trainer in (split, whole):
        train_epoch(trainer, order, epoch=1, first_step=0)
        gradients.append(torch.cat([p.grad.flatten() for p in trainer.head.parameters() if p.grad is not None]))
    assert torch.allclose(*gradients, atol=1e-6)
    assert gradients[0].abs().max() > 1e-3


def test_one_step_per_group_with_the_schedules_rate(make):
    rates = []
    trainer = replace(make(batch_size=4, accumulation=2), lr=lambda step: 1e-3 * (step + 1))

    def step(group, lr, broken):
        rates.append(lr)
        return take_step(trainer, group, lr, broken)

    train_epoch(trainer, torch.arange(20), epoch=3, first_step=10, step=step)
    assert rates == pytest.approx([0.011, 0.012, 0.013])
    assert {int(moments.step) for moments in trainer.optimizer.moments.values()} == {3}


def test_the_rate_reaches_the_weights(make):
    """The first step of AdamW moves a weight that has a gradient by the learning rate."""
    trainer = replace(make(batch_size=8), lr=lambda step: 1e-3 * (step + 1))
    before = weights(trainer)
    train_epoch(trainer, torch.arange(16), epoch=1, first_step=4)
    assert float((weights(trainer) - before).abs().max()) == pytest.approx(5e-3, rel=1e-2)


def test_returns_image_weighted_means_of_the_parts(make):
    trainer = replace(make(batch_size=8), lr=lambda step: 0.0)
    order = torch.arange(20)
    before = weights(trainer)
    means = train_epoch(trainer, order, epoch=1, first_step=0)
    assert torch.equal(before, weights(trainer))
    table = trainer.table
    expected = total(
        trainer.head(table.embeddings.tensor[:20].float(), table.metadata.index(order)),
        table.labels[:20],
        table.metadata.weather[:20],
        null_index=3,
        config=trainer.loss,
    )
    for name in ("total", "focal", "consistency"):
        assert float(getattr(means, name)) == pytest.approx(getattr(expected, name).item(), rel=1e-5)


def test_the_gradient_is_clipped(make):
    trainer = make(batch_size=8, accumulation=1, clip_norm=1e-3)
    train_epoch(trainer, torch.arange(8), epoch=1, first_step=0)
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in trainer.head.parameters() if p.grad is not None))
    assert norm == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_features_end_training_and_are_named(make, table, value):
    embeddings = table.embeddings.tensor.clone()
    embeddings[9, 2, 0] = value
    trainer = make(replace(table, embeddings=Resident(embeddings)), batch_size=4, accumulation=2)
    with pytest.raises(TrainingError) as caught:
        train_epoch(trainer, torch.arange(24), epoch=4, first_step=30)
    assert "epoch 4, optimizer step 32, batch 3 of 6, image 0" in caught.value.where
    assert table.image_ids[9] in caught.value.where
    assert table.image_ids[8] not in caught.value.where
    assert all(parameter.isfinite().all() for parameter in trainer.head.parameters()), "no step was taken on NaN"


def test_broken_weights_name_the_steps_images(make, table):
    trainer = make(batch_size=4, accumulation=3)
    next(trainer.head.parameters()).data.fill_(float("nan"))
    with pytest.raises(TrainingError, match="lower the learning rate") as caught:
        train_epoch(trainer, torch.arange(24), epoch=1, first_step=0)
    assert all(image_id in caught.value.where for image_id in table.image_ids[:8])
    assert "and 4 more" in caught.value.where
    assert not any(moments.step for moments in trainer.optimizer.moments.values())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_weights_rounded_once_for_a_group_give_the_bits_of_each_batch_alone(make, precision):
    """Batches that share a context share the rounded weights; it must not show in the gradient."""
    gradients = []
    for shared in (True, False):
        trainer = make(batch_size=8, accumulation=2, precision=precision)
        group, broken = [torch.arange(8), torch.arange(8, 13)], torch.zeros(())
        if shared:
            take_step(trainer, group, 0.0, broken)
        else:
            for rows in group:
                (trainer.losses(trainer.head, rows).total * (len(rows) / 13)).backward()
            torch.nn.utils.clip_grad_norm_(trainer.head.parameters(), trainer.config.clip_norm)
        gradients.append({name: p.grad for name, p in trainer.head.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    assert all(torch.equal(gradient, gradients[1][name]) for name, gradient in gradients[0].items())


def test_after_a_broken_step_none_is_taken_until_somebody_looks(make, table, monkeypatch):
    """One look at the end of the epoch: the weights are those that broke, and the error names the step that did."""
    monkeypatch.setattr("roadwork.train.epoch.LOOK", 100)
    embeddings = table.embeddings.tensor.clone()
    embeddings[9, 2, 0] = float("nan")
    good, bad = make(batch_size=4, accumulation=2), make(replace(table, embeddings=Resident(embeddings)))
    bad = replace(bad, config=good.config)
    train_epoch(good, torch.arange(8), epoch=1, first_step=0)
    with pytest.raises(TrainingError, match="optimizer step 2, batch 3 of 12, image 0"):
        train_epoch(bad, torch.arange(48), epoch=1, first_step=0)
    assert torch.equal(weights(good), weights(bad))
    assert all(torch.equal(tensor, good.optimizer.state()[name]) for name, tensor in bad.optimizer.state().items())


@pytest.mark.parametrize("look", [1, 2, 3, 16])
def test_how_often_somebody_looks_changes_nothing(make, monkeypatch, look):
    reference, trainer = make(batch_size=4), make(batch_size=4)
    one = train_epoch(reference, torch.arange(48), epoch=1, first_step=0)
    monkeypatch.setattr("roadwork.train.epoch.LOOK", look)
    other = train_epoch(trainer, torch.arange(48), epoch=1, first_step=0)
    assert one == other
    assert torch.equal(weights(reference), weights(trainer))
