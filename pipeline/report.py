"""Stage `report`: metrics, curves and pictures into one self-contained page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.part import load_part
from pipeline.paths import (
    CONTACT_SHEET,
    EMBED_IMAGES_METRICS,
    ENSEMBLE_METRICS,
    EVALUATE_METRICS,
    FINETUNE_METRICS,
    INGEST_METRICS,
    PARAMS,
    PLOTS,
    PRETRAIN_LIVE,
    PRETRAIN_METRICS,
    REPORT,
    SAMPLING_METRICS,
    SAMPLING_PICTURE,
)
from roadwork.config import load_section, read_params
from roadwork.data.folds import FoldsConfig
from roadwork.embed.provenance import library_versions
from roadwork.errors import DataError
from roadwork.publish import published_file
from roadwork.report.curves import read_curves
from roadwork.report.data_uri import photograph_uri, svg_uri
from roadwork.report.page import ReportConfig, Run, render

_CONTACT_SHEET_WIDTH_PX = 1400
_LIBRARIES = ("roadwork", "torch", "timm", "sentence-transformers", "scikit-learn", "numpy", "pandas", "zarr", "dvc")
_CURVES = ("roc", "precision_recall", "confusion", "calibration")


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `reports/index.html`; returns its path and size."""
    config = load_section(params, "report", ReportConfig)
    sections = read_params(params)
    folds = load_part(params, "finetune", FoldsConfig).folds
    page = render(
        Run(
            scorecard=_read(EVALUATE_METRICS, "evaluate"),
            plots={name: _read(PLOTS / f"{name}.json", "evaluate") for name in _CURVES},
            curves=read_curves(PRETRAIN_LIVE),
            ingest=_read(INGEST_METRICS, "ingest"),
            embed_images=_read(EMBED_IMAGES_METRICS, "embed_images"),
            sampling=_read(SAMPLING_METRICS, "sampling"),
            pretrain=_read(PRETRAIN_METRICS, "pretrain"),
            folds=[_read(FINETUNE_METRICS / f"{fold}.json", f"finetune {fold}") for fold in folds],
            ensemble=_read(ENSEMBLE_METRICS, "ensemble"),
            pictures={
                "contact_sheet": photograph_uri(_present(CONTACT_SHEET, "tile"), _CONTACT_SHEET_WIDTH_PX),
                "sampling": svg_uri(_present(SAMPLING_PICTURE, "sampling").read_text(encoding="utf-8")),
            },
            backbone=sections["backbone"],
            sampling_setting=sections["sampling"],
            params=params.read_text(encoding="utf-8"),
            versions=library_versions(_LIBRARIES),
        ),
        config,
    )
    with published_file(REPORT) as aside:
        aside.write_text(page, encoding="utf-8")
    return {"report": str(REPORT), "bytes": len(page.encode("utf-8"))}


def _read(path: Path, stage: str) -> Any:
    try:
        return json.loads(_present(path, stage).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError(f"not readable as JSON: {error}", where=str(path), fix=f"run `roadwork {stage}`") from error


def _present(path: Path, stage: str) -> Path:
    if not path.is_file():
        raise DataError(
            "a part of the report is missing", where=str(path), fix=f"run `roadwork {stage}`, or `dvc repro`"
        )
    return path
