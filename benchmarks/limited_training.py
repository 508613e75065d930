"""A real training of a small head on a synthetic project, in a process whose memory is limited."""

from __future__ import annotations

import contextlib
import hashlib
import io
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch

from benchmarks.synthetic_project import ATTRIBUTES, PARAMS, Paths, labels_of, spec_of, write_tables
from roadwork.config import load_section
from roadwork.embed.store import write_image_store
from roadwork.train.config import Features, TrainConfig
from roadwork.train.features import load_features
from roadwork.train.loss_config import LossConfig
from roadwork.train.pretrain import Pretraining, pretrain
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.train.setting import Setting

SMALL_HEAD = {
    "pruning": {"enabled": True, "keep": 8, "hidden": 16},
    "projection": {"dim": 32, "view_embedding": True},
    "pyramid": {"enabled": False, "dims": [32, 16, 8]},
    "attention": {"layers": 1, "heads": 4, "gate": "elementwise", "backend": "sdpa"},
    "view_fusion": {"enabled": False, "heads": 4, "gate_hidden": 8},
    "classifier": {"hidden": 16},
}
"""Few parameters, so that the features are what takes memory; all that handles features is as it is."""

VIEWS, DIM = 12, 1280


@dataclass(frozen=True)
class Asked:
    """One training. `limit_bytes` is what the process may take beyond what it has when it begins; None: no limit."""

    features: Features
    window_images: int
    limit_bytes: int | None
    epochs: int = 2
    seed: int = 1


@dataclass(frozen=True)
class Trained:
    """What came of it; `failed` is the exception where nothing did."""

    failed: str | None
    mcc: float = float("nan")
    weights_sha256: str = ""
    seconds: float = 0.0
    more_bytes: int = 0  # peak of resident memory beyond that at the beginning
    told: str = ""  # on stderr


def write_project(folder: Path, images: int, *, strip: int) -> None:
    """Features with a weak signal, `strip` images in a row of the same class, as in a folder per class."""
    paths, labels = Paths.of(folder), labels_of(images, strip)

    def blocks() -> Any:
        for start in range(0, images, 256):
            generator = np.random.default_rng((5, start))
            here = labels[start : start + 256]
            rows = generator.standard_normal((len(here), VIEWS, DIM), dtype=np.float32)
            rows[:, ::2, :8] += 0.5 * here[:, None, None]
            yield rows.astype(np.float16)

    write_tables(paths, images, strip=strip)
    ids = pd.read_parquet(paths.manifest, columns=["image_id"])["image_id"].tolist()
    write_image_store(paths.images, ids, blocks(), view_count=VIEWS, dim=DIM, attributes=ATTRIBUTES)


def train_alone(folder: Path, asked: Asked) -> Trained:
    """Train in a fresh process, under its limit."""
    (trained,) = train_in_turn(folder, [asked])
    return trained


def train_in_turn(folder: Path, asked: Sequence[Asked]) -> list[Trained]:
    """Train one after the other in one fresh process; a limit would hold for all that come after."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(partial(_train, folder), asked))


def _train(folder: Path, asked: Asked) -> Trained:
    torch.set_num_threads(1)
    _warm_up(folder)
    before = psutil.Process().memory_info()
    if asked.limit_bytes is not None:
        most = before.data + asked.limit_bytes  # pyright: ignore[reportAttributeAccessIssue]  # on Linux
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    told, start = io.StringIO(), time.perf_counter()
    try:
        with contextlib.redirect_stderr(told), tempfile.TemporaryDirectory() as area:
            mcc, weights = _trained(folder, asked, Path(area))
    except (MemoryError, RuntimeError) as error:  # NumPy's and PyTorch's words for a full memory
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        return Trained(f"{type(error).__name__}: {error}", told=told.getvalue())
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before.rss
    return Trained(None, mcc, weights, time.perf_counter() - start, more, told.getvalue())


def _warm_up(folder: Path) -> None:
    """Let libraries take what they take at their first use, once: threads, arenas, tables."""
    table = load_features(*Paths.of(folder).all, spec_of(SMALL_HEAD).metadata, features="stream", window_images=256)
    table.embeddings.gather(torch.arange(8)).float().flatten(1).matmul(torch.ones(VIEWS * DIM, 8)).relu()


def _trained(folder: Path, asked: Asked, area: Path) -> tuple[float, str]:
    spec = spec_of(SMALL_HEAD)
    table = load_features(
        *Paths.of(folder).all, spec.metadata, features=asked.features, window_images=asked.window_images
    )
    ids = [image_id for image_id, split in zip(table.image_ids, table.split, strict=True) if split == "train"]
    train = load_section(PARAMS, "train", TrainConfig).model_copy(
        update={"window_images": asked.window_images, "device": "cpu", "precision": "fp32", "batch_size": 128}
    )
    config = load_section(PARAMS, "pretrain", PretrainConfig)
    plan = Pretraining(
        table=table,
        sampling=pd.DataFrame({"image_id": ids, "weight": 1.0, "distance_km": np.nan}),
        near_km=100.0,
        spec=spec,
        config=config.model_copy(update={"epochs": asked.epochs, "lr": 3e-3}),
        setting=Setting(train, load_section(PARAMS, "loss", LossConfig), asked.seed, torch.device("cpu")),
    )
    done = pretrain(plan, area=area, on_epoch=lambda record: None)
    weights = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in done.head.state_dict().values()))
    return float(done.metrics["val_mcc"]), weights.hexdigest()
