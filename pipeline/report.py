"""Stage `report`: metrics, curves, predictions and photographs into one self-contained page."""

from __future__ import annotations

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
from roadwork.data.folds import FoldsConfig
from roadwork.data.manifest import read_manifest
from roadwork.embed.provenance import library_versions
from roadwork.evidence.table import read_evidence
from roadwork.publish import published_file
from roadwork.report.config import ReportConfig
from roadwork.report.curves import read_curves
from roadwork.report.data_uri import photograph_uri, svg_uri
from roadwork.report.gallery import Gallery, Predicted, gallery
from roadwork.report.page import render
from roadwork.report.run import Run
from roadwork.views.geometry import ViewsConfig

_CONTACT_SHEET_WIDTH_PX = 1400
_LIBRARIES = ("roadwork", "torch", "timm", "sentence-transformers", "scikit-learn", "numpy", "pandas", "zarr", "dvc")
_PLOTS = (
    "roc",
    "precision_recall",
    "confusion",
    "calibration",
    "calibration_before",
    "oof_calibration",
    "oof_calibration_before",
)


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `reports/index.html`; returns its path and size."""
    page = render(read_run(params), load_section(params, "report", ReportConfig))
    with published_file(REPORT) as aside:
        aside.write_text(page, encoding="utf-8")
    return {"report": str(REPORT), "bytes": len(page.encode("utf-8"))}


def read_run(params: Path = PARAMS) -> Run:
    """Everything that the stages before left behind; DataError names what is missing and the stage that writes it."""
    folds = load_part(params, "finetune", FoldsConfig).folds
    inputs = Inputs()
    return Run(
        scorecard=inputs.json(EVALUATE_METRICS, "evaluate"),
        ablation=inputs.json(ABLATION_METRICS, "ablate") if ABLATION_METRICS.is_file() else None,
        plots={name: inputs.json(PLOTS / f"{name}.json", "evaluate") for name in _PLOTS},
        curves=read_curves(PRETRAIN_LIVE),
        fold_curves={fold: read_curves(FINETUNE_LIVE / str(fold)) for fold in folds},
        ingest=inputs.json(INGEST_METRICS, "ingest"),
        embed_images=inputs.json(EMBED_IMAGES_METRICS, "embed_images"),
        sampling=inputs.json(SAMPLING_METRICS, "sampling"),
        pretrain=inputs.json(PRETRAIN_METRICS, "pretrain"),
        timing=inputs.json(TIMING, "pretrain"),
        folds=[inputs.json(FINETUNE_METRICS / f"{fold}.json", f"finetune {fold}") for fold in folds],
        oof=inputs.table(OOF_PREDICTIONS, "ensemble"),
        ensemble=inputs.json(ENSEMBLE_METRICS, "ensemble"),
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
