"""Everything the page tells about, as the stages wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from roadwork.report.curves import Curves
from roadwork.report.gallery import Gallery


@dataclass(frozen=True)
class Run:
    """One finished run.

    `scorecard` is `metrics/evaluate.json`; `ablation` is `metrics/ablation.json`, None where it was never measured.
    `plots`: points by curve of `metrics/plots/`. `curves`, `fold_curves`: quantities by epoch of the training and of
    each fold. `folds`: metrics of each fine-tuned fold. `oof`: the out-of-fold predictions. `pictures`: data URIs by
    name (`contact_sheet`, `sampling`). `sections`: the parameters by section, `params` the text of their file.
    `made_from`: sha256 of every file the page was made from, by path.
    """

    scorecard: Mapping[str, Any]
    ablation: Mapping[str, Any] | None
    plots: Mapping[str, Sequence[Mapping[str, Any]]]
    curves: Curves
    fold_curves: Mapping[int, Curves]
    ingest: Mapping[str, Any]
    embed_images: Mapping[str, Any]
    sampling: Mapping[str, Any]
    pretrain: Mapping[str, Any]
    timing: Mapping[str, Any]
    folds: Sequence[Mapping[str, Any]]
    oof: pd.DataFrame
    ensemble: Mapping[str, Any]
    gallery: Gallery
    pictures: Mapping[str, str]
    sections: Mapping[str, Any]
    params: str
    versions: Mapping[str, str]
    made_from: Mapping[str, str]
