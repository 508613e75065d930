"""The sentence encoder of `text.model`, loaded from its folder."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from roadwork.embed.text_folder import WEIGHTS, text_folder, unavailable
from roadwork.embed.weights_file import require_digest

# What the loaders raise for files that they can't use.
_LOAD_ERRORS = (
    OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError,
)  # fmt: skip


def load_text_model(model: str, device: torch.device, *, sha256: str | None = None) -> SentenceTransformer:
    """The frozen encoder that `model` names (`package:NAME`, a folder, or a hub id), in float32.

    Its weights are those in `model.safetensors`, which has the digest `sha256` where one is given. Code that comes with
    a model is never run, nor a pickle read. Raises BackboneError, with what to put where, for one that can't be had.
    """
    return open_text_model(text_folder(model), device, sha256=sha256, called=model)


def open_text_model(
    folder: Path, device: torch.device, *, sha256: str | None = None, called: str = ""
) -> SentenceTransformer:
    """The same from a `folder` that `text_folder` gave; `called` is its name in errors."""
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise unavailable(called or str(folder), f"there is no {WEIGHTS} in {folder}")
    require_digest(weights, sha256, parameter="text.weights_sha256")
    try:
        with _without_bars():
            encoder = SentenceTransformer(
                str(folder),
                device=str(device),
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            )
    except _LOAD_ERRORS as error:
        raise unavailable(called or str(folder), error) from error
    return encoder.eval().requires_grad_(False)


def weights_sha256(encoder: SentenceTransformer) -> str:
    """sha256 (hex) over names, shapes and float32 bytes of the encoder's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Transformers' own bars off for the moment of loading; its warnings stay."""
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
