"""The real pipeline on a tiny project: parameters that make every stage take a moment, and nothing else changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.parameters import set_parameters

ROOT = Path(__file__).resolve().parents[3]

FOLDS = (0, 1)
STAGES = (
    ("ingest",), ("tile",), ("embed_images",), ("embed_text",), ("folds",), ("sampling",), ("pretrain",),
    ("headline",), *(("finetune", str(fold)) for fold in FOLDS), ("ensemble",),
    ("baselines",), ("evaluate",), ("report",),
)  # fmt: skip

# 48 drawn photographs of 200 px, timm's test backbone (random weights), a head of 16 numbers, two folds.
CHANGES = {
    "ingest.test_fraction": 0.3,
    "ingest.holdout_fraction": 0.1,
    "ingest.sample.images": 48,
    "ingest.sample.max_width_px": 200,
    "views.size_px": 160,
    "backbone.name": "test_vit.r160_in1k",
    "backbone.kwargs": {},
    "embed.device": "cpu",
    "embed.decode_workers": 1,
    "embed.block_images": 8,
    "metadata.gps_dim": 16,
    "metadata.category_dim": 8,
    "sampling.draws": 50,
    "sampling.target_share": 0.2,
    "sampling.min_share": 0.1,
    "head.pruning.hidden": 16,
    "head.projection.dim": 16,
    "head.pyramid.dims": [16, 16, 8],
    "head.attention.layers": 1,
    "head.attention.heads": 2,
    "head.view_fusion.heads": 2,
    "head.view_fusion.gate_hidden": 8,
    "head.classifier.hidden": 16,
    "train.device": "cpu",
    "train.batch_size": 16,
    "pretrain.epochs": 4,
    "finetune.folds": list(FOLDS),
    "finetune.epochs": 3,
    "finetune.patience": 3,
    "ensemble.members": 2,
    "evaluate.resamples": 100,
    "evaluate.neighbours": [1, 3],
    "evaluate.regularisation": [1.0],
    "evaluate.attention_mil.hidden": 8,
    "evaluate.attention_mil.lr": [1e-3],
    "evaluate.attention_mil.weight_decay": [0.01],
    "evaluate.attention_mil.epochs": 2,
    "report.gallery": 2,
}


def write_project(folder: Path) -> None:
    """Make `folder` a project that nothing was run in yet: `params.yaml` and `dvc.yaml`."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "dvc.yaml", folder / "dvc.yaml")
    (folder / "data").mkdir()
    shutil.copy2(ROOT / "data" / "left_out.csv", folder / "data" / "left_out.csv")
    set_parameters(folder / "params.yaml", CHANGES, source=ROOT / "params.yaml")
