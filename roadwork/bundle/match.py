"""The backbone that a bundle needs: rebuilt, and checked to be the one its heads were trained on."""

from __future__ import annotations

from pathlib import Path

import torch

from roadwork.bundle.agreement import check_params
from roadwork.bundle.description import DESCRIPTION, BundleDescription
from roadwork.config import load_section
from roadwork.embed.backbone import Backbone, build_backbone
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.fingerprint import feature_fingerprint
from roadwork.embed.precision import has_bf16
from roadwork.errors import BackboneError, BundleError, CapabilityError, ParameterError
from roadwork.views.geometry import ViewsConfig


def build_matching_backbone(
    description: BundleDescription, folder: Path, *, params: Path | None, weights: Path | None, device: torch.device
) -> Backbone:
    """The backbone of the bundle in `folder`, on `device`.

    Its weights come from `weights` where given, else from where `params` says, else from where the bundle says; in each
    case their digest must be the bundle's. The arithmetic is the bundle's own, because it changes the features.

    Raises BundleError that names the first difference between `params`, or the backbone as built, and the bundle;
    BackboneError, naming `--weights` where that was given, for weights that can't be had;
    CapabilityError where the bundle needs bf16 and `device` lacks it.
    """
    config = description.backbone
    if params is not None:
        project = load_section(params, "backbone", BackboneConfig)
        check_params(description, project, load_section(params, "views", ViewsConfig), params)
        config = config.model_copy(update={"weights": project.weights, "weights_sha256": project.weights_sha256})
    if weights is not None:
        # Another file may hold the same weights in another format: what counts is their digest in the bundle.
        config = config.model_copy(update={"weights": str(weights), "weights_sha256": None})
    precision = description.identity["precision"]
    if precision == "bf16" and not has_bf16(device):
        raise CapabilityError(
            f"the bundle's features are bfloat16, and this {device.type.upper()} has no bfloat16 arithmetic",
            where=str(folder / DESCRIPTION),
            rule="heads judge only features of the arithmetic they were trained on",
            fix="predict on a machine with bf16, or train a bundle with backbone.precision: fp32",
        )
    config = config.model_copy(update={"precision": precision})
    try:
        backbone = build_backbone(config, size_px=description.views.size_px, seed=description.seed, device=device)
    except BackboneError as error:
        if weights is None:
            raise
        raise _of_option(error) from error
    except ParameterError as error:  # the arguments are the bundle's, whatever the parameter file says
        raise BundleError(
            f"the bundle's backbone can't be built: {error.what}",
            where=f"{folder / DESCRIPTION}: backbone",
            rule=error.rule,
            fix="fetch the bundle again from whoever made it, or run `dvc repro` to train one",
        ) from error
    _check_built(description, backbone, folder)
    return backbone


def _of_option(error: BackboneError) -> BackboneError:
    """`error`, which speaks of the parameter that names the weights, for the option that named them instead."""
    where, rule, fix = (
        text.replace("params.yaml: backbone.weights", "--weights").replace("backbone.weights", "--weights")
        for text in (error.where, error.rule, error.fix)
    )
    return BackboneError(error.what, where=where, rule=rule, fix=fix)


def _check_built(description: BundleDescription, backbone: Backbone, folder: Path) -> None:
    for name, trained in description.identity.items():
        found = backbone.identity.get(name)
        if found != trained:
            fix = "give the right file with --weights" if name == "weights_digest" else "use the timm of bundle.json"
            raise BundleError(
                f"the backbone's {name.replace('_', ' ')} is {found}, the bundle was trained with {trained}",
                where=str(folder / DESCRIPTION),
                rule="a bundle judges only features of the backbone it was trained on",
                fix=f"{fix}, or run `dvc repro` to train a bundle for this backbone",
            )
    if feature_fingerprint(backbone, description.views).key != description.feature_fingerprint:
        raise BundleError(
            "this version cuts or decodes photographs in another way than the one that trained the bundle",
            where=str(folder / DESCRIPTION),
            fix="use the version of roadwork that wrote it, or run `dvc repro` with this one",
        )
