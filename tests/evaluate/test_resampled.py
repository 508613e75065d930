import tracemalloc

import numpy as np
import pytest

from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.metrics import SCORES, scores
from roadwork.evaluate.resampled import resample_scores

RESAMPLING = Resampling(resamples=120, confidence=0.95, seed=3)


def some(n=90, blocks=12, seed=5):
    """Labels, probabilities with ties, and blocks of unequal size."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.round(rng.uniform(size=n) * 0.6 + 0.4 * labels, 1), 7 * rng.integers(0, blocks, n) - 3


def written_out(labels, probabilities, blocks, drawn):
    """scikit-learn's scores of the images of the drawn blocks, each as often as it was drawn."""
    rows = np.concatenate([np.flatnonzero(blocks == block) for block in drawn])
    return scores(labels[rows], probabilities[rows])


def test_every_score_is_scikit_learns_on_the_images_of_every_resample():
    labels, probabilities, blocks = data = some()
    found = resample_scores(*data, RESAMPLING)
    names = np.unique(blocks)
    expected = [
        written_out(*data, names[drawn])
        for drawn in np.random.default_rng(3).integers(len(names), size=(120, len(names)))
    ]
    without = [written_out(*data, np.delete(names, place)) for place in range(len(names))]
    whole = scores(labels, probabilities)
    assert set(found.scores) == set(SCORES)
    for name in SCORES:
        got = found.scores[name]
        assert got.sample == pytest.approx(whole[name]), name
        assert got.resampled == pytest.approx([one[name] for one in expected]), name
        assert got.left_out == pytest.approx([one[name] for one in without]), name


def test_one_block_has_nothing_to_resample():
    assert resample_scores([0, 1], [0.2, 0.7], [4, 4], RESAMPLING) is None


def test_a_resample_that_lacks_a_class_is_left_out_where_the_score_needs_it():
    # Two blocks, one of each class: a quarter of the resamples holds only roadwork, a quarter only none.
    found = resample_scores([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], [0, 0, 1, 1], Resampling(2000, 0.95, 1))
    undefined = {name: np.isnan(found.scores[name].resampled).mean() for name in SCORES}
    assert [name for name, share in undefined.items() if share == 0] == ["accuracy", "precision", "ece", "brier"]
    for name, share in {"mcc": 0.5, "auroc": 0.5, "auprc": 0.25, "f1": 0.25, "recall": 0.25}.items():
        assert undefined[name] == pytest.approx(share, abs=0.04)
        assert found.interval(name, Resampling(2000, 0.95, 1)) is None
        assert found.difference(found, name, Resampling(2000, 0.95, 1)) == (None, None)
        assert found.interval(name, Resampling(2000, 0.4, 1)) is not None


def test_what_the_model_lacks_keeps_the_convention():
    labels = np.tile([0, 1], 20)
    found = resample_scores(labels, np.full(40, 0.3), np.arange(40) // 4, RESAMPLING)  # never calls roadwork
    for name in ("mcc", "f1", "precision", "recall"):
        assert (found.scores[name].resampled == 0).all()


def test_a_perfect_model_has_no_interval_because_it_has_no_error_to_resample():
    labels = np.tile([0, 1], 50)
    found = resample_scores(labels, labels, np.arange(100) // 4, RESAMPLING)
    assert [name for name in SCORES if found.interval(name, RESAMPLING) is not None] == ["ece"]
    slightly_wrong = np.where(labels, 0.9, 0.1)
    found = resample_scores(labels, slightly_wrong, np.arange(100) // 4, RESAMPLING)
    assert found.interval("mcc", RESAMPLING) is None
    assert found.interval("brier", RESAMPLING) is not None


def test_a_model_differs_from_itself_by_nothing():
    found = resample_scores(*some(), RESAMPLING)
    for name in SCORES:
        interval, probability = found.difference(found, name, RESAMPLING)
        assert (interval.low, interval.high, probability) == (0, 0, 0.5), name


def test_models_that_are_equal_but_for_the_order_of_summing_differ_by_nothing():
    labels, blocks = np.ones(60, int), np.arange(60) // 6
    probabilities = np.random.default_rng(2).uniform(size=60)
    swapped = probabilities.reshape(10, 6)[:, ::-1].ravel()  # the same numbers in every block
    pair = [resample_scores(labels, own, blocks, RESAMPLING) for own in (probabilities, swapped)]
    for name in ("brier", "ece"):
        interval, probability = pair[0].difference(pair[1], name, RESAMPLING)
        assert (interval.low, interval.high) == pytest.approx((0, 0), abs=1e-12)
        assert probability == 0.5


def test_results_do_not_depend_on_the_size_of_the_parts(monkeypatch):
    data = some()
    whole = resample_scores(*data, RESAMPLING)
    for cells in (90, 1000, 3000):  # one resample at a time, eleven, thirty-three
        monkeypatch.setattr("roadwork.evaluate.bootstrap._CELLS", cells)
        parts = resample_scores(*data, RESAMPLING)
        for name in SCORES:
            assert parts.scores[name].resampled == pytest.approx(whole.scores[name].resampled, abs=1e-13)
            assert parts.scores[name].left_out == pytest.approx(whole.scores[name].left_out, abs=1e-13)
        assert parts.gaps.resampled == pytest.approx(whole.gaps.resampled, abs=1e-13)


def test_memory_does_not_grow_with_resamples_times_images():
    n = 2298
    rng = np.random.default_rng(1)
    labels, probabilities, blocks = rng.integers(0, 2, n), rng.uniform(size=n), rng.integers(0, 900, n)
    tracemalloc.start()
    resample_scores(labels, probabilities, blocks, Resampling(1000, 0.95, 0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * n * 8  # not even one array [resample image]


def test_grouped_errors_widen_the_interval():
    rng = np.random.default_rng(5)
    labels = np.tile(np.repeat([0, 1], 10), 20)
    right = np.repeat(rng.uniform(size=40) < 0.8, 10)  # whole blocks right or wrong
    probabilities = np.where(right, labels, 1 - labels) * 0.8 + 0.1
    own = Resampling(1000, 0.95, 3)
    grouped, single = (resample_scores(labels, probabilities, b, own) for b in (np.arange(400) // 10, np.arange(400)))
    for name in set(SCORES) - {"auprc"}:
        wide, narrow = grouped.interval(name, own), single.interval(name, own)
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low), name


def test_the_seed_gives_the_same_intervals_and_another_seed_others():
    data = some()
    one, again, other = (
        resample_scores(*data, own).interval("mcc", own) for own in (Resampling(300, 0.95, s) for s in (3, 3, 4))
    )
    assert one == again != other
