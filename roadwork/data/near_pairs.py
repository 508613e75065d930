"""Pairs of images of one group or one place, in tiles: never all pairs of a data set, never many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from roadwork.data.distance import EARTH_RADIUS_KM, unit_sphere

TILE = 1024
"""Most rows and most columns of a tile: what a crowded spot costs in memory at a time."""

_WIDER = 1 + 1e-9  # cells a touch wider than the reach: rounding never puts near points two cells apart


@dataclass(frozen=True)
class Tile:
    """A block of the matrix of all pairs: `near[i, j]` says whether images `rows[i]` and `columns[j]` are a pair."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    near: NDArray[np.bool_]


def near_pairs(frame: pd.DataFrame, radius_m: float, *, tile: int = TILE) -> Iterator[Tile]:
    """Every unordered pair of images that share a `group` (of one `source`) or lie within `radius_m`, exactly once.

    Reads the columns `group`, `source`, `latitude_deg` and `longitude_deg`. Work grows with the number of pairs of a
    group and of a spot (about `radius_m` wide), memory doesn't: tiles have at most `tile` rows and columns.
    """
    latitude, longitude = (frame[name].to_numpy(dtype=np.float64) for name in ("latitude_deg", "longitude_deg"))
    group = group_numbers(frame)
    yield from _of_groups(group, tile)
    located = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    yield from _of_places(located, unit_sphere(latitude[located], longitude[located]), group, radius_m, tile)


def group_numbers(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Number of the group of each row `[image]`, -1 for an image without one. Groups are those of one `source`."""
    number = frame.groupby(["source", "group"], dropna=False).ngroup().to_numpy(dtype=np.int64)
    return np.where(frame["group"].notna().to_numpy(), number, -1)


def _of_groups(group: NDArray[np.int64], tile: int) -> Iterator[Tile]:
    """Pairs of one group."""
    for members in _members(group[group >= 0], np.flatnonzero(group >= 0)):
        for rows, columns in _tiles(members, members, tile):
            yield Tile(rows, columns, _later(rows, columns))


def _of_places(
    located: NDArray[np.intp], points: NDArray[np.float64], group: NDArray[np.int64], radius_m: float, tile: int
) -> Iterator[Tile]:
    """Pairs within `radius_m` that share no group; `located` are the rows of `points [place 3]` on the unit sphere.

    Space is divided into cubic cells as wide as the radius, so that a near point is in the same cell or in one that
    touches it.
    """
    if not len(points):
        return
    # A chord is shorter than its arc and grows with it: comparing chords is comparing great-circle distances.
    reach = 2.0 * np.sin(min(radius_m / 1000.0 / EARTH_RADIUS_KM, np.pi) / 2.0)
    cells, cell = np.unique(np.floor(points / (reach * _WIDER)), axis=0, return_inverse=True)
    members = _members(cell, np.arange(len(points)))
    touching: list[list[NDArray[np.intp]]] = [[own] for own in members]
    for one, other in KDTree(cells).query_pairs(1.5, p=np.inf, output_type="ndarray"):
        touching[min(one, other)].append(members[max(one, other)])
    for own, around in zip(members, touching, strict=True):
        for rows, columns in _tiles(own, np.concatenate(around), tile):
            # Members of later cells come after all of this cell's, whatever their own order.
            first = _later(rows, columns) | (cell[columns] != cell[rows[0]])[None, :]
            near = first & (cdist(points[rows], points[columns]) <= reach)
            same = (group[located[rows]][:, None] == group[located[columns]]) & (group[located[rows]] >= 0)[:, None]
            yield Tile(located[rows], located[columns], near & ~same)


def _members(number: NDArray[np.integer], rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The `rows` of each distinct number, ascending."""
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order])) + 1
    return np.split(rows[order], starts)


def _tiles(
    rows: NDArray[np.intp], columns: NDArray[np.intp], tile: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    for top in range(0, len(rows), tile):
        for left in range(0, len(columns), tile):
            yield rows[top : top + tile], columns[left : left + tile]


def _later(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where the column's image comes after the row's, so that of a pair's two places in the matrix one counts."""
    return columns[None, :] > rows[:, None]
