import numpy as np
import pytest
from pydantic import ValidationError

from roadwork.errors import ParameterError, SplitError
from roadwork.evaluate.baselines import NAMES, fit_baselines
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.metrics import scores
from roadwork.evaluate.neighbours import fit_neighbours
from roadwork.evaluate.probe import fit_probe, validation_mcc

CONFIG = EvaluateConfig(resamples=100, confidence=0.95, neighbours=(1, 3), regularisation=(0.01, 1.0))
SIZES = {"train": 80, "val": 30, "test": 40}


def splits(signal_in, seed=0):
    """Views with the label in channel 0 of the views `signal_in`; metadata with the label in column 1."""
    rng = np.random.default_rng(seed)
    views, metadata, labels = {}, {}, {}
    for split, n in SIZES.items():
        labels[split] = rng.permutation(np.arange(n) % 2)
        views[split] = rng.normal(size=(n, 4, 6)).astype(np.float16)
        views[split][:, list(signal_in), 0] += 12 * labels[split][:, None]
        metadata[split] = np.stack([rng.normal(size=n), labels[split] + rng.normal(0, 0.01, n)], axis=1)
    return views, metadata, labels


def mccs(signal_in):
    views, metadata, labels = splits(signal_in)
    results = fit_baselines(views, metadata, labels, CONFIG)
    assert tuple(results) == NAMES
    return {name: scores(labels["test"], result.probabilities)["mcc"] for name, result in results.items()}


def test_the_global_probe_sees_the_first_view_only():
    found = mccs(signal_in=(0,))
    assert found["linear_probe_global"] == 1
    assert mccs(signal_in=(1, 2, 3))["linear_probe_global"] < 0.6


def test_the_mean_probe_and_the_neighbours_see_all_views():
    found = mccs(signal_in=(1, 2, 3))
    assert found["linear_probe_mean"] == 1
    assert found["nearest_neighbours"] > 0.7


def test_metadata_only_reads_no_pixels_and_majority_knows_nothing():
    found = mccs(signal_in=())
    assert found["metadata_only"] == 1
    assert found["majority"] == 0
    assert found["linear_probe_mean"] < 0.6


def test_test_labels_are_never_read():
    views, metadata, labels = splits((0, 1))
    results = fit_baselines(views, metadata, labels, CONFIG)
    blind = fit_baselines(views, metadata, labels | {"test": np.full(40, -1)}, CONFIG)
    for name in NAMES:
        assert results[name].probabilities.tolist() == blind[name].probabilities.tolist()


def test_majority_gives_the_training_share():
    views, metadata, labels = splits(())
    labels["train"] = np.array([1] * 20 + [0] * 60)
    assert set(fit_baselines(views, metadata, labels, CONFIG)["majority"].probabilities) == {0.25}


@pytest.mark.parametrize("split", ["train", "val"])
def test_one_class_is_an_error_that_names_the_split(split):
    views, metadata, labels = splits(())
    labels[split] = np.zeros_like(labels[split])
    with pytest.raises(SplitError, match=split):
        fit_baselines(views, metadata, labels, CONFIG)


def test_strength_and_k_are_chosen_on_validation():
    # One informative and very many noisy columns: only strong regularisation keeps the noise out.
    rng = np.random.default_rng(3)
    labels = {split: np.arange(n) % 2 for split, n in SIZES.items()}
    features = {split: rng.normal(size=(n, 400)) for split, n in SIZES.items()}
    for split in SIZES:
        features[split][:, 0] += 2 * labels[split]
    candidates = (1e-4, 1e-2, 1.0, 100.0)
    _, chosen = fit_probe(features, labels, candidates)
    by_strength = {}
    for strength in candidates:
        alone, _ = fit_probe(features, labels, (strength,))
        by_strength[strength] = validation_mcc(labels["val"], alone.decision_function(features["val"]))
    assert by_strength[chosen] == max(by_strength.values())
    assert chosen == min(c for c in candidates if by_strength[c] == by_strength[chosen])


def test_neighbours_vote_and_a_unanimous_vote_stays_finite():
    labels = {"train": np.array([0, 0, 0, 1, 1, 1]), "val": np.array([0, 1])}
    train = np.array([[-1.0, 0.1], [-1.0, 0.0], [-1.0, -0.1], [1.0, 0.1], [1.0, 0.0], [1.0, -0.1]])
    fitted = fit_neighbours({"train": train, "val": train[[1, 4]]}, labels, (3,))
    assert fitted.margins(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx([np.log(3.5 / 0.5), np.log(0.5 / 3.5)])


def test_of_equally_good_k_the_smallest_is_taken_and_too_large_ones_are_left_out():
    labels = {"train": np.array([0, 0, 1, 1]), "val": np.array([0, 1])}
    features = {"train": np.array([[-1.0], [-1.1], [1.0], [1.1]]), "val": np.array([[-1.0], [1.0]])}
    assert fit_neighbours(features, labels, (9, 2, 1)).k == 1
    with pytest.raises(ParameterError, match=r"evaluate\.neighbours"):
        fit_neighbours(features, labels, (5, 9))


@pytest.mark.parametrize(
    "change",
    [{"neighbours": (0,)}, {"neighbours": ()}, {"regularisation": (0.0,)}, {"confidence": 1.0}, {"resamples": 1}],
)
def test_nonsense_parameters_are_refused(change):
    values = {"resamples": 100, "confidence": 0.9, "neighbours": (1,), "regularisation": (1.0,)}
    with pytest.raises(ValidationError):
        EvaluateConfig(**(values | change))
