import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from roadwork.ablation.rows import finetuning, rows
from roadwork.ablation.variants import Variant
from roadwork.errors import StoreError
from roadwork.evaluate.bootstrap import Resampling

RESAMPLING = Resampling(resamples=200, confidence=0.95, seed=1)
FULL = Variant("full", "full head", "full", {})
MINUS = Variant("no_gate", "without the gate", "minus", {"head.attention.gate": "none"})
TUNING = Variant("finetuning", "without fine-tuning", "minus", {})


def score(wrong):
    labels = np.arange(40) % 2
    return matthews_corrcoef(labels, np.where(np.isin(np.arange(40), list(wrong)), 1 - labels, labels))


def test_a_row_with_its_paired_difference(result):
    full = [result(1, wrong=[0, 7]), result(2, wrong=[0, 3, 11, 20])]
    minus = [result(1, wrong=[0, 7, 8, 30, 33]), result(2, wrong=[0, 3, 11, 20, 25])]
    first, second = rows([FULL, MINUS], {"full": full, "no_gate": minus}, RESAMPLING)

    by_seed = [score([0, 7, 8, 30, 33]), score([0, 3, 11, 20, 25])]
    full_by_seed = [score([0, 7]), score([0, 3, 11, 20])]
    assert first["difference"] is None
    assert first["time_per_epoch"] == first["training_time"] == 1
    assert (second["name"], second["title"], second["group"]) == ("no_gate", "without the gate", "minus")
    assert second["changes"] == ["head.attention.gate=none"]
    assert second["seeds"] == 2
    assert second["mcc_by_seed"] == pytest.approx(by_seed, abs=1e-6)
    assert second["mcc"] == pytest.approx(np.mean(by_seed), abs=1e-6)
    assert second["mcc_sd"] == pytest.approx(np.std(by_seed, ddof=1), abs=1e-6)
    assert (second["auroc"], second["auroc_sd"], second["mcc_with_metadata"]) == (0.8, 0, 0.6)
    assert (second["parameters"], second["epochs"]) == (1000, 10)
    difference = second["difference"]
    assert difference["mcc_by_seed"] == pytest.approx(np.subtract(by_seed, full_by_seed), abs=1e-6)
    assert difference["mcc"] == pytest.approx(np.mean(np.subtract(by_seed, full_by_seed)), abs=1e-6)
    low, high = difference["mcc_ci95"]
    assert low < difference["mcc"] < high <= 0.05
    assert 0 <= difference["mcc_probability_positive"] < 0.1


def test_only_seeds_that_both_have_are_paired(result):
    full = [result(1), result(3)]
    minus = [result(2, wrong=[1]), result(3, wrong=[1, 2])]
    _, row = rows([FULL, MINUS], {"full": full, "no_gate": minus}, RESAMPLING)
    assert row["seeds"] == 2
    assert row["difference"]["mcc_by_seed"] == pytest.approx([score([1, 2]) - 1], abs=1e-6)
    _, row = rows([FULL, MINUS], {"full": [result(1)], "no_gate": [result(2)]}, RESAMPLING)
    assert row["difference"] is None
    assert row["time_per_epoch"] is None


def test_one_seed_has_no_spread(result):
    (row,) = rows([FULL], {"full": [result()]}, RESAMPLING)
    assert row["mcc_sd"] is None
    assert row["auroc_sd"] is None


def test_one_block_has_no_interval(result):
    def together(run):
        return dataclasses.replace(run, predictions=run.predictions.assign(block=0))

    results = {"full": [together(result())], "no_gate": [together(result(wrong=[3]))]}
    _, row = rows([FULL, MINUS], results, RESAMPLING)
    assert row["difference"]["mcc"] < 0
    assert row["difference"]["mcc_ci95"] is None
    assert row["difference"]["mcc_probability_positive"] is None


def test_the_intervals_key_carries_the_confidence(result):
    results = {"full": [result()], "no_gate": [result(wrong=[3])]}
    _, row = rows([FULL, MINUS], results, Resampling(resamples=100, confidence=0.9, seed=1))
    assert "mcc_ci90" in row["difference"]


def test_times_are_ratios_to_the_same_seed_and_count_a_resumed_training_whole(result):
    full = [result(1, seconds_per_epoch=2.0), result(2, seconds_per_epoch=4.0)]
    minus = [result(1, seconds_per_epoch=1.0, seconds=3.0, epochs=3), result(2, seconds_per_epoch=3.0)]
    minus = [dataclasses.replace(run, pretrain={"parameters": 9, "epochs": 20}) for run in minus]
    _, row = rows([FULL, MINUS], {"full": full, "no_gate": minus}, RESAMPLING)
    assert row["time_per_epoch"] == pytest.approx((0.5 + 0.75) / 2)
    assert row["training_time"] == pytest.approx((0.5 * 2 + 0.75 * 2) / 2)


@pytest.mark.parametrize("other", [{"threads": 4}, {"device": "cuda"}, {"seconds_per_epoch": None}])
def test_times_of_another_machine_or_of_no_training_are_not_compared(other, result):
    _, row = rows([FULL, MINUS], {"full": [result()], "no_gate": [result(**other)]}, RESAMPLING)
    assert row["time_per_epoch"] is None
    assert row["training_time"] is None


def test_an_auroc_that_is_undefined_is_left_out(result):
    run = result()
    undefined = {mode: {"mcc": 0.0, "auroc": None} for mode in run.headline["test"]}
    run = dataclasses.replace(run, headline={"test": undefined})
    (row,) = rows([FULL], {"full": [run]}, RESAMPLING)
    assert row["auroc"] is None


def test_variants_without_results_and_fine_tuning_have_no_row(result):
    found = rows([FULL, MINUS, TUNING], {"full": [result()], "no_gate": []}, RESAMPLING)
    assert [row["name"] for row in found] == ["full"]


def test_other_test_images_are_refused(result):
    run = result()
    other = dataclasses.replace(run, predictions=run.predictions.iloc[::-1].reset_index(drop=True))
    with pytest.raises(StoreError, match="no_gate with seed 1 predicts other test images"):
        rows([FULL, MINUS], {"full": [run], "no_gate": [other]}, RESAMPLING)


def test_fine_tuning_is_without_minus_with(result, tuned):
    """Fine-tuning mends two of the pretrained head's four errors; both sides are cross-fitted over the same folds."""
    runs = [tuned(result(seed, wrong=[0, 9, 18, 27]), wrong=[0, 9]) for seed in (1, 2)]
    found = finetuning([*runs, result(3)], RESAMPLING)
    assert found["seeds"] == 2
    assert found["oof"]["mcc"] > found["oof_unadapted"]["mcc"]
    assert found["difference"]["mcc"] == pytest.approx(found["oof_unadapted"]["mcc"] - found["oof"]["mcc"], abs=2e-6)
    assert found["difference"]["mcc_ci95"][1] <= 0
    assert not any(math.isnan(value) for value in found["difference"]["mcc_by_seed"])


def test_without_fine_tuned_results_there_is_no_such_row(result):
    assert finetuning([result()], RESAMPLING) is None
    with pytest.raises(ValueError, match="not fine-tuned"):
        result().adapted()
