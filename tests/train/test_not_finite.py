"""Numbers that go wrong end a training with an error that names the epoch, the batch and the images at fault."""

from dataclasses import replace

import pytest
import torch

from roadwork.errors import TrainingError
from roadwork.train.compilation import forward_of
from roadwork.train.embeddings import Resident
from roadwork.train.epoch import train_epoch
from roadwork.train.finetune import Finetuning, finetune
from roadwork.train.inference import answers
from roadwork.train.not_finite import first_not_finite
from roadwork.train.optimizer import AdamW
from roadwork.train.pretrain import fresh_head, pretrain
from roadwork.train.resume import load_state
from roadwork.train.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def make(spec, table, setting):
    """A trainer without randomness: 24 images in 6 batches of 4, two to a step."""
    still = spec.model_copy(
        update={
            "head": spec.head.model_copy(update={"dropout": 0.0}),
            "metadata": spec.metadata.model_copy(update={"dropout": 0.0}),
        }
    )

    def make(table=table, lr=lambda step: 1e-3, **changes):
        head = fresh_head(still, 1)
        return Trainer(
            head=head,
            forward=forward_of(head, "off", batch_size=setting.train.batch_size),
            optimizer=AdamW(head, weight_decay=0.0),
            table=table,
            config=setting.train.model_copy(update={"batch_size": 4, "accumulation": 2, **changes}),
            loss=setting.loss,
            weather_null=3,
            lr=lr,
        )

    return make


def error_of(trainer):
    with pytest.raises(TrainingError) as caught:
        train_epoch(trainer, torch.arange(24), epoch=4, first_step=30)
    return caught.value


def named(error, table):
    return [row for row, image_id in enumerate(table.image_ids) if image_id in error.where]


def with_text(table, row, value):
    text = table.metadata.text.clone()
    text[row] = value
    return replace(table, metadata=table.metadata._replace(text=text))


def with_embedding(table, rows, value):
    embeddings = table.embeddings.tensor.clone()
    for row in rows:
        embeddings[row, 2, 0] = value
    return replace(table, embeddings=Resident(embeddings))


def test_broken_features_of_two_batches(make, table):
    error = error_of(make(with_embedding(table, (13, 9), float("nan"))))
    assert named(error, table) == [9, 13]
    assert error.where.startswith("epoch 4, optimizer step 32, batches 3, 4 of 6, images ")
    assert "run `roadwork embed_images` again" in error.fix


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_broken_sentence_vector_names_its_own_stage(make, table, value):
    error = error_of(make(with_text(table, 3, value)))
    assert named(error, table) == [3]
    assert error.where.startswith("epoch 4, optimizer step 31, batch 1 of 6, image 0")
    assert "run `roadwork embed_text` again" in error.fix


def test_broken_coordinates_name_ingest(make, table):
    gps = table.metadata.gps_deg.clone()
    gps[20, 1] = float("inf")
    present = table.metadata.gps_present | True
    trainer = make(replace(table, metadata=table.metadata._replace(gps_deg=gps, gps_present=present)))
    error = error_of(trainer)
    assert named(error, table) == [20]
    assert "run `roadwork ingest` again" in error.fix


def test_an_image_that_overflows_by_itself_is_found_among_the_others(make, table):
    """Its numbers are finite; what the head makes of them isn't."""
    error = error_of(make(with_text(table, 18, 3e38)))
    assert named(error, table) == [18]
    assert error.where.startswith("epoch 4, optimizer step 33, batch 5 of 6, image 0")
    assert "lower the learning rate" in error.fix


def test_where_no_image_does_it_alone_the_batch_is_named(make, table):
    calls = []

    def forward(embeddings, metadata):
        calls.append(1)
        output = trainer.head(embeddings, metadata)
        return output._replace(logits=output.logits * (float("nan") if len(calls) == 4 else 1.0))

    trainer = make()
    trainer = replace(trainer, forward=forward)
    error = error_of(trainer)
    assert named(error, table) == [12, 13, 14, 15]
    assert "epoch 4, optimizer step 32, batch 4 of 6" in error.where


def test_where_only_the_gradient_breaks_the_whole_step_is_named(make, table):
    trainer = make()
    trainer.head.classifier.layers[0].weight.register_hook(lambda grad: grad * float("inf") if grad.ndim else grad)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roadwork.train.not_finite._alone_at_fault", lambda trainer, rows: rows[:0])
        error = error_of(trainer)
    assert named(error, table) == list(range(8))
    assert "batches 1, 2 of 6" in error.where
    assert "gradient norm" in error.what


