from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from roadwork.config import read_params
from roadwork.errors import ParameterError, SplitError
from roadwork.evaluate.baselines import NAMES, fit_baselines
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.metrics import scores
from roadwork.evaluate.neighbours import fit_neighbours
from roadwork.evaluate.probe import fit_probe
from roadwork.evaluate.selection import validation_score
from roadwork.train.early_stopping import best_index

SECTION = read_params(Path(__file__).resolve().parents[2] / "params.yaml")["evaluate"]
MIL = {"hidden": 8, "lr": (3e-2,), "weight_decay": (0.01,), "batch_size": 16, "epochs": 20, "patience": 5}
CONFIG = EvaluateConfig.model_validate(
    SECTION | {"neighbours": (1, 3), "regularisation": (0.01, 1.0), "attention_mil": MIL}
)
SEED = 17
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
    results = fit_baselines(views, metadata, labels, CONFIG, seed=SEED)
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


def test_mean_and_max_see_one_loud_view_among_quiet_ones_and_the_mean():
    assert mccs(signal_in=(2,))["linear_probe_mean_max"] == 1
    rng = np.random.default_rng(8)
    views, metadata, labels = splits(())
    for split in SIZES:  # the same mean for both classes, the largest view only for roadwork
        loud = 9 * labels[split] * rng.choice([-1, 1], len(labels[split]))
        views[split][:, 0, 0], views[split][:, 1, 0] = loud, -loud
    results = fit_baselines(views, metadata, labels, CONFIG, seed=SEED)
    assert scores(labels["test"], results["linear_probe_mean_max"].probabilities)["mcc"] > 0.95
    assert scores(labels["test"], results["linear_probe_mean"].probabilities)["mcc"] < 0.6


def test_attention_mil_sees_all_views_and_says_what_was_chosen():
    views, metadata, labels = splits(signal_in=(1, 2, 3))
    result = fit_baselines(views, metadata, labels, CONFIG, seed=SEED)["attention_mil"]
    assert scores(labels["test"], result.probabilities)["mcc"] > 0.9
    assert result.threshold is not None
    assert set(result.chosen) == {"lr", "weight_decay", "epochs"}


def test_the_seed_moves_attention_mil_only():
    views, metadata, labels = splits((0, 1))
    first, again, other = (fit_baselines(views, metadata, labels, CONFIG, seed=seed) for seed in (1, 1, 2))
    for name in NAMES:
        assert first[name].probabilities.tobytes() == again[name].probabilities.tobytes()
        assert (first[name].probabilities.tobytes() == other[name].probabilities.tobytes()) == (name != "attention_mil")


def test_metadata_only_reads_no_pixels_and_majority_knows_nothing():
    found = mccs(signal_in=())
    assert found["metadata_only"] == 1
    assert found["majority"] == 0
    assert found["linear_probe_mean"] < 0.6


def test_test_labels_are_never_read():
    views, metadata, labels = splits((0, 1))
    results = fit_baselines(views, metadata, labels, CONFIG, seed=SEED)
    blind = fit_baselines(views, metadata, labels | {"test": np.full(40, -1)}, CONFIG, seed=SEED)
    for name in NAMES:
        assert results[name].probabilities.tolist() == blind[name].probabilities.tolist()


def test_majority_gives_the_training_share():
    views, metadata, labels = splits(())
    labels["train"] = np.array([1] * 20 + [0] * 60)
    assert set(fit_baselines(views, metadata, labels, CONFIG, seed=SEED)["majority"].probabilities) == {0.25}


@pytest.mark.parametrize("split", ["train", "val"])
def test_one_class_is_an_error_that_names_the_split(split):
    views, metadata, labels = splits(())
    labels[split] = np.zeros_like(labels[split])
    with pytest.raises(SplitError, match=split):
        fit_baselines(views, metadata, labels, CONFIG, seed=SEED)


def test_strength_and_k_are_chosen_on_validation():
    # One informative and very many noisy columns: only strong regularisation keeps the noise out.
    rng = np.random.default_rng(3)
    labels = {split: np.arange(n) % 2 for split, n in SIZES.items()}
    features = {split: rng.normal(size=(n, 400)) for split, n in SIZES.items()}
    for split in SIZES:
        features[split][:, 0] += 2 * labels[split]
    candidates = (1e-4, 1e-2, 1.0, 100.0)
    _, chosen = fit_probe(features, labels, candidates)
    alone = [fit_probe(features, labels, (strength,))[0].decision_function(features["val"]) for strength in candidates]
    assert chosen == candidates[best_index([validation_score(labels["val"], margins) for margins in alone])]


def test_neighbours_vote_and_a_unanimous_vote_stays_finite():
    labels = {"train": np.array([0, 0, 0, 1, 1, 1]), "val": np.array([0, 1])}
    train = np.array([[-1.0, 0.1], [-1.0, 0.0], [-1.0, -0.1], [1.0, 0.1], [1.0, 0.0], [1.0, -0.1]])
    fitted = fit_neighbours({"train": train, "val": train[[1, 4]]}, labels, (3,))
    assert fitted.margins(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx([np.log(3.5 / 0.5), np.log(0.5 / 3.5)])


def test_of_equal_mcc_the_surer_vote_is_taken_and_too_large_k_are_left_out():
    labels = {"train": np.array([0, 0, 1, 1]), "val": np.array([0, 1])}
    features = {"train": np.array([[-1.0], [-1.1], [1.0], [1.1]]), "val": np.array([[-1.0], [1.0]])}
    assert fit_neighbours(features, labels, (9, 1, 2)).k == 2
    assert fit_neighbours(features, labels, (9, 4, 1)).k == 1
    with pytest.raises(ParameterError, match=r"evaluate\.neighbours"):
        fit_neighbours(features, labels, (5, 9))


@pytest.mark.parametrize(
    "change",
    [{"neighbours": (0,)}, {"neighbours": ()}, {"regularisation": (0.0,)}, {"confidence": 1.0}, {"resamples": 1}],
)
def test_nonsense_parameters_are_refused(change):
    with pytest.raises(ValidationError):
        EvaluateConfig.model_validate(SECTION | change)
