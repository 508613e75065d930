"""What the cache holds, and how to empty it: the commands `cache info` and `cache clear`.

Both look at the two things that are kept between runs: embeddings, which may lie in an object store, and trainings that
no stage has published yet, which lie on this machine's disk.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwork.embed.blocks import Blocks, blocks_in
from roadwork.embed.cache import FOLDER
from roadwork.embed.cache_block import SUFFIX
from roadwork.embed.local_blocks import listed
from roadwork.errors import StoreError
from roadwork.locks import Busy, exclusive
from roadwork.storage.objects import folders
from roadwork.storage.place import Place, is_remote

TRAININGS = "training"
"""Where `roadwork.train.work_area` keeps unfinished trainings and finished ones that wait for their stage."""

_KEY = re.compile(r"[0-9a-f]{64}")
_STATE = re.compile(r"epochs_\d+")
_FINISHED = "finished"  # as `roadwork.train.finished` names it


@dataclass(frozen=True)
class CacheEntry:
    """One fingerprint's folder."""

    key: str
    rows: int  # distinct images
    blocks: int
    damaged_blocks: int
    size_bytes: int
    fields: Mapping[str, Any]  # of the fingerprint; empty where they were not recorded, or are damaged


@dataclass(frozen=True)
class TrainingEntry:
    """The folder of one unfinished training, or of a `finished` one that no stage has published yet."""

    key: str
    epochs: int  # of its saved state
    finished: bool
    size_bytes: int


@dataclass(frozen=True)
class Removed:
    """What a clear removed, and what it left because a process is at work there."""

    entries: list[CacheEntry]
    trainings: list[TrainingEntry]
    busy: list[str]  # keys


def cache_info(root: Place) -> list[CacheEntry]:
    """Every fingerprint under the cache's `root`, in the order of their keys. Other files there are ignored."""
    return [_entry(blocks) for blocks in _fingerprints(root)]


def training_info(root: Path) -> list[TrainingEntry]:
    """Every training under the folder `root`, in the order of their keys."""
    return [_training(folder) for folder in _trainings(root)]


def clear_cache(root: Place, trainings: Path, key: str | None = None) -> Removed:
    """Remove all fingerprints under `root` and the trainings under `trainings`, or the one whose key starts with `key`.

    What a living process embeds or trains into stays, and is told. Raises StoreError when `key` fits none or several,
    or one that is in use.
    """
    chosen: list[Blocks | Path] = [*_fingerprints(root), *_trainings(trainings)]
    if key is not None:
        fits = [each for each in chosen if _key(each).startswith(key)]
        if len(fits) != 1 or not key:
            known = ", ".join(_key(each)[:12] for each in chosen) or "the cache is empty"
            raise StoreError(
                f"{len(fits)} fingerprints start with {key!r}", where=str(root / FOLDER), fix=f"give one of: {known}"
            )
        chosen = fits
    removed = Removed([], [], [])
    for each in chosen:
        if isinstance(each, Path):
            _clear_training(each, removed)
        else:
            _clear_fingerprint(each, removed)
    if key is not None and removed.busy:
        raise StoreError(
            "another process is at work there",
            where=_where(chosen[0]),
            fix="wait for it to end, or end it, and try again",
        )
    return removed


def _clear_fingerprint(blocks: Blocks, removed: Removed) -> None:
    with blocks.locked():
        if blocks.claim().others():
            removed.busy.append(blocks.folder.name)
            return
        if blocks.files():  # else cleared since the listing
            removed.entries.append(_entry(blocks))
        blocks.clear()


def _clear_training(folder: Path, removed: Removed) -> None:
    try:
        with exclusive(folder.with_name(f"{folder.name}.lock"), timeout_s=0):
            if folder.is_dir():
                removed.trainings.append(_training(folder))
                shutil.rmtree(folder)
    except Busy:
        removed.busy.append(folder.name)
    except OSError as error:
        raise StoreError(
            f"an unfinished training can't be removed: {error.strerror or error}", where=str(folder)
        ) from error


def _fingerprints(root: Place) -> list[Blocks]:
    area = root / FOLDER
    names = folders(area) if is_remote(area) else _local_folders(Path(str(area)))  # pyright: ignore[reportArgumentType]
    return [blocks_in(area / name) for name in names if _KEY.fullmatch(name)]


def _trainings(root: Path) -> list[Path]:
    area = root / TRAININGS
    return [area / name for name in _local_folders(area) if _KEY.fullmatch(name)]


def _local_folders(area: Path) -> list[str]:
    return [path.name for path in listed(area) if path.is_dir()]


def _key(chosen: Blocks | Path) -> str:
    return chosen.name if isinstance(chosen, Path) else chosen.folder.name


def _where(chosen: Blocks | Path) -> str:
    return str(chosen if isinstance(chosen, Path) else chosen.folder)


def _entry(blocks: Blocks) -> CacheEntry:
    ids: set[str] = set()
    sizes = blocks.files()
    damaged = len([name for name in sizes if name.endswith(".damaged")])
    names = [name for name in sizes if name.endswith(SUFFIX)]
    for _, found in blocks.ids(names):
        if isinstance(found, list):
            ids.update(found)
        else:  # damaged, no right to read it, or a run is just setting it aside
            damaged += 1
    return CacheEntry(blocks.folder.name, len(ids), len(names), damaged, sum(sizes.values()), blocks.facts() or {})


def _training(folder: Path) -> TrainingEntry:
    epochs = [int(path.name.removeprefix("epochs_")) for path in listed(folder) if _STATE.fullmatch(path.name)]
    finished = (folder / _FINISHED).is_dir()
    return TrainingEntry(folder.name, max(epochs, default=0), finished, sum(_sizes(folder.rglob("*"))))


def _sizes(paths: Sequence[Path] | Iterator[Path]) -> Iterator[int]:
    """The size in bytes of each file of `paths` that is still there."""
    for path in paths:
        try:
            if path.is_file():
                yield path.stat().st_size
        except OSError:  # gone since the listing
            continue
