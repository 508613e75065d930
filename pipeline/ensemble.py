"""Stage `ensemble`: rank the fine-tuned heads, calibrate on out-of-fold predictions, write the bundle.

Every head said what it had to say when it was trained: here they are copied, not loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError

from pipeline.inputs import Inputs
from pipeline.part import load_part
from pipeline.paths import (
    BUNDLE,
    ENSEMBLE_METRICS,
    FINETUNE_LIVE,
    FINETUNE_METRICS,
    FINETUNED,
    FOLDS,
    HEADLINE_METRICS,
    HOLDOUT_PREDICTIONS,
    IMAGE_STORE,
    MANIFEST,
    OOF_PREDICTIONS,
    PARAMS,
)
from pipeline.stale_folds import forget_other_folds
from roadwork.bundle.card import Facts
from roadwork.bundle.description import Calibrations
from roadwork.bundle.save import Origin, TrainedMember, save_bundle
from roadwork.config import load_section, load_seed
from roadwork.data.fold_summary import fold_summary
from roadwork.data.folds_config import FoldsConfig
from roadwork.data.manifest import read_manifest
from roadwork.data.row_order import check_order
from roadwork.data.sampling_config import SamplingConfig
from roadwork.data.table_file import read_table_file
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.store_attributes import read_store_attributes
from roadwork.errors import BundleError
from roadwork.evaluate.config import IntervalConfig
from roadwork.evaluate.ensemble import bundle_calibrations, mean_margins, rank_members, with_probabilities
from roadwork.evaluate.ensemble_config import EnsembleConfig
from roadwork.evaluate.headline import check_headline
from roadwork.evaluate.modes import MODES
from roadwork.evaluate.oof import gather, out_of_fold
from roadwork.evaluate.score import rounded, score_row
from roadwork.evaluate.score_table import short_table
from roadwork.publish import published_file, write_json
from roadwork.train.head_folder import (
    FIX,
    HOLDOUT,
    PREDICTIONS,
    RULE,
    WEIGHTS,
    HeadDescription,
    file_beside,
    read_head_folder,
)
from roadwork.train.provenance import TrainedOn
from roadwork.train.weights_file import check_sound
from roadwork.views.geometry import ViewsConfig


def prepare(params: Path = PARAMS) -> None:
    """Remove what folds that the parameters no longer have left among this stage's inputs."""
    folds = load_part(params, "finetune", FoldsConfig).folds
    forget_other_folds([FINETUNED, FINETUNE_METRICS, FINETUNE_LIVE], folds)


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write the predictions out of fold and of the holdout, `models/bundle/` and `metrics/ensemble.json`.

    Returns the metrics.
    """
    config = load_section(params, "ensemble", EnsembleConfig)
    intervals = load_part(params, "evaluate", IntervalConfig)
    sampling = load_section(params, "sampling", SamplingConfig)
    folds = load_part(params, "finetune", FoldsConfig).folds
    seed = load_seed(params)

    frame = read_manifest(MANIFEST).frame
    divided = read_table_file(FOLDS, stage="folds")
    check_order(
        divided["image_id"].astype(str).tolist(),
        frame["image_id"].astype(str).tolist(),
        where=f"{FOLDS}: image_id",
        stage="folds",
    )
    heads = {fold: read_head_folder(FINETUNED / str(fold)) for fold in folds}
    members = {fold: _member(fold, head) for fold, head in heads.items()}
    oof = gather({fold: _predictions(fold) for fold in folds})
    ranked = rank_members({fold: member.inner_val_mcc for fold, member in members.items()}, config.members)
    calibrations = bundle_calibrations(oof)
    adapted, _ = out_of_fold(oof)
    scored = {mode: score_row(adapted[mode], intervals.resampling(seed)) for mode in adapted}
    rows = {"oof": scored["image_only"], "oof_with_metadata": scored["with_metadata"]}
    headline = Inputs().json(HEADLINE_METRICS, "headline")
    for member in members.values():
        check_headline(
            headline,
            member.pretrained_sha256,
            where=f"{HEADLINE_METRICS} or {FINETUNED / str(member.fold)}",
            fix="run `dvc repro ensemble`: it runs `headline` and `finetune` again where they are out of date",
        )

    store = read_store_attributes(IMAGE_STORE, stage="embed_images")
    best = [members[fold] for fold in ranked]
    holdout = with_probabilities(mean_margins([_holdout(fold, heads[fold]) for fold in ranked]), calibrations)
    summary = fold_summary(frame, divided)
    facts = Facts(
        splits=summary["splits"],
        sources=sorted(frame["source"].dropna().unique()),
        transductive=sampling.enabled and sampling.reference == "test",
        shared_images=summary["train_images_in_test_blocks"],
        metadata_fields=best[0].spec.metadata.fields,
        confidence=intervals.confidence,
        licence=store["provenance"].get("licence"),
        digests={
            "manifest": store["manifest_digest"],
            "training data (features, metadata, labels, division)": best[0].trained_on.data_digest,
            "features": store["fingerprint"],
        },
        calibrations={mode: found.model_dump() for mode, found in calibrations.items()},
    )
    origin = Origin(
        views=load_section(params, "views", ViewsConfig),
        backbone=load_section(params, "backbone", BackboneConfig),
        identity=store["provenance"]["backbone"],
        seed=seed,
        feature_fingerprint=store["fingerprint"],
        training_data_digest=best[0].trained_on.data_digest,
        manifest_digest=store["manifest_digest"],
    )
    test = {f"test_{mode}": headline["test"][mode] for mode in MODES}
    for path, predictions in ((HOLDOUT_PREDICTIONS, holdout), (OOF_PREDICTIONS, oof)):
        with published_file(path) as aside:
            predictions.to_parquet(aside, index=False)
    save_bundle(BUNDLE, best, origin, Calibrations(**calibrations), test | rows, facts)
    metrics = rounded(
        {
            "members": list(ranked),
            "inner_val_mcc": {str(fold): member.inner_val_mcc for fold, member in members.items()},
            "calibrations": {mode: found.model_dump() for mode, found in calibrations.items()},
            **rows,
        }
    )
    write_json(ENSEMBLE_METRICS, metrics)
    return metrics


def describe(metrics: dict[str, Any]) -> str:
    """The members, best first, and their out-of-fold scores as a table."""
    members = "\n".join(
        f"member: fold {fold}, MCC {metrics['inner_val_mcc'][str(fold)]:.3f} on its inner validation"
        for fold in metrics["members"]
    )
    titles = {"oof": "out-of-fold, image only", "oof_with_metadata": "out-of-fold, with metadata"}
    return f"{members}\n\n{short_table({title: metrics[name] for name, title in titles.items()})}"


def _member(fold: int, head: HeadDescription) -> TrainedMember:
    """The fine-tuned `head` of `fold`, its weights all numbers; BundleError where they aren't.

    That they are of the spec follows from their digest: the stage that wrote both had them in one head.
    """
    folder = FINETUNED / str(fold)
    try:
        check_sound(folder / WEIGHTS)
    except (ValueError, SafetensorError, OSError) as error:
        where = str(folder / WEIGHTS)
        raise BundleError(f"the head can't be used: {error}", where=where, rule=RULE, fix=FIX) from error
    return TrainedMember(
        fold=fold,
        inner_val_mcc=head.details["inner_val_mcc"],
        folder=folder,
        spec=head.spec,
        weights_sha256=head.weights_sha256,
        pretrained_sha256=head.details["pretrained_sha256"],
        trained_on=TrainedOn.from_details(head.details),
    )


def _predictions(fold: int) -> pd.DataFrame:
    return read_table_file(FINETUNED / str(fold) / PREDICTIONS, stage=f"finetune {fold}")


def _holdout(fold: int, head: HeadDescription) -> pd.DataFrame:
    """What the head of `fold` says of the labelled holdout images; no rows where the data has none."""
    stage = f"finetune {fold}"
    return read_table_file(file_beside(FINETUNED / str(fold), head.details, HOLDOUT, stage=stage), stage=stage)
