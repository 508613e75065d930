"""The stages in the order in which data flows through them, with the line that `--help` shows."""

from __future__ import annotations

STAGES = {
    "ingest": "Source to validated manifest; bad rows to data/rejects.csv.",
    "tile": "The 12 view boxes of every photograph, and a contact sheet.",
    "embed_images": "Frozen backbone over views not cached yet; Zarr store.",
    "embed_text": "Descriptions to sentence vectors; Zarr store.",
    "folds": "Train, val, and grouped stratified folds of test.",
    "sampling": "Weights by distance to the reference regions; the gate.",
    "pretrain": "Train the head from the cached features.",
    "headline": "Score the pretrained head on test, image only and with metadata.",
    "finetune": "Fine-tune on all test folds but one; predict that one.",
    "ensemble": "Average the best members into a calibrated bundle.",
    "baselines": "Fit what a head is compared with; audit leaks and duplicates.",
    "evaluate": "Score everything, with intervals, beside its baselines.",
    "report": "Write reports/index.html, one self-contained page.",
}
