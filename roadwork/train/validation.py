"""How good a head is on labelled images: the numbers that early stopping looks at.

The focal loss weights the classes unequally, so the head's own boundary (margin 0) is not where its decisions are best,
and no use of the head decides there: calibration puts the boundary at the threshold of the highest MCC. Validation
therefore scores the highest MCC over all thresholds. It is an optimistic number, good for comparing epochs and nothing
else; what is claimed is measured on test images with a threshold fixed before.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from roadwork.errors import SplitError
from roadwork.model.head import Head
from roadwork.train.decision import best_decision
from roadwork.train.features import FeatureTable
from roadwork.train.inference import answers, margins_of
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import focal


class Validation(NamedTuple):
    """One pass over validation images, with metadata hidden unless the name says otherwise."""

    mcc_image_only: float  # the number that early stopping maximises
    mcc_with_metadata: float
    loss: float  # focal
    threshold: float  # of mcc_image_only
    gates: list[float]  # view; mean importance over the images, 0 counted where a view was pruned away


def validate(
    head: Head,
    table: FeatureTable,
    loss: LossConfig,
    *,
    batch_size: int,
    device: torch.device,
    where: str = "validation",
) -> Validation:
    """Score `head` on the labelled images `table`, in float32.

    Raises TrainingError, with `where` this was, that names the images for which the head's answer is no number.
    """
    found = answers(head, table, batch_size=batch_size, device=device, where=where)
    labels = table.labels.cpu()
    best = best_decision(labels.numpy(), margins_of(found.image_only))
    value = focal(found.image_only, labels, gamma=loss.gamma, alpha=loss.alpha, label_smoothing=loss.label_smoothing)
    return Validation(
        mcc_image_only=best.mcc,
        mcc_with_metadata=best_decision(labels.numpy(), margins_of(found.with_metadata)).mcc,
        loss=float(value),
        threshold=best.threshold,
        gates=found.gates.double().mean(dim=0).tolist(),
    )


def require_both_classes(table: FeatureTable, part: str, fix: str) -> None:
    """Raise SplitError unless `table` has images of both classes; `part` names it in the message."""
    positives = int((table.labels == 1).sum())
    negatives = int((table.labels == 0).sum())
    if positives and negatives:
        return
    raise SplitError(
        f"{part}: {len(table)} images, {positives} with roadwork and {negatives} without",
        where="data/folds.parquet",
        rule="training and validation each need labelled images of both classes",
        fix=fix,
    )
