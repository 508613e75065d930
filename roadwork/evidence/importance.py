"""What each view contributes on average: the scorecard's `views`."""

from __future__ import annotations

import numpy as np
import pandas as pd

_DECIMALS = 6


def view_importance(evidence: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By view, in order, means over the images of an evidence table; six decimals.

    gate       mean gate, 0 counted where the view was pruned away
    kept       share of the images in which pruning kept it
    deletion   mean |Δp|: how far the probability moves when this view alone is withheld, whichever the direction
    toward     mean Δp: above 0 the view speaks for roadwork on average
    """
    names = evidence["name"].to_numpy(dtype=object)
    change = evidence["deletion"].to_numpy(dtype=np.float64)
    columns = {
        "gate": evidence["gate"].to_numpy(dtype=np.float64),
        "kept": evidence["kept"].to_numpy(dtype=np.float64),
        "deletion": np.abs(change),
        "toward": change,
    }
    return {
        str(name): {key: round(float(values[names == name].mean()), _DECIMALS) for key, values in columns.items()}
        for name in dict.fromkeys(names)
    }
