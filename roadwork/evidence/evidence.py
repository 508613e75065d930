"""The evidence of many photographs: every head's answer, and what it is without each view, brought together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.evaluate.calibration import Calibration
from roadwork.evaluate.ensemble import mean_margin
from roadwork.evidence.uncalibrated import uncalibrated
from roadwork.evidence.view import ViewEvidence
from roadwork.model.head import Head
from roadwork.train.features import FeatureTable


@dataclass(frozen=True)
class Evidence:
    """Arrays over `image` and `view`; `ViewEvidence` says what each is."""

    probabilities: NDArray[np.float64]  # image
    gates: NDArray[np.float32]  # image view
    kept: NDArray[np.float32]  # image view; share of the heads
    logits: NDArray[np.float32]  # image view; NaN where no head kept the view
    deletions: NDArray[np.float32]  # image view

    def views(self, image: int, names: Sequence[str]) -> tuple[ViewEvidence, ...]:
        """The views of photograph number `image`, called `names`, in order."""
        columns = (self.gates[image], self.kept[image], self.logits[image], self.deletions[image])
        return tuple(
            ViewEvidence(name, gate, kept, None if np.isnan(logit) else logit, deletion)
            for name, gate, kept, logit, deletion in zip(names, *(column.tolist() for column in columns), strict=True)
        )


def find_evidence(
    heads: Sequence[Head], table: FeatureTable, calibration: Calibration, *, hide_metadata: bool, device: torch.device
) -> Evidence:
    """The evidence of every image of `table`, as `heads` together see it.

    The margins of several heads are averaged before they are calibrated, with a view withheld as with all of them.
    Each head prunes for itself: `gates` is the mean over all heads (0 where one dropped the view), `kept` the share of
    them that kept it, `logits` the mean over those. With pruning switched off every view is kept, with view fusion
    switched off every gate is 1.
    """
    answers = [uncalibrated(head, table, hide_metadata=hide_metadata, device=device) for head in heads]
    logits = np.stack([answer.logits for answer in answers])
    kept = ~np.isnan(logits)
    keepers = kept.sum(axis=0)
    total = np.where(kept, logits, 0).sum(axis=0)
    probabilities = calibration.probabilities(mean_margin([answer.margins for answer in answers]))
    withheld = calibration.probabilities(mean_margin([answer.withheld for answer in answers]))
    deletions = probabilities[:, None] - withheld
    return Evidence(
        probabilities=probabilities,
        gates=np.mean([answer.gates for answer in answers], axis=0),
        kept=(keepers / len(heads)).astype(np.float32),
        logits=np.where(keepers > 0, total / np.maximum(keepers, 1), np.nan).astype(np.float32),
        deletions=deletions.astype(np.float32),
    )
