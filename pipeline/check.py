"""`roadwork check`: the four validation tests on this project's own data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from pipeline.outcome import Outcome
from pipeline.paths import FOLDS, IMAGE_STORE, MANIFEST, SAMPLING, TEXT_STORE
from roadwork.check import check_null_metadata, check_sampling, check_shapes, check_views
from roadwork.config import load_section, load_seed
from roadwork.data.ingest import IngestConfig
from roadwork.data.manifest import read_manifest
from roadwork.data.sampling import SamplingConfig
from roadwork.errors import DataError
from roadwork.model.head import HeadConfig, HeadSpec
from roadwork.model.metadata import MetadataConfig
from roadwork.train.features import load_features
from roadwork.views.geometry import ViewsConfig


def run(params: Path) -> Outcome:
    """Run all four; `passed` is false where one fails. DataError where the stages before haven't run."""
    seed = load_seed(params)
    metadata = load_section(params, "metadata", MetadataConfig)
    sampling = load_section(params, "sampling", SamplingConfig)
    max_pixels = load_section(params, "ingest", IngestConfig).max_pixels
    if not SAMPLING.is_file():
        raise DataError("there are no sampling weights yet", where=str(SAMPLING), fix="dvc repro sampling embed_images")
    table = load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, metadata)
    spec = HeadSpec(
        head=load_section(params, "head", HeadConfig),
        metadata=metadata,
        embedding_dim=table.embeddings.shape[2],
        views=table.embeddings.shape[1],
    )
    weights = pd.read_parquet(SAMPLING)
    manifest = read_manifest(MANIFEST)
    area = manifest.frame["width_px"].astype(float) * manifest.frame["height_px"]
    is_12_megapixel = area == 4032 * 3024
    row = int(is_12_megapixel.idxmax() if is_12_megapixel.any() else area.idxmax())
    size_px = (int(manifest.frame["width_px"].iloc[row]), int(manifest.frame["height_px"].iloc[row]))
    findings = [
        check_shapes(table, spec, seed),
        check_null_metadata(table, spec, seed),
        check_sampling(
            weights["weight"].to_numpy(dtype=float),
            weights["distance_km"].to_numpy(dtype=float),
            near_km=sampling.near_km,
            target_share=sampling.target_share,
        ),
        check_views(manifest.photograph(row), size_px, load_section(params, "views", ViewsConfig), max_pixels),
    ]
    lines = [f"{'✓' if finding.passed else '✗'} {finding.name:<14} {finding.detail}" for finding in findings]
    passed = all(finding.passed for finding in findings)
    return Outcome({"passed": passed, "checks": [asdict(finding) for finding in findings]}, "\n".join(lines), passed)
