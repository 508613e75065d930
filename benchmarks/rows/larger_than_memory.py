"""Training from a store that doesn't fit into memory, under an artificial limit of the process."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.limited_training import DIM, VIEWS, Asked, Trained, train_alone, train_in_turn, write_project
from benchmarks.row import Row, Scale, Target, UnequalError

ROW_BYTES = VIEWS * DIM * 2
_FROM_THE_DISK = "streamed from the disk"


def measure(scale: Scale) -> list[Row]:
    """Rows of the limit, the cost and the score; raises UnequalError where the disk gives another head than memory."""
    images, window, limit = scale.of(24_576, 8_192), scale.of(2_048, 512), scale.of(600, 400) * 2**20
    with tempfile.TemporaryDirectory() as name:
        write_project(Path(name), images, strip=images // 4)
        limited = train_alone(Path(name), Asked("auto", window, limit))
        refused = train_alone(Path(name), Asked("memory", window, limit))
        free = train_alone(Path(name), Asked("memory", window, None))
    check_limited(limited, refused, free)
    return [_memory(limited, images, limit), _cost(limited, free), _score(scale)]


def check_limited(limited: Trained, refused: Trained, free: Trained) -> None:
    """Raise UnequalError unless the limit is real, the training under it went through, and its head is memory's."""
    if refused.failed is None:
        raise UnequalError("the features fit into memory under the limit: it limits nothing")
    if limited.failed is None and _FROM_THE_DISK not in limited.told:
        raise UnequalError(f"nothing says that features are streamed: {limited.told!r}")
    if limited.failed is not None:
        raise UnequalError(f"training from the disk failed under the limit: {limited.failed}")
    if limited.weights_sha256 != free.weights_sha256:
        raise UnequalError("a head that was trained from the disk isn't the one that was trained from memory")


def _memory(limited: Trained, images: int, limit: int) -> Row:
    size = images * ROW_BYTES
    return Row(
        name="larger_than_memory.peak",
        what="training streamed from the disk: memory taken ÷ the size of the features",
        figure=limited.more_bytes / size,
        unit="×",
        target=Target("at most", 1.0),
        limit="two windows of chunks, and what the head takes: a constant, however large the store",
        note=f"may take {limit / 2**20:.0f} MiB for {size / 2**20:.0f} MiB of features; from memory it fails there",
        detail={"peak_mib": round(limited.more_bytes / 2**20), "limit_mib": limit // 2**20, "images": images},
    )


def _cost(limited: Trained, free: Trained) -> Row:
    return Row(
        name="larger_than_memory.cost",
        what="training a tiny head, streamed under the limit ÷ from memory without one: wall time, the same weights",
        figure=limited.seconds / free.seconds,
        unit="×",
        limit="1 where a step takes longer than reading its rows; a tiny head's hardly does",
        detail={"streamed_s": round(limited.seconds, 2), "memory_s": round(free.seconds, 2)},
    )


def _score(scale: Scale) -> Row:
    """An eighth of the chunks in a window, and images sorted by class, as a folder per class leaves them."""
    images, seeds, epochs = scale.of(6_144, 2_048), scale.of(3, 2), scale.of(3, 1)
    window = images // 8
    with tempfile.TemporaryDirectory() as name:
        write_project(Path(name), images, strip=images // 4)
        asked = [
            Asked("memory", size, None, epochs=epochs, seed=seed) for size in (window, images) for seed in range(seeds)
        ]
        found = [trained.mcc for trained in train_in_turn(Path(name), asked)]
    one, other = found[:seeds], found[seeds:]
    spread = max(max(runs) - min(runs) for runs in (one, other))
    return Row(
        name="larger_than_memory.score",
        what=f"validation MCC with epochs in windows of {window:,} of {images:,} images less that with whole shuffles, "
        f"means of {seeds} seeds; images sorted by class",
        figure=abs(statistics.fmean(one) - statistics.fmean(other)),
        unit="MCC",
        target=Target("at most", round(max(spread, 0.01), 3)),
        limit="0; what counts as equal is how much one seed differs from another",
        detail={"windows": [round(mcc, 4) for mcc in one], "whole": [round(mcc, 4) for mcc in other]},
    )
