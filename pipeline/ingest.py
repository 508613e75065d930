"""Stage `ingest`: from the source that `params.yaml` names to `data/manifest.parquet`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.paths import DATA, IMAGES, INGEST_METRICS, MANIFEST, PARAMS, REJECTS
from roadwork.config import load_section, load_seed, parse_section, read_params
from roadwork.data.ingest import ingest
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.manifest import write_manifest
from roadwork.data.vocabulary import VocabulariesConfig
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
    with published_folder(IMAGES) as draft:
        result = ingest(
            config, vocabularies, seed=seed, data_root=DATA, images_dir=IMAGES, draft=draft, rejects_path=REJECTS
        )
        # A kill from here on leaves no manifest, never one that belongs to other images.
        MANIFEST.unlink(missing_ok=True)
    write_manifest(result.manifest, MANIFEST)
    write_json(INGEST_METRICS, result.metrics)
    return result.metrics


def load_vocabularies(params: Path) -> VocabulariesConfig:
    """`metadata.vocabularies`, the only part of `metadata` that this stage depends on."""
    name = "metadata.vocabularies"
    metadata = read_params(params).get("metadata")
    if not isinstance(metadata, dict) or "vocabularies" not in metadata:
        raise ParameterError(f"`{name}` is missing", where=str(params), fix=f"add `{name}`")
    return parse_section(metadata["vocabularies"], name, VocabulariesConfig, where=params)
