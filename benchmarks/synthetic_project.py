"""A project of any size without photographs: embedding cache and tables, as the real stages leave them.

The cache's blocks share their numbers but for a few that tell the images apart, so that writing 100,000 of them costs
little more than the disk does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.synthetic import DIM, VIEWS, embedding_blocks, image_ids, labels
from roadwork.config import load_section, read_params
from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.photograph import Photograph
from roadwork.embed.store import write_text_store
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
FINGERPRINT = Fingerprint({"benchmark": "synthetic"})
ATTRIBUTES = {"fingerprint": FINGERPRINT.key, "provenance": {}, "manifest_digest": "0" * 64}
BLOCK_IMAGES = 64
_SPLITS = ("train",) * 13 + ("val",) * 3 + ("test",) * 4  # of twenty images in turn


@dataclass(frozen=True)
class Paths:
    """What `load_features` reads, in its order."""

    images: Path
    text: Path
    manifest: Path
    folds: Path

    @classmethod
    def of(cls, folder: Path) -> Paths:
        """Those of the project in `folder`."""
        return cls(*(folder / name for name in ("images.zarr", "text.zarr", "manifest.parquet", "folds.parquet")))

    @property
    def all(self) -> tuple[Path, Path, Path, Path]:
        """All four."""
        return self.images, self.text, self.manifest, self.folds


def photographs(images: int) -> list[Photograph]:
    """Photographs that don't exist: their rows are in the cache."""
    boxes = np.zeros((VIEWS, 4), np.int32)
    return [Photograph(image_id, Path(image_id), boxes, 1) for image_id in image_ids(images)]


def fill_cache(root: Path, images: int) -> None:
    """Write the blocks of `images` images, as `embed_images` would have."""
    cache, ids = EmbeddingCache(root, FINGERPRINT), image_ids(images)
    base = next(embedding_blocks(BLOCK_IMAGES))
    for start in range(0, images, BLOCK_IMAGES):
        block = base[: min(BLOCK_IMAGES, images - start)].copy()
        block[:, :, -2], block[:, :, -1] = start // BLOCK_IMAGES / 2048, np.arange(len(block))[:, None] / 64
        cache.append(ids[start : start + len(block)], block)


def write_tables(paths: Paths, images: int, *, strip: int = 1, text_dim: int = 384) -> None:
    """Manifest, folds and text store of `images` images; `strip` images in a row have the same label."""
    ids, split = image_ids(images), np.resize(np.array(_SPLITS), images)
    frame = manifest_frame(
        [
            {
                "image_id": image_id, "path": f"{image_id}.jpg", "width_px": 4032, "height_px": 3024,
                "label": int(label), "split": part, "source": "synthetic",
            }
            for image_id, label, part in zip(ids, labels_of(images, strip), split, strict=True)
        ]
    )  # fmt: skip
    write_manifest(Manifest(frame, paths.manifest.parent), paths.manifest)
    roles = np.where(split == "test", "test", "")
    blocks = np.arange(images, dtype=np.int32) // 2
    pd.DataFrame({"image_id": ids, "split": split, "block": blocks, "role_0": roles}).to_parquet(paths.folds)
    sentences = np.zeros((images, text_dim), np.float16)
    write_text_store(paths.text, ids, sentences, np.zeros(images, bool), attributes=ATTRIBUTES)


def labels_of(images: int, strip: int) -> np.ndarray:
    """The label of each image."""
    return labels(images) if strip == 1 else (np.arange(images) // strip) % 2


def spec_of(changes: dict[str, Any] | None = None) -> HeadSpec:
    """The head as committed, or with `changes` of its section."""
    head = read_params(PARAMS)["head"] | (changes or {})
    metadata = load_section(PARAMS, "metadata", MetadataConfig)
    return HeadSpec(head=HeadConfig.model_validate(head), metadata=metadata, embedding_dim=DIM, views=VIEWS)
