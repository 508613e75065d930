"""Where every stage's inputs and outputs lie, relative to the project's folder."""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
DVC_YAML = Path("dvc.yaml")

DATA = Path("data")
IMAGES = DATA / "images"
MANIFEST = DATA / "manifest.parquet"
REJECTS = DATA / "rejects.csv"
EMBED_REJECTS = DATA / "embed_rejects.csv"
LEFT_OUT = DATA / "left_out.csv"
FOLDS = DATA / "folds.parquet"
SAMPLING = DATA / "sampling.parquet"

FEATURES = Path("features")
VIEWS = FEATURES / "views.parquet"
IMAGE_STORE = FEATURES / "images.zarr"
TEXT_STORE = FEATURES / "text.zarr"

MODELS = Path("models")
PRETRAINED = MODELS / "pretrained"
FINETUNED = MODELS / "finetuned"
BUNDLE = MODELS / "bundle"
PREDICTIONS = MODELS / "predictions.parquet"
EVIDENCE = MODELS / "evidence.parquet"
OOF_PREDICTIONS = MODELS / "oof_predictions.parquet"
HOLDOUT_PREDICTIONS = MODELS / "holdout_predictions.parquet"
BASELINES = MODELS / "baselines.parquet"

METRICS = Path("metrics")
INGEST_METRICS = METRICS / "ingest.json"
EMBED_IMAGES_METRICS = METRICS / "embed_images.json"
SAMPLING_METRICS = METRICS / "sampling.json"
PRETRAIN_METRICS = METRICS / "pretrain.json"
PRETRAIN_LIVE = METRICS / "live" / "pretrain"
TIMING = METRICS / "timing.json"
HEADLINE_METRICS = METRICS / "headline.json"
FINETUNE_METRICS = METRICS / "finetune"
FINETUNE_LIVE = METRICS / "live" / "finetune"
FINETUNE_TIMING = METRICS / "finetune_timing"
ENSEMBLE_METRICS = METRICS / "ensemble.json"
BASELINES_METRICS = METRICS / "baselines.json"
EVALUATE_METRICS = METRICS / "evaluate.json"
ABLATION_METRICS = METRICS / "ablation.json"
ABLATION_PAGE = Path("docs") / "ablation.md"
PLOTS = METRICS / "plots"

FINETUNE_RECEIPTS = Path(".work") / "finetuned"

REPORTS = Path("reports")
PICTURES = REPORTS / "pictures"
CONTACT_SHEET = PICTURES / "contact_sheet.jpg"
SAMPLING_PICTURE = PICTURES / "sampling.svg"
REPORT = REPORTS / "index.html"
