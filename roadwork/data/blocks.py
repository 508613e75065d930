"""Blocks: the sets of images that no division may tear apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from roadwork.data.distance import EARTH_RADIUS_KM, unit_sphere


def blocks(frame: pd.DataFrame, radius_m: float) -> NDArray[np.int32]:
    """Block number of each row `[image]`, counted from 0 in order of first appearance.

    Two images share a block if they have the same `group` (of the same `source`), lie within `radius_m` of each other,
    or are joined by a chain of such images. An image with neither position nor group is a block of its own.
    Reads the columns `group`, `source`, `latitude_deg` and `longitude_deg`.
    """
    count = len(frame)
    latitude, longitude = (frame[name].to_numpy(dtype=np.float64) for name in ("latitude_deg", "longitude_deg"))
    grouped = np.flatnonzero(frame["group"].notna().to_numpy())
    located = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    group = frame.iloc[grouped].groupby(["source", "group"], dropna=False).ngroup().to_numpy()
    place = _places(unit_sphere(latitude[located], longitude[located]), radius_m)
    links = np.concatenate(
        [
            np.stack([grouped, count + group], axis=1),
            np.stack([located, count + len(grouped) + place], axis=1),
        ]
    )
    members = _components(links, count + len(grouped) + len(located))[:count]
    return pd.factorize(members)[0].astype(np.int32)


def _places(points: NDArray[np.float64], radius_m: float) -> NDArray[np.int64]:
    """Number of the single-linkage cluster of each point `[point 3]` on the unit sphere, cut at `radius_m`.

    Exact, without listing every pair, so that a hundred thousand images of one spot cost no more than as many spread
    over a country. Points of one cubic cell whose diagonal is the radius are within it of each other. Each cell sends
    one representative; representatives within the radius are linked. Two cells can still touch through other members,
    at most three radii apart by their representatives: those members are compared.
    """
    if not len(points):
        return np.empty(0, dtype=np.int64)
    # A chord is shorter than its arc and grows with it: comparing chords is comparing great-circle distances.
    reach = 2.0 * np.sin(min(radius_m / 1000.0 / EARTH_RADIUS_KM, np.pi) / 2.0)
    cells = np.floor(points / (reach / np.sqrt(3.0))) if reach > 0 else points
    _, first, cell, population = np.unique(cells, axis=0, return_index=True, return_inverse=True, return_counts=True)
    tree = KDTree(points[first])
    place = _components(tree.query_pairs(reach, output_type="ndarray"), len(first))

    merged = DisjointSet(range(int(place.max()) + 1))
    by_cell = np.split(np.argsort(cell, kind="stable"), np.cumsum(population)[:-1])
    for crowded in np.flatnonzero(population > 1):
        near = np.asarray(tree.query_ball_point(points[first[crowded]], 3.0 * reach, return_sorted=True))
        apart = near[place[near] != place[crowded]]
        if not len(apart):
            continue
        own = KDTree(points[by_cell[crowded]])
        for other in apart:
            if merged.connected(place[crowded], place[other]):
                continue
            distance, _ = own.query(points[by_cell[other]], distance_upper_bound=np.nextafter(reach, np.inf))
            if np.isfinite(distance).any():
                merged.merge(place[crowded], place[other])
    root = np.array([merged[number] for number in range(int(place.max()) + 1)])
    return root[place][cell]


def _components(links: NDArray[np.intp], nodes: int) -> NDArray[np.int32]:
    """Number of the connected component of each node, from links `[link 2]`."""
    graph = coo_array((np.ones(len(links), dtype=np.int8), (links[:, 0], links[:, 1])), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1]
