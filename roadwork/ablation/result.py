"""What one experiment left behind, as far as the table needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.errors import StoreError
from roadwork.evaluate.headline import predictions_of
from roadwork.evaluate.oof import out_of_fold, unadapted
from roadwork.evaluate.score import Predictions

_MODE = "image_only"


@dataclass(frozen=True)
class Result:
    """One training with one seed.

    `headline`, `pretrain` and `timing` are what those files of `metrics/` hold, `predictions` and `oof` the tables of
    stages `headline` and `ensemble`; `oof` is None where the experiment ended before fine-tuning.
    """

    seed: int
    headline: Mapping[str, Any]
    pretrain: Mapping[str, Any]
    timing: Mapping[str, Any]
    predictions: pd.DataFrame
    oof: pd.DataFrame | None = None

    def test(self) -> Predictions:
        """The labelled test images as the pretrained head sees them, image only."""
        return predictions_of(self.predictions, "test", _MODE)

    def image_ids(self) -> NDArray[np.object_]:
        """The labelled test images, in the order of `test`."""
        return self.predictions.loc[self.predictions["split"] == "test", "image_id"].to_numpy(dtype=object)

    def adapted(self) -> tuple[Predictions, Predictions]:
        """Out-of-fold predictions of the fine-tuned heads, and the pretrained head's for the same images.

        Both have probabilities cross-fitted over the same folds. Raises ValueError without `oof`.
        """
        if self.oof is None:
            raise ValueError(f"the experiment with seed {self.seed} was not fine-tuned")
        before = unadapted(self.oof, self.predictions)
        return out_of_fold(self.oof)[0][_MODE], out_of_fold(before)[0][_MODE]


def check_same_images(results: Mapping[str, list[Result]]) -> None:
    """Raise StoreError unless every result predicts the same test images in the same order."""
    first = next(iter(results.values()))[0].image_ids()
    for name, runs in results.items():
        for run in runs:
            if not np.array_equal(run.image_ids(), first):
                raise StoreError(
                    f"{name} with seed {run.seed} predicts other test images than the full head",
                    where="models/predictions.parquet of that experiment",
                    rule="variants are compared photograph by photograph",
                    fix="run `dvc repro headline`, then `roadwork ablate` again",
                )
