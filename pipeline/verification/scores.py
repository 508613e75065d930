"""Links of `roadwork verify`: predictions, scores, evidence and the report."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline.paths import (
    BASELINES,
    BASELINES_METRICS,
    EVALUATE_METRICS,
    EVIDENCE,
    HEADLINE_METRICS,
    HOLDOUT_PREDICTIONS,
    OOF_PREDICTIONS,
    PLOTS,
    PREDICTIONS,
    PRETRAIN_METRICS,
    PRETRAINED,
    REPORT,
)
from pipeline.verification.project import Project
from roadwork.data.table_file import read_table_file
from roadwork.errors import DataError
from roadwork.evaluate.baseline_table import check_baselines, probability_column
from roadwork.evaluate.config import IntervalConfig
from roadwork.evaluate.headline import calibrations_of, check_headline
from roadwork.evaluate.unseen import SPLITS, unseen_images
from roadwork.evidence.table import calibrated, read_evidence, read_margin_evidence
from roadwork.model.metadata_config import MetadataConfig
from roadwork.report import documents
from roadwork.report.lineage import check_head, check_made_from
from roadwork.train import head_folder
from roadwork.verify.fault import Faults
from roadwork.verify.plots import check_plot
from roadwork.verify.predictions import (
    check_deletions,
    check_evidence,
    check_numbers,
    check_probability,
    check_same_margins,
    check_unseen,
)
from roadwork.verify.report_page import check_page, listed_files
from roadwork.verify.walk import Link
from roadwork.views.geometry import ViewsConfig, view_names

_SCORED = (
    PREDICTIONS, HEADLINE_METRICS, OOF_PREDICTIONS, HOLDOUT_PREDICTIONS, BASELINES, BASELINES_METRICS, EVIDENCE,
)  # fmt: skip
"""What the scorecard was made from, or was made with it."""

_HEADLINE = ("head_sha256:text", "confidence", "resamples", "calibrations:any", "test.image_only.mcc")
_BASELINES = (
    "data_digest:text", "table_sha256:text", "seed:count", "confidence", "resamples", "metadata_fields:any",
    "baselines.+.threshold", "baselines.+.chosen:any", "cities.[*]:text", "leak_audit:any", "duplicates:any",
)  # fmt: skip


def score_links(project: Project) -> list[Link]:
    """The links from the headline to the report."""
    data = ("image store", "text store", "folds")
    scored = ("bundle", "out-of-fold", "holdout", "headline", "baselines")
    return [
        Link("headline", "headline", [PREDICTIONS], ("pretrained head",), partial(_headline, project)),
        Link("baselines", "baselines", [BASELINES], data, partial(_baselines, project)),
        Link("evidence", "evaluate", [EVIDENCE], ("pretrained head", "headline"), partial(_evidence, project)),
        Link("scores", "evaluate", [EVIDENCE], scored, partial(_scores, project)),
        Link("report", "report", [REPORT], ("scores", "views"), partial(_report, project)),
    ]


def _headline(project: Project, faults: Faults) -> str:
    predictions, where = read_table_file(PREDICTIONS, stage="headline"), str(PREDICTIONS)
    check_numbers(predictions, faults, where=where, stage="headline")
    if project.known_division is not None:
        check_unseen(predictions, *project.known_division, SPLITS, faults, where=where, stage="headline")
    with faults.noted():
        said = read_table_file(PRETRAINED / head_folder.PREDICTIONS, stage="pretrain")
        check_same_margins(predictions, said, faults, where=where, of="the pretrained head", stage="headline")
    fix = "run `roadwork headline` again"
    metrics = project.metrics(HEADLINE_METRICS, "headline")
    documents.checked(metrics, _HEADLINE, where=str(HEADLINE_METRICS), fix=fix)
    if project.known_pretrained is not None:
        check_headline(metrics, project.known_pretrained.weights_sha256, where=str(HEADLINE_METRICS), fix=fix)
    return f"{len(predictions)} images, MCC {_told(metrics['test']['image_only']['mcc'])} on test"


def _baselines(project: Project, faults: Faults) -> str:
    table, where = read_table_file(BASELINES, stage="baselines"), str(BASELINES)
    fix = "run `roadwork baselines` again"
    metrics = project.metrics(BASELINES_METRICS, "baselines")
    documents.checked(metrics, _BASELINES, where=str(BASELINES_METRICS), fix=fix)
    for name in metrics["baselines"]:
        check_probability(table, probability_column(name), faults, where=where, stage="baselines")
    if project.known_division is not None:
        check_unseen(table, *project.known_division, ("test",), faults, where=where, stage="baselines")
    intervals = project.part("evaluate", IntervalConfig)
    expected: dict[str, object] = {
        "table_sha256": project.sha256(BASELINES),
        "seed": project.seed,
        "confidence": intervals.confidence,
        "resamples": intervals.resamples,
        "metadata_fields": list(project.section("metadata", MetadataConfig).fields),
    }
    if project.known_data_digest is not None:
        expected["data_digest"] = project.known_data_digest
    with faults.noted():
        check_baselines(metrics, expected, where=str(BASELINES_METRICS), fix=fix)
    return f"{len(metrics['baselines'])} baselines, {len(table)} images"


def _evidence(project: Project, faults: Faults) -> str:
    evidence = read_evidence(EVIDENCE)
    if project.known_division is not None:
        unseen = unseen_images(*project.known_division)
        names = view_names(project.section("views", ViewsConfig).grid)
        test = unseen.loc[unseen["split"] == "test", "image_id"].tolist()
        check_evidence(evidence, test, names, faults, where=str(EVIDENCE))
    with faults.noted():
        said = read_margin_evidence(PRETRAINED / head_folder.EVIDENCE, stage="pretrain")
        calibration = calibrations_of(project.metrics(HEADLINE_METRICS, "headline"))["image_only"]
        check_deletions(evidence, calibrated(said, calibration), faults, where=str(EVIDENCE))
    return f"{len(evidence)} views"


def _scores(project: Project, faults: Faults) -> str:
    card, where = project.metrics(EVALUATE_METRICS, "evaluate"), str(EVALUATE_METRICS)
    grid = project.section("views", ViewsConfig).grid
    documents.checked(card, documents.scorecard_names(card, grid), where=where, fix="run `roadwork evaluate` again")
    with faults.noted():
        check_head(card, project.metrics(PRETRAIN_METRICS, "pretrain"), where=where, trained=str(PRETRAIN_METRICS))
    for path in _SCORED:
        with faults.noted():
            digests = {path.as_posix(): project.sha256(path)}
            check_made_from(card, digests, [path.as_posix()], where=where)
    for name, held in documents.PLOTS.items():
        with faults.noted():
            check_plot(PLOTS / f"{name}.json", held)
    return f"MCC {_told(card['test']['image_only']['mcc'])} on test, {_told(card['oof']['mcc'])} out-of-fold"


def _told(score: float | None) -> str:
    return "unknown" if score is None else f"{score:.3f}"


def _report(project: Project, faults: Faults) -> str:
    try:
        page = REPORT.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"not readable: {error}", where=str(REPORT), fix="run `roadwork report` again") from None
    digests = {name: project.sha256(Path(name)) for name in listed_files(page)}
    check_page(page, digests, faults, where=str(REPORT))
    return f"made from {len(digests)} files"
