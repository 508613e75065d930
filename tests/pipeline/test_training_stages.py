"""The stages `pretrain` and `finetune` on a small project on disk, with the real parameter file's structure."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML

from pipeline import (
    baselines,
    check,
    embed_images,
    ensemble,
    evaluate,
    finetune,
    finetune_folds,
    headline,
    paths,
    pretrain,
)
from pipeline.finetune_run import read_finetune_run
from pipeline.pretrained import open_pretrained
from roadwork.data.manifest import Manifest, manifest_frame, read_manifest, write_manifest
from roadwork.embed.store import read_image_store, write_image_store, write_text_store
from roadwork.errors import BundleError, DataError, ParameterError, SplitError, StoreError, TrainingError
from roadwork.locks import exclusive
from roadwork.train.checkpoint import load_head
from roadwork.train.inference import margins
from roadwork.train.trainer import Trainer
from roadwork.views.geometry import view_names

N, VIEWS, DIM = 90, 12, 16
BACKBONE = {"weights_digest": "a" * 64, "pool": "cls", "precision": "fp32"}
ATTRIBUTES = {"fingerprint": "f" * 64, "manifest_digest": "m" * 64, "provenance": {"backbone": BACKBONE}}


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Every test here works on small tensors."""


@pytest.fixture(autouse=True)
def _every_epoch_is_saved(monkeypatch):
    """However little an epoch of so small a head is worth saving."""
    monkeypatch.setattr("roadwork.train.saving_pace.SHARE", 1.0)


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

    def fail(*args, **kwargs):
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
    """Every file of the stages from `pretrain` on, but for those that tell how long it took."""
    found = written(paths.MODELS, paths.METRICS)
    timed = (paths.TIMING.as_posix(), paths.FINETUNE_TIMING.as_posix())
    return {name: content for name, content in found.items() if not name.startswith(timed)}


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
    baselines.run()
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
        for path in (
            paths.PREDICTIONS, paths.HEADLINE_METRICS, paths.OOF_PREDICTIONS, paths.HOLDOUT_PREDICTIONS,
            paths.BASELINES, paths.BASELINES_METRICS, paths.EVIDENCE,
        )
    }  # fmt: skip
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
        (paths.BASELINES, "baselines", evaluate.run),
        (paths.PREDICTIONS, "headline", evaluate.run),
        (paths.HOLDOUT_PREDICTIONS, "ensemble", evaluate.run),
        (paths.OOF_PREDICTIONS, "ensemble", evaluate.run),
        (paths.FINETUNED / "1" / "predictions.parquet", "finetune 1", ensemble.run),
        (paths.FOLDS, "folds", ensemble.run),
    ):
        path.write_bytes(b"nothing")
        with pytest.raises(DataError, match=rf"(?s)not readable as Parquet.*{path}.*roadwork {stage}"):
            run()


def test_what_a_head_said_is_taken_only_from_its_own_folder(project):
    """The headline, the evidence and the holdout are scored from files: another head's would not be noticed later."""
    to_the_bundle()
    for path, stage, run in (
        (paths.PRETRAINED / "predictions.parquet", "pretrain", headline.run),
        (paths.PRETRAINED / "evidence.parquet", "pretrain", evaluate.run),
        (paths.FINETUNED / "1" / "holdout.parquet", "finetune 1", ensemble.run),
    ):
        content = path.read_bytes()
        path.write_bytes(content + b"x")
        with pytest.raises(BundleError, match=rf"(?s)isn't what this head said.*{path}.*roadwork {stage}` again"):
            run()
        path.unlink()
        with pytest.raises(BundleError, match=rf"(?s){path.name} is missing.*roadwork {stage}` again"):
            run()
        path.write_bytes(content)
        run()


def test_the_pretrained_head_says_what_it_is_asked_later(project):
    """The tables beside the head are its own answers, margin by margin."""
    pretrain.run()
    head, _, _ = load_head(paths.PRETRAINED)
    table = open_pretrained().table
    said = pd.read_parquet(paths.PRETRAINED / "predictions.parquet")
    assert set(said["split"]) == {"val", "test"}
    test = table.rows(table.split == "test")
    mine = said.loc[said["split"] == "test"]
    assert mine["image_id"].tolist() == test.image_ids
    for mode, hidden in (("image_only", True), ("with_metadata", False)):
        expected = margins(head, test, hide_metadata=hidden, batch_size=256, device=torch.device("cpu"))
        assert mine[f"margin_{mode}"].tolist() == expected.tolist()
    evidence = pd.read_parquet(paths.PRETRAINED / "evidence.parquet")
    assert len(evidence) == 30 * VIEWS
    assert evidence["margin"].tolist() == np.repeat(mine["margin_image_only"].to_numpy(), VIEWS).tolist()


