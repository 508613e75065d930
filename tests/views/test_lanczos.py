from __future__ import annotations

import numpy as np
import pytest

from roadwork.views.lanczos import lanczos_weights


@pytest.mark.parametrize(("length", "size"), [(1, 1), (1, 16), (5, 16), (16, 16), (17, 16), (4032, 224), (100, 512)])
def test_rows_sum_to_one_and_mirror_each_other(length, size):
    weights = lanczos_weights(length, size)
    assert weights.shape == (size, length)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)


def test_the_same_size_is_the_identity():
    np.testing.assert_allclose(lanczos_weights(9, 9), np.eye(9), atol=1e-15)


def test_known_weights_of_halving():
    """Twelve pixels within three target pixels' width of a centre, at a quarter, three quarters, ... of it."""
    weights = lanczos_weights(64, 32)[16]
    assert np.flatnonzero(weights).tolist() == list(range(27, 39))
    d = np.arange(-2.75, 3, 0.5)
    lobes = 3 * np.sin(np.pi * d) * np.sin(np.pi * d / 3) / (np.pi * d) ** 2
    np.testing.assert_allclose(weights[27:39], lobes / lobes.sum())
