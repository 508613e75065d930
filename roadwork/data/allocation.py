"""Hand whole blocks to parts of given sizes, every class in its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def allocate(
    counts: NDArray[np.int64],
    fractions: ArrayLike,
    *,
    seed: int,
    taken: NDArray[np.int64] | None = None,
    present: NDArray[np.bool_] | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Part of each block `[block]`, such that each part holds about its fraction of every class.

    `counts [block class]` are images; `fractions [part]` sum to 1, and a part of fraction 0 gets nothing. `taken
    [part class]` images are there already and count towards the fractions; `present [part class]` tells which classes
    a part need not be given (by default: those taken); `allowed [block part]` may bar a block from a part.

    scikit-learn's StratifiedGroupKFold divides only into equal parts. This is its greedy idea for any sizes: blocks in
    falling size, equal sizes in random order, each to the part where it lowers the chi-square distance between images
    held and images wanted the most: sum (held - wanted)^2 / wanted, over the classes and their total. Beforehand every
    part gets one small block of every class it lacks, the rarest class and the smallest part first, because a part
    without one of the classes can't be scored. Where there are too few blocks for that, the class stays absent: the
    caller has to look.
    """
    share = np.asarray(fractions, dtype=np.float64)
    held = np.zeros((len(share), counts.shape[1])) if taken is None else taken.astype(np.float64)
    served = (held > 0 if present is None else present) | (share == 0)[:, None]
    open_to = np.ones((len(counts), len(share)), dtype=bool) if allowed is None else allowed.copy()
    open_to &= share > 0
    # A last column of all images keeps the rounding of the classes from adding up.
    size, held = np.column_stack([counts, counts.sum(axis=1)]), np.column_stack([held, held.sum(axis=1)])
    wanted = share[:, None] * (size.sum(axis=0) + held.sum(axis=0))
    scale = np.where(wanted > 0, wanted, 1.0)

    shuffled = np.random.default_rng(seed).permutation(len(counts))
    order = shuffled[np.argsort(-size[shuffled, -1], kind="stable")]
    part_of = np.full(len(counts), -1, dtype=np.int64)

    def give(block: int, part: int) -> None:
        part_of[block] = part
        held[part] += size[block]
        served[part] |= counts[block] > 0

    for kind in np.argsort((counts > 0).sum(axis=0), kind="stable"):
        for part in np.argsort(share, kind="stable"):
            if served[part, kind]:
                continue
            fitting = order[(part_of[order] < 0) & (counts[order, kind] > 0) & open_to[order, part]]
            if len(fitting):
                give(int(fitting[-1]), int(part))

    for block in order[part_of[order] < 0]:
        change = (size[block] * (2.0 * (held - wanted) + size[block]) / scale).sum(axis=1)
        give(int(block), int(np.argmin(np.where(open_to[block], change, np.inf))))
    return part_of


def class_counts(labels: NDArray[np.int64], blocks: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Images of label 0, of label 1 and without label (-1) in each block: `counts [block 3]`, `row_block [image]`.

    Blocks are numbered anew, from 0 in rising order of `blocks`; `row_block` is that number for each image.
    """
    numbers, row_block = np.unique(blocks, return_inverse=True)
    counts = np.zeros((len(numbers), 3), dtype=np.int64)
    np.add.at(counts, (row_block, labels), 1)  # -1 addresses the last column
    return counts, row_block
