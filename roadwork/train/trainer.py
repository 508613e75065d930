"""What stays the same from epoch to epoch, and the loss of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import AdamW

from roadwork.model.head import Head
from roadwork.train.compilation import Forward
from roadwork.train.config import TrainConfig
from roadwork.train.features import FeatureTable
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import LossParts, total


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

    def losses(self, forward: Forward, rows: Tensor) -> LossParts:
        """The losses of the batch `rows [image]` of the table, `forward` being the head or its compiled twin."""
        table, device = self.table, rows.device
        metadata = table.metadata.index(rows)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            output = forward(table.embeddings.index_select(0, rows).float(), metadata)
        labels = table.labels.index_select(0, rows)
        return total(output, labels, metadata.weather, null_index=self.weather_null, config=self.loss)
