import numpy as np
import pytest
import torch
from pydantic import ValidationError

from roadwork.errors import TrainingError
from roadwork.evaluate.attention_mil import AttentionMil, fit_attention_mil
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.config import AttentionMilConfig
from roadwork.evaluate.metrics import scores
from roadwork.evaluate.probe import fit_probe
from roadwork.evaluate.selection import validation_score
from roadwork.model.standardisation import Standardisation
from roadwork.train.early_stopping import best_index

CONFIG = AttentionMilConfig(hidden=16, lr=(1e-2, 3e-2), weight_decay=(0.01, 1.0), batch_size=16, epochs=40, patience=8)
SIZES = {"train": 240, "val": 60, "test": 120}
VIEWS, DIM = 10, 8


def one_alone(**changes):
    return CONFIG.model_copy(update={"lr": (3e-2,), "weight_decay": (0.01,), **changes})


@pytest.fixture(scope="module")
def bags():
    """Channel 1 marks one view of each bag; only there is channel 0 the label, elsewhere it is as large and random."""
    rng = np.random.default_rng(0)
    views, labels, decisive = {}, {}, {}
    for split, n in SIZES.items():
        labels[split] = rng.permutation(np.arange(n) % 2)
        decisive[split] = rng.integers(VIEWS, size=n)
        here = np.arange(VIEWS) == decisive[split][:, None]
        bag = rng.normal(0, 0.5, (n, VIEWS, DIM))
        bag[:, :, 0] += 2 * np.where(here, 2 * labels[split][:, None] - 1, rng.choice([-1, 1], (n, VIEWS)))
        bag[:, :, 1] += 4 * here
        views[split] = bag.astype(np.float16)
    return views, labels, decisive


@pytest.fixture(scope="module")
def fitted(bags):
    views, labels, _ = bags
    return fit_attention_mil(views, labels, CONFIG, seed=3)


def test_it_finds_the_one_view_that_decides_where_the_mean_is_blind(bags, fitted):
    views, labels, decisive = bags
    mean = {split: array.mean(axis=1, dtype=np.float32) for split, array in views.items()}
    probe, _ = fit_probe(mean, labels, (0.01, 1.0))

    def mcc(margins):
        calibration = fit_calibration(labels["val"], margins["val"])
        return scores(labels["test"], calibration.probabilities(margins["test"]))["mcc"]

    assert mcc({split: fitted.margins(views[split]) for split in ("val", "test")}) > 0.9
    assert mcc({split: probe.decision_function(mean[split]) for split in ("val", "test")}) < 0.4
    with torch.no_grad():
        standardised = fitted.model.standardisation(torch.from_numpy(views["test"]))
        looked_at = fitted.model.attention(standardised).argmax(dim=1).numpy()
    found = looked_at == decisive["test"]  # to find it in one of the classes is enough to tell them apart
    assert max(found[labels["test"] == label].mean() for label in (0, 1)) > 0.9


def test_attention_is_equation_9_and_the_margin_a_linear_classifier_of_the_weighted_sum():
    rng = np.random.default_rng(1)
    standardisation = Standardisation(4, 5)
    embeddings = rng.normal(3, 2, (7, 4, 5)).astype(np.float32)
    standardisation.fit(torch.from_numpy(embeddings))
    model = AttentionMil(standardisation, 3).double()
    v, u, w = (layer.weight.detach().numpy() for layer in (model.content, model.gate, model.weight))
    h = (embeddings - embeddings.mean(axis=0)) / np.sqrt(embeddings.var(axis=0).mean(axis=0))
    raw = np.tanh(h @ v.T) / (1 + np.exp(-h @ u.T)) @ w[0]
    a = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    c, b = (part.detach().numpy() for part in (model.classifier.weight, model.classifier.bias))
    with torch.no_grad():
        margins = model(torch.from_numpy(embeddings)).numpy()
        attention = model.attention(torch.from_numpy(h).double()).numpy()
    assert attention == pytest.approx(a, abs=1e-6)
    assert margins == pytest.approx((a[:, :, None] * h).sum(axis=1) @ c[0] + b[0], abs=1e-5)


def test_equal_seeds_give_equal_bits_whatever_the_global_generator_holds(bags):
    views, labels, _ = bags
    margins = []
    for seed, state in ((3, 0), (3, 1), (4, 0)):
        torch.manual_seed(state)
        margins.append(fit_attention_mil(views, labels, one_alone(epochs=3), seed=seed).margins(views["test"]))
        assert torch.initial_seed() == state
    assert margins[0].tobytes() == margins[1].tobytes()
    assert (margins[0] != margins[2]).any()


def test_val_alone_chooses_the_run(bags, fitted):
    views, labels, _ = bags
    pairs = [(lr, decay) for lr in (1e-2, 3e-2) for decay in (1.0, 0.01)]
    alone = [
        fit_attention_mil(views, labels, one_alone(lr=(lr,), weight_decay=(decay,)), seed=3) for lr, decay in pairs
    ]
    best = best_index([validation_score(labels["val"], run.margins(views["val"])) for run in alone])
    assert fitted.chosen == alone[best].chosen
    assert (fitted.chosen["lr"], fitted.chosen["weight_decay"]) == pairs[best]
    assert fitted.margins(views["test"]).tobytes() == alone[best].margins(views["test"]).tobytes()
    without_test = {split: views[split] for split in ("train", "val")}
    again = fit_attention_mil(without_test, labels | {"test": np.empty(0)}, CONFIG, seed=3)
    assert again.chosen == fitted.chosen


def test_the_best_epoch_is_kept_and_patience_ends_the_run(bags):
    views, labels, _ = bags
    noise = labels | {"val": np.random.default_rng(5).permutation(labels["val"])}
    long = fit_attention_mil(views, noise, one_alone(epochs=60, patience=2), seed=3)
    epochs = long.chosen["epochs"]
    assert 1 <= epochs < 58
    stopped_there = fit_attention_mil(views, noise, one_alone(epochs=epochs, patience=2), seed=3)
    assert stopped_there.margins(views["test"]).tobytes() == long.margins(views["test"]).tobytes()


@pytest.mark.parametrize(
    "change", [{"lr": (0.0,)}, {"lr": ()}, {"weight_decay": (-0.1,)}, {"hidden": 0}, {"epochs": 0}, {"patience": 0}]
)
def test_nonsense_parameters_are_refused(change):
    with pytest.raises(ValidationError):
        AttentionMilConfig(**(CONFIG.model_dump() | change))


def test_a_rate_that_is_far_too_high_is_named(bags):
    views, labels, _ = bags
    with pytest.raises(TrainingError) as caught:
        fit_attention_mil(views, labels, one_alone(lr=(3e-2, 1e30), epochs=2), seed=3)
    assert caught.value.where == "params.yaml: evaluate.attention_mil.lr 1e+30, epoch 1"
    assert "margins on val are no numbers" in caught.value.what
