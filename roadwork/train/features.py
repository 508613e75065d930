"""Everything the head is trained on: cached embeddings, metadata, labels and the division of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.data.manifest import read_manifest
from roadwork.data.row_order import check_order
from roadwork.data.table_file import read_table_file
from roadwork.embed.store import (
    CHUNK_IMAGES,
    ImageStoreOnDisk,
    TextStore,
    open_image_store,
    read_image_store,
    read_text_store,
)
from roadwork.errors import DataError, ParameterError, StoreError
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.chunk_cache import ChunkCache
from roadwork.train.config import Features
from roadwork.train.data_digest import data_digest
from roadwork.train.embeddings import Embeddings, Resident
from roadwork.train.read_ahead import StoreReader
from roadwork.train.residency import available_memory, kept_in_memory
from roadwork.train.streamed import Streamed
from roadwork.train.windows import window_chunks

_AHEAD_IMAGES = 1024


@dataclass(frozen=True)
class FeatureTable:
    """One row per image, in manifest order."""

    image_ids: list[str]  # image
    embeddings: Embeddings  # float16 [image view dim]
    metadata: Metadata
    labels: Tensor  # int64 [image]; -1 where the manifest has none
    split: NDArray[np.str_]  # image
    block: NDArray[np.int32]  # image; images of one block are never on two sides of a division
    roles: NDArray[np.str_]  # image fold: train, val, test, or empty for an image outside the test split
    fingerprint: str  # of the image features: backbone, geometry and decoder
    digest: str  # of all that the whole table was loaded from, see `data_digest`; some of its rows keep it

    def __len__(self) -> int:
        return len(self.image_ids)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.integer] | Sequence[int]) -> Self:
        """The images that the mask or the indices `which` choose, in that order."""
        chosen = np.asarray(which)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        index = torch.from_numpy(chosen).to(self.labels.device)
        return type(self)(
            image_ids=[self.image_ids[row] for row in chosen],
            embeddings=self.embeddings.take(chosen),
            metadata=self.metadata.index(index),
            labels=self.labels.index_select(0, index),
            split=self.split[chosen],
            block=self.block[chosen],
            roles=self.roles[chosen],
            fingerprint=self.fingerprint,
            digest=self.digest,
        )

    def to(self, device: torch.device) -> Self:
        """The same rows with every tensor on `device`."""
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        moved |= {name: getattr(self, name).to(device) for name in ("embeddings", "metadata", "labels")}
        return type(self)(**moved)


def load_features(
    image_store: Path,
    text_store: Path,
    manifest: Path,
    folds: Path,
    metadata: MetadataConfig,
    *,
    views: int | None = None,
    features: Features = "auto",
    window_images: int = _AHEAD_IMAGES,
    chunk_cache_gigabytes: float = 0.0,
) -> FeatureTable:
    """The feature table of a project: both stores and the folds, matched row by row to the manifest.

    `features` says whether the embeddings are read into memory or left on the disk; `auto` decides by their size and
    the memory that is available. Of those on the disk at most two windows of `window_images` are in memory at a time.
    Where the image store lies in an object store, up to `chunk_cache_gigabytes` of its chunks are kept on this disk.

    Raises DataError for a missing manifest or folds file, and StoreError (naming the first image that differs and the
    stage to run again) where a store or the folds aren't the manifest's rows in the manifest's order, or where the
    image store hasn't as many `views` of an image as were asked for. Raises ParameterError where the head is to use
    text of another width than the text store's.
    """
    frame = read_manifest(manifest).frame
    image_ids = frame["image_id"].astype(str).tolist()
    images = open_image_store(image_store, image_ids=image_ids)
    if views not in (None, images.shape[1]):
        raise StoreError(
            f"the store holds {images.shape[1]} views of an image, views.grid gives {views}",
            where=str(image_store),
            rule="features and parameters belong together",
            fix="run `roadwork embed_images` again",
        )
    text = read_text_store(text_store, image_ids=image_ids)
    width = text.embeddings.shape[1]
    if "text" in metadata.fields and width != metadata.text_dim:
        raise ParameterError(
            f"metadata.text_dim is {metadata.text_dim}, the sentence vectors in {text_store} have {width} numbers",
            where="params.yaml: metadata.text_dim",
            rule="the width of the text store's vectors",
            fix=f"set metadata.text_dim to {width}, and run `roadwork pretrain` again",
        )
    division = _read_folds(folds, image_ids)
    role_columns = sorted((name for name in division if name.startswith("role_")), key=lambda name: int(name[5:]))
    return FeatureTable(
        image_ids=image_ids,
        embeddings=_embeddings(images, features, window_images, chunk_cache_gigabytes),
        metadata=_metadata(frame, text, metadata),
        labels=torch.from_numpy(frame["label"].astype("Int64").fillna(-1).to_numpy(dtype=np.int64)),
        split=division["split"].fillna("").to_numpy(dtype=np.str_),
        block=division["block"].to_numpy(dtype=np.int32),
        roles=division[role_columns].fillna("").to_numpy(dtype=np.str_),
        fingerprint=str(images.attributes["fingerprint"]),
        digest=data_digest(image_store, text_store, manifest, folds),
    )


def _embeddings(
    images: ImageStoreOnDisk, features: Features, window_images: int, chunk_cache_gigabytes: float
) -> Embeddings:
    size_bytes = images.array.nbytes
    in_memory = kept_in_memory(size_bytes, features, available_bytes=available_memory(), remote=images.remote)
    if in_memory and not images.remote:
        return Resident(torch.from_numpy(read_image_store(images.path, image_ids=images.image_ids).embeddings))
    kept = images.remote and chunk_cache_gigabytes > 0
    copies = ChunkCache(images.seal, gigabytes=chunk_cache_gigabytes) if kept else None
    ahead_chunks = window_chunks(_AHEAD_IMAGES) if in_memory else window_chunks(window_images)
    reader = StoreReader(images, ahead_chunks=2 * ahead_chunks, copies=copies)
    streamed = Streamed(reader, np.arange(len(images.image_ids)))
    return _resident(streamed) if in_memory else streamed


def _resident(streamed: Streamed) -> Resident:
    rows = torch.empty(streamed.shape, dtype=torch.float16)
    start = 0
    for piece in streamed.pieces(CHUNK_IMAGES):
        rows[start : start + len(piece)] = piece
        start += len(piece)
    return Resident(rows)


def _metadata(frame: pd.DataFrame, text: TextStore, config: MetadataConfig) -> Metadata:
    gps = np.stack([frame[name].to_numpy(dtype=np.float64) for name in ("latitude_deg", "longitude_deg")], axis=1)
    present = np.isfinite(gps[:, 0]) & np.isfinite(gps[:, 1])
    sentences = np.where(text.present[:, None], text.embeddings, 0).astype(np.float32)
    return Metadata(
        gps_deg=torch.from_numpy(np.where(present[:, None], gps, 0).astype(np.float32)),
        gps_present=torch.from_numpy(present),
        weather=_category(frame, "weather", config),
        daytime=_category(frame, "daytime", config),
        scene=_category(frame, "scene", config),
        text=torch.from_numpy(sentences),
    )


def _category(frame: pd.DataFrame, name: str, config: MetadataConfig) -> Tensor:
    vocabulary = config.vocabularies.vocabularies()[name]
    values = [value if isinstance(value, str) else None for value in frame[name]]
    for value in dict.fromkeys(values):
        if value is not None and value not in vocabulary.values:
            raise DataError(
                f"the manifest's {name} {value!r} is none of the vocabulary's values",
                where=f"params.yaml: metadata.vocabularies.{name}",
                rule="the manifest was made with the vocabularies of now",
                fix="run `roadwork ingest` again",
            )
    return torch.tensor([vocabulary.index(value) for value in values], dtype=torch.int64)


def _read_folds(path: Path, image_ids: list[str]) -> pd.DataFrame:
    folds = read_table_file(path, stage="folds")
    given = folds["image_id"].astype(str).tolist()
    check_order(given, image_ids, where=f"{path}: image_id", stage="folds")
    return folds
