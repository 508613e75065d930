"""Which place each image is counted to in the results by city."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.data.clusters import fit_clusters, nearest_km
from roadwork.errors import ParameterError, SamplingError
from roadwork.evaluate.subgroups import Cities, place_name

_MOST_DECIMALS = 4


def find_cities(frame: pd.DataFrame, clusters: int, seed: int) -> Cities:
    """The nearest of `clusters` K-means centres of the positions in `frame`, the manifest's rows of these images.

    Raises ParameterError where positions on opposite sides of the Earth make one cluster.
    """
    latitude, longitude = (frame[name].to_numpy(np.float64) for name in ("latitude_deg", "longitude_deg"))
    located = np.isfinite(latitude) & np.isfinite(longitude)
    if not located.any():
        return Cities([], [None] * len(frame))
    try:
        centres = fit_clusters(latitude, longitude, clusters, seed)
    except SamplingError:  # the one case left: a cluster whose members lie opposite each other
        raise ParameterError(
            "the test positions of one cluster lie on opposite sides of the Earth and have no centre",
            where=f"params.yaml: evaluate.city_clusters is {clusters}",
            fix="raise evaluate.city_clusters",
        ) from None
    _, nearest = nearest_km(latitude, longitude, centres)
    names = _place_names(centres)
    of = [names[place] if known else None for place, known in zip(nearest.tolist(), located.tolist(), strict=True)]
    return Cities(list(dict.fromkeys(names)), of)


def _place_names(centres_deg: NDArray[np.float64]) -> list[str]:
    """Different names for different centres, with as few decimals as that takes; centres 10 m apart share theirs."""
    for decimals in range(1, _MOST_DECIMALS):
        names = [place_name(latitude, longitude, decimals) for latitude, longitude in centres_deg]
        if len(set(names)) == len(names):
            return names
    return [place_name(latitude, longitude, _MOST_DECIMALS) for latitude, longitude in centres_deg]
