"""Links of `roadwork verify`: the trained heads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from pipeline.paths import (
    FINETUNE_METRICS,
    FINETUNED,
    PRETRAIN_METRICS,
    PRETRAINED,
)
from pipeline.verification.project import HeadOnDisk, Project
from roadwork.data.table_file import read_table_file
from roadwork.evaluate.unseen import SPLITS
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.config import TrainConfig
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.head_folder import DESCRIPTION, EVIDENCE, HOLDOUT, PREDICTIONS, file_beside
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.verify.fault import Faults
from roadwork.verify.heads import check_fold_predictions, check_spec, check_trained
from roadwork.verify.metrics_file import check_told
from roadwork.verify.predictions import (
    check_margins,
    check_unseen,
)
from roadwork.verify.walk import Link


def model_links(project: Project) -> list[Link]:
    """The links from the pretrained head to the fine-tuned ones."""
    finetuned = [
        Link(fold_name(fold), f"finetune {fold}", [FINETUNED / str(fold)], ("pretrained head",),
             partial(_fold, project, fold))
        for fold in known_folds(project)
    ]  # fmt: skip
    return [
        Link("pretrained head", "pretrain", [PRETRAINED], ("image store", "text store", "folds", "sampling weights"),
             partial(_pretrained, project)),
        *finetuned,
    ]  # fmt: skip


def fold_name(fold: int) -> str:
    """What the link of the head of `fold` is called."""
    return f"fold {fold}"


def known_folds(project: Project) -> tuple[int, ...]:
    """The folds of the parameters; none where those can't be read, which their own link tells."""
    faults = Faults()
    with faults.noted():
        return project.folds
    return ()


def _pretrained(project: Project, faults: Faults) -> str:
    head = project.pretrained
    where, train = str(PRETRAINED / DESCRIPTION), project.section("train", TrainConfig)
    most = project.section("pretrain", PretrainConfig).epochs
    check_trained(
        head.details, project.known_table, project.training_seed, train.reproducible, most, faults, where=where,
        stage="pretrain",
    )  # fmt: skip
    if project.known_images is not None:
        _, views, dim = project.known_images.embeddings.shape
        expected = HeadSpec(
            head=project.section("head", HeadConfig),
            metadata=project.section("metadata", MetadataConfig),
            embedding_dim=dim,
            views=views,
        )
        check_spec(head.spec, expected, faults, where=where, stage="pretrain")
    with faults.noted():
        told = _without_history(head.details, project.metrics(PRETRAIN_METRICS, "pretrain"))
        told["head_sha256"] = head.weights_sha256
        check_told(
            project.metrics(PRETRAIN_METRICS, "pretrain"), told, faults, where=str(PRETRAIN_METRICS), of=where,
            stage="pretrain",
        )  # fmt: skip
    _beside(PRETRAINED, head, (PREDICTIONS, EVIDENCE), "pretrain", faults)
    with faults.noted():
        said, where = read_table_file(PRETRAINED / PREDICTIONS, stage="pretrain"), str(PRETRAINED / PREDICTIONS)
        check_said(project, said, SPLITS, faults, where=where, stage="pretrain")
    return f"{head.details.get('parameters')} weights, digest {head.weights_sha256[:12]}"


def _fold(project: Project, fold: int, faults: Faults) -> str:
    folder, stage = FINETUNED / str(fold), f"finetune {fold}"
    predictions = None
    with faults.noted():
        predictions = read_table_file(folder / PREDICTIONS, stage=stage)
    if predictions is not None:
        check_fold_predictions(
            predictions, fold, project.known_frame, project.known_divided, faults, where=str(folder / PREDICTIONS)
        )
    head, where = project.head(folder), str(folder / DESCRIPTION)
    config, train = project.section("finetune", FinetuneConfig), project.section("train", TrainConfig)
    check_trained(
        head.details, project.known_table, project.training_seed, train.reproducible, config.epochs, faults,
        where=where, stage=stage,
    )  # fmt: skip
    parent = project.known_pretrained
    told: dict[str, object] = {"fold": fold}
    if parent is not None:
        told["pretrained_sha256"] = parent.weights_sha256
        shape = parent.spec.model_copy(update={"head": parent.spec.head.model_copy(update={"dropout": config.dropout})})
        check_spec(head.spec, shape, faults, where=where, stage=stage)
    check_told(head.details, told, faults, where=where, of="the fold and the pretrained head", stage=stage)
    path = FINETUNE_METRICS / f"{fold}.json"
    with faults.noted():
        metrics = project.metrics(path, stage)
        check_told(metrics, _without_history(head.details, metrics), faults, where=str(path), of=where, stage=stage)
    _beside(folder, head, (PREDICTIONS, HOLDOUT), stage, faults)
    with faults.noted():
        said, where = read_table_file(folder / HOLDOUT, stage=stage), str(folder / HOLDOUT)
        check_said(project, said, ("holdout",), faults, where=where, stage=stage)
    return f"epoch {head.details.get('best_epoch')}, digest {head.weights_sha256[:12]}"


def _beside(folder: Path, head: HeadOnDisk, names: Sequence[str], stage: str, faults: Faults) -> None:
    for name in names:
        with faults.noted():
            file_beside(folder, head.details, name, stage=stage)


def check_said(
    project: Project, said: pd.DataFrame, splits: Sequence[str], faults: Faults, *, where: str, stage: str
) -> None:
    """Note where `said` aren't margins of the labelled images of `splits` as they are now."""
    check_margins(said, faults, where=where, stage=stage)
    if project.known_division is not None:
        check_unseen(said, *project.known_division, splits, faults, where=where, stage=stage)


def _without_history(details: dict, metrics: object) -> dict:
    """What the metrics of a training repeat of its details."""
    return {name: value for name, value in details.items() if isinstance(metrics, dict) and name in metrics}
