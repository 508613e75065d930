"""Stage `embed_images`: manifest and view boxes to the image features, computing only what no earlier run did."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.paths import EMBED_IMAGES_METRICS, IMAGE_STORE, MANIFEST, PARAMS, VIEWS
from roadwork.cache_root import cache_root
from roadwork.config import load_section, load_seed
from roadwork.data.manifest import read_manifest
from roadwork.data.table_file import read_table_file
from roadwork.device import resolve_device
from roadwork.embed.backbone import build_backbone, embed_views
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.fingerprint import feature_fingerprint
from roadwork.embed.images import embed_images
from roadwork.embed.photograph import photographs_of, view_cutter
from roadwork.embed.provenance import IMAGE_LIBRARIES, store_attributes
from roadwork.publish import write_json
from roadwork.views.decoder import decoder_of
from roadwork.views.geometry import ViewsConfig


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `features/images.zarr` and `metrics/embed_images.json`; returns the metrics."""
    views = load_section(params, "views", ViewsConfig)
    config = load_section(params, "embed", EmbedConfig)
    backbone_config = load_section(params, "backbone", BackboneConfig)
    device = resolve_device(config.device)
    manifest = read_manifest(MANIFEST)
    decoder = decoder_of(views, device)
    photographs = photographs_of(manifest, read_table_file(VIEWS, stage="tile"), views)
    backbone = build_backbone(
        backbone_config, size_px=views.size_px, seed=load_seed(params), device=device, compile=config.compile
    )
    fingerprint = feature_fingerprint(backbone, views)
    attributes = store_attributes(
        fingerprint,
        manifest_digest=manifest.digest,
        libraries=IMAGE_LIBRARIES,
        source={"weights": backbone.weights, "licence": backbone.licence},
    )
    report = embed_images(
        photographs,
        cache=EmbeddingCache(cache_root(), fingerprint),
        cut=view_cutter(decoder, views.size_px),
        embed=partial(embed_views, backbone),
        device=device,
        config=config,
        store=IMAGE_STORE,
        attributes=attributes,
    )
    write_json(EMBED_IMAGES_METRICS, asdict(report))
    return asdict(report)