def test_baselines_are_those_of_the_data_and_the_parameters_of_now(project):
    to_the_bundle()
    project["evaluate"]["confidence"] = 0.9
    write_params(project)
    with pytest.raises(StoreError, match=r"(?s)another confidence.*metrics/baselines\.json.*roadwork baselines"):
        evaluate.run()
    baselines.run()
    evaluate.run()
    damaged = pd.read_parquet(paths.BASELINES)
    damaged.assign(probability_majority=0.9).to_parquet(paths.BASELINES, index=False)
    with pytest.raises(StoreError, match=r"(?s)another table sha256.*roadwork baselines"):
        evaluate.run()


def test_a_changed_training_leaves_the_baselines_as_they_are(project):
    to_the_bundle()
    before = (paths.BASELINES.read_bytes(), paths.BASELINES_METRICS.read_bytes())
    project["pretrain"]["lr"] = 0.002
    write_params(project)
    to_the_bundle()
    assert (paths.BASELINES.read_bytes(), paths.BASELINES_METRICS.read_bytes()) == before


@pytest.mark.parametrize("labelled", [True, False])
def test_a_holdout_is_predicted_by_every_member_and_scored_by_their_mean(project, labelled):
    manifest, folds = read_manifest(paths.MANIFEST), pd.read_parquet(paths.FOLDS)
    held = np.arange(N) % 5 == 0
    for table in (manifest.frame, folds):
        table.loc[held & (table["split"] == "train"), "split"] = "holdout"
    if not labelled:
        manifest.frame.loc[manifest.frame["split"] == "holdout", "label"] = pd.NA
    write_manifest(manifest, paths.MANIFEST)
    folds.to_parquet(paths.FOLDS)
    sampling = pd.read_parquet(paths.SAMPLING)
    train = folds.loc[folds["split"] == "train", "image_id"]
    sampling.loc[sampling["image_id"].isin(train)].to_parquet(paths.SAMPLING)
    images = manifest.frame.loc[manifest.frame["split"] == "holdout", "image_id"].tolist()
    assert len(images) == 6

    to_the_bundle()
    card = evaluate.run()
    holdout = pd.read_parquet(paths.HOLDOUT_PREDICTIONS)
    if not labelled:
        assert (len(holdout), card["holdout"], card["unlabelled"]["holdout"]) == (0, None, 6)
        return
    assert holdout["image_id"].tolist() == images
    table = open_pretrained().table
    part = table.rows(np.isin(table.image_ids, images))
    said = [
        margins(load_head(paths.FINETUNED / str(fold))[0], part, hide_metadata=True, batch_size=256,
                device=torch.device("cpu"))
        for fold in (0, 1)
    ]  # fmt: skip
    assert holdout["margin_image_only"].to_numpy() == pytest.approx(np.mean(said, axis=0), abs=1e-12)
    assert card["holdout"]["n"] == 6
    decided = (holdout["probability_image_only"] >= 0.5).astype(int)
    assert card["holdout"]["accuracy"] == pytest.approx((decided == holdout["label"]).mean(), abs=1e-6)


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


def members():
    """What the stages `finetune` published, but for how long it took."""
    return {name: content for name, content in all_results().items() if "/finetune" in name}


def waiting():
    """The results in the cache that no stage has published yet."""
    return sorted(Path("cache", "training").glob("*/finished"))


def apart(project):
    """The members of an unbroken run in which each stage trains its own fold, in another cache."""
    project["finetune"]["together"] = False
    write_params(project)
    for fold in (0, 1):
        finetune.run(fold)
        assert waiting() == []
    found = members()
    for folder in (paths.FINETUNED, paths.FINETUNE_METRICS, paths.FINETUNE_LIVE, Path("cache"), Path(".work")):
        shutil.rmtree(folder)
    project["finetune"]["together"] = True
    write_params(project)
    return found


@pytest.fixture
def trainings(monkeypatch):
    """The folds of all batches that were trained from here on, in order, each once in a row."""
    seen = []

    def noted(plan, **arguments):
        seen.append(plan.fold)
        return train(plan, **arguments)

    train = finetune_folds.finetune
    monkeypatch.setattr(finetune_folds, "finetune", noted)
    return seen


