"""Where the headline holds and where it doesn't: its score by place, by image size and by what is known of the image.

Every part divides the same images, each into exactly one group; groups without an image don't appear. A group is
scored with the headline's own threshold, never with one of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from roadwork.data.vocabulary import CATEGORIES
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.score import Predictions, score_row

NULL, KNOWN = "null", "known"
NO_POSITION = "no position"

Group = tuple[str, NDArray[np.bool_]]
"""A group's name, and which images are in it `[image]`."""


class Cities(NamedTuple):
    """The places that images are counted to: their `names`, the largest first, and that `of` each image, or None."""

    names: Sequence[str]
    of: Sequence[str | None]


def subgroups(
    predictions: Predictions,
    frame: pd.DataFrame,
    cities: Cities,
    size_bands_megapixels: tuple[float, ...],
    resampling: Resampling,
) -> dict[str, dict[str, dict[str, Any]]]:
    """By part and group a row: `n`, `roadwork` (how many of them), and everything of `score_row`.

    `frame` holds the manifest's rows of the same images, in the same order, and `cities` tells of them too. Parts:
    `city` (largest first), `size` (by megapixels), `metadata` (whether anything of weather, daytime, scene and
    description is known), `description` (whether there is one), and `weather`, `daytime`, `scene` by value, most
    frequent first; images without a value are a last group.

    Raises ValueError when `frame` or `cities` tell of another number of images.
    """
    if not len(frame) == len(cities.of) == len(predictions.labels):
        raise ValueError(f"{len(frame)} rows of the manifest for {len(predictions.labels)} predictions")
    described = frame["description"].notna().to_numpy()
    known = np.any([described, *(frame[field].notna() for field in CATEGORIES)], axis=0)
    parts = {
        "city": _cities(cities),
        "size": _sizes(frame, size_bands_megapixels),
        "metadata": [(KNOWN, known), (NULL, ~known)],
        "description": [(KNOWN, described), (NULL, ~described)],
        **{field: _values(frame, field) for field in CATEGORIES},
    }
    return {
        part: {name: _row(predictions, of, resampling) for name, of in groups if of.any()}
        for part, groups in parts.items()
    }


def place_name(latitude_deg: float, longitude_deg: float, decimals: int = 1) -> str:
    """A position as people write it, `47.4° N, 8.5° E`."""
    north, east = "N" if latitude_deg >= 0 else "S", "E" if longitude_deg >= 0 else "W"
    return f"{abs(latitude_deg):.{decimals}f}° {north}, {abs(longitude_deg):.{decimals}f}° {east}"


def size_names(edges_megapixels: ArrayLike) -> list[str]:
    """The bands between ascending edges, one more than there are: `up to 1 MP`, `1 to 4 MP`, `above 4 MP`."""
    edges = [f"{edge:g}" for edge in np.asarray(edges_megapixels, np.float64)]
    return [f"up to {edges[0]} MP", *(f"{low} to {high} MP" for low, high in pairwise(edges)), f"above {edges[-1]} MP"]


def _cities(cities: Cities) -> Iterator[Group]:
    of = np.array([NO_POSITION if name is None else name for name in cities.of], dtype=np.str_)
    for name in (*cities.names, NO_POSITION):
        yield name, of == name


def _sizes(frame: pd.DataFrame, edges_megapixels: tuple[float, ...]) -> list[Group]:
    """An edge belongs to the band below it."""
    megapixels = frame["width_px"].to_numpy(np.float64) * frame["height_px"].to_numpy(np.float64) / 1e6
    band = np.searchsorted(edges_megapixels, megapixels, side="left")
    return [(name, band == number) for number, name in enumerate(size_names(edges_megapixels))]


def _values(frame: pd.DataFrame, field: str) -> list[Group]:
    values = np.array([value if isinstance(value, str) else NULL for value in frame[field]], dtype=np.str_)
    counts = Counter(values.tolist())
    names = sorted(counts, key=lambda value: (value == NULL, -counts[value], value))
    return [(name, values == name) for name in names]


def _row(predictions: Predictions, of: NDArray[np.bool_], resampling: Resampling) -> dict[str, Any]:
    group = Predictions(
        predictions.labels[of], predictions.blocks[of], predictions.probabilities[of], predictions.threshold
    )
    row = score_row(group, resampling)
    return {"n": row["n"], "roadwork": int(group.labels.sum())} | row
