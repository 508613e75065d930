"""Stage `ingest`: from the source that `params.yaml` names to `data/manifest.parquet`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.paths import DATA, IMAGES, INGEST_METRICS, LEFT_OUT, MANIFEST, PARAMS, REJECTS
from roadwork.cluster.probing import RayProbing
from roadwork.cluster.session import cluster_session
from roadwork.config import load_section, load_seed, parse_section, read_params
from roadwork.data.ingest import ingest
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.left_out import read_left_out
from roadwork.data.manifest import write_manifest
from roadwork.data.probing import LocalProbing, Probing
from roadwork.data.vocabulary import VocabulariesConfig
from roadwork.embed.config import EmbedConfig
from roadwork.errors import ParameterError
from roadwork.publish import published_folder, write_json


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write manifest, rejects, metrics and, for sources without files of their own, `data/images/`.

    Returns the metrics. Only rejects are written when the stage fails; an earlier run's outputs then stay as they were.
    """
    config = load_section(params, "ingest", IngestConfig)
    vocabularies = load_vocabularies(params)
    seed = load_seed(params)
    REJECTS.unlink(missing_ok=True)  # an earlier run's would pass for this one's if the source can't be read
    left_out = read_left_out(LEFT_OUT)
    with _probing(config, params) as probing, published_folder(IMAGES) as draft:
        result = ingest(
            config,
            vocabularies,
            seed=seed,
            data_root=DATA,
            images_dir=IMAGES,
            draft=draft,
            rejects_path=REJECTS,
            probing=probing,
            left_out=left_out,
        )
        # A kill from here on leaves no manifest, never one that belongs to other images.
        MANIFEST.unlink(missing_ok=True)
    write_manifest(result.manifest, MANIFEST)
    write_json(INGEST_METRICS, result.metrics)
    return result.metrics


@contextmanager
def _probing(config: IngestConfig, params: Path) -> Iterator[Probing]:
    """`ingest.engine`: this machine's processes, or those of a cluster."""
    if config.engine == "local":
        yield LocalProbing(config.limits, os.cpu_count() or 1)
        return
    ray = load_section(params, "embed", EmbedConfig).ray
    with cluster_session(ray) as cluster:
        yield RayProbing(cluster, ray, config.limits)


def load_vocabularies(params: Path) -> VocabulariesConfig:
    """`metadata.vocabularies`, the only part of `metadata` that this stage depends on."""
    name = "metadata.vocabularies"
    metadata = read_params(params).get("metadata")
    if not isinstance(metadata, dict) or "vocabularies" not in metadata:
        raise ParameterError(f"`{name}` is missing", where=str(params), fix=f"add `{name}`")
    return parse_section(metadata["vocabularies"], name, VocabulariesConfig, where=params)
