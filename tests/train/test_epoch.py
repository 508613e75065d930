import copy
import math
from dataclasses import replace

import pytest
import torch

from roadwork.errors import TrainingError
from roadwork.train.compilation import forward_of
from roadwork.train.epoch import train_epoch
from roadwork.train.losses import total
from roadwork.train.optimizer import build_optimizer
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
            forward=forward_of(head, "off"),
            optimizer=build_optimizer(head, lr=1e-2, weight_decay=0.0),
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
    trainer = replace(make(batch_size=4, accumulation=2), lr=lambda step: rates.append(step) or 1e-3 * (step + 1))
    train_epoch(trainer, torch.arange(20), epoch=3, first_step=10)
    assert sorted(set(rates)) == [10, 11, 12]
    assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx([0.013, 0.013])
    assert {int(state["step"]) for state in trainer.optimizer.state.values()} == {3}


def test_returns_image_weighted_means_of_the_parts(make):
    trainer = replace(make(batch_size=8), lr=lambda step: 0.0)
    order = torch.arange(20)
    before = weights(trainer)
    means = train_epoch(trainer, order, epoch=1, first_step=0)
    assert torch.equal(before, weights(trainer))
    table = trainer.table
    expected = total(
        trainer.head(table.embeddings[:20].float(), table.metadata.index(order)),
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
    embeddings = table.embeddings.clone()
    embeddings[9, 2, 0] = value
    trainer = make(replace(table, embeddings=embeddings), batch_size=4, accumulation=2)
    with pytest.raises(TrainingError) as caught:
        train_epoch(trainer, torch.arange(24), epoch=4, first_step=30)
    assert "epoch 4, optimizer step 32, batch 3 of 6, image 0" in caught.value.where
    assert table.image_ids[9] in caught.value.where
    assert table.image_ids[8] not in caught.value.where
    assert all(parameter.isfinite().all() for parameter in trainer.head.parameters()), "no step was taken on NaN"


def test_broken_weights_name_the_steps_images(make, table):
    trainer = make(batch_size=4, accumulation=3)
    next(trainer.head.parameters()).data.fill_(float("nan"))
    before = copy.deepcopy(trainer.optimizer.state_dict()["state"])
    with pytest.raises(TrainingError, match="lower the learning rate") as caught:
        train_epoch(trainer, torch.arange(24), epoch=1, first_step=0)
    assert all(image_id in caught.value.where for image_id in table.image_ids[:8])
    assert "and 4 more" in caught.value.where
    assert trainer.optimizer.state_dict()["state"] == before
