"""Whether a project's parameters are those of a bundle: no backbone is built for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roadwork.bundle.description import BundleDescription
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.errors import BundleError
from roadwork.views.geometry import ViewsConfig

FIX = "set it back, or run `dvc repro` to train a bundle for these parameters"


def check_params(description: BundleDescription, backbone: BackboneConfig, views: ViewsConfig, params: Path) -> None:
    """Raise BundleError, naming the dotted path, unless a project's `backbone` and `views` are the bundle's.

    Where the weights lie may differ (their digest is compared later); `precision: auto` agrees with any.
    """
    pairs: list[tuple[str, Any, Any]] = [
        (f"backbone.{name}", getattr(backbone, name), getattr(description.backbone, name))
        for name in ("name", "kwargs")
    ]
    if backbone.pool != description.backbone.pool:
        pairs.append(("backbone.pool", backbone.pool, description.identity["pool"]))
    if backbone.precision != "auto":
        pairs.append(("backbone.precision", backbone.precision, description.identity["precision"]))
    pairs += [
        (f"views.{name}", getattr(views, name), getattr(description.views, name)) for name in ViewsConfig.model_fields
    ]
    for dotted, given, trained in pairs:
        if given != trained:
            raise BundleError(
                f"`{dotted}` is {given!r}, the bundle was trained with {trained!r}",
                where=f"{params}: {dotted}",
                rule="a bundle judges only features of the backbone and views it was trained on",
                fix=FIX,
            )
