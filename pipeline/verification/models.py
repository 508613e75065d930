"""Links of `roadwork verify`: the trained heads and the bundle."""

from __future__ import annotations

from functools import partial

from pipeline.paths import (
    BUNDLE,
    ENSEMBLE_METRICS,
    FINETUNE_METRICS,
    FINETUNED,
    OOF_PREDICTIONS,
    PRETRAIN_METRICS,
    PRETRAINED,
)
from pipeline.verification.project import Project
from roadwork.bundle.agreement import check_params
from roadwork.bundle.description import DESCRIPTION as BUNDLE_DESCRIPTION
from roadwork.bundle.load import load_bundle
from roadwork.data.table_file import read_table_file
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.evaluate.ensemble import EnsembleConfig, bundle_calibrations, rank_members
from roadwork.evaluate.oof import gather
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.checkpoint import DESCRIPTION
from roadwork.train.config import TrainConfig
from roadwork.train.finetune import PREDICTIONS
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.verify.bundle_members import check_calibrations, check_members, check_origin
from roadwork.verify.fault import Faults, listed
from roadwork.verify.heads import check_fold_predictions, check_spec, check_trained
from roadwork.verify.metrics_file import check_told
from roadwork.verify.predictions import check_gathered, check_numbers
from roadwork.verify.walk import Link
from roadwork.views.geometry import ViewsConfig


def model_links(project: Project) -> list[Link]:
    """The links from the pretrained head to the bundle."""
    finetuned = [
        Link(f"fold {fold}", f"finetune {fold}", [FINETUNED / str(fold)], ("pretrained head",),
             partial(_fold, project, fold))
        for fold in _folds(project)
    ]  # fmt: skip
    names = tuple(link.name for link in finetuned)
    return [
        Link("pretrained head", "pretrain", [PRETRAINED], ("image store", "text store", "folds", "sampling weights"),
             partial(_pretrained, project)),
        *finetuned,
        Link("out-of-fold", "ensemble", [OOF_PREDICTIONS], names, partial(_oof, project)),
        Link("bundle", "ensemble", [BUNDLE], names, partial(_bundle, project)),
    ]  # fmt: skip


def _folds(project: Project) -> tuple[int, ...]:
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
    return f"epoch {head.details.get('best_epoch')}, digest {head.weights_sha256[:12]}"


def _without_history(details: dict, metrics: object) -> dict:
    """What the metrics of a training repeat of its details."""
    return {name: value for name, value in details.items() if isinstance(metrics, dict) and name in metrics}


def _oof(project: Project, faults: Faults) -> str:
    oof = read_table_file(OOF_PREDICTIONS, stage="ensemble")
    check_numbers(oof, faults, where=str(OOF_PREDICTIONS), stage="ensemble")
    parts = {
        fold: read_table_file(FINETUNED / str(fold) / PREDICTIONS, stage=f"finetune {fold}") for fold in project.folds
    }
    check_gathered(oof, gather(parts), faults, where=str(OOF_PREDICTIONS))
    return f"{len(oof)} rows"


def _bundle(project: Project, faults: Faults) -> str:
    bundle, where = load_bundle(BUNDLE).description, str(BUNDLE / BUNDLE_DESCRIPTION)
    members = project.known_members()
    if len(members) == len(project.folds):
        config = project.section("ensemble", EnsembleConfig)
        ranked = rank_members({fold: head.details["inner_val_mcc"] for fold, head in members.items()}, config.members)
        weights = {fold: head.weights_sha256 for fold, head in members.items()}
        check_members(bundle, weights, ranked, faults, where=where)
    table, store = project.known_table, project.known_images
    check_origin(
        bundle, None if store is None else store.attributes, None if table is None else table.digest, project.seed,
        faults, where=where,
    )  # fmt: skip
    with faults.noted():
        backbone, views = project.section("backbone", BackboneConfig), project.section("views", ViewsConfig)
        check_params(bundle, backbone, views, project.params)
    with faults.noted():
        found = dict(bundle.calibrations)
        oof = read_table_file(OOF_PREDICTIONS, stage="ensemble")
        check_calibrations(found, bundle_calibrations(oof), faults, where=where, stage="ensemble")
    with faults.noted():
        told = {"members": [member.fold for member in bundle.members]}
        metrics = project.metrics(ENSEMBLE_METRICS, "ensemble")
        check_told(metrics, told, faults, where=str(ENSEMBLE_METRICS), of="the bundle", stage="ensemble")
    return f"folds {listed([member.fold for member in bundle.members])}, every file as listed"
