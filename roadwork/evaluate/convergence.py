"""What becomes of a linear classifier that hasn't converged: it is used as it is, and that is said."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

from roadwork.progress import note


@contextmanager
def convergence_noted(what: str) -> Iterator[None]:
    """scikit-learn's ConvergenceWarnings inside the `with` become one note about `what`; others pass."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    unfinished = [warning for warning in caught if issubclass(warning.category, ConvergenceWarning)]
    if unfinished:
        note(
            f"warning: {what}: {len(unfinished)} of its fits hadn't converged when they ran out of iterations; "
            "their scores are of where they stopped"
        )
    for warning in caught:
        if warning not in unfinished:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
