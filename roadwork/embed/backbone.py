"""The frozen backbone: uint8 views in, one float32 vector per view out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from timm.data.config import resolve_model_data_config
from torch import Tensor, nn

from roadwork.embed.architecture import check_name, create_architecture, patch_of
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.pooling import MODEL_ERRORS, pool_features, resolve_pool
from roadwork.embed.precision import DTYPES, Precision, cast_weights, resolve_precision
from roadwork.embed.weights import load_weights, weights_digest
from roadwork.errors import BackboneError, CapabilityError
from roadwork.progress import note


@dataclass(frozen=True)
class Backbone:
    """A frozen model on its device, with all that determines its vectors (beside the views themselves)."""

    module: nn.Module
    name: str
    kwargs: dict[str, Any]
    weights: str
    weights_digest: str
    pool: str
    precision: Precision
    dim: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size_px: int
    patch_px: int | None
    device: torch.device
    licence: str | None

    @property
    def identity(self) -> dict[str, Any]:
        """What the vectors depend on, as JSON-able values: two backbones of equal identity give equal features."""
        return {
            "name": self.name,
            "kwargs": self.kwargs,
            "weights_digest": self.weights_digest,
            "pool": self.pool,
            "precision": self.precision,
            "dim": self.dim,
            "mean": list(self.mean),
            "std": list(self.std),
        }

    @cached_property
    def normalisation(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the pixels [colour 1 1], on the device: copied once, not with every batch."""
        mean, std = (torch.tensor(values, device=self.device).view(3, 1, 1) for values in (self.mean, self.std))
        return mean, std

    @property
    def trained(self) -> bool:
        """False for seeded random weights."""
        return self.weights != "random"


def build_backbone(
    config: BackboneConfig, *, size_px: int, seed: int, device: torch.device | str, compile: bool = False
) -> Backbone:
    """The backbone of `config` for square views of `size_px`, on `device`: eval mode, no gradients, one dry run done.

    `seed` is used by `weights: random` only, which is noted once the model has proved to work. `compile` wraps
    the model in torch.compile (CUDA only).

    Raises BackboneError (unknown model, weights that can't be had or don't fit, a size the model can't take),
    ParameterError (arguments, pooling, size not a multiple of the patch) and CapabilityError (precision, compile).
    """
    device = torch.device(device)
    precision = resolve_precision(config.precision, device)
    if compile and device.type != "cuda":
        raise CapabilityError(
            "torch.compile of the backbone was asked for on the CPU",
            where="params.yaml: embed.compile",
            rule="it pays on CUDA only",
            fix="set embed.compile to false",
        )
    check_name(config.name)
    model = load_weights(
        config.weights,
        lambda: create_architecture(config.name, config.kwargs, size_px=size_px, pool=config.pool),
        name=config.name,
        seed=seed,
        sha256=config.weights_sha256,
    )
    data_config = resolve_model_data_config(model)
    digest = weights_digest(model)
    pool = resolve_pool(config.pool, model)
    patch_px = patch_of(model)
    dim = int(getattr(model, "head_hidden_size", None) or getattr(model, "num_features", 0))
    licence = model.pretrained_cfg.get("license")  # pyright: ignore
    model = model.eval().requires_grad_(False).to(device)
    if device.type == "cuda":  # as the views lie, so that a convolution needs no transposed copy of them
        model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    cast_weights(model, precision)
    backbone = Backbone(
        module=model,
        name=config.name,
        kwargs=dict(config.kwargs),
        weights=config.weights,
        weights_digest=digest,
        pool=pool,
        precision=precision,
        dim=dim,
        mean=tuple(data_config["mean"]),
        std=tuple(data_config["std"]),
        size_px=size_px,
        patch_px=patch_px,
        device=device,
        licence=licence,
    )
    _dry_run(backbone)
    if not backbone.trained:
        note(
            f"backbone {config.name}: RANDOM weights (seed {seed}). The features are UNTRAINED: what is learned from "
            "them shows that the pipeline runs, not how well roadwork is found. For real features set backbone.weights."
        )
    if not compile:
        return backbone
    # For the one shape of a photograph's views: after another shape, such as the dry run's, kernels would be for any.
    return replace(backbone, module=torch.compile(model, dynamic=False))  # pyright: ignore[reportArgumentType]


def embed_views(backbone: Backbone, views: Tensor) -> Tensor:
    """The vectors of `views` (uint8 RGB `[image view size size 3]`): float32 `[image view dim]` on the model's device.

    Pixels are scaled to 0-1 and normalised with the model's mean and std, on the device. Raises BackboneError for
    vectors that aren't finite; on CUDA, where looking would stall the device, that is left to whoever fetches them.
    """
    images, count = views.shape[:2]
    pixels = views.to(backbone.device, non_blocking=True).flatten(0, 1).permute(0, 3, 1, 2)
    with torch.inference_mode():
        mean, std = backbone.normalisation
        normalised = (pixels.float() / 255 - mean) / std
        vectors = pool_features(backbone.module, normalised.to(DTYPES[backbone.precision]), backbone.pool).float()
    if vectors.device.type == "cpu":
        _check_finite(backbone, vectors)
    return vectors.view(images, count, -1)


def _check_finite(backbone: Backbone, vectors: Tensor) -> None:
    broken = ~torch.isfinite(vectors).all(dim=1)
    if broken.any():
        raise BackboneError(
            f"{int(broken.sum())} of {len(vectors)} vectors hold NaN or infinity",
            where=f"backbone {backbone.name}, precision {backbone.precision}",
            rule="every number of an embedding is finite",
            fix="set backbone.precision to fp32; if that doesn't help, the weights are damaged",
        )


def _dry_run(backbone: Backbone) -> None:
    """Embed one grey view, so that a size or shape the model can't do is an error before the first photograph."""
    size = backbone.size_px
    try:
        vectors = embed_views(backbone, torch.full((1, 1, size, size, 3), 127, dtype=torch.uint8)).cpu()
    except MODEL_ERRORS as error:
        raise BackboneError(
            f"{backbone.name} can't take views of {size} px: {error}",
            where="params.yaml: views.size_px",
            rule="the model's input size, which many models fix or want divisible by 32",
            fix=f"try views.size_px: {max(32, round(size / 32) * 32)}, or another model",
        ) from error
    _check_finite(backbone, vectors.flatten(0, 1))
    if vectors.shape != (1, 1, backbone.dim):
        raise BackboneError(
            f"{backbone.name} gives vectors of shape {list(vectors.shape[2:])}, not [{backbone.dim}]",
            where="params.yaml: backbone.name, backbone.kwargs",
            rule="one vector per view",
            fix="name a model that pools its features, or another backbone.pool",
        )
