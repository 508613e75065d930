"""`roadwork check`: the four validation tests on this project's own data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from pipeline.outcome import Outcome
from pipeline.paths import FOLDS, IMAGE_STORE, MANIFEST, SAMPLING, TEXT_STORE
from roadwork.check import check_null_metadata, check_sampling, check_shapes, check_views
from roadwork.config import load_section, load_seed
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.manifest import read_manifest
from roadwork.data.sampling_config import SamplingConfig
from roadwork.data.table_file import read_table_file
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.features import check_order, load_features
from roadwork.views.geometry import ViewsConfig


def run(params: Path) -> Outcome:
    """Run all four; `passed` is false where one fails. DataError where the stages before haven't run."""
    seed = load_seed(params)
    metadata = load_section(params, "metadata", MetadataConfig)
    sampling = load_section(params, "sampling", SamplingConfig)
    max_pixels = load_section(params, "ingest", IngestConfig).max_pixels
    weights = read_table_file(SAMPLING, stage="sampling")
    table = load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, metadata)
    spec = HeadSpec(
        head=load_section(params, "head", HeadConfig),
        metadata=metadata,
        embedding_dim=table.embeddings.shape[2],
        views=table.embeddings.shape[1],
    )
    check_order(
        weights["image_id"].astype(str).tolist(),
        table.rows(table.split == "train").image_ids,
        where=f"{SAMPLING}: image_id",
        stage="sampling",
    )
    manifest = read_manifest(MANIFEST)
    sizes_px = manifest.frame[["width_px", "height_px"]].to_numpy(dtype=np.int64)  # [image 2]
    like_design = (np.sort(sizes_px, axis=1) == (3024, 4032)).all(axis=1)
    row = int(np.argmax(like_design if like_design.any() else sizes_px.prod(axis=1)))
    size_px = (int(sizes_px[row, 0]), int(sizes_px[row, 1]))
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
