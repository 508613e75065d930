"""Whether stored vectors can be what a model said: finiteness is the store's own rule, these are about their length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadwork.verify.fault import Faults, listed

BAND = 10.0
"""An image vector is at least a tenth and at most ten times as long as the median one. Behind a backbone's last norm
they differ by a few per cent; without one, by a small factor."""

_UNIT_TOLERANCE = 0.01
_BLOCK = 256


def check_image_vectors(
    embeddings: NDArray[np.float16], image_ids: Sequence[str], faults: Faults, *, where: str
) -> tuple[float, float]:
    """Note images of which a view's vector is zero, constant, or far off the median length; shortest and longest.

    `embeddings` is `[image view dim]`.
    """
    lengths, constant = [], []
    for start in range(0, len(embeddings), _BLOCK):
        block = embeddings[start : start + _BLOCK].astype(np.float32)
        lengths.append(np.linalg.norm(block, axis=2))
        constant.append(block.max(axis=2) == block.min(axis=2))
    if not lengths:
        return 0.0, 0.0
    norm, flat = np.concatenate(lengths), np.concatenate(constant)
    median = float(np.median(norm))
    kinds = {
        "zero": norm == 0,
        "one number repeated": flat & (norm > 0),
        f"not within a factor {BAND:g} of the median length {median:.3g}": (norm > 0)
        & ~flat
        & ((norm < median / BAND) | (norm > median * BAND)),
    }
    for what, bad in kinds.items():
        rows = np.flatnonzero(bad.any(axis=1))
        if len(rows):
            faults.add(
                f"the vectors of {len(rows)} images are {what}: {listed([image_ids[row] for row in rows.tolist()])}",
                where=where,
                rule="a backbone's vector is not zero, not constant, and about as long as the others",
                fix="run `roadwork cache clear` for this fingerprint, then `roadwork embed_images`",
            )
    return float(norm.min()), float(norm.max())


def check_text_vectors(
    embeddings: NDArray[np.float16],
    present: NDArray[np.bool_],
    descriptions: Sequence[object] | None,
    image_ids: Sequence[str],
    faults: Faults,
    *,
    where: str,
) -> None:
    """Note rows `[image dim]` of length other than 1, or other than 0 without a sentence; and flags that aren't the
    manifest's."""
    norm = np.linalg.norm(embeddings.astype(np.float32), axis=1)
    kinds = {
        "of a sentence, but not of length 1": present & (np.abs(norm - 1) > _UNIT_TOLERANCE),
        "without a sentence, but not zero": ~present & (embeddings != 0).any(axis=1),
    }
    if descriptions is not None:
        given = np.array([isinstance(text, str) and bool(text.strip()) for text in descriptions])
        kinds["marked as having a sentence, or as having none, against the manifest"] = given != present
    for what, bad in kinds.items():
        rows = np.flatnonzero(bad)
        if len(rows):
            faults.add(
                f"{len(rows)} rows are {what}: {listed([image_ids[row] for row in rows.tolist()])}",
                where=where,
                rule="a sentence's vector has length 1; a row without a sentence is zero and not present",
                fix="run `roadwork embed_text` again",
            )
