from dataclasses import replace

import numpy as np
import pytest
import torch

from roadwork.errors import ParameterError, SplitError
from roadwork.train.embeddings import Resident
from roadwork.train.finetune import Finetuning, finetune, weight_change
from roadwork.train.inference import margins
from roadwork.train.pretrain import fresh_head, pretrain

MARGINS = ["margin_image_only", "margin_with_metadata"]


@pytest.fixture(scope="module")
def pretrained(table, sampling, spec, setting, pretrain_config, tmp_path_factory):
    from roadwork.train.pretrain import Pretraining

    config = pretrain_config.model_copy(update={"epochs": 1})
    plan = Pretraining(table=table, sampling=sampling, near_km=1.0, spec=spec, config=config, setting=setting)
    return pretrain(plan, area=tmp_path_factory.mktemp("area"), on_epoch=lambda record: None).head


@pytest.fixture
def plan(table, pretrained, spec, finetune_config, setting):
    return Finetuning(
        table=table,
        fold=1,
        head=pretrained,
        spec=spec,
        weights_sha256="0" * 64,
        config=finetune_config,
        setting=setting,
    )


def test_only_the_outer_fold_is_predicted(plan, tmp_path, ignore):
    member = finetune(plan, area=tmp_path, on_epoch=ignore)
    outer = plan.table.rows(plan.table.roles[:, 1] == "test")
    frame = member.predictions
    assert list(frame) == ["image_id", "label", "block", "fold", *MARGINS]
    assert frame["image_id"].tolist() == outer.image_ids
    assert frame["label"].tolist() == outer.labels.tolist()
    assert frame["block"].tolist() == outer.block.tolist()
    assert set(frame["fold"]) == {1}
    for name, hidden in zip(MARGINS, (True, False), strict=True):
        expected = margins(member.head, outer, hide_metadata=hidden, batch_size=16, device=torch.device("cpu"))
        assert np.array_equal(frame[name], expected)


def test_the_outer_folds_labels_play_no_part(plan, tmp_path, ignore):
    labels = plan.table.labels.clone()
    outer = torch.from_numpy(plan.table.roles[:, 1] == "test")
    labels[outer] = 1 - labels[outer]
    one = finetune(plan, area=tmp_path / "one", on_epoch=ignore)
    two = finetune(replace(plan, table=replace(plan.table, labels=labels)), area=tmp_path / "two", on_epoch=ignore)
    assert one.metrics == two.metrics
    assert one.predictions[MARGINS].equals(two.predictions[MARGINS])
    assert all(torch.equal(a, b) for a, b in zip(one.head.parameters(), two.head.parameters(), strict=True))


def test_training_uses_the_folds_train_images_alone(plan, tmp_path, ignore):
    """Anything elsewhere would do."""
    embeddings = plan.table.embeddings.tensor.clone()
    embeddings[torch.from_numpy(~np.isin(plan.table.roles[:, 1], ["train", "val"]))] = 99.0
    one = finetune(plan, area=tmp_path / "one", on_epoch=ignore)
    two = finetune(
        replace(plan, table=replace(plan.table, embeddings=Resident(embeddings))),
        area=tmp_path / "two",
        on_epoch=ignore,
    )
    assert one.details["history"] == two.details["history"]


def test_a_member_is_never_worse_than_the_head_it_started_from(plan, tmp_path, ignore):
    wrecking = replace(plan, config=plan.config.model_copy(update={"lr": 10.0}))
    member = finetune(wrecking, area=tmp_path, on_epoch=ignore)
    assert member.metrics["best_epoch"] == 0
    assert member.metrics["weight_change_norm"] == 0
    assert member.metrics["flipped_predictions"] == 0
    assert member.metrics["inner_val_mcc"] == member.metrics["inner_val_mcc_before"]
    assert all(torch.equal(a, b) for a, b in zip(member.head.parameters(), plan.head.parameters(), strict=True))


def test_what_changed_is_reported(plan, tmp_path, ignore):
    before = {name: tensor.clone() for name, tensor in plan.head.state_dict().items()}
    member = finetune(plan, area=tmp_path, on_epoch=ignore)
    assert member.metrics["best_epoch"] > 0
    assert member.metrics["weight_change_norm"] == pytest.approx(weight_change(before, member.head.state_dict()))
    assert 0 < member.metrics["weight_change_norm"] < 1
    assert member.metrics["inner_val_loss"] < member.metrics["inner_val_loss_before"]
    outer = plan.table.rows(plan.table.roles[:, 1] == "test")
    threshold = member.details["history"][0]["val_threshold"]
    old, new = (
        margins(head, outer, hide_metadata=True, batch_size=16, device=torch.device("cpu")) >= threshold
        for head in (plan.head, member.head)
    )
    assert member.metrics["flipped_predictions"] == (old != new).sum()
    assert (member.metrics["train_images"], member.metrics["inner_val_images"], member.metrics["outer_images"]) == (
        20,
        20,
        20,
    )
    for name, tensor in plan.head.state_dict().items():
        assert torch.equal(tensor, before[name]), "the pretrained head is left as it was"


def test_its_own_dropout_replaces_the_heads(plan, tmp_path, ignore):
    member = finetune(plan, area=tmp_path, on_epoch=ignore)
    assert member.spec.head.dropout == plan.config.dropout != plan.spec.head.dropout
    rates = {module.p for module in fresh_head(member.spec, 1).modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {plan.config.dropout}


def test_a_killed_fold_goes_on_bit_for_bit(plan, tmp_path, ignore):
    unbroken = finetune(plan, area=tmp_path / "unbroken", on_epoch=ignore)
    for killed_after in (0, 2):

        def kill(record, at=killed_after):
            if record.epoch == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            finetune(plan, area=tmp_path / str(killed_after), on_epoch=kill)
        resumed = finetune(plan, area=tmp_path / str(killed_after), on_epoch=ignore)
        assert resumed.details == unbroken.details
        assert resumed.predictions.equals(unbroken.predictions)


@pytest.mark.parametrize("fold", [-1, 3])
def test_an_unknown_fold_is_refused(plan, tmp_path, ignore, fold):
    with pytest.raises(ParameterError, match=r"(?s)no fold .*finetune.folds.*0 to 2"):
        finetune(replace(plan, fold=fold), area=tmp_path, on_epoch=ignore)


@pytest.mark.parametrize(("role", "part"), [("train", "training part"), ("val", "inner validation part")])
def test_a_part_of_one_class_is_refused(plan, tmp_path, ignore, role, part):
    labels = plan.table.labels.clone()
    labels[torch.from_numpy(plan.table.roles[:, 1] == role)] = 0
    with pytest.raises(SplitError, match=f"{part} of fold 1: 20 images, 0 with roadwork"):
        finetune(replace(plan, table=replace(plan.table, labels=labels)), area=tmp_path, on_epoch=ignore)


def test_weight_change_is_relative_to_the_start():
    assert weight_change({"a": torch.tensor([3.0, 4.0])}, {"a": torch.tensor([3.0, 4.5])}) == pytest.approx(0.1)
