"""A finished run on disk, small but whole: real photographs, divisions, scores and plots; drawn-up predictions.

Everything that needs no training is made by the stages and functions that make it in a real run, so that the page is
tested against the formats they write.
"""

import contextlib
import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline import folds, ingest, paths, report, sampling, tile
from roadwork.data.manifest import read_manifest
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration_evidence import calibration_evidence, uncalibrated
from roadwork.evaluate.cities import find_cities
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.duplicates import duplicates
from roadwork.evaluate.plots import plot_data
from roadwork.evaluate.score import Predictions, difference_row, score_row
from roadwork.evaluate.subgroups import subgroups
from roadwork.evidence.importance import view_importance
from roadwork.evidence.table import DTYPES, read_evidence, write_evidence
from roadwork.publish import write_json
from roadwork.report.scores import BASELINES
from roadwork.views.geometry import view_names

RESAMPLING = Resampling(200, 0.95, 7)
FOLDS = (0, 1, 2)
FINGERPRINT = "f" * 64
HEAD = "a" * 64
SMALL = {
    ("ingest", "sample"): {"images": 64, "max_width_px": 320},
    ("sampling",): {"min_share": 0.1, "target_share": 0.2, "draws": 50},
    ("finetune",): {"folds": list(FOLDS)},
    ("report",): {"gallery": 3},
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory, request):
    """The folder of a finished run. Tests leave it as it is."""
    root = tmp_path_factory.mktemp("run")
    write_params(request.config.rootpath / "params.yaml", root / "params.yaml", SMALL)
    draw(root)
    predict(root)
    return root


@pytest.fixture(scope="session")
def run(finished):
    """The finished run as the page gets it."""
    with contextlib.chdir(finished):
        return report.read_run()


@pytest.fixture
def belonging():
    """To be called in a changed copy of the run: its files belong together again."""
    return note_made_from


