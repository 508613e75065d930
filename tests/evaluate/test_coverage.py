"""Coverage by simulation: how often a 95 % interval contains the truth of a population that is known exactly.

The population: what a model sees in a photograph is a number, normal around 0 (none) or `shift` (roadwork). Half of a
block's photographs share their label, and half of the noise belongs to the block, so errors come in groups. Each
photograph on its own still follows the plain model of two normals, in which every score is an integral.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.metrics import BINS, SCORES, bins_of, scores
from roadwork.evaluate.resampled import resample_scores

BLOCKS, PER_BLOCK, PREVALENCE = 60, 8, 0.4
OF_BLOCK, OWN = 0.7, np.sqrt(1 - 0.7**2)  # standard deviations of the noise: together 1
RUNS, RESAMPLES = 300, 400


@dataclass(frozen=True)
class Model:
    """Scores `shift` apart, turned into `expit(steepness · true logit + offset)`: calibrated at 1 and 0."""

    shift: float
    steepness: float = 1.0
    offset: float = 0.0

    def probabilities(self, values):
        true_logit = self.shift * (values - self.shift / 2) + logit(PREVALENCE)
        return expit(self.steepness * true_logit + self.offset)

    def truth(self):
        """Every score of the population, by sums over a fine grid."""
        grid = np.linspace(self.shift + 9, -9, 200_001)
        step = grid[0] - grid[1]
        p = self.probabilities(grid)
        works = PREVALENCE * norm.pdf(grid, self.shift) * step
        none = (1 - PREVALENCE) * norm.pdf(grid) * step
        called = p >= 0.5
        tp, fp, fn, tn = works[called].sum(), none[called].sum(), works[~called].sum(), none[~called].sum()
        gaps = np.bincount(bins_of(p, BINS), weights=works * (1 - p) - none * p, minlength=BINS)
        return {
            "mcc": (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
            "f1": 2 * tp / (2 * tp + fp + fn),
            "auroc": norm.cdf(self.shift / np.sqrt(2)),
            "auprc": np.sum(works * works.cumsum() / (works + none).cumsum()) / PREVALENCE,
            "accuracy": tp + tn,
            "precision": tp / (tp + fp),
            "recall": tp / (tp + fn),
            "ece": np.abs(gaps).sum(),
            "brier": np.sum(works * (1 - p) ** 2 + none * p**2),
        }


CALIBRATED, OVERCONFIDENT, POORER = Model(2.0), Model(2.0, 2.5), Model(1.4, 1.0, 0.5)


def sample(generator, *models, blocks=BLOCKS):
    """Labels, blocks, and each model's probabilities: of the same photographs, with noise that is partly the same."""
    shape = (blocks, PER_BLOCK)
    shared, own = generator.uniform(size=(blocks, 1)), generator.uniform(size=shape)
    labels = np.where(generator.uniform(size=shape) < 0.5, shared, own) < PREVALENCE
    common = OF_BLOCK * generator.normal(size=(blocks, 1)) + OWN * generator.normal(size=shape)
    found = []
    for model in models:
        alone = OF_BLOCK * generator.normal(size=(blocks, 1)) + OWN * generator.normal(size=shape)
        noise = np.sqrt(0.7) * common + np.sqrt(0.3) * alone
        found.append(model.probabilities(model.shift * labels + noise).ravel())
    return labels.ravel().astype(np.int64), np.repeat(np.arange(blocks), PER_BLOCK), found


@pytest.fixture(scope="module")
def coverage():
    """Share of intervals with the truth in them, by score: of each model, of the difference of the first two, and of
    the first one when every photograph is taken for a block."""
    models = {"calibrated": CALIBRATED, "poorer": POORER, "overconfident": OVERCONFIDENT}
    truth = {name: model.truth() for name, model in models.items()}
    truth["difference"] = {score: truth["calibrated"][score] - truth["poorer"][score] for score in SCORES}
    truth["ungrouped"] = truth["calibrated"]
    hits = {name: Counter() for name in truth}
    generator = np.random.default_rng(7)
    for run in range(RUNS):
        resampling = Resampling(RESAMPLES, 0.95, run)
        labels, blocks, probabilities = sample(generator, *models.values())
        found = [resample_scores(labels, own, blocks, resampling) for own in probabilities]
        alone = resample_scores(labels, probabilities[0], np.arange(len(labels)), resampling)
        for score in SCORES:
            intervals = dict(zip(models, (one.interval(score, resampling) for one in found), strict=True))
            intervals["difference"], _ = found[0].difference(found[1], score, resampling)
            intervals["ungrouped"] = alone.interval(score, resampling)
            for name, interval in intervals.items():
                hits[name][score] += interval.low <= truth[name][score] <= interval.high
    return {name: {score: counted[score] / RUNS for score in SCORES} for name, counted in hits.items()}


@pytest.mark.parametrize("model", [CALIBRATED, POORER, OVERCONFIDENT], ids=["calibrated", "poorer", "overconfident"])
def test_the_truth_is_that_of_the_population(model):
    labels, _, [probabilities] = sample(np.random.default_rng(3), model, blocks=40_000)
    found = scores(labels, probabilities)
    for name, value in model.truth().items():
        assert found[name] == pytest.approx(value, abs=0.006), name


@pytest.mark.parametrize("kind", ["calibrated", "poorer", "overconfident", "difference"])
def test_at_least_nine_of_ten_intervals_contain_the_truth(coverage, kind):
    assert tuple(coverage[kind]) == SCORES
    assert {score: share for score, share in coverage[kind].items() if share < 0.9} == {}


def test_resampling_images_instead_of_blocks_would_promise_too_much(coverage):
    for score in SCORES:
        assert coverage["ungrouped"][score] < min(0.9, coverage["calibrated"][score] - 0.05), score


def test_the_percentile_interval_of_the_calibration_error_would_never_contain_that_of_a_calibrated_model():
    generator, above = np.random.default_rng(9), 0
    for run in range(20):
        labels, blocks, [probabilities] = sample(generator, CALIBRATED)
        found = resample_scores(labels, probabilities, blocks, Resampling(RESAMPLES, 0.95, run))
        above += np.quantile(found.scores["ece"].resampled, 0.025) > 0
    assert above == 20
