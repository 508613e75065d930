"""Links of `roadwork verify`: the bundle, and the predictions that are published with it."""

from __future__ import annotations

from functools import partial

from pipeline.paths import BUNDLE, ENSEMBLE_METRICS, FINETUNED, HOLDOUT_PREDICTIONS, OOF_PREDICTIONS
from pipeline.verification.models import check_said, fold_name, known_folds
from pipeline.verification.project import Project
from roadwork.bundle.agreement import check_params
from roadwork.bundle.description import DESCRIPTION as BUNDLE_DESCRIPTION
from roadwork.bundle.load import load_bundle
from roadwork.bundle.read import read_bundle
from roadwork.data.table_file import read_table_file
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.evaluate.ensemble import bundle_calibrations, mean_margins, rank_members
from roadwork.evaluate.ensemble_config import EnsembleConfig
from roadwork.evaluate.oof import gather
from roadwork.evaluate.predicted import check_probabilities
from roadwork.train.head_folder import HOLDOUT, PREDICTIONS
from roadwork.verify.bundle_members import check_calibrations, check_members, check_origin
from roadwork.verify.fault import Faults, listed
from roadwork.verify.metrics_file import check_told
from roadwork.verify.predictions import check_gathered, check_numbers, check_same_margins
from roadwork.verify.walk import Link
from roadwork.views.geometry import ViewsConfig


def bundle_links(project: Project) -> list[Link]:
    """The links of stage `ensemble`."""
    names = tuple(fold_name(fold) for fold in known_folds(project))
    return [
        Link("out-of-fold", "ensemble", [OOF_PREDICTIONS], names, partial(_oof, project)),
        Link("bundle", "ensemble", [BUNDLE], names, partial(_bundle, project)),
        Link("holdout", "ensemble", [HOLDOUT_PREDICTIONS], ("bundle",), partial(_holdout, project)),
    ]


def _oof(project: Project, faults: Faults) -> str:
    oof = read_table_file(OOF_PREDICTIONS, stage="ensemble")
    check_numbers(oof, faults, where=str(OOF_PREDICTIONS), stage="ensemble")
    parts = {
        fold: read_table_file(FINETUNED / str(fold) / PREDICTIONS, stage=f"finetune {fold}") for fold in project.folds
    }
    check_gathered(oof, gather(parts), faults, where=str(OOF_PREDICTIONS))
    return f"{len(oof)} rows"


def _bundle(project: Project, faults: Faults) -> str:
    bundle, where = load_bundle(BUNDLE).description, str(BUNDLE / BUNDLE_DESCRIPTION)
    members = project.known_members()
    if len(members) == len(project.folds):
        config = project.section("ensemble", EnsembleConfig)
        ranked = rank_members({fold: head.details["inner_val_mcc"] for fold, head in members.items()}, config.members)
        weights = {fold: head.weights_sha256 for fold, head in members.items()}
        check_members(bundle, weights, ranked, faults, where=where)
    table, store = project.known_table, project.known_images
    check_origin(
        bundle, None if store is None else store.attributes, None if table is None else table.digest, project.seed,
        faults, where=where,
    )  # fmt: skip
    with faults.noted():
        backbone, views = project.section("backbone", BackboneConfig), project.section("views", ViewsConfig)
        check_params(bundle, backbone, views, project.params)
    with faults.noted():
        found = dict(bundle.calibrations)
        oof = read_table_file(OOF_PREDICTIONS, stage="ensemble")
        check_calibrations(found, bundle_calibrations(oof), faults, where=where, stage="ensemble")
    with faults.noted():
        told = {"members": [member.fold for member in bundle.members]}
        metrics = project.metrics(ENSEMBLE_METRICS, "ensemble")
        check_told(metrics, told, faults, where=str(ENSEMBLE_METRICS), of="the bundle", stage="ensemble")
    return f"folds {listed([member.fold for member in bundle.members])}, every file as listed"


def _holdout(project: Project, faults: Faults) -> str:
    holdout, where = read_table_file(HOLDOUT_PREDICTIONS, stage="ensemble"), str(HOLDOUT_PREDICTIONS)
    check_numbers(holdout, faults, where=where, stage="ensemble")
    check_said(project, holdout, ("holdout",), faults, where=where, stage="ensemble")
    bundle = read_bundle(BUNDLE)
    said = [
        read_table_file(FINETUNED / str(member.fold) / HOLDOUT, stage=f"finetune {member.fold}")
        for member in bundle.members
    ]
    check_same_margins(holdout, mean_margins(said), faults, where=where, of="the members' mean", stage="ensemble")
    with faults.noted():
        fix = "run `roadwork ensemble` again"
        check_probabilities(holdout, dict(bundle.calibrations), where=f"{where}, {BUNDLE}", fix=fix)
    return f"{len(holdout)} images"
