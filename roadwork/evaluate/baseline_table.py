"""What stage `baselines` leaves behind, as the stages after it read it: without features and without fitting anything.

The table has a row per labelled test image: image_id, label, block, city (null where there is no position), and for
each baseline probability_<name>. The metrics hold what isn't per image, and what they were made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from roadwork.errors import StoreError
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.score import Predictions, difference_row, score_row

CITY = "city"


def probability_column(name: str) -> str:
    """The column of the baseline `name`."""
    return f"probability_{name}"


def baseline_rows(
    table: pd.DataFrame, metrics: Mapping[str, Any], headline: Predictions, resampling: Resampling
) -> dict[str, dict[str, Any]]:
    """By baseline: its scores, what was chosen for it, and how far the headline is above it on the same resamples.

    The rows of `table` are the images of `headline`, in its order.
    """
    rows = {}
    for name, told in metrics["baselines"].items():
        probabilities = table[probability_column(name)].to_numpy(np.float64)
        own = Predictions(headline.labels, headline.blocks, probabilities, told["threshold"])
        rows[name] = score_row(own, resampling) | told["chosen"]
        rows[name]["difference"] = difference_row(headline, own, resampling)
    return rows


def check_baselines(metrics: Mapping[str, Any], expected: Mapping[str, Any], *, where: str, fix: str) -> None:
    """Raise StoreError unless the baselines' metrics name what is `expected` of data, table, seed and intervals."""
    for name, value in expected.items():
        if metrics.get(name) != value:
            raise StoreError(
                f"the baselines are of another {name.replace('_', ' ')}: {str(metrics.get(name))[:12]}, "
                f"expected is {str(value)[:12]}",
                where=f"{where}: {name}",
                rule="a head is compared with baselines on the same data, with the same intervals",
                fix=fix,
            )
