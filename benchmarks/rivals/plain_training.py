"""Training a head as one does at first: a `Dataset` over the Zarr array, a `DataLoader`, a loop that logs each step.

The head, the losses and the schedule of batches are the project's own: compared is how they are driven.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import zarr
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from roadwork.model.head import Head
from roadwork.model.metadata import Metadata
from roadwork.train.config import TrainConfig
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import total
from roadwork.train.pretrain_config import PretrainConfig


class Photograph(NamedTuple):
    """What is known of an image beside its embeddings."""

    label: int
    metadata: dict[str, Any]


class StoredFeatures(Dataset[dict[str, Any]]):
    """One image at a time out of the Zarr array; with `in_memory` the array is read once, before."""

    def __init__(self, store: Path, photographs: Sequence[Photograph], *, in_memory: bool) -> None:
        array: Any = zarr.open_group(store, mode="r")["embeddings"]
        self.embeddings = array[:] if in_memory else array
        self.photographs = photographs

    def __len__(self) -> int:
        return len(self.photographs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        known = self.photographs[index]
        return {
            "embedding": torch.from_numpy(self.embeddings[index]).float(),
            "label": known.label,
            "metadata": known.metadata,
        }


def plain_optimizer(head: nn.Module, config: PretrainConfig) -> torch.optim.AdamW:
    """AdamW; weight matrices decay, nothing else does."""
    tables = {id(module.weight) for module in head.modules() if isinstance(module, nn.Embedding)}
    decayed = [p for p in head.parameters() if p.ndim >= 2 and id(p) not in tables]
    others = [p for p in head.parameters() if p.ndim < 2 or id(p) in tables]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=config.lr,
    )


def plain_epoch(
    head: Head,
    optimizer: torch.optim.AdamW,
    features: StoredFeatures,
    order: Sequence[int],
    *,
    train: TrainConfig,
    loss: LossConfig,
    weather_null: int,
    device: torch.device,
    workers: int = 0,
) -> list[dict[str, float]]:
    """One epoch over the images `order`; returns what was logged of each batch."""
    loader = DataLoader(features, batch_size=train.batch_size, sampler=list(order), num_workers=workers)
    head.train()
    log = []
    waiting = 0
    optimizer.zero_grad()
    for number, batch in enumerate(loader):
        metadata = Metadata(**{name: value.to(device) for name, value in batch["metadata"].items()})
        labels: Tensor = batch["label"].to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=train.precision == "bf16"):
            output = head(batch["embedding"].to(device), metadata)
            parts = total(output, labels, metadata.weather, null_index=weather_null, config=loss)
        group = min(train.accumulation, len(loader) - number + waiting)
        (parts.total / group).backward()
        waiting += 1
        if waiting == group:
            nn.utils.clip_grad_norm_(head.parameters(), train.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            waiting = 0
        log.append({name: part.item() for name, part in parts._asdict().items()})
    return log