def test_folds_trained_together_are_those_trained_alone(project, trainings):
    pretrain.run()
    alone = apart(project)
    trainings.clear()
    finetune.run(1)
    assert trainings == [1, 0], "the own one first"
    assert not (paths.FINETUNED / "0").exists(), "what another stage's outputs are is left to that stage"
    assert len(waiting()) == 1
    finetune.run(0)
    assert trainings == [1, 0]
    assert members() == alone
    assert [path for path in Path("cache", "training").iterdir() if path.is_dir()] == []
    took = json.loads((paths.FINETUNE_TIMING / "0.json").read_text())
    assert 0 < took["seconds_of_gradient_steps"] < took["seconds"]


def test_a_finished_fold_is_published_without_torch(project):
    pretrain.run()
    finetune.run(0)
    code = (
        "import sys\nfrom pipeline import finetune\nfinetune.run(1)\n"
        "print(sorted({'torch', 'sklearn', 'pandas', 'dvclive', 'zarr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "[]\n"
    assert (paths.FINETUNED / "1" / "head.safetensors").is_file()


@pytest.mark.parametrize("change", [{"lr": 0.002}, {"weight_decay": 0.5}])
def test_another_configuration_does_not_take_what_waits(project, trainings, change):
    pretrain.run()
    finetune.run(0)
    project["finetune"] |= change
    write_params(project)
    finetune.run(1)
    assert trainings == [0, 1, 1, 0]


def test_a_sibling_that_was_killed_goes_on_in_its_own_stage(project, trainings, monkeypatch):
    pretrain.run()
    alone = apart(project)
    trainings.clear()
    real, seen = Trainer.losses, []

    def losses(self, forward, rows):
        seen.append(len(rows))
        if len(seen) == 4:
            raise KeyboardInterrupt
        return real(self, forward, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "losses", losses)
        with pytest.raises(KeyboardInterrupt):
            finetune.run(0)
    assert trainings == [0, 1]
    assert list(Path("cache", "training").glob("*/epochs_*")), "fold 1 was under way"
    finetune.run(0)
    assert trainings == [0, 1], "the own fold was finished: published again, nothing trained"
    finetune.run(1)
    assert trainings == [0, 1, 1]
    assert json.loads((paths.FINETUNE_TIMING / "1.json").read_text())["epochs"] < 3, "the rest of the epochs"
    assert members() == alone


def test_a_fold_that_another_process_is_at_is_left_to_it(project, trainings):
    pretrain.run()
    digest = read_finetune_run(paths.PARAMS).digest(1)
    with exclusive(Path("cache", "training", f"{digest}.lock").absolute()):
        finetune.run(0)
    assert trainings == [0]
    assert waiting() == []


def test_a_fold_that_is_published_is_not_trained_again(project, trainings):
    pretrain.run()
    finetune.run(0)
    finetune.run(1)
    finetune.run(0)
    assert trainings == [0, 1, 0]
    shutil.rmtree(paths.FINETUNED / "1")
    finetune.run(0)
    assert trainings == [0, 1, 0, 0, 1]


def test_what_waits_and_is_damaged_is_trained_again(project, trainings, capsys):
    pretrain.run()
    alone = apart(project)
    trainings.clear()
    finetune.run(0)
    (waiting()[0] / "head" / "head.safetensors").write_bytes(b"")
    finetune.run(1)
    assert trainings == [0, 1, 1]
    assert "damaged" in capsys.readouterr().err
    assert members() == alone


def test_a_sibling_that_can_not_be_trained_is_left_to_its_own_stage(project, monkeypatch, capsys):
    pretrain.run()

    def refuse(table, part, fix):
        if "fold 1" in part:
            raise SplitError("one class")

    monkeypatch.setattr("roadwork.train.finetune.require_both_classes", refuse)
    finetune.run(0)
    assert "Fold 1 is left to its own stage: one class" in capsys.readouterr().err
    assert (paths.FINETUNED / "0" / "head.json").is_file()
    with pytest.raises(SplitError):
        finetune.run(1)


def test_code_that_is_edited_while_a_fold_is_trained_leaves_no_result(project, monkeypatch):
    pretrain.run()
    train = finetune_folds.finetune

    def edited_meanwhile(plan, **arguments):
        monkeypatch.setattr("roadwork.train.run_digest.version", lambda name: "another")
        return train(plan, **arguments)

    monkeypatch.setattr(finetune_folds, "finetune", edited_meanwhile)
    with pytest.raises(DataError, match="changed while it ran"):
        finetune.run(0)
    assert waiting() == []
    assert not (paths.FINETUNED / "0").exists()
