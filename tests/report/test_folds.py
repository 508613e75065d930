import pandas as pd
import pytest

from roadwork.report.folds import fold_rows, spread

METRICS = [{"fold": 0}, {"fold": 1}, {"fold": 2}]
OOF = pd.DataFrame(
    {
        "fold": [0, 0, 0, 0, 1, 1, 2],
        "label": pd.array([0, 1, 0, 1, 0, 1, None], dtype="Int8"),
        "probability_image_only": [0.1, 0.9, 0.2, 0.8, 0.6, 0.4, 0.9],
    }
)


def test_each_fold_has_the_mcc_of_its_outer_part():
    rows = fold_rows(METRICS, [1], OOF)
    assert [row.outer_mcc for row in rows] == [pytest.approx(1.0), pytest.approx(-1.0), None]
    assert [row.member for row in rows] == [False, True, False]
    assert spread(rows) == (pytest.approx(-1.0), pytest.approx(1.0))


def test_without_labels_there_is_no_spread():
    assert spread(fold_rows(METRICS[2:], [], OOF)) is None
