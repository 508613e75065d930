"""Stage `evaluate`: what may be claimed, beside its baselines, and what each judgement hangs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.inputs import Inputs
from pipeline.paths import (
    BUNDLE,
    EVALUATE_METRICS,
    EVIDENCE,
    HEADLINE_METRICS,
    INGEST_METRICS,
    MANIFEST,
    OOF_PREDICTIONS,
    PARAMS,
    PLOTS,
    PREDICTIONS,
)
from pipeline.pretrained import open_pretrained
from roadwork.bundle.description import DESCRIPTION as BUNDLE_DESCRIPTION
from roadwork.bundle.load import load_bundle
from roadwork.config import load_section, load_seed
from roadwork.data.manifest import read_manifest
from roadwork.device import resolve_device
from roadwork.evaluate.cautions import duplicate_warnings, leak_warnings
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.headline import calibrations_of, check_headline, labelled
from roadwork.evaluate.predicted import check_calibrated, check_predicted
from roadwork.evaluate.score_table import score_table
from roadwork.evaluate.scorecard import Scored, evaluate
from roadwork.evidence.evidence import evidence_of
from roadwork.evidence.importance import view_importance
from roadwork.evidence.table import write_evidence
from roadwork.publish import write_json
from roadwork.train.config import TrainConfig
from roadwork.train.provenance import TrainedOn, check_trained_on
from roadwork.views.geometry import ViewsConfig, view_names


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `metrics/evaluate.json`, `metrics/plots/` and `models/evidence.parquet`; returns the scorecard."""
    config = load_section(params, "evaluate", EvaluateConfig)
    names = view_names(load_section(params, "views", ViewsConfig).grid)
    device = resolve_device(load_section(params, "train", TrainConfig).device, parameter="train.device")
    inputs = Inputs()
    pretrained = open_pretrained(views=len(names))
    table = pretrained.table
    bundle = load_bundle(BUNDLE)
    oof = inputs.table(OOF_PREDICTIONS, "ensemble")
    predictions = inputs.table(PREDICTIONS, "headline")
    headline = inputs.json(HEADLINE_METRICS, "headline")
    check_trained_on(
        TrainedOn(bundle.description.feature_fingerprint, bundle.description.training_data_digest),
        pretrained.trained_on,
        model="the bundle",
        where=str(BUNDLE / BUNDLE_DESCRIPTION),
        fix="run `roadwork finetune` for every fold again, then `roadwork ensemble`",
    )
    test = labelled(table, "test")
    check_predicted(
        oof,
        test,
        where=f"{OOF_PREDICTIONS}: image_id, label",
        fix="run `roadwork finetune` for every fold again, then `roadwork ensemble`",
    )
    calibrations = dict(bundle.description.calibrations)
    check_calibrated(oof, calibrations, where=f"{OOF_PREDICTIONS}, {BUNDLE}", fix="run `roadwork ensemble` again")
    check_predicted(
        predictions.loc[predictions["split"] == "test"],
        test,
        where=f"{PREDICTIONS}: image_id, label",
        fix="run `roadwork headline` again",
    )
    check_headline(
        headline, pretrained.weights_sha256, where=str(HEADLINE_METRICS), fix="run `roadwork headline` again"
    )
    result = evaluate(
        Scored(
            table=table,
            frame=read_manifest(MANIFEST).frame,
            exact_duplicates=inputs.json(INGEST_METRICS, "ingest")["duplicates"],
            metadata=pretrained.spec.metadata,
            predictions=predictions,
            headline=headline,
            members=bundle.members(device),
            calibrations=calibrations,
            oof=oof,
        ),
        config,
        seed=load_seed(params),
    )
    evidence = evidence_of(test, pretrained.head, calibrations_of(headline)["image_only"], names, device=device)
    write_evidence(EVIDENCE, evidence)
    inputs.present(EVIDENCE, "evaluate")
    for name, points in result.plots.items():
        write_json(PLOTS / f"{name}.json", points)
    made_from = (PREDICTIONS, HEADLINE_METRICS, OOF_PREDICTIONS, EVIDENCE)
    scorecard = result.scorecard | {
        "views": view_importance(evidence),
        "head_sha256": headline["head_sha256"],
        "made_from": {path.as_posix(): inputs.digests[path.as_posix()] for path in made_from},
    }
    write_json(EVALUATE_METRICS, scorecard)
    return scorecard


def describe(scorecard: dict[str, Any]) -> str:
    """The scorecard as the table that people read, what they must know first below it."""
    warnings = leak_warnings(scorecard["leak_audit"]) + duplicate_warnings(scorecard["duplicates"])
    return "\n".join([score_table(scorecard), *(f"\nwarning: {warning}" for warning in warnings)])
