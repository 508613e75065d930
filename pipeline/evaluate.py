"""Stage `evaluate`: what may be claimed, beside its baselines, and what each judgement hangs on.

Everything here was predicted before: it is only scored, compared and brought together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.inputs import Inputs
from pipeline.known_head import data_of_now, known_head
from pipeline.part import load_part
from pipeline.paths import (
    BASELINES,
    BASELINES_METRICS,
    BUNDLE,
    EVALUATE_METRICS,
    EVIDENCE,
    FOLDS,
    HEADLINE_METRICS,
    HOLDOUT_PREDICTIONS,
    MANIFEST,
    OOF_PREDICTIONS,
    PARAMS,
    PLOTS,
    PREDICTIONS,
    PRETRAINED,
)
from roadwork.bundle.description import DESCRIPTION as BUNDLE_DESCRIPTION
from roadwork.bundle.read import read_bundle
from roadwork.config import load_seed
from roadwork.data.manifest import read_manifest
from roadwork.data.row_order import check_order
from roadwork.data.table_file import read_table_file
from roadwork.evaluate.baseline_table import check_baselines
from roadwork.evaluate.cautions import duplicate_warnings, leak_warnings
from roadwork.evaluate.config import ScorecardConfig
from roadwork.evaluate.headline import calibrations_of, check_headline
from roadwork.evaluate.predicted import check_calibrated, check_predicted, check_probabilities
from roadwork.evaluate.score_table import score_table
from roadwork.evaluate.scorecard import Scored, evaluate
from roadwork.evaluate.unseen import unseen_images
from roadwork.evidence.importance import view_importance
from roadwork.evidence.table import calibrated, read_margin_evidence, write_evidence
from roadwork.publish import write_json
from roadwork.train import head_folder
from roadwork.train.head_folder import HeadDescription, file_beside
from roadwork.train.provenance import TrainedOn, check_trained_on

_MADE_FROM = (
    PREDICTIONS, HEADLINE_METRICS, OOF_PREDICTIONS, HOLDOUT_PREDICTIONS, BASELINES, BASELINES_METRICS, EVIDENCE,
)  # fmt: skip
_ENSEMBLE = "run `roadwork ensemble` again"
_MEMBERS = "run `roadwork finetune` for every fold again, then `roadwork ensemble`"


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `metrics/evaluate.json`, `metrics/plots/` and `models/evidence.parquet`; returns the scorecard."""
    config, seed = load_part(params, "evaluate", ScorecardConfig), load_seed(params)
    inputs, now = Inputs(), data_of_now()
    head = known_head(now)
    asked = {"seed": seed, "confidence": config.confidence, "resamples": config.resamples}
    scored = _scored(inputs, now, head, asked | {"metadata_fields": list(head.spec.metadata.fields)})
    result = evaluate(scored, config, seed=seed)
    margins = file_beside(PRETRAINED, head.details, head_folder.EVIDENCE, stage="pretrain")
    evidence = calibrated(
        read_margin_evidence(margins, stage="pretrain"), calibrations_of(scored.headline)["image_only"]
    )
    write_evidence(EVIDENCE, evidence)
    inputs.present(EVIDENCE, "evaluate")
    for name, points in result.plots.items():
        write_json(PLOTS / f"{name}.json", points)
    scorecard = result.scorecard | {
        "views": view_importance(evidence),
        "head_sha256": head.weights_sha256,
        "made_from": {path.as_posix(): inputs.digests[path.as_posix()] for path in _MADE_FROM},
    }
    write_json(EVALUATE_METRICS, scorecard)
    return scorecard


def describe(scorecard: dict[str, Any]) -> str:
    """The scorecard as the table that people read, what they must know first below it."""
    warnings = leak_warnings(scorecard["leak_audit"]) + duplicate_warnings(scorecard["duplicates"])
    return "\n".join([score_table(scorecard), *(f"\nwarning: {warning}" for warning in warnings)])


def _scored(inputs: Inputs, now: TrainedOn, head: HeadDescription, asked: dict[str, Any]) -> Scored:
    """What is to be scored, all of it of the data `now`, and of `head`; `asked` is what the baselines must tell too.

    Raises StoreError or BundleError that names the stage to run where something is of others.
    """
    bundle = read_bundle(BUNDLE)
    check_trained_on(
        TrainedOn(bundle.feature_fingerprint, bundle.training_data_digest),
        now,
        model="the bundle",
        where=str(BUNDLE / BUNDLE_DESCRIPTION),
        fix=_MEMBERS,
    )
    frame, divided = read_manifest(MANIFEST).frame, read_table_file(FOLDS, stage="folds")
    given, expected = (table["image_id"].astype(str).tolist() for table in (divided, frame))
    check_order(given, expected, where=f"{FOLDS}: image_id", stage="folds")
    unseen = unseen_images(frame, divided)
    calibrations = dict(bundle.calibrations)

    oof = inputs.table(OOF_PREDICTIONS, "ensemble")
    check_predicted(oof, unseen, "test", where=f"{OOF_PREDICTIONS}: image_id, label", fix=_MEMBERS)
    check_calibrated(oof, calibrations, where=f"{OOF_PREDICTIONS}, {BUNDLE}", fix=_ENSEMBLE)
    holdout = inputs.table(HOLDOUT_PREDICTIONS, "ensemble")
    check_predicted(holdout, unseen, "holdout", where=f"{HOLDOUT_PREDICTIONS}: image_id, label", fix=_ENSEMBLE)
    check_probabilities(holdout, calibrations, where=f"{HOLDOUT_PREDICTIONS}, {BUNDLE}", fix=_ENSEMBLE)

    predictions = inputs.table(PREDICTIONS, "headline")
    headline = inputs.json(HEADLINE_METRICS, "headline")
    again = "run `roadwork headline` again"
    test = predictions.loc[predictions["split"] == "test"]
    check_predicted(test, unseen, "test", where=f"{PREDICTIONS}: image_id, label", fix=again)
    check_headline(headline, head.weights_sha256, where=str(HEADLINE_METRICS), fix=again)

    baselines, without_head = inputs.table(BASELINES, "baselines"), inputs.json(BASELINES_METRICS, "baselines")
    again = "run `roadwork baselines` again"
    made = {"data_digest": now.data_digest, "table_sha256": inputs.digests[BASELINES.as_posix()]}
    check_baselines(without_head, made | asked, where=str(BASELINES_METRICS), fix=again)
    check_predicted(baselines, unseen, "test", where=f"{BASELINES}: image_id, label", fix=again)
    return Scored(frame, divided, predictions, headline, oof, holdout, calibrations, baselines, without_head)
