"""The stages `pretrain` and `finetune` on a small project on disk, with the real parameter file's structure."""

import hashlib
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML

from pipeline import check, embed_images, ensemble, evaluate, finetune, headline, paths, pretrain
from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.embed.store import read_image_store, write_image_store, write_text_store
from roadwork.errors import BundleError, DataError, ParameterError, SplitError, StoreError, TrainingError
from roadwork.train.checkpoint import load_head
from roadwork.train.trainer import Trainer
from roadwork.views.geometry import view_names

N, VIEWS, DIM = 90, 12, 16
BACKBONE = {"weights_digest": "a" * 64, "pool": "cls", "precision": "fp32"}
ATTRIBUTES = {"fingerprint": "f" * 64, "manifest_digest": "m" * 64, "provenance": {"backbone": BACKBONE}}


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Every test here works on small tensors."""


@pytest.fixture
def project(tmp_path, monkeypatch, request):
    """A project's folder, entered, with everything that comes before `pretrain`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "cache"))
    params = YAML(typ="safe", pure=True).load((request.config.rootpath / "params.yaml").read_text())
    params["head"]["projection"]["dim"] = 32
    params["head"]["pruning"]["hidden"] = 8
    params["head"]["pyramid"]["dims"] = [32, 16]
    params["head"]["attention"] |= {"layers": 1, "heads": 4}
    params["head"]["view_fusion"] |= {"heads": 4, "gate_hidden": 8}
    params["head"]["classifier"]["hidden"] = 8
    params["train"] |= {"batch_size": 8, "device": "cpu", "precision": "fp32"}
    params["pretrain"] |= {"epochs": 2, "lr": 0.001}
    params["finetune"] |= {"folds": [0, 1], "epochs": 2, "lr": 0.001}
    params["ensemble"]["members"] = 2
    params["evaluate"] |= {"resamples": 100, "neighbours": [1], "regularisation": [1.0]}
    params["evaluate"]["attention_mil"] |= {"hidden": 8, "lr": [0.001], "weight_decay": [0.01], "epochs": 2}
    write_params(params)

    rng = np.random.default_rng(0)
    ids = [f"{i:064x}" for i in range(N)]
    labels = np.arange(N) % 2
    split = np.repeat(["train", "val", "test"], N // 3)
    rows = [
        {"image_id": ids[i], "path": f"{i}.jpg", "width_px": 9, "height_px": 9, "split": split[i], "label": labels[i]}
        for i in range(N)
    ]
    write_manifest(Manifest(manifest_frame(rows), tmp_path), paths.MANIFEST)
    embeddings = rng.normal(size=(N, VIEWS, DIM)) + labels[:, None, None]
    write_image_store(paths.IMAGE_STORE, ids, [embeddings], view_count=VIEWS, dim=DIM, attributes=ATTRIBUTES)
    paths.INGEST_METRICS.parent.mkdir()
    paths.INGEST_METRICS.write_text(json.dumps({"duplicates": {"within_splits": 0, "across_splits": 0}}))
    write_text_store(paths.TEXT_STORE, ids, np.zeros((N, 384)), np.zeros(N, dtype=bool), attributes={})
    folds = pd.DataFrame({"image_id": ids, "split": split, "block": np.arange(N, dtype=np.int32)})
    place = np.arange(N) // 2 % 4
    for fold in (0, 1):
        role = np.where(place % 2 == fold, "test", np.where(place // 2 == 0, "train", "val"))
        folds[f"role_{fold}"] = np.where(split == "test", role, "")
    folds.to_parquet(paths.FOLDS)
    train = split == "train"
    pd.DataFrame(
        {"image_id": np.array(ids)[train], "weight": 1.0, "distance_km": np.linspace(0, 199, train.sum())}
    ).to_parquet(paths.SAMPLING)
    return params


def write_params(params):
    with open("params.yaml", "w") as stream:
        YAML().dump(params, stream)


def written(*folders):
    return {
        path.as_posix(): path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_from_features_to_members(project):
    metrics = pretrain.run()
    assert json.loads(paths.PRETRAIN_METRICS.read_text()) == metrics
    head, spec, details = load_head(paths.PRETRAINED)
    assert (spec.embedding_dim, spec.views) == (DIM, VIEWS)
    assert details["best_epoch"] == metrics["best_epoch"]
    curves = (paths.PRETRAIN_LIVE / "plots/metrics/gate/tile_2_3.tsv").read_text().splitlines()
    assert curves[0] == "step\ttile_2_3"
    assert len(curves) == metrics["epochs"] + 1
    share = (paths.PRETRAIN_LIVE / "plots/metrics/near_share.tsv").read_text().splitlines()[1]
    assert 0 < float(share.split("\t")[1]) < 1

    for fold in (0, 1):
        metrics = finetune.run(fold)
        assert json.loads((paths.FINETUNE_METRICS / f"{fold}.json").read_text()) == metrics
        member, _, details = load_head(paths.FINETUNED / str(fold))
        assert details["fold"] == metrics["fold"] == fold
        assert len(details["pretrained_sha256"]) == 64
        predictions = pd.read_parquet(paths.FINETUNED / str(fold) / "predictions.parquet")
        assert set(predictions["fold"]) == {fold}
        assert (paths.FINETUNE_LIVE / str(fold) / "plots" / "metrics" / "learning_rate.tsv").is_file()
        assert member.state_dict().keys() == head.state_dict().keys()
    folders = [path for path in Path("cache", "training").iterdir() if path.is_dir()]
    assert folders == [], "the states for resuming are gone once the results are published"


def test_a_run_that_was_killed_ends_with_the_files_of_an_unbroken_one(project, monkeypatch):
    pretrain.run()
    unbroken = written(paths.MODELS, paths.METRICS)
    epochs = json.loads(unbroken.pop(paths.TIMING.as_posix()))["epochs"]
    assert epochs == json.loads(unbroken[paths.PRETRAIN_METRICS.as_posix()])["epochs"]

    def fail(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "save_head", fail)
        with pytest.raises(KeyboardInterrupt):
            pretrain.run()
    assert any(Path("cache", "training").glob("*/epochs_*"))
    monkeypatch.setattr("roadwork.train.loop.train_epoch", fail)
    pretrain.run()
    assert json.loads(paths.TIMING.read_text())["epochs"] == 0, "all epochs were those of the killed run"
    paths.TIMING.unlink()
    assert written(paths.MODELS, paths.METRICS) == unbroken


def disturb_global_generators(seed):
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


def all_results():
    """Every file of the stages from `pretrain` on, but for the one that tells how long it took."""
    found = written(paths.MODELS, paths.METRICS)
    return {name: content for name, content in found.items() if name != paths.TIMING.as_posix()}


def test_every_stage_on_features_gives_the_same_bytes_twice(project):
    """With whatever in the global generators."""
    runs = []
    for seed in (1, 2):
        disturb_global_generators(seed)
        to_the_bundle()
        evaluate.run()
        runs.append(all_results())
        for folder in (paths.MODELS, paths.PRETRAIN_LIVE.parent):
            shutil.rmtree(folder)
    assert len(runs[0]) > 30
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("stage", "batch"), [("pretrain", 6), ("finetune", 2), ("finetune", 4)])
def test_a_stage_killed_within_an_epoch_ends_with_the_files_of_an_unbroken_one(project, monkeypatch, stage, batch):
    """In the second epoch's second batch; in the second epoch of the first fold, and of the second."""

    def to_the_end(first):
        if first == "pretrain":
            pretrain.run()
        for fold in (0, 1):
            finetune.run(fold)

    to_the_end("pretrain")
    unbroken = all_results()
    shutil.rmtree(paths.MODELS if stage == "pretrain" else paths.FINETUNED)
    real, seen = Trainer.losses, []

    def losses(self, forward, rows):
        seen.append(len(rows))
        if len(seen) == batch:
            raise KeyboardInterrupt
        return real(self, forward, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "losses", losses)
        with pytest.raises(KeyboardInterrupt):
            to_the_end(stage)
    disturb_global_generators(3)
    to_the_end(stage)
    assert all_results() == unbroken


def test_numbers_that_go_wrong_publish_nothing_and_another_rate_starts_anew(project, monkeypatch):
    pretrain.run()
    earlier, published = all_results(), (written(paths.MODELS), paths.PRETRAIN_METRICS.read_bytes())
    wanted = project["pretrain"]["lr"]
    project["pretrain"]["lr"] = 10.0
    write_params(project)
    with monkeypatch.context() as patch:
        patch.setattr("roadwork.train.loop.lr_factor", lambda step, **_: 1e38 if step > 1 else 1.0)
        with pytest.raises(TrainingError, match=r"(?s)epoch 2, optimizer step 4, .*images 0.*lower the learning rate"):
            pretrain.run()
    assert (written(paths.MODELS), paths.PRETRAIN_METRICS.read_bytes()) == published, "no broken head"
    project["pretrain"]["lr"] = wanted
    write_params(project)
    pretrain.run()
    assert all_results() == earlier


def test_a_fold_that_is_not_in_the_parameters_is_refused(project):
    with pytest.raises(ParameterError, match=r"(?s)no fold 2.*finetune\.folds.*fix: name one of 0, 1$"):
        finetune.run(2)


def test_finetune_needs_the_pretrained_head(project):
    with pytest.raises(BundleError, match="models/pretrained"):
        finetune.run(0)


def test_missing_weights_name_their_stage(project):
    paths.SAMPLING.unlink()
    with pytest.raises(DataError, match="roadwork sampling"):
        pretrain.run()


def test_features_of_another_grid_are_refused(project):
    project["views"]["grid"] = 4
    write_params(project)
    with pytest.raises(StoreError, match=r"12 views of an image, views.grid gives 19"):
        pretrain.run()


def test_a_training_that_is_refused_leaves_the_earlier_curves(project, monkeypatch):
    pretrain.run()
    finetune.run(0)
    earlier = written(paths.PRETRAIN_LIVE, paths.FINETUNE_LIVE)
    assert earlier
    sampling = pd.read_parquet(paths.SAMPLING)
    sampling.iloc[::-1].to_parquet(paths.SAMPLING)
    with pytest.raises(StoreError, match="roadwork sampling"):
        pretrain.run()

    def refuse(*args):
        raise SplitError("one class")

    monkeypatch.setattr("roadwork.train.finetune.require_both_classes", refuse)
    with pytest.raises(SplitError):
        finetune.run(0)
    assert written(paths.PRETRAIN_LIVE, paths.FINETUNE_LIVE) == earlier


def other_data():
    """Another division of the same images, as `roadwork folds` would write it."""
    folds = pd.read_parquet(paths.FOLDS)
    folds.assign(block=folds["block"] + 1).to_parquet(paths.FOLDS)


def to_the_bundle():
    pretrain.run()
    headline.run()
    for fold in (0, 1):
        finetune.run(fold)
    ensemble.run()


def test_finetune_refuses_a_head_of_other_data(project):
    pretrain.run()
    other_data()
    with pytest.raises(BundleError, match=r"(?s)pretrained head was .*data digest.*pretrained/head\.json.*pretrain`"):
        finetune.run(0)
    assert not (paths.FINETUNED / "0").exists()


def test_finetune_refuses_a_head_of_other_features(project):
    pretrain.run()
    images = read_image_store(paths.IMAGE_STORE)
    write_image_store(
        paths.IMAGE_STORE,
        images.image_ids,
        [images.embeddings],
        view_count=VIEWS,
        dim=DIM,
        attributes=ATTRIBUTES | {"fingerprint": "0" * 64},
    )
    with pytest.raises(BundleError, match="feature fingerprint is ffffffffffff, expected is 000000000000"):
        finetune.run(0)


def test_evaluate_refuses_what_was_made_from_other_data(project):
    to_the_bundle()
    scorecard = evaluate.run()
    assert scorecard["test"]["image_only"]
    paths.EVALUATE_METRICS.unlink()

    oof = pd.read_parquet(paths.OOF_PREDICTIONS)
    oof.iloc[1:].to_parquet(paths.OOF_PREDICTIONS)
    with pytest.raises(StoreError, match=r"(?s)isn't predicted.*oof_predictions\.parquet.*roadwork ensemble"):
        evaluate.run()
    oof.to_parquet(paths.OOF_PREDICTIONS)

    other_data()
    with pytest.raises(BundleError, match=r"(?s)pretrained head was .*data digest.*pretrained/head\.json.*pretrain`"):
        evaluate.run()
    pretrain.run()
    with pytest.raises(BundleError, match=r"(?s)the bundle was .*data digest.*bundle/bundle\.json.*finetune`"):
        evaluate.run()
    assert not paths.EVALUATE_METRICS.exists()


def test_scores_of_an_earlier_head_are_noticed(project):
    """The headline's file is of the head before: neither the bundle's card nor the scorecard may repeat it."""
    to_the_bundle()
    project["train"]["seed"] = 5
    write_params(project)
    pretrain.run()
    with pytest.raises(StoreError, match=r"(?s)another head.*metrics/headline\.json.*roadwork headline"):
        evaluate.run()
    for fold in (0, 1):
        finetune.run(fold)
    with pytest.raises(StoreError, match=r"(?s)another head.*metrics/headline\.json.*dvc repro ensemble"):
        ensemble.run()
    headline.run()
    ensemble.run()
    scorecard = evaluate.run()
    assert scorecard["views"].keys() == set(view_names(3))
    assert scorecard["head_sha256"] == json.loads(paths.PRETRAIN_METRICS.read_text())["head_sha256"]
    assert scorecard["made_from"] == {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (paths.PREDICTIONS, paths.HEADLINE_METRICS, paths.OOF_PREDICTIONS, paths.EVIDENCE)
    }
    assert len(pd.read_parquet(paths.EVIDENCE)) == 30 * VIEWS


def test_a_seed_of_its_own_repeats_the_training_with_other_draws(project):
    pretrain.run()
    first = paths.PRETRAINED.joinpath("head.safetensors").read_bytes()
    for seed, same in ((project["seed"], True), (5, False)):
        project["train"]["seed"] = seed
        write_params(project)
        pretrain.run()
        assert (paths.PRETRAINED.joinpath("head.safetensors").read_bytes() == first) is same


def test_evaluate_and_ensemble_name_a_damaged_table(project):
    to_the_bundle()
    for path, stage, run in (
        (paths.PREDICTIONS, "headline", evaluate.run),
        (paths.OOF_PREDICTIONS, "ensemble", evaluate.run),
        (paths.FINETUNED / "1" / "predictions.parquet", "finetune 1", ensemble.run),
        (paths.FOLDS, "folds", ensemble.run),
    ):
        path.write_bytes(b"nothing")
        with pytest.raises(DataError, match=rf"(?s)not readable as Parquet.*{path}.*roadwork {stage}"):
            run()


def test_ensemble_refuses_folds_of_another_manifest(project):
    pd.read_parquet(paths.FOLDS).iloc[:-3].to_parquet(paths.FOLDS)
    with pytest.raises(StoreError, match=r"(?s)87 images, 90 are expected.*folds\.parquet.*roadwork folds"):
        ensemble.run()


@pytest.mark.parametrize("run", [pretrain.run, lambda: check.run(paths.PARAMS)])
def test_sampling_weights_must_be_readable_and_of_the_training_images(project, run):
    pd.read_parquet(paths.SAMPLING).iloc[::-1].to_parquet(paths.SAMPLING)
    with pytest.raises(StoreError, match=r"(?s)row 0 is image .*sampling\.parquet.*roadwork sampling"):
        run()
    paths.SAMPLING.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"(?s)not readable as Parquet.*sampling\.parquet.*roadwork sampling"):
        run()


def test_a_damaged_view_table_is_one_message(project):
    paths.VIEWS.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"(?s)not readable as Parquet.*views\.parquet.*roadwork tile"):
        embed_images.run()