@pytest.fixture
def project(finished, tmp_path, monkeypatch):
    """A copy of the finished run that a test may change, entered."""
    shutil.copytree(finished, tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    return tmp_path / "run"


def write_params(source, target, changes):
    yaml = YAML()
    params = yaml.load(source.read_text(encoding="utf-8"))
    for sections, values in changes.items():
        owner = params
        for section in sections:
            owner = owner[section]
        owner.update(values)
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def draw(root):
    """Photographs, views, folds and sampling: the stages themselves."""
    with contextlib.chdir(root):
        for stage in (ingest, tile, folds, sampling):
            stage.run()


def predict(root):
    """What training, prediction and evaluation leave behind, with margins that are right more often than not."""
    with contextlib.chdir(root):
        manifest = read_manifest(paths.MANIFEST)
        divided = pd.read_parquet(paths.FOLDS)
        rows = manifest.frame.assign(
            split=divided["split"], block=divided["block"].astype(np.int64), fold=divided["fold"]
        )
        rng = np.random.default_rng(3)
        paths.MODELS.mkdir()
        _write_models(rows, rng)
        write_json(paths.HEADLINE_METRICS, {"head_sha256": HEAD})
        write_json(paths.EVALUATE_METRICS, _scorecard(rows, rng))
        note_made_from()
        _write_training(rng, manifest.digest)


def note_made_from():
    """Let the scorecard of the run in this folder be made from the files that lie beside it."""
    card = json.loads(paths.EVALUATE_METRICS.read_text())
    files = (paths.PREDICTIONS, paths.OOF_PREDICTIONS, paths.EVIDENCE, paths.HEADLINE_METRICS)
    digests = {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    write_json(paths.EVALUATE_METRICS, card | {"head_sha256": HEAD, "made_from": digests})


def margins(rng, labels, strength):
    return strength * (2 * np.asarray(labels, np.float64) - 1) + rng.normal(size=len(labels))


def _write_models(rows, rng):
    seen = rows[rows["split"].isin(["val", "test", "holdout"])].reset_index(drop=True)
    table = pd.DataFrame({name: seen[name] for name in ("image_id", "split", "block")})
    table["label"] = seen["label"].astype(np.int8)
    for mode, strength in (("image_only", 0.5), ("with_metadata", 0.6)):
        table[f"margin_{mode}"] = margins(rng, table["label"], strength) - 0.4
        table[f"probability_{mode}"] = uncalibrated(1.3 * (table[f"margin_{mode}"] + 0.4))
    table.to_parquet(paths.PREDICTIONS)

    test = table[table["split"] == "test"].reset_index(drop=True)
    oof = pd.DataFrame({name: test[name] for name in ("image_id", "label", "block")})
    oof["fold"] = rows.loc[rows["split"] == "test", "fold"].to_numpy(np.int16)
    for mode in ("image_only", "with_metadata"):
        oof[f"margin_{mode}"] = margins(rng, oof["label"], 1.1)
        oof[f"probability_{mode}"] = uncalibrated(oof[f"margin_{mode}"])
    oof.to_parquet(paths.OOF_PREDICTIONS)

    names = view_names(3)
    views = len(names)
    kept = rng.random((len(test), views)).argsort(axis=1) < 8
    frame = {
        "image_id": np.repeat(test["image_id"].to_numpy(object), views),
        "view": np.tile(np.arange(views, dtype=np.int16), len(test)),
        "name": list(names) * len(test),
        "gate": np.where(kept, rng.uniform(0.2, 0.8, kept.shape), 0.0).ravel().astype(np.float32),
        "kept": kept.ravel(),
        "logit": np.where(kept, rng.normal(size=kept.shape), np.nan).ravel().astype(np.float32),
        "deletion": np.where(kept, rng.normal(0, 0.06, kept.shape), 0.0).ravel().astype(np.float32),
    }
    write_evidence(paths.EVIDENCE, pd.DataFrame(frame).astype(DTYPES))


def _scorecard(rows, rng):
    predicted, oof = pd.read_parquet(paths.PREDICTIONS), pd.read_parquet(paths.OOF_PREDICTIONS)
    test = predicted[predicted["split"] == "test"].reset_index(drop=True)
    holdout = predicted[predicted["split"] == "holdout"].reset_index(drop=True)
    headline = scored(test, "image_only", -0.4)
    adapted = scored(oof, "image_only")
    unadapted = others(headline, rng, 1.0)
    for name, points in plot_data(
        headline, test["margin_image_only"].to_numpy(), adapted, oof["margin_image_only"].to_numpy()
    ).items():
        write_json(paths.PLOTS / f"{name}.json", points)

    def against(second, first=headline):
        return {"difference": difference_row(first, second, RESAMPLING)}

    def baseline(name):
        own = others(headline, rng, 0.0 if name == "majority" else 0.7)
        chosen = {"regularisation": 0.1} if "probe" in name or name == "metadata_only" else {}
        return score_row(own, RESAMPLING) | chosen | against(own)

    with_metadata = scored(test, "with_metadata", -0.4)
    label = {"label": "adapted to the test distribution"}
    tested = rows[rows["split"] == "test"].reset_index(drop=True)
    config = EvaluateConfig.model_validate(YAML(typ="safe").load(paths.PARAMS.read_text())["evaluate"])
    cities = find_cities(tested, config.city_clusters, 5)
    vectors = rng.normal(size=(len(rows), 16))
    first, second = np.flatnonzero(rows["split"] == "train")[0], np.flatnonzero(rows["split"] == "test")[0]
    vectors[second] = vectors[first]
    near = rows.copy()
    near.loc[[first, second], "group"] = "drive_together"
    return {
        "confidence": 0.95,
        "resamples": RESAMPLING.resamples,
        "unlabelled": {"test": 3, "holdout": 0},
        "test": {
            "image_only": score_row(headline, RESAMPLING),
            "with_metadata": score_row(with_metadata, RESAMPLING) | against(headline, with_metadata),
        },
        "oof": label | score_row(adapted, RESAMPLING) | against(unadapted, adapted),
        "oof_with_metadata": label | score_row(scored(oof, "with_metadata"), RESAMPLING),
        "oof_unadapted": score_row(unadapted, RESAMPLING),
        "holdout": score_row(scored(holdout, "image_only"), RESAMPLING),
        "holdout_with_metadata": score_row(scored(holdout, "with_metadata"), RESAMPLING),
        "baselines": {name: baseline(name) for name in BASELINES},
        "leak_audit": leak_audit(),
        "duplicates": duplicates(
            near, rows["split"].to_numpy(str), vectors, cosine=0.9, radius_m=100,
            exact={"within_splits": 1, "across_splits": 2, "conflicting_labels": 0},
        ),
        "subgroups": subgroups(headline, tested, cities, config.size_bands_megapixels, RESAMPLING),
        "calibration": {
            "test": calibration_evidence(headline.labels, test["margin_image_only"], headline.probabilities),
            "oof": calibration_evidence(adapted.labels, oof["margin_image_only"], adapted.probabilities),
        },
        "views": view_importance(read_evidence(paths.EVIDENCE)),
    }  # fmt: skip


def scored(table, mode, threshold=None):
    return Predictions(
        table["label"].to_numpy(np.int64),
        table["block"].to_numpy(np.int64),
        table[f"probability_{mode}"].to_numpy(np.float64),
        threshold,
    )


def others(headline, rng, strength):
    """Another model on the same images."""
    return Predictions(headline.labels, headline.blocks, uncalibrated(margins(rng, headline.labels, strength)))


def leak_audit():
    """The description stands almost only with roadwork; nothing else tells anything."""

    def alone(mcc):
        return {"mcc": mcc, "mcc_ci95": [mcc - 0.05, mcc + 0.03], "n": 58}

    def field(known, null, value_mcc, null_mcc, values=None):
        counts = {"used": True, "null": dict(zip(("roadwork", "none"), null, strict=True))}
        counts["known"] = dict(zip(("roadwork", "none"), known, strict=True))
        if values:
            counts["values"] = {name: {"roadwork": one, "none": other} for name, (one, other) in values.items()}
        return counts | {
            "mutual_information": {"null": 0.01, "value": 0.02 if values else None},
            "alone": alone(value_mcc),
            "null_alone": alone(null_mcc),
            "flagged": value_mcc >= 0.5,
            "null_flagged": null_mcc >= 0.5,
        }

    weather = {"sunny": (10, 9), "rainy": (4, 5), "foggy": (0, 0)}
    fields = {
        "gps": field((27, 26), (2, 3), 0.07, 0.02),
        "weather": field((14, 14), (15, 15), -0.04, 0.0, weather),
        "daytime": field((14, 14), (15, 15), 0.06, 0.0, {"day": (9, 8), "night": (5, 6)}),
        "scene": field((14, 14), (15, 15), 0.0, 0.0, {"urban": (7, 7), "rural": (7, 7)}),
        "text": field((28, 1), (1, 28), 0.955, 0.931),
    }
    return {"flagged": ["text", "text_null"], "leak_mcc": 0.5, "label_entropy": 1.0, "fields": fields}


def _write_training(rng, manifest_digest):
    write_json(
        paths.EMBED_IMAGES_METRICS,
        {
            "rows": 64, "reused": 60, "computed": 4, "damaged_blocks": 0, "views": 12, "dim": 1280,
            "fingerprint": FINGERPRINT, "engine": "local", "seconds": 1.94, "images_per_second": 2.06,
        },
    )  # fmt: skip
    write_json(
        paths.PRETRAIN_METRICS,
        {
            "best_epoch": 6, "epochs": 11, "steps": 33, "val_mcc": 0.81, "val_mcc_with_metadata": 0.87,
            "val_loss": 0.025, "val_threshold": -0.4, "train_images": 35, "val_images": 8, "parameters": 10195150,
            "head_sha256": HEAD,
        },
    )  # fmt: skip
    write_json(
        paths.TIMING, {"device": "cpu", "threads": 2, "epochs": 11, "seconds": 12.345, "seconds_per_epoch": 1.1223}
    )
    for fold in FOLDS:
        write_json(
            paths.FINETUNE_METRICS / f"{fold}.json",
            {
                "fold": fold, "best_epoch": fold + 1, "epochs": 5, "steps": 5, "inner_val_mcc": 0.75 + 0.05 * fold,
                "inner_val_mcc_with_metadata": 0.7, "inner_val_loss": 0.0406, "inner_val_mcc_before": 0.7,
                "inner_val_mcc_with_metadata_before": 0.7, "inner_val_loss_before": 0.0411,
                "weight_change_norm": 5.4e-5, "flipped_predictions": fold, "train_images": 8, "inner_val_images": 2,
                "outer_images": 5,
            },
        )  # fmt: skip
        curve(paths.FINETUNE_LIVE / str(fold), "val/loss", 0.041 * 0.97 ** np.arange(6), first=0)
        curve(paths.FINETUNE_LIVE / str(fold), "val/mcc_image_only", 0.7 + 0.01 * fold * np.arange(6), first=0)
        curve(paths.FINETUNE_LIVE / str(fold), "learning_rate", 1e-6 * np.linspace(1, 0, 5))
    write_json(paths.ENSEMBLE_METRICS, {"members": [2, 0], "inner_val_mcc": {"0": 0.75, "1": 0.8, "2": 0.85}})

    epochs = np.arange(11)
    for name, values in {
        "train/focal": 0.06 * 0.8**epochs + rng.normal(0, 0.001, 11),
        "train/consistency": 0.01 * 0.9**epochs,
        "train/weather": 1.9 * 0.85**epochs,
        "val/loss": 0.06 * 0.85**epochs + 0.004 * np.maximum(epochs - 5, 0),
        "val/mcc_image_only": 0.8 * (1 - 0.6**epochs) + rng.normal(0, 0.02, 11),
        "val/mcc_with_metadata": 0.85 * (1 - 0.6**epochs),
        "learning_rate": 3e-4 * np.cos(epochs / 20),
        "near_share": 0.86 + rng.normal(0, 0.02, 11),
    }.items():
        curve(paths.PRETRAIN_LIVE, name, values)
    write_json(paths.ABLATION_METRICS, ablation(manifest_digest))


def curve(live, name, values, first=1):
    path = live / "plots" / "metrics" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{first + place}\t{value!r}" for place, value in enumerate(values.tolist())]
    path.write_text("\n".join([f"step\t{path.stem}", *rows, ""]), encoding="utf-8")


def ablation(manifest_digest):
    def row(name, title, group, changes, mcc, difference):
        return {
            "name": name, "title": title, "group": group, "changes": changes, "seeds": 3, "mcc": mcc, "mcc_sd": 0.031,
            "mcc_by_seed": [mcc - 0.03, mcc, mcc + 0.03], "auroc": 0.9, "auroc_sd": 0.012,
            "mcc_with_metadata": mcc + 0.01, "difference": difference, "parameters": 9_500_000, "epochs": 11.3,
            "time_per_epoch": 0.93, "training_time": 0.88,
        }  # fmt: skip

    def difference(mcc, low, high):
        return {
            "mcc": mcc, "mcc_by_seed": [mcc] * 3, "mcc_ci95": [low, high], "mcc_probability_positive": 0.31,
        }  # fmt: skip

    def spread(mcc):
        return {"mcc": mcc, "mcc_sd": 0.02, "mcc_by_seed": [mcc - 0.02, mcc, mcc + 0.02]}

    return {
        "threads_per_job": 1,
        "jobs": 2,
        "seeds": [1, 2, 3],
        "cpu": "a processor",
        "confidence": 0.95,
        "resamples": 200,
        "data": {
            "fingerprint": FINGERPRINT, "manifest_digest": manifest_digest, "source": "sample", "test_images": 15,
            "weights": "random",
        },
        "rows": [
            row("full", "full head", "full", [], 0.66, None),
            row("pruning", "without view pruning", "minus", ["head.pruning.enabled=false"], 0.67,
                difference(0.01, -0.08, 0.11)),
            row("pyramid", "without the pyramid", "minus", ["head.pyramid.enabled=false"], 0.58,
                difference(-0.08, -0.17, -0.01)),
            row("headwise", "headwise gate", "instead", ["head.attention.gate=headwise"], 0.65,
                difference(-0.01, -0.1, 0.09)),
        ],
        "finetuning": {
            "seeds": 3, "oof": spread(0.7), "oof_unadapted": spread(0.69), "difference": difference(-0.01, -0.04, 0.02),
        },
        "missing": [{"name": "headwise", "seed": 3}],
        "skipped": [{"name": "text", "title": "without the description", "reason": "it is not used"}],
    }  # fmt: skip
