"""Stage `embed_images`: manifest and view boxes to the image features, computing only what no earlier run did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.paths import EMBED_IMAGES_METRICS, EMBED_REJECTS, IMAGE_STORE, MANIFEST, PARAMS, VIEWS
from roadwork.cache_root import cache_root
from roadwork.cluster.description import BackboneDescription, describe_backbone
from roadwork.cluster.engine import RayEngine
from roadwork.cluster.session import cluster_session
from roadwork.config import load_section, load_seed
from roadwork.data.manifest import read_manifest
from roadwork.data.table_file import read_table_file
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.engine import Engine
from roadwork.embed.fingerprint import feature_fingerprint
from roadwork.embed.images import embed_images
from roadwork.embed.photographs import photographs_of
from roadwork.embed.provenance import IMAGE_LIBRARIES, store_attributes
from roadwork.publish import write_json
from roadwork.views.geometry import ViewsConfig

if TYPE_CHECKING:
    from roadwork.embed.backbone import Backbone


@dataclass(frozen=True)
class _Settings:
    views: ViewsConfig
    embed: EmbedConfig
    backbone: BackboneConfig
    seed: int


@dataclass(frozen=True)
class _Ready:
    """An engine, with the backbone that it runs as far as its features depend on it."""

    engine: Engine
    cache: EmbeddingCache
    backbone: Backbone | BackboneDescription


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `features/images.zarr` and `metrics/embed_images.json`; returns the metrics."""
    settings = _Settings(
        load_section(params, "views", ViewsConfig),
        load_section(params, "embed", EmbedConfig),
        load_section(params, "backbone", BackboneConfig),
        load_seed(params),
    )
    manifest = read_manifest(MANIFEST)
    photographs = photographs_of(manifest, read_table_file(VIEWS, stage="tile"), settings.views)
    with (_on_cluster if settings.embed.engine == "ray" else _here)(settings) as ready:
        attributes = store_attributes(
            ready.cache.fingerprint,
            manifest_digest=manifest.digest,
            libraries=IMAGE_LIBRARIES,
            source={"weights": ready.backbone.weights, "licence": ready.backbone.licence},
        )
        report = embed_images(
            photographs,
            cache=ready.cache,
            engine=ready.engine,
            timeout_s=settings.embed.timeout_s,
            store=IMAGE_STORE,
            attributes=attributes,
            rejects=EMBED_REJECTS,
        )
    write_json(EMBED_IMAGES_METRICS, asdict(report))
    return asdict(report)


@contextmanager
def _here(settings: _Settings) -> Iterator[_Ready]:
    """`embed.engine: local`: the model on this machine's device, and PyTorch for that and no earlier."""
    from roadwork.device import resolve_device
    from roadwork.embed.backbone import build_backbone, embed_views
    from roadwork.embed.local_engine import LocalEngine
    from roadwork.embed.view_cutter import view_cutter
    from roadwork.views.decoder import decoder_of

    views, embed = settings.views, settings.embed
    device = resolve_device(embed.device)
    decoder = decoder_of(views, device)
    backbone = build_backbone(
        settings.backbone, size_px=views.size_px, seed=settings.seed, device=device, compile=embed.compile
    )
    cache = EmbeddingCache(cache_root(), feature_fingerprint(backbone, views))
    engine = LocalEngine(cache, view_cutter(decoder, views.size_px), partial(embed_views, backbone), device, embed)
    yield _Ready(engine, cache, backbone)


@contextmanager
def _on_cluster(settings: _Settings) -> Iterator[_Ready]:
    """`embed.engine: ray`: the model on the cluster's nodes; the starter loads neither it nor PyTorch."""
    views, embed, backbone, seed = settings.views, settings.embed, settings.backbone, settings.seed
    with cluster_session(embed.ray) as cluster:
        described = describe_backbone(cluster, backbone, embed, views, seed)
        cache = EmbeddingCache(cache_root(), feature_fingerprint(described, views))
        engine = RayEngine(cluster, embed=embed, backbone=backbone, views=views, seed=seed, cache=cache)
        yield _Ready(engine, cache, described)
