import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from roadwork.errors import SamplingError, SplitError, StoreError
from roadwork.train.embeddings import Resident
from roadwork.train.pretrain import fresh_head, pretrain
from roadwork.train.validation import validate


def test_a_planted_signal_is_learned(pretraining, tmp_path, ignore):
    config = pretraining.config.model_copy(update={"epochs": 20, "patience": 20})
    trained = pretrain(replace(pretraining, config=config), area=tmp_path, on_epoch=ignore)
    history = trained.details["history"]
    assert trained.metrics["val_mcc"] > 0.8
    assert history[-1]["train_total"] < 0.6 * history[0]["train_total"]
    test = pretraining.table.rows(pretraining.table.split == "test")
    scored = validate(trained.head, test, pretraining.setting.loss, batch_size=64, device=pretraining.setting.device)
    assert scored.mcc_image_only > 0.8


def test_metrics_and_details_describe_the_kept_head(pretraining, tmp_path, ignore):
    trained = pretrain(pretraining, area=tmp_path, on_epoch=ignore)
    metrics, details = trained.metrics, trained.details
    best = details["history"][metrics["best_epoch"] - 1]
    assert metrics["val_mcc"] == best["val_mcc_image_only"]
    assert metrics["val_mcc_with_metadata"] == best["val_mcc_with_metadata"]
    assert (metrics["train_images"], metrics["val_images"], metrics["epochs"], metrics["steps"]) == (120, 40, 6, 24)
    assert metrics["parameters"] == sum(p.numel() for p in trained.head.parameters())
    assert details["feature_fingerprint"] == pretraining.table.fingerprint
    assert details["data_digest"] == pretraining.table.digest
    assert details["seed"] == 17
    val = pretraining.table.rows(pretraining.table.split == "val")
    again = validate(trained.head, val, pretraining.setting.loss, batch_size=16, device=pretraining.setting.device)
    assert (again.mcc_image_only, again.loss, again.threshold) == tuple(
        metrics[name] for name in ("val_mcc", "val_loss", "val_threshold")
    )
    json.dumps(details, allow_nan=False)
    assert not any("second" in name or "time" in name for name in details), "equal runs write equal files"


def test_the_share_near_a_cluster_is_that_of_the_weighted_draws(pretraining, tmp_path, ignore):
    history = pretrain(pretraining, area=tmp_path, on_epoch=ignore).details["history"]
    distance = pretraining.sampling["distance_km"]
    weight = pretraining.sampling["weight"]
    expected = weight[distance < 100].sum() / weight[distance.notna()].sum()
    assert np.mean([record["near_share"] for record in history]) == pytest.approx(expected, abs=0.06)
    assert (distance < 100).sum() / distance.notna().sum() < expected - 0.2


def test_images_of_other_splits_are_not_seen(pretraining, tmp_path, ignore):
    table = pretraining.table
    embeddings = table.embeddings.tensor.clone()
    embeddings[torch.from_numpy(table.split == "test")] = float("nan")  # would end training
    plan = replace(pretraining, config=pretraining.config.model_copy(update={"epochs": 1}))
    one = pretrain(plan, area=tmp_path / "one", on_epoch=ignore)
    two = pretrain(
        replace(plan, table=replace(table, embeddings=Resident(embeddings))), area=tmp_path / "two", on_epoch=ignore
    )
    assert one.metrics == two.metrics


def test_one_class_in_train_is_refused(pretraining, tmp_path, ignore):
    labels = pretraining.table.labels.clone()
    labels[:120] = 1
    plan = replace(pretraining, table=replace(pretraining.table, labels=labels))
    with pytest.raises(SplitError, match="split train: 120 images, 120 with roadwork and 0 without"):
        pretrain(plan, area=tmp_path, on_epoch=ignore)


def test_an_empty_val_names_its_parameter(pretraining, tmp_path, ignore):
    split = np.where(pretraining.table.split == "val", "holdout", pretraining.table.split)
    plan = replace(pretraining, table=replace(pretraining.table, split=split))
    with pytest.raises(SplitError, match=r"(?s)split val: 0 images.*ingest\.val_fraction"):
        pretrain(plan, area=tmp_path, on_epoch=ignore)


def test_weights_of_other_images_are_refused(pretraining, tmp_path, ignore):
    plan = replace(pretraining, sampling=pretraining.sampling.iloc[::-1])
    with pytest.raises(StoreError, match=r"(?s)row 0 is image .*roadwork sampling"):
        pretrain(plan, area=tmp_path, on_epoch=ignore)


@pytest.mark.parametrize("weight", [0.0, float("nan"), -1.0])
def test_weights_that_cannot_be_drawn_from_are_refused(pretraining, tmp_path, ignore, weight):
    plan = replace(pretraining, sampling=pretraining.sampling.assign(weight=weight))
    with pytest.raises(SamplingError, match="can't be drawn from"):
        pretrain(plan, area=tmp_path, on_epoch=ignore)


def test_unlabelled_validation_images_are_left_out(pretraining, tmp_path, ignore):
    labels = pretraining.table.labels.clone()
    labels[120:130] = -1
    plan = replace(
        pretraining,
        table=replace(pretraining.table, labels=labels),
        config=pretraining.config.model_copy(update={"epochs": 1}),
    )
    assert pretrain(plan, area=tmp_path, on_epoch=ignore).metrics["val_images"] == 30


def test_every_input_changes_the_digest(pretraining, tmp_path):
    setting, config = pretraining.setting, pretraining.config
    others = [
        replace(pretraining, table=replace(pretraining.table, digest="0" * 64)),
        replace(pretraining, sampling=pretraining.sampling.assign(weight=1.0)),
        replace(pretraining, near_km=50.0),
        replace(pretraining, spec=pretraining.spec.model_copy(update={"views": 7})),
        replace(pretraining, config=config.model_copy(update={"lr": 1e-4})),
        replace(pretraining, setting=replace(setting, seed=1)),
        replace(pretraining, setting=replace(setting, device=torch.device("cuda:0"))),
        replace(pretraining, setting=replace(setting, loss=setting.loss.model_copy(update={"gamma": 1.0}))),
        replace(pretraining, setting=replace(setting, train=setting.train.model_copy(update={"batch_size": 8}))),
    ]
    digests = {plan.digest for plan in (pretraining, *others)}
    assert len(digests) == len(others) + 1
    assert replace(pretraining).digest == pretraining.digest


def test_where_embeddings_are_leaves_the_digest_alone_and_the_order_of_an_epoch_does_not(pretraining):
    def digest(**changes):
        train = pretraining.setting.train.model_copy(update=changes)
        return replace(pretraining, setting=replace(pretraining.setting, train=train)).digest

    assert digest(features="stream") == digest(features="memory") == pretraining.digest
    assert digest(window_images=512) != pretraining.digest


def test_a_fresh_head_is_a_function_of_the_seed(spec):
    before = torch.get_rng_state()
    one, two, other = fresh_head(spec, 1), fresh_head(spec, 1), fresh_head(spec, 2)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
