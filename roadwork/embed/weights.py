"""Give a backbone its weights: pretrained from the hub, from a local file, or random."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from timm.models import get_pretrained_cfg
from torch import nn

from roadwork.embed.checkpoint import fit_checkpoint, read_checkpoint
from roadwork.embed.hub import hub_refusal
from roadwork.embed.random_init import random_model
from roadwork.embed.weights_file import require_digest
from roadwork.errors import BackboneError
from roadwork.user_path import user_path

# What hub downloads raise. The HTTP library's own base class depends on the hub client's version.
_HUB_ERRORS: tuple[type[BaseException], ...] = (OSError, EntryNotFoundError, *HfHubHTTPError.__bases__)

_CHUNK_BYTES = 64 * 1024 * 1024


def load_weights(
    weights: str, create: Callable[[], nn.Module], *, name: str, seed: int, sha256: str | None = None
) -> nn.Module:
    """The float32 model that `create` builds, with the weights that `backbone.weights` names.

    `random` uses `seed`; `sha256` is the digest that the file of any other must have. Raises BackboneError for weights
    that can't be had, are another file, or can't be read or fitted; there is no fallback from one kind to another.
    """
    if weights == "random":
        return random_model(create, seed)
    file = hub_file(name) if weights == "pretrained" else user_path(weights, "backbone.weights")
    if file.is_file():  # where it isn't, the reader says so
        require_digest(file, sha256, parameter="backbone.weights_sha256")
    state = read_checkpoint(file)
    model = random_model(create, seed)
    fit_checkpoint(model, state, source=f"{weights} weights {file}" if weights == "pretrained" else weights)
    return model


def weights_digest(model: nn.Module) -> str:
    """SHA-256, hex, over name, dtype, shape and bytes of every entry of the state dict, in the order of the names.

    Taken in pieces, without a copy of the model.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        for start in range(0, raw.size, _CHUNK_BYTES):
            digest.update(raw[start : start + _CHUNK_BYTES])
    return digest.hexdigest()


def hub_file(name: str) -> Path:
    """The file with timm's own weights of the model `name`, downloaded into the hub's local cache where it isn't yet.

    Raises BackboneError, which says which file to put where, when there is none or it can't be had.
    """
    cfg = get_pretrained_cfg(name)
    if cfg is None or not cfg.hf_hub_id or cfg.custom_load:
        raise BackboneError(
            f"timm has no weights for {name} on the hub",
            where="params.yaml: backbone.weights is pretrained",
            rule="a model, with its tag, of timm.list_pretrained()",
            fix="name a model with weights, or set backbone.weights to a file",
        )
    file = cfg.hf_hub_filename or "model.safetensors"
    repository, _, revision = cfg.hf_hub_id.partition("@")
    cached = try_to_load_from_cache(repository, file, revision=revision or None)
    if isinstance(cached, str):
        return Path(cached)
    refusal = hub_refusal()
    if refusal is not None:
        raise _unavailable(name, repository, file, refusal)
    try:
        return Path(hf_hub_download(repository, file, revision=revision or None))
    except _HUB_ERRORS as error:
        first_line = str(error).strip().partition("\n")[0]
        raise _unavailable(name, repository, file, f"{type(error).__name__}: {first_line}") from error


def _unavailable(name: str, repository: str, file: str, reason: str) -> BackboneError:
    return BackboneError(
        f"the pretrained weights of {name} can't be had: {reason}",
        where="params.yaml: backbone.weights is pretrained",
        rule=f"they are {file} of {repository} on the Hugging Face hub; that needs a network and, for gated "
        "models, an accepted licence and a login",
        fix=f"on a machine that has both, download that file; put it at weights/{name}{Path(file).suffix} in this "
        "project and set backbone.weights to that path",
    )
