"""What the cache folder holds, and how to empty it: the commands `cache info` and `cache clear`.

Both look at the two things that are kept between runs: embeddings, and trainings that no stage has published yet.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwork.embed.cache import FOLDER, cache_lock, recorded_facts
from roadwork.embed.cache_block import SUFFIX, DamagedBlockError, read_block_ids
from roadwork.embed.claims import living_claims
from roadwork.errors import StoreError
from roadwork.locks import Busy, exclusive

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


def cache_info(root: Path) -> list[CacheEntry]:
    """Every fingerprint under the cache folder `root`, in the order of their keys. Other files there are ignored."""
    return [_entry(folder) for folder in _folders(root / FOLDER)]


def training_info(root: Path) -> list[TrainingEntry]:
    """Every training under the cache folder `root`, in the order of their keys."""
    return [_training(folder) for folder in _folders(root / TRAININGS)]


def clear_cache(root: Path, key: str | None = None) -> Removed:
    """Remove all fingerprints and unfinished trainings, or the one whose key starts with `key`.

    What a living process embeds or trains into stays, and is told. Raises StoreError when `key` fits none or several,
    or one that is in use.
    """
    chosen = [*_folders(root / FOLDER), *_folders(root / TRAININGS)]
    if key is not None:
        fits = [folder for folder in chosen if folder.name.startswith(key)]
        if len(fits) != 1 or not key:
            known = ", ".join(folder.name[:12] for folder in chosen) or "the cache is empty"
            raise StoreError(
                f"{len(fits)} fingerprints start with {key!r}", where=str(root / FOLDER), fix=f"give one of: {known}"
            )
        chosen = fits
    removed = Removed([], [], [])
    for folder in chosen:
        (_clear_training if folder.parent.name == TRAININGS else _clear_fingerprint)(folder, removed)
    if key is not None and removed.busy:
        raise StoreError(
            "another process is at work there", where=str(chosen[0]), fix="wait for it to end, or end it, and try again"
        )
    return removed


def _clear_fingerprint(folder: Path, removed: Removed) -> None:
    with cache_lock(folder):
        if not folder.is_dir():  # cleared since the listing
            return
        if living_claims(folder):
            removed.busy.append(folder.name)
            return
        removed.entries.append(_entry(folder))
        shutil.rmtree(folder)


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


def _folders(area: Path) -> list[Path]:
    return sorted(path for path in _listed(area) if _KEY.fullmatch(path.name) and path.is_dir())


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"the cache can't be read: {error.strerror or error}", where=str(folder)) from error


def _entry(folder: Path) -> CacheEntry:
    ids: set[str] = set()
    names = _listed(folder)
    damaged = len([path for path in names if path.name.endswith(".damaged")])
    blocks = [path for path in names if path.name.endswith(SUFFIX)]
    for block in blocks:
        try:
            ids.update(read_block_ids(block))
        except (DamagedBlockError, OSError):  # the latter: no right to read it, or a run is just setting it aside
            damaged += 1
    size = sum(_sizes(names))
    return CacheEntry(folder.name, len(ids), len(blocks), damaged, size, recorded_facts(folder) or {})


def _training(folder: Path) -> TrainingEntry:
    epochs = [int(path.name.removeprefix("epochs_")) for path in _listed(folder) if _STATE.fullmatch(path.name)]
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
