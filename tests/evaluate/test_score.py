import json

import numpy as np
import pytest

from roadwork.errors import DataError
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.metrics import SCORES, scores
from roadwork.evaluate.score import Predictions, difference_row, interval_name, rounded, score_row

RESAMPLING = Resampling(resamples=200, confidence=0.95, seed=1)
LABELS = np.tile([0, 1], 30)
BLOCKS = np.arange(60) // 4
RNG = np.random.default_rng(8)
GOOD, POOR = (np.clip(LABELS * gap + (1 - gap) / 2 + 0.3 * RNG.normal(size=60), 0, 1) for gap in (0.8, 0.3))


def predictions(probabilities, threshold=None, labels=LABELS, blocks=BLOCKS):
    return Predictions(np.asarray(labels), np.asarray(blocks), np.asarray(probabilities, float), threshold)


def constant(probability):
    return predictions(np.full(60, probability))


def test_a_row_has_its_size_and_every_score_with_its_interval():
    row = score_row(predictions(GOOD, threshold=1 / 3), RESAMPLING)
    assert list(row) == ["n", "blocks", "threshold", *(key for s in SCORES for key in (s, f"{s}_ci95"))]
    assert (row["n"], row["blocks"], row["threshold"]) == (60, 15, 0.333333)
    expected = scores(LABELS, GOOD)
    for name in SCORES:
        assert row[name] == pytest.approx(expected[name], abs=1e-6)
        low, high = row[f"{name}_ci95"]
        assert low <= row[name] <= high
        assert low < high


def test_the_interval_is_named_after_its_confidence():
    assert (interval_name(0.95), interval_name(0.9), interval_name(0.999)) == ("ci95", "ci90", "ci99_9")
    wide = Resampling(resamples=100, confidence=0.9, seed=1)
    assert {"mcc_ci90", "brier_ci90"} < set(score_row(predictions(GOOD), wide))
    assert "mcc_ci90" in difference_row(predictions(GOOD), predictions(POOR), wide)


def test_one_block_has_null_for_every_interval():
    single = predictions(GOOD, blocks=[4] * 60)
    row, difference = score_row(single, RESAMPLING), difference_row(single, single, RESAMPLING)
    for name in SCORES:
        assert row[f"{name}_ci95"] is None
        assert (difference[name], difference[f"{name}_ci95"], difference[f"{name}_probability_positive"]) == (
            0,
            None,
            None,
        )


def test_one_class_leaves_what_it_defines():
    none = predictions(GOOD, labels=[0] * 60)
    row, difference = score_row(none, RESAMPLING), difference_row(none, none, RESAMPLING)
    for name in ("mcc", "f1", "auroc", "auprc", "recall"):
        assert row[f"{name}_ci95"] is difference[f"{name}_ci95"] is difference[f"{name}_probability_positive"] is None
    assert row["auroc"] is difference["auroc"] is None
    assert row["mcc"] == difference["mcc"] == 0
    for name in ("accuracy", "ece", "brier"):
        assert row[f"{name}_ci95"] is not None
        assert difference[f"{name}_ci95"] == [0, 0]
    json.dumps([row, difference], allow_nan=False)


def test_a_difference_has_every_score_its_interval_and_its_probability():
    row = difference_row(predictions(GOOD), predictions(POOR), RESAMPLING)
    assert list(row) == [key for s in SCORES for key in (s, f"{s}_ci95", f"{s}_probability_positive")]
    first, second = scores(LABELS, GOOD), scores(LABELS, POOR)
    for name in SCORES:
        assert row[name] == pytest.approx(first[name] - second[name], abs=1e-6)
        low, high = row[f"{name}_ci95"]
        assert low <= row[name] <= high


def test_a_difference_is_signed():
    better, worse = (
        difference_row(predictions(a), predictions(b), RESAMPLING) for a, b in ((GOOD, POOR), (POOR, GOOD))
    )
    for name in ("mcc", "auroc", "accuracy"):
        assert better[name] == -worse[name]
        assert better[f"{name}_ci95"][0] > 0 > worse[f"{name}_ci95"][1]
        assert (better[f"{name}_probability_positive"], worse[f"{name}_probability_positive"]) == (1, 0)


def test_a_difference_is_paired():
    # Two models with the same mistakes but for one image: each is uncertain, their difference hardly.
    other = POOR.copy()
    other[0] = 1 - other[0]
    alone = score_row(predictions(POOR), RESAMPLING)["accuracy_ci95"]
    paired = difference_row(predictions(POOR), predictions(other), RESAMPLING)["accuracy_ci95"]
    assert paired[1] - paired[0] < 0.4 * (alone[1] - alone[0])


def test_models_that_decide_alike_differ_only_where_probabilities_count():
    row = difference_row(predictions(0.1 + 0.8 * LABELS), predictions(0.4 + 0.2 * LABELS), RESAMPLING)
    for name in ("mcc", "f1", "auroc", "auprc", "accuracy", "precision", "recall"):
        assert (row[name], row[f"{name}_ci95"], row[f"{name}_probability_positive"]) == (0, [0, 0], 0.5)
    assert row["brier"] == pytest.approx(0.01 - 0.16)
    assert row["ece"] == pytest.approx(0.1 - 0.4)
    assert row["ece_ci95"] == pytest.approx([-0.3, -0.3])
    assert row["brier_probability_positive"] == row["ece_probability_positive"] == 0


def test_difference_to_a_constant_model_is_the_mcc():
    row = difference_row(predictions(0.1 + 0.8 * LABELS), constant(0.4), RESAMPLING)
    assert row["mcc"] == 1.0
    assert row["mcc_probability_positive"] == 1.0


@pytest.mark.parametrize("other", [{"labels": 1 - LABELS}, {"blocks": BLOCKS[::-1]}])
def test_only_the_same_images_can_be_paired(other):
    with pytest.raises(DataError, match="paired"):
        difference_row(predictions(GOOD), predictions(GOOD, **other), RESAMPLING)


def test_rows_do_not_depend_on_the_size_of_the_parts(monkeypatch):
    pair = predictions(GOOD), predictions(POOR)
    whole = score_row(pair[0], RESAMPLING), difference_row(*pair, RESAMPLING)
    monkeypatch.setattr("roadwork.evaluate.bootstrap._CELLS", 400)
    assert (score_row(pair[0], RESAMPLING), difference_row(*pair, RESAMPLING)) == whole


def test_rounding_reaches_every_depth_and_keeps_counts():
    value = {"a": [1 / 3, {"b": -1e-9}], "n": 3, "none": None, "text": "x"}
    got = rounded(value)
    assert got == {"a": [0.333333, {"b": 0.0}], "n": 3, "none": None, "text": "x"}
    assert str(got["a"][1]["b"]) == "0.0"
    assert isinstance(got["n"], int)
    assert rounded(2.0) == pytest.approx(2)
