"""The stages between embedding cache and scores on a synthetic project of one size, each timed in this process."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.row import UnequalError
from benchmarks.synthetic_project import (
    ATTRIBUTES,
    FINGERPRINT,
    PARAMS,
    Paths,
    photographs,
    spec_of,
    write_tables,
)
from roadwork.config import load_section
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.images import embed_images
from roadwork.embed.local_engine import LocalEngine
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.score import Predictions, score_row
from roadwork.train.compilation import forward_of
from roadwork.train.config import TrainConfig
from roadwork.train.embeddings import Embeddings
from roadwork.train.epoch import train_epoch
from roadwork.train.features import FeatureTable, load_features
from roadwork.train.loss_config import LossConfig
from roadwork.train.optimizer import AdamW
from roadwork.train.pretrain import fresh_head
from roadwork.train.sampler import weighted_order
from roadwork.train.trainer import Trainer
from roadwork.train.windows import in_windows

STREAM_WINDOW = 2048
"""Images of a window where features are streamed: at the committed size all but the largest project is one window."""


class Taken(NamedTuple):
    """What a piece of work took."""

    wall_s: float
    cpu_s: float  # of all threads


def assemble(root: Path, folder: Path, images: int) -> dict[str, Any]:
    """Look up `images` images in the cache and assemble their store; nothing may be computed."""
    paths, cache = Paths.of(folder), EmbeddingCache(root, FINGERPRINT)
    config = load_section(PARAMS, "embed", EmbedConfig)
    photos = photographs(images)

    def publish() -> None:
        engine = LocalEngine(cache, _never, _never, torch.device("cpu"), config)
        report = embed_images(
            photos,
            cache=cache,
            engine=engine,
            timeout_s=config.timeout_s,
            store=paths.images,
            attributes=ATTRIBUTES,
            rejects=folder / "embed_rejects.csv",
        )
        if (report.rows, report.computed) != (images, 0):
            raise UnequalError(f"of {images} cached images {report.computed} were computed")

    return {"assemble": timed(publish, rounds=1 if images > 20_000 else 3), "peak_bytes": peak_bytes()}


def use(folder: Path, images: int, *, steps: int) -> dict[str, Any]:
    """Load the project, go through an epoch's batches, train `steps` steps, score; write its tables before."""
    paths = Paths.of(folder)
    write_tables(paths, images)
    train, spec = load_section(PARAMS, "train", TrainConfig), spec_of()
    loaded: list[FeatureTable] = []

    def load() -> None:
        table = load_features(*paths.all, spec.metadata, window_images=train.window_images)
        loaded[:] = [table.rows(table.split == "train")]

    taken = {"load": timed(load, rounds=rounds(images))}
    (part,) = loaded
    taken["epoch_data"] = timed(lambda: _epoch(part.embeddings, train, train.window_images), rounds=rounds(images))
    streamed = load_features(*paths.all, spec.metadata, features="stream", window_images=STREAM_WINDOW)
    streamed = streamed.rows(streamed.split == "train")
    taken["epoch_data_streamed"] = timed(
        lambda: _epoch(streamed.embeddings, train, STREAM_WINDOW), rounds=rounds(images)
    )
    _require_equal(part, streamed)
    trainer = _trainer(part, train, spec)
    rows = torch.arange(len(part))[: steps * train.batch_size * train.accumulation]
    train_epoch(trainer, rows[: train.batch_size], epoch=1, first_step=0)  # the first step is always slow
    taken["steps"] = timed(lambda: train_epoch(trainer, rows, epoch=1, first_step=0), rounds=1)
    scored, resampling = _predictions(images // 5), load_section(PARAMS, "evaluate", EvaluateConfig)
    taken["bootstrap"] = timed(
        lambda: score_row(scored, Resampling(resampling.resamples, resampling.confidence, seed=1)),
        rounds=rounds(images),
    )
    return taken | {"peak_bytes": peak_bytes(), "kept": type(part.embeddings).__name__}


def rounds(images: int) -> int:
    """How often a stage is timed: the first time also brings files into the memory and libraries up."""
    return 2 if images > 20_000 else 3


def timed(work: Callable[[], Any], *, rounds: int) -> Taken:
    """Wall and CPU seconds of `work`: those of the quickest of `rounds`, the first of which also warms up."""
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append(Taken(time.perf_counter() - wall, time.process_time() - cpu))
    return min(found, key=lambda taken: taken.cpu_s)


def peak_bytes() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _epoch(embeddings: Embeddings, train: TrainConfig, window_images: int) -> None:
    """Draw an epoch and gather its batches, as the trainer does."""
    drawn = weighted_order(torch.ones(embeddings.shape[0]), seed=1, epoch=1)
    order = in_windows(drawn, embeddings, window_images=window_images, seed=1, epoch=1)
    for batch in order.split(train.batch_size):
        embeddings.gather(batch).float()


def _require_equal(memory: FeatureTable, disk: FeatureTable) -> None:
    few = torch.linspace(0, len(memory) - 1, 100).long()
    if not torch.equal(memory.embeddings.gather(few), disk.embeddings.gather(few)):
        raise UnequalError("rows from the disk aren't those from memory")


def _trainer(part: FeatureTable, train: TrainConfig, spec: Any) -> Trainer:
    head = fresh_head(spec, 1)
    return Trainer(
        head=head,
        forward=forward_of(head, train.compile, batch_size=train.batch_size),
        optimizer=AdamW(head, weight_decay=0.01),
        table=part,
        config=train,
        loss=load_section(PARAMS, "loss", LossConfig),
        weather_null=spec.metadata.null_index("weather"),
        lr=lambda step: 1e-4,
    )


def _predictions(images: int) -> Predictions:
    generator = np.random.default_rng(0)
    labels = np.arange(images) % 2
    probabilities = 1 / (1 + np.exp(-generator.normal(2.0 * labels - 1)))
    return Predictions(labels, np.arange(images) // 2, probabilities)


def _never(*_: Any) -> Any:
    raise UnequalError("a cached image was computed again")
