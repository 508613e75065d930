"""The parameters of fine-tuning, apart from the training: they need no tensors."""

from __future__ import annotations

from pydantic import Field

from roadwork.data.folds_config import FoldsConfig


class FinetuneConfig(FoldsConfig):
    """Section `finetune` of `params.yaml`: the folds, and how a member is fitted to each."""

    lr: float = Field(description="learning rate of AdamW at the first step; there is no warm-up", gt=0, le=10)
    weight_decay: float = Field(description="decoupled weight decay of AdamW, on weight matrices only", ge=0, le=100)
    dropout: float = Field(description="dropout probability that replaces `head.dropout` while fine-tuning", ge=0, lt=1)
    epochs: int = Field(description="most epochs; early stopping may end sooner", gt=0, le=10_000)
    patience: int = Field(
        description="epochs without a better one (inner validation MCC, then loss) before training stops", gt=0
    )
    together: bool = Field(
        description="true: the first fold's stage trains all folds that aren't made yet, and the other stages publish "
        "theirs; false: each stage trains its own fold. The results are the same"
    )
