"""What the embedding cache holds, and how to empty it: the commands `cache info` and `cache clear`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwork.embed.cache import FOLDER, cache_lock
from roadwork.embed.cache_block import SUFFIX, DamagedBlockError, read_block_ids
from roadwork.errors import StoreError


@dataclass(frozen=True)
class CacheEntry:
    """One fingerprint's folder."""

    key: str
    rows: int  # distinct images
    blocks: int
    damaged_blocks: int
    size_bytes: int
    fields: Mapping[str, Any]  # of the fingerprint; empty where nothing was finished yet


def cache_info(root: Path) -> list[CacheEntry]:
    """Every fingerprint under the cache folder `root`, in the order of their keys."""
    entries = []
    for folder in _folders(root):
        with cache_lock(folder):
            if folder.is_dir():  # not cleared since the listing
                entries.append(_entry(folder))
    return entries


def clear_cache(root: Path, key: str | None = None) -> list[CacheEntry]:
    """Remove all fingerprints, or the one whose key starts with `key`; returns what was removed.

    Waits for an append that is under way. Raises StoreError when `key` fits none or several.
    """
    folders = _folders(root)
    if key is not None:
        fits = [folder for folder in folders if folder.name.startswith(key)]
        if len(fits) != 1 or not key:
            known = ", ".join(folder.name[:12] for folder in folders) or "the cache is empty"
            raise StoreError(
                f"{len(fits)} fingerprints start with {key!r}", where=str(root / FOLDER), fix=f"give one of: {known}"
            )
        folders = fits
    removed = []
    for folder in folders:
        with cache_lock(folder):
            if folder.is_dir():
                removed.append(_entry(folder))
                shutil.rmtree(folder)
    return removed


def _folders(root: Path) -> list[Path]:
    return sorted(folder for folder in (root / FOLDER).glob("*") if folder.is_dir())


def _entry(folder: Path) -> CacheEntry:
    ids: set[str] = set()
    damaged = len(list(folder.glob("*.damaged")))
    blocks = sorted(folder.glob(f"*{SUFFIX}"))
    for block in blocks:
        try:
            ids.update(read_block_ids(block))
        except (DamagedBlockError, FileNotFoundError):  # the latter: a run is just setting it aside
            damaged += 1
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    return CacheEntry(folder.name, len(ids), len(blocks), damaged, size, _facts(folder / "fingerprint.json"))


def _facts(path: Path) -> Mapping[str, Any]:
    """The fingerprint's facts as recorded for people; damage to that file costs nothing but the facts."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["fields"]
    except (FileNotFoundError, ValueError, KeyError):
        return {}
