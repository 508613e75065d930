"""The embedding cache's blocks of the fingerprint in use, and whether the store's rows are theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.blocks import Blocks
from roadwork.embed.cache_block import DamagedBlockError
from roadwork.verify.fault import Faults, listed


def check_blocks(
    blocks: Blocks, embeddings: NDArray[np.float16], image_ids: Sequence[str], faults: Faults, *, where: str
) -> str:
    """Note damaged ones of `blocks`, and rows of the store `embeddings [image view dim]` that aren't the cache's.

    A row that the cache lacks is no fault: the cache may be cleared at any time.
    """
    row_of = {image_id: row for row, image_id in enumerate(image_ids)}
    found: set[str] = set()
    differing: set[str] = set()
    names = sorted(blocks.versions())
    for name in names:
        try:
            ids, rows = blocks.read(name)
        except FileNotFoundError:  # set aside by a run since the listing
            continue
        except (DamagedBlockError, OSError, ValueError, KeyError) as damage:
            faults.add(
                f"a block of the embedding cache is damaged: {damage}",
                where=str(blocks.folder / name),
                rule="a block's name is the sha256 of its bytes",
                fix="run `roadwork embed_images`: it sets the block aside and computes its rows again",
            )
            continue
        for image_id, row in zip(ids, rows, strict=True):
            if image_id in row_of:
                found.add(image_id)
                if not np.array_equal(row, embeddings[row_of[image_id]]):
                    differing.add(image_id)
    if differing:
        faults.add(
            f"the rows of {len(differing)} images are not those of the cache: {listed(sorted(differing))}",
            where=where,
            rule="the store is gathered from the cache, row by row",
            fix="run `roadwork embed_images` again",
        )
    return f"{len(names)} blocks, {len(found)} of {len(image_ids)} rows"
