"""The stage `embed_images` as the benchmarks run it: the committed parameters, a cache and a store of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.config import load_section
from roadwork.embed.backbone import Backbone, build_backbone, embed_views
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.images import embed_images
from roadwork.embed.local_engine import LocalEngine
from roadwork.embed.photograph import Photograph
from roadwork.embed.store import read_image_store
from roadwork.embed.view_cutter import view_cutter
from roadwork.views.decoder import CpuDecoder, Decoder
from roadwork.views.geometry import ViewsConfig

PARAMS = Path(__file__).parents[1] / "params.yaml"
COMMITTED = load_section(PARAMS, "views", ViewsConfig)
CPU = torch.device("cpu")


def committed_backbone(**changes: object) -> Backbone:
    """The committed backbone on the CPU, with `changes` to its section."""
    config = load_section(PARAMS, "backbone", BackboneConfig).model_copy(update=changes)
    return build_backbone(config, size_px=COMMITTED.size_px, seed=17, device=CPU)


def embed_files(
    photographs: list[Photograph],
    model: Backbone | Callable[[Tensor], Tensor],
    *,
    decoder: Decoder | None = None,
    device: torch.device = CPU,
    size_px: int = COMMITTED.size_px,
) -> NDArray[np.float16]:
    """The features of `photographs`, `[image view dim]`, through the whole stage: cache, blocks, store and all."""
    embed = partial(embed_views, model) if isinstance(model, Backbone) else model
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "images.zarr"
        config = load_section(PARAMS, "embed", EmbedConfig)
        cache = EmbeddingCache(Path(folder), Fingerprint({"benchmark": "streaming"}))
        engine = LocalEngine(cache, view_cutter(decoder or CpuDecoder(), size_px), embed, device, config)
        embed_images(
            photographs,
            cache=cache,
            engine=engine,
            timeout_s=config.timeout_s,
            store=store,
            attributes={},
            rejects=store.with_name("embed_rejects.csv"),
        )
        return read_image_store(store).embeddings
