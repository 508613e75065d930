"""Tiny photographs and a tiny backbone, through the local engine and through a cluster."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from roadwork.embed.backbone import build_backbone, embed_views
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.engine import Engine
from roadwork.embed.fingerprint import feature_fingerprint
from roadwork.embed.images import EmbedReport, embed_images
from roadwork.embed.local_engine import LocalEngine
from roadwork.embed.photograph import Photograph
from roadwork.embed.view_cutter import view_cutter
from roadwork.storage.place import Place
from roadwork.views.decoder import CpuDecoder
from roadwork.views.geometry import ViewsConfig, view_boxes

SIZE_PX, WIDTH_PX, HEIGHT_PX, SEED = 160, 240, 200, 5
VIEWS = ViewsConfig.model_validate({"grid": 3, "overlap": 0.25, "size_px": SIZE_PX, "decoder": "cpu"})
BACKBONE = {
    "name": "test_vit.r160_in1k", "weights": "random", "weights_sha256": None, "kwargs": {}, "pool": "auto",
    "precision": "fp32",
}  # fmt: skip
RAY = {
    "address": "local", "decode_actors": "auto", "decode_cpus": "auto", "decode_images": 4, "model_actors": "auto",
    "actors_per_gpu": 1,
}  # fmt: skip


def embed_config(engine: str = "ray", ray: dict[str, Any] | None = None, **changes: Any) -> EmbedConfig:
    return EmbedConfig.model_validate(
        {
            "engine": engine, "ray": {**RAY, **(ray or {})}, "device": "cpu", "decode_workers": 1,
            "batch_images": "auto", "block_images": 8, "timeout_s": 300, "compile": False, **changes,
        }
    )  # fmt: skip


def backbone_config(**changes: Any) -> BackboneConfig:
    return BackboneConfig.model_validate({**BACKBONE, **changes})


def photographs(folder: Path, count: int) -> list[Photograph]:
    """`count` different drawn photographs."""
    folder.mkdir(parents=True)
    boxes = view_boxes(WIDTH_PX, HEIGHT_PX, grid=VIEWS.grid, overlap=VIEWS.overlap)
    generator = np.random.default_rng(count)
    photos = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        pixels = generator.integers(0, 256, (10, 12, 3), np.uint8)
        Image.fromarray(pixels).resize((WIDTH_PX, HEIGHT_PX)).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        photos.append(Photograph(digest, path, boxes, WIDTH_PX * HEIGHT_PX))
    return photos


def published(photos: list[Photograph], engine: Engine, cache: EmbeddingCache, store: Path) -> EmbedReport:
    attributes = {"fingerprint": cache.fingerprint.key, "provenance": {}, "manifest_digest": "00"}
    return embed_images(
        photos,
        cache=cache,
        engine=engine,
        timeout_s=300,
        store=store,
        attributes=attributes,
        rejects=store.with_name("embed_rejects.csv"),
    )


def run_local(photos: list[Photograph], folder: Path) -> EmbedReport:
    """The local engine's cache `folder/cache` and store `folder/images.zarr`."""
    backbone = build_backbone(backbone_config(), size_px=SIZE_PX, seed=SEED, device="cpu")
    cache = EmbeddingCache(folder / "cache", feature_fingerprint(backbone, VIEWS))
    cut, embed = view_cutter(CpuDecoder(), SIZE_PX), partial(embed_views, backbone)
    engine = LocalEngine(cache, cut, embed, torch.device("cpu"), embed_config("local"))
    return published(photos, engine, cache, folder / "images.zarr")


def run_ray(
    photos: list[Photograph],
    folder: Path,
    config: EmbedConfig,
    *,
    backbone: BackboneConfig | None = None,
    root: Place | None = None,
) -> EmbedReport:
    """The same on the cluster that `config` names, the cache under `root` where one is given."""
    from roadwork.cluster.description import describe_backbone
    from roadwork.cluster.engine import RayEngine
    from roadwork.cluster.session import cluster_session

    backbone = backbone or backbone_config()
    with cluster_session(config.ray) as cluster:
        described = describe_backbone(cluster, backbone, config, VIEWS, SEED)
        cache = EmbeddingCache(root or folder / "cache", feature_fingerprint(described, VIEWS))
        engine = RayEngine(cluster, embed=config, backbone=backbone, views=VIEWS, seed=SEED, cache=cache)
        return published(photos, engine, cache, folder / "images.zarr")


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def blocks(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cache" / "embeddings").glob("*/*.safetensors"))
