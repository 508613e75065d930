"""What both trainings share: parameters, losses, seed and device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from roadwork.train.config import TrainConfig
from roadwork.train.features import FeatureTable
from roadwork.train.loss_config import LossConfig


@dataclass(frozen=True)
class Setting:
    """The shared part of a training's determinants."""

    train: TrainConfig
    loss: LossConfig
    seed: int
    device: torch.device

    @property
    def parts(self) -> dict[str, Any]:
        """All of it as JSON, for the digest of a run; the device is the one found, not the word asked for."""
        return {
            "train": self.train.determinants | {"device": str(self.device)},
            "loss": self.loss.model_dump(mode="json"),
            "seed": self.seed,
        }

    def provenance(self, table: FeatureTable) -> dict[str, Any]:
        """What a head that was trained on `table` was made from, for its `head.json`."""
        return {
            "feature_fingerprint": table.fingerprint,
            "data_digest": table.digest,
            "seed": self.seed,
            "device": self.device.type,
            "reproducible": self.train.reproducible,
            "torch": torch.__version__,
        }
