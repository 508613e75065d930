import numpy as np
import pytest

from roadwork.evaluate.selection import validation_score
from roadwork.train.early_stopping import best_index


def test_the_mcc_is_that_of_the_best_threshold_and_the_loss_is_cross_entropy():
    score = validation_score([0, 0, 1, 1], [3.0, 4.0, 5.0, 9.0])
    assert score.mcc == 1
    assert score.loss == pytest.approx(np.log1p(np.exp([3, 4, -5, -9])).mean())


def test_of_equal_mcc_the_more_honest_margins_win():
    labels, margins = np.array([0, 1, 0, 1]), np.array([-1.0, 1.0, -1.2, 1.2])
    scores = [validation_score(labels, margins * scale) for scale in (0.1, 1.0, 3.0)]
    assert [score.mcc for score in scores] == [1, 1, 1]
    assert best_index(scores) == 2
    wrong = [validation_score([1, 0, *labels], np.array([-4.0, 4.0, *margins]) * scale) for scale in (0.1, 1.0, 3.0)]
    assert len({score.mcc for score in wrong}) == 1
    assert best_index(wrong) == 0


def test_a_higher_mcc_comes_first_at_any_loss():
    overconfident = validation_score([0, 1], [900.0, 901.0])
    cautious = validation_score([0, 1], [0.1, 0.0])
    assert overconfident.loss > cautious.loss
    assert best_index([cautious, overconfident]) == 1
