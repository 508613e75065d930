"""Write a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwork.bundle.card import Facts, model_card
from roadwork.bundle.description import (
    CARD,
    DESCRIPTION,
    FORMAT_VERSION,
    BundleDescription,
    Calibrations,
    Member,
    member_folder,
)
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.provenance import library_versions
from roadwork.errors import BundleError
from roadwork.model.head_config import HeadSpec
from roadwork.publish import published_folder, write_json
from roadwork.sealed_json import seal
from roadwork.train.head_folder import DESCRIPTION as HEAD_DESCRIPTION
from roadwork.train.head_folder import WEIGHTS, describe_head, file_sha256
from roadwork.train.provenance import TrainedOn, check_trained_on
from roadwork.views.geometry import ViewsConfig

LIBRARIES = ("roadwork", "torch", "timm", "numpy", "pillow", "safetensors")
_FIX = "run `dvc repro ensemble`: it fine-tunes what is out of date first"


@dataclass(frozen=True)
class TrainedMember:
    """One head that goes into a bundle.

    `folder` is where it lies, `weights_sha256` the digest that the bytes of its weights were found to have.
    """

    fold: int
    inner_val_mcc: float
    folder: Path
    spec: HeadSpec
    weights_sha256: str
    pretrained_sha256: str  # weights of the head it was fine-tuned from
    trained_on: TrainedOn


@dataclass(frozen=True)
class Origin:
    """What the members were trained on."""

    views: ViewsConfig
    backbone: BackboneConfig
    identity: Mapping[str, Any]
    seed: int
    feature_fingerprint: str
    training_data_digest: str
    manifest_digest: str


def save_bundle(
    folder: Path,
    members: Sequence[TrainedMember],
    origin: Origin,
    calibrations: Calibrations,
    metrics: Mapping[str, Any],
    facts: Facts,
) -> BundleDescription:
    """Publish the bundle at `folder` with one rename; equal arguments give equal bytes. Returns what it says of itself.

    The members' weights are copied as they are. Raises BundleError when the members differ in shape, were trained on
    other features or data than `origin` says, or when a file of weights is changed meanwhile.
    """
    for member in members:
        if member.spec != members[0].spec:
            raise BundleError(
                f"the member of fold {member.fold} has another shape", rule="all members share one spec", fix=_FIX
            )
        check_trained_on(
            member.trained_on,
            TrainedOn(origin.feature_fingerprint, origin.training_data_digest),
            model=f"the member of fold {member.fold}",
            where=f"models/finetuned/{member.fold}/{HEAD_DESCRIPTION}",
            fix=_FIX,
        )
    with published_folder(folder) as aside:
        for member in members:
            inside = aside / member_folder(member.fold)
            inside.mkdir(parents=True)
            _copy_head(member, inside)
        named = tuple(Member(fold=member.fold, inner_val_mcc=member.inner_val_mcc) for member in members)
        (aside / CARD).write_text(model_card(named, origin.backbone, origin.identity, metrics, facts), encoding="utf-8")
        files = sorted(file for file in aside.rglob("*") if file.is_file())
        description = BundleDescription(
            format_version=FORMAT_VERSION,
            members=named,
            files={file.relative_to(aside).as_posix(): file_sha256(file) for file in files},
            spec=members[0].spec,
            views=origin.views,
            backbone=origin.backbone,
            identity=dict(origin.identity),
            seed=origin.seed,
            feature_fingerprint=origin.feature_fingerprint,
            training_data_digest=origin.training_data_digest,
            manifest_digest=origin.manifest_digest,
            calibrations=calibrations,
            metrics=dict(metrics),
            versions=library_versions(LIBRARIES),
        )
        write_json(aside / DESCRIPTION, seal(description.model_dump(mode="json")))
    return description


def _copy_head(member: TrainedMember, inside: Path) -> None:
    weights = member.folder / WEIGHTS
    shutil.copyfile(weights, inside / WEIGHTS)
    details = {"fold": member.fold, "inner_val_mcc": member.inner_val_mcc}
    copied = describe_head(inside, member.spec, details)
    if copied != member.weights_sha256:
        raise BundleError(
            f"the weights have the digest {copied[:12]}…, a moment ago it was {member.weights_sha256[:12]}…",
            where=str(weights),
            rule="nobody writes the members while they are bundled",
            fix=_FIX,
        )
