"""Stage `report`: metrics, curves, predictions and photographs into one self-contained page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.inputs import Inputs
from pipeline.part import load_part
from pipeline.paths import (
    ABLATION_METRICS,
    CONTACT_SHEET,
    EMBED_IMAGES_METRICS,
    ENSEMBLE_METRICS,
    EVALUATE_METRICS,
    EVIDENCE,
    FINETUNE_LIVE,
    FINETUNE_METRICS,
    HEADLINE_METRICS,
    INGEST_METRICS,
    MANIFEST,
    OOF_PREDICTIONS,
    PARAMS,
    PLOTS,
    PREDICTIONS,
    PRETRAIN_LIVE,
    PRETRAIN_METRICS,
    REPORT,
    SAMPLING_METRICS,
    SAMPLING_PICTURE,
    TIMING,
)
from roadwork.config import load_section, read_params
from roadwork.data.folds_config import FoldsConfig
from roadwork.data.manifest import read_manifest
from roadwork.embed.provenance import library_versions
from roadwork.evidence.table import read_evidence
from roadwork.publish import published_file
from roadwork.report import documents
from roadwork.report.config import ReportConfig
from roadwork.report.curves import read_curves
from roadwork.report.data_uri import photograph_uri, svg_uri
from roadwork.report.gallery import Gallery, Predicted, gallery
from roadwork.report.lineage import check_head, check_made_from
from roadwork.report.page import render
from roadwork.report.run import Run
from roadwork.views.geometry import ViewsConfig

_CONTACT_SHEET_WIDTH_PX = 1400
_LIBRARIES = ("roadwork", "torch", "timm", "sentence-transformers", "scikit-learn", "numpy", "pandas", "zarr", "dvc")
_SCORED = (PREDICTIONS, OOF_PREDICTIONS, EVIDENCE, HEADLINE_METRICS)
"""What the scorecard was made from, or was made with it."""


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `reports/index.html`; returns its path and size."""
    page = render(read_run(params), load_section(params, "report", ReportConfig))
    with published_file(REPORT) as aside:
        aside.write_text(page, encoding="utf-8")
    return {"report": str(REPORT), "bytes": len(page.encode("utf-8"))}


def read_run(params: Path = PARAMS) -> Run:
    """Everything that the stages before left behind.

    DataError names what is missing or damaged and the stage that writes it, StoreError what is of another model.
    """
    inputs = Inputs()
    scorecard, pretrain = _scored(inputs, load_section(params, "views", ViewsConfig).grid)
    folds = load_part(params, "finetune", FoldsConfig).folds

    def document(path: Path, stage: str, names: Iterable[str]) -> Any:
        return _document(inputs, path, stage, names)

    return Run(
        scorecard=scorecard,
        ablation=_ablation(inputs),
        plots={name: document(PLOTS / f"{name}.json", "evaluate", held) for name, held in documents.PLOTS.items()},
        curves=read_curves(PRETRAIN_LIVE),
        fold_curves={fold: read_curves(FINETUNE_LIVE / str(fold)) for fold in folds},
        ingest=document(INGEST_METRICS, "ingest", documents.INGEST),
        embed_images=document(EMBED_IMAGES_METRICS, "embed_images", documents.EMBED_IMAGES),
        sampling=document(SAMPLING_METRICS, "sampling", documents.SAMPLING),
        pretrain=pretrain,
        timing=document(TIMING, "pretrain", documents.TIMING),
        folds=[_fold(inputs, fold) for fold in folds],
        oof=inputs.table(OOF_PREDICTIONS, "ensemble"),
        ensemble=document(ENSEMBLE_METRICS, "ensemble", documents.ENSEMBLE),
        gallery=_gallery(inputs, params),
        pictures={
            "contact_sheet": photograph_uri(inputs.present(CONTACT_SHEET, "tile"), _CONTACT_SHEET_WIDTH_PX),
            "sampling": svg_uri(inputs.present(SAMPLING_PICTURE, "sampling").read_text(encoding="utf-8")),
        },
        sections=read_params(params),
        params=inputs.present(params, "report").read_text(encoding="utf-8"),
        versions=library_versions(_LIBRARIES),
        made_from=inputs.digests,
    )


def _document(inputs: Inputs, path: Path, stage: str, names: Iterable[str], called: str = "") -> Any:
    """The JSON file `path`, which holds what `names` says (`documents.checked`)."""
    found = inputs.json(path, stage, called=called)
    return documents.checked(found, names, where=str(path), fix=f"run `roadwork {stage}` again, or `dvc repro report`")


def _fold(inputs: Inputs, fold: int) -> dict[str, Any]:
    path, called = FINETUNE_METRICS / f"{fold}.json", f"metrics file of fold {fold}"
    return _document(inputs, path, f"finetune {fold}", documents.FOLD, called)


def _scored(inputs: Inputs, grid: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scorecard and the metrics of pretraining, which are of one head; the files beside them are of it too."""
    card = inputs.json(EVALUATE_METRICS, "evaluate")
    fix = "run `roadwork evaluate` again, or `dvc repro report`"
    documents.checked(card, documents.scorecard_names(card, grid), where=str(EVALUATE_METRICS), fix=fix)
    pretrain = _document(inputs, PRETRAIN_METRICS, "pretrain", documents.PRETRAIN)
    inputs.json(HEADLINE_METRICS, "headline")
    inputs.present(PREDICTIONS, "headline")
    inputs.present(OOF_PREDICTIONS, "ensemble")
    inputs.present(EVIDENCE, "evaluate")
    where = str(EVALUATE_METRICS)
    check_head(card, pretrain, where=where, trained=str(PRETRAIN_METRICS))
    check_made_from(card, inputs.digests, [path.as_posix() for path in _SCORED], where=where)
    return card, pretrain


def _ablation(inputs: Inputs) -> dict[str, Any] | None:
    if not ABLATION_METRICS.is_file():
        return None
    found = inputs.json(ABLATION_METRICS, "ablate")
    fix = "take the file back from Git, or run `roadwork ablate`"
    return documents.checked(found, documents.ablation_names(found), where=str(ABLATION_METRICS), fix=fix)


def _gallery(inputs: Inputs, params: Path) -> Gallery:
    table = inputs.table(PREDICTIONS, "headline")
    columns = (table[name] for name in ("split", "image_id", "label", "probability_image_only"))
    predictions = [
        Predicted(str(image_id), int(label), float(probability))
        for split, image_id, label, probability in zip(*columns, strict=True)
        if split == "test"
    ]
    return gallery(
        predictions,
        read_evidence(inputs.present(EVIDENCE, "evaluate")),
        read_manifest(inputs.present(MANIFEST, "ingest")),
        load_section(params, "views", ViewsConfig),
        count=load_section(params, "report", ReportConfig).gallery,
    )
