"""What stays the same from epoch to epoch, and the loss of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from roadwork.model.head import Head
from roadwork.train.compilation import Forward
from roadwork.train.config import TrainConfig
from roadwork.train.features import FeatureTable
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import LossParts, total
from roadwork.train.optimizer import AdamW


@dataclass(frozen=True)
class Trainer:
    """A training under way. `table` and `head` are on one device."""

    head: Head
    forward: Forward
    optimizer: AdamW
    table: FeatureTable
    config: TrainConfig
    loss: LossConfig
    weather_null: int
    lr: Callable[[int], float]  # learning rate at an optimizer step, counted from 0

    def autocast(self, *, enabled: bool = True) -> torch.autocast:
        """The context of a forward pass in the precision of the config; not `enabled`: float32 within such a one."""
        device = self.table.labels.device.type
        return torch.autocast(device, torch.bfloat16, enabled=enabled and self.config.precision == "bf16")

    def losses(self, forward: Forward, rows: Tensor) -> LossParts:
        """The losses of the batch `rows [image]` of the table, `forward` being the head or its compiled twin."""
        table = self.table
        metadata = table.metadata.index(rows)
        with self.autocast():
            output = forward(table.embeddings.gather(rows).float(), metadata)
        labels = table.labels.index_select(0, rows)
        return total(output, labels, metadata.weather, null_index=self.weather_null, config=self.loss)
