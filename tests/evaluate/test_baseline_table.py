"""What stage `baselines` leaves behind: as the scorecard reads it, and of what it must be."""

import numpy as np
import pandas as pd
import pytest

from roadwork.errors import StoreError
from roadwork.evaluate.baseline_table import baseline_rows, check_baselines
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.score import Predictions, difference_row, score_row

RESAMPLING = Resampling(100, 0.95, 5)


def test_rows_are_scores_choices_and_the_difference_on_the_same_resamples():
    rng = np.random.default_rng(0)
    labels, blocks = rng.integers(0, 2, 40), np.arange(40) // 2
    headline = Predictions(labels, blocks, rng.uniform(size=40), 0.1)
    own = Predictions(labels, blocks, rng.uniform(size=40), 0.2)
    told = {"baselines": {"probe": {"threshold": 0.2, "chosen": {"regularisation": 0.01}}}}
    table = pd.DataFrame({"probability_probe": own.probabilities})
    assert baseline_rows(table, told, headline, RESAMPLING) == {
        "probe": {
            **score_row(own, RESAMPLING),
            "regularisation": 0.01,
            "difference": difference_row(headline, own, RESAMPLING),
        }
    }


def test_baselines_of_other_data_or_intervals_are_refused():
    metrics = {"data_digest": "a" * 64, "seed": 17}
    check_baselines(metrics, {"data_digest": "a" * 64, "seed": 17}, where="b.json", fix="run it again")
    with pytest.raises(StoreError, match=r"(?s)another data digest: aaaaaaaaaaaa, expected is bbbbbbbbbbbb.*b\.json"):
        check_baselines(metrics, {"data_digest": "b" * 64}, where="b.json", fix="run it again")
    with pytest.raises(StoreError, match=r"(?s)another confidence: None, expected is 0\.9.*run it again"):
        check_baselines(metrics, {"confidence": 0.9}, where="b.json", fix="run it again")
