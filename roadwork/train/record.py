"""What is written down about one epoch."""

from __future__ import annotations

from pydantic import Field

from roadwork.config import Section


class EpochRecord(Section):
    """One row of a training's history. Epoch 0 is the head before any step; it has no training part."""

    epoch: int = Field(description="epochs trained so far", ge=0)
    steps: int = Field(description="optimizer steps taken so far", ge=0)
    learning_rate: float | None = Field(description="of the epoch's last step")
    train_total: float | None = Field(description="weighted loss, mean over the epoch's images, dropout on")
    train_focal: float | None = Field(description="unweighted focal part")
    train_consistency: float | None = Field(description="unweighted consistency part")
    train_weather: float | None = Field(description="unweighted weather part")
    val_loss: float = Field(description="focal loss on validation images, metadata hidden")
    val_mcc_image_only: float = Field(description="best MCC over thresholds, metadata hidden; early stopping's number")
    val_mcc_with_metadata: float = Field(description="best MCC over thresholds, metadata given")
    val_threshold: float = Field(description="margin from which val_mcc_image_only says roadwork")
    near_share: float | None = Field(description="share of the draws with GPS near a cluster; null if not known")
    gates: list[float] = Field(description="mean importance of each view on validation images, 0 where pruned away")