def test_no_step_is_taken_on_numbers_that_went_wrong(make, table):
    trainer = make(with_text(table, 3, float("nan")))
    before = {name: tensor.clone() for name, tensor in trainer.head.state_dict().items()}
    error_of(trainer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.head.state_dict().items())
    assert trainer.head.training


def test_weights_that_the_last_step_broke_are_noticed_with_the_epoch(make, table):
    error = error_of(make(lr=lambda step: float("inf") if step == 32 else 1e-3))
    assert "is no number any more" in error.what
    assert error.where.startswith("epoch 4, optimizer step 33, batches 5, 6 of 6, images 0")
    assert named(error, table) == list(range(16, 24))
    assert "lower the learning rate" in error.fix


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 500, 1002])
def test_one_broken_number_among_many_is_found(value, place):
    numbers = torch.full((1003,), 3e38)
    tensors = {"empty": torch.zeros(0), "whole": torch.tensor(1), "half": torch.ones(3).half(), "large": numbers}
    assert first_not_finite(tensors) is None
    numbers[place] = value
    assert first_not_finite(tensors) == "large"


def test_an_optimizer_that_lost_its_numbers_is_noticed(make):
    trainer = make()
    train_epoch(trainer, torch.arange(24), epoch=1, first_step=0)
    next(iter(trainer.optimizer.moments.values())).exp_avg_sq.fill_(float("inf"))
    assert "exp_avg_sq/" in error_of(trainer).what


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_overflow_of_the_loss_is_one_in_either_precision(make, precision):
    trainer = make(precision=precision)
    with torch.no_grad():
        for parameter in trainer.head.parameters():
            parameter.mul_(1e25)
    error = error_of(trainer)
    assert "epoch 4, optimizer step 31, batches 1, 2 of 6" in error.where
    assert "lower the learning rate" in error.fix


def test_more_images_than_an_error_names_are_counted(make, table):
    error = error_of(make(with_embedding(table, range(24), float("nan")), batch_size=12))
    assert named(error, table) == list(range(8))
    assert error.where.endswith("and 16 more")


def test_features_are_looked_at_before_their_mean_is_taken(pretraining, table, tmp_path, ignore):
    """One NaN in the mean would make every image look at fault."""
    plan = replace(pretraining, table=with_embedding(table, (9,), float("nan")))
    with pytest.raises(TrainingError, match="embed_images") as caught:
        pretrain(plan, area=tmp_path, on_epoch=ignore)
    assert caught.value.where == f"before epoch 1, image {table.image_ids[9]}"


def test_validation_names_the_epoch_and_the_images(pretraining, table, tmp_path, ignore):
    plan = replace(pretraining, table=with_embedding(table, (130,), float("nan")))
    with pytest.raises(TrainingError, match="no number for 1 of 40 images") as caught:
        pretrain(plan, area=tmp_path, on_epoch=ignore)
    assert caught.value.where == f"validation after epoch 1, image {table.image_ids[130]}"
    assert "embed_images" in caught.value.fix
    assert load_state(tmp_path) is None, "an epoch that can't be judged is not kept"


def test_an_answer_that_is_no_number_is_no_answer(spec, table):
    head = fresh_head(spec, 1)
    with torch.no_grad():
        head.classifier.layers[-1].bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="no number for 5 of 5 images"):
        answers(head, table.rows(range(5)), batch_size=2, device=CPU)


@pytest.mark.parametrize("step", [19, 20, 21, 22, 23])
def test_a_broken_head_is_never_saved(pretraining, tmp_path, ignore, monkeypatch, step):
    """Whichever of the steps breaks it, also the last of an epoch: the state kept is that of the epoch before."""
    monkeypatch.setattr("roadwork.train.loop.lr_factor", lambda now, **_: float("inf") if now == step else 1.0)
    with pytest.raises(TrainingError, match="is no number any more"):
        pretrain(pretraining, area=tmp_path, on_epoch=ignore)
    state = load_state(tmp_path)
    assert len(state.history) == step // 4
    assert all(t.isfinite().all() for part in (state.head, state.best, state.optimizer) for t in part.values())


def test_finetuning_starts_from_no_broken_head(spec, table, finetune_config, setting, tmp_path, ignore):
    """A part that validation never asks: the weather classifier."""
    head = fresh_head(spec, 1)
    with torch.no_grad():
        head.weather_classifier.layers[0].weight[0, 0] = float("nan")
    plan = Finetuning(table, 1, head, spec, "0" * 64, finetune_config, setting)
    with pytest.raises(TrainingError, match=r"weight weather_classifier\.layers\.0\.weight") as caught:
        finetune(plan, area=tmp_path, on_epoch=ignore)
    assert caught.value.where == "before epoch 1"
    assert load_state(tmp_path) is None
