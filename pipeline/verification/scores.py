"""Links of `roadwork verify`: predictions, scores, evidence and the report."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline.paths import (
    EVALUATE_METRICS,
    EVIDENCE,
    HEADLINE_METRICS,
    OOF_PREDICTIONS,
    PLOTS,
    PREDICTIONS,
    PRETRAIN_METRICS,
    REPORT,
)
from pipeline.verification.project import Project
from roadwork.data.table_file import read_table_file
from roadwork.errors import DataError
from roadwork.evaluate.headline import check_headline
from roadwork.evidence.table import read_evidence
from roadwork.report import documents
from roadwork.report.lineage import check_head, check_made_from
from roadwork.verify.fault import Faults
from roadwork.verify.plots import check_plot
from roadwork.verify.predictions import check_evidence, check_headline_rows, check_numbers
from roadwork.verify.report_page import check_page, listed_files
from roadwork.verify.walk import Link
from roadwork.views.geometry import ViewsConfig, view_names

_SCORED = (PREDICTIONS, HEADLINE_METRICS, OOF_PREDICTIONS, EVIDENCE)
"""What the scorecard was made from, or was made with it."""

_HEADLINE = ("head_sha256:text", "confidence", "resamples", "calibrations:any", "test.image_only.mcc")


def score_links(project: Project) -> list[Link]:
    """The links from the headline to the report."""
    return [
        Link("headline", "headline", [PREDICTIONS], ("pretrained head",), partial(_headline, project)),
        Link("evidence", "evaluate", [EVIDENCE], ("pretrained head", "headline"), partial(_evidence, project)),
        Link("scores", "evaluate", [EVIDENCE], ("bundle", "out-of-fold", "headline"), partial(_scores, project)),
        Link("report", "report", [REPORT], ("scores", "views"), partial(_report, project)),
    ]


def _headline(project: Project, faults: Faults) -> str:
    predictions = read_table_file(PREDICTIONS, stage="headline")
    check_numbers(predictions, faults, where=str(PREDICTIONS), stage="headline")
    frame, divided = project.known_frame, project.known_divided
    if frame is not None and divided is not None and len(frame) == len(divided):
        check_headline_rows(predictions, frame, divided, faults, where=str(PREDICTIONS))
    fix = "run `roadwork headline` again"
    metrics = project.metrics(HEADLINE_METRICS, "headline")
    documents.checked(metrics, _HEADLINE, where=str(HEADLINE_METRICS), fix=fix)
    if project.known_pretrained is not None:
        check_headline(metrics, project.known_pretrained.weights_sha256, where=str(HEADLINE_METRICS), fix=fix)
    return f"{len(predictions)} images, MCC {_told(metrics['test']['image_only']['mcc'])} on test"


def _evidence(project: Project, faults: Faults) -> str:
    evidence = read_evidence(EVIDENCE)
    frame, divided = project.known_frame, project.known_divided
    if frame is not None and divided is not None and len(frame) == len(divided):
        test = (divided["split"] == "test").to_numpy(dtype=bool) & frame["label"].notna().to_numpy(dtype=bool)
        names = view_names(project.section("views", ViewsConfig).grid)
        check_evidence(evidence, frame["image_id"].astype(str)[test].tolist(), names, faults, where=str(EVIDENCE))
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
