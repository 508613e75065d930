"""The fine-tuning that the parameter file and the project's files ask for. No torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.paths import DVC_YAML, FOLDS, IMAGE_STORE, MANIFEST, PRETRAINED, TEXT_STORE
from pipeline.unchanged import declared
from roadwork.config import load_section, load_seed
from roadwork.errors import BundleError
from roadwork.train.config import TrainConfig
from roadwork.train.data_digest import data_digest
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.finetune_run import FinetuneRun
from roadwork.train.loss_config import LossConfig
from roadwork.views.geometry import ViewsConfig, view_names

_DESCRIPTION, _WEIGHTS = PRETRAINED / "head.json", PRETRAINED / "head.safetensors"


def read_finetune_run(params: Path) -> FinetuneRun:
    """What determines the fine-tuning of all folds.

    Raises ParameterError, what `data_digest` raises, and BundleError where there is no pretrained head.
    """
    train = load_section(params, "train", TrainConfig)
    return FinetuneRun(
        config=load_section(params, "finetune", FinetuneConfig),
        train=train,
        loss=load_section(params, "loss", LossConfig),
        seed=train.training_seed(load_seed(params)),
        views=tuple(view_names(load_section(params, "views", ViewsConfig).grid)),
        head=(_sha256(_DESCRIPTION), _sha256(_WEIGHTS)),
        data=data_digest(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS),
        code=code_digest(),
    )


def code_digest() -> str:
    """SHA-256 (hex) over the code of the stage as it is now, all that it imports included."""
    total = hashlib.sha256()
    for file in declared("finetune", DVC_YAML).code:
        total.update(f"{file.name}\n{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(
            f"there is no pretrained head that can be read: {error.strerror}",
            where=str(path),
            rule="a head is the two files head.safetensors and head.json, as `roadwork pretrain` wrote them",
            fix="run `roadwork pretrain` (`dvc repro` does)",
        ) from error
