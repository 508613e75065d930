import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from roadwork.evaluate import probe
from roadwork.evaluate.convergence import convergence_noted
from roadwork.evaluate.probe import fit_probe


def test_fits_that_ran_out_of_iterations_are_one_line(monkeypatch, capsys):
    """With the line off, scikit-learn would print a warning of five lines for each."""
    monkeypatch.setattr(probe, "_MAX_ITERATIONS", 1)
    rng = np.random.default_rng(0)
    features = {split: rng.normal(size=(40, 5)) for split in ("train", "val")}
    labels = {split: np.arange(40) % 2 for split in ("train", "val")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with convergence_noted("the baseline linear_probe_mean"):
            fit_probe(features, labels, (0.1, 1.0, 10.0))
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: the baseline linear_probe_mean: 3 of its fits hadn't converged")


def test_nothing_is_said_of_fits_that_converged(capsys):
    with convergence_noted("x"):
        pass
    assert capsys.readouterr().err == ""


def test_other_warnings_pass():
    with pytest.warns(UserWarning, match="something else"), convergence_noted("x"):
        warnings.warn("something else", UserWarning, stacklevel=1)


def test_a_fault_inside_passes():
    with pytest.raises(ZeroDivisionError), convergence_noted("x"):
        warnings.warn("late", ConvergenceWarning, stacklevel=1)
        raise ZeroDivisionError
