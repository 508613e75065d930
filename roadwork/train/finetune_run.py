"""What determines the fine-tuning of all folds, as the files and the parameters tell it: no torch, no features.

A stage asks here whether its fold is finished already, before it loads anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from roadwork.train.config import TrainConfig
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.loss_config import LossConfig
from roadwork.train.run_digest import run_digest

_CUDA_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
_HARMLESS = {"together"}


@dataclass(frozen=True)
class FinetuneRun:
    """What it starts from, as digests, and the parameters.

    `data` is `data_digest`, `head` of the pretrained head's two files, `code` of all code that makes the results;
    `views` are the views' names.
    """

    code: str
    data: str
    head: tuple[str, str]
    views: tuple[str, ...]
    config: FinetuneConfig
    train: TrainConfig
    loss: LossConfig
    seed: int

    def digest(self, fold: int) -> str:
        """The name of the fold's work area; another configuration, head, data, seed or kind of device has another."""
        return run_digest(
            {
                "stage": "finetune",
                "fold": fold,
                "code": self.code,
                "data": self.data,
                "head": self.head,
                "views": self.views,
                "config": self.config.model_dump(mode="json", exclude=_HARMLESS),
                "train": self.train.determinants | {"device": device_facts(self.train.device)},
                "loss": self.loss.model_dump(mode="json"),
                "seed": self.seed,
            }
        )


def device_facts(asked: str) -> str:
    """The word `asked` for a device; with `auto`, also what it depends on, as far as that is seen without torch."""
    if asked != "auto":
        return asked
    driver = any(path.exists() for path in _CUDA_DRIVERS)
    return f"auto, driver: {driver}, visible: {os.environ.get('CUDA_VISIBLE_DEVICES', 'all')}" if driver else "auto"
