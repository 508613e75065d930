"""Comparing what two runs left on disk: every file and folder, byte for byte, and the few numbers that may differ."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from harness.nursery import Workplace

from roadwork.embed.cache_block import SUFFIX, read_block

# How long it took, and how much was found finished: what a resumed run can't have in common with an unbroken one.
_TOOK = ("epochs", "seconds", "seconds_of_gradient_steps", "seconds_per_epoch")
_MAY_DIFFER = {
    "metrics/timing.json": _TOOK,
    "metrics/finetune_timing/*.json": _TOOK,
    "metrics/embed_images.json": ("reused", "computed", "seconds", "images_per_second"),
}


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file below `folder` with its content and every folder with None, by path."""
    return {
        path.relative_to(folder).as_posix(): _content(path, folder) if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def differences(found: Path, expected: Path) -> list[str]:
    """What is missing, left over or different in `found`; only what may differ is let pass."""
    one, other = tree(found), tree(expected)
    return [
        *(f"missing: {name}" for name in other.keys() - one.keys()),
        *(f"left over: {name}" for name in one.keys() - other.keys()),
        *(f"different: {name}" for name in one.keys() & other.keys() if one[name] != other[name]),
    ]


def cache_differences(found: Path, expected: Path) -> list[str]:
    """The same of two caches, whose blocks may be cut differently: each row is there once, with equal numbers."""
    waiting = waiting_folds(expected)
    one, other = (_outside(waiting, _without_blocks(cache)) for cache in (found, expected))
    wrong = [
        *(f"missing in the cache: {name}" for name in other.keys() - one.keys()),
        *(f"left over in the cache: {name}" for name in one.keys() - other.keys()),
        *(f"different in the cache: {name}" for name in one.keys() & other.keys() if one[name] != other[name]),
    ]
    rows, wanted = cached_rows(found), cached_rows(expected)
    wrong += [f"row lost: {image_id}" for image_id in wanted.keys() - rows.keys()]
    wrong += [f"row doubled: {image_id}" for image_id, contents in rows.items() if len(contents) > 1]
    wrong += [
        f"row different: {image_id}" for image_id in rows if image_id in wanted and rows[image_id] != wanted[image_id]
    ]
    return wrong


def cached_rows(cache: Path) -> dict[str, list[bytes]]:
    """The numbers of every row in the cache's finished blocks, by image; a row that is there twice has two."""
    rows: dict[str, list[bytes]] = {}
    for block in sorted(cache.glob(f"embeddings/*/*{SUFFIX}")):
        ids, embeddings = read_block(block)
        for image_id, row in zip(ids, embeddings, strict=True):
            rows.setdefault(image_id, []).append(row.tobytes())
    return rows


def finished_epochs(cache: Path) -> int:
    """Records in the state of the one unfinished training; 0 where there is none."""
    names = [path.name for path in cache.glob("training/*/epochs_*")]
    return max((int(name.removeprefix("epochs_")) for name in names), default=0)


def temporaries(place: Workplace) -> list[str]:
    """What no run may leave: partial files, locks, and what the system's own temporary files look like."""
    names = (
        str(path.relative_to(place.project.parent))
        for folder in (place.project, place.cache)
        for path in folder.rglob("*")
        if path.name.endswith((".partial", ".lock", ".tmp")) or path.name.startswith("tmp")
    )
    return sorted(names)


def waiting_folds(cache: Path) -> tuple[str, ...]:
    """The digests of folds that were trained beside another's and wait for their own stage.

    Whoever is killed among them has published its own fold and trains no other's again: their own stages go on, and
    clear up.
    """
    return tuple(path.parent.name for path in sorted(cache.glob("training/*/finished")))


def _outside(digests: tuple[str, ...], files: dict[str, bytes | None]) -> dict[str, bytes | None]:
    return {name: content for name, content in files.items() if not any(digest in name for digest in digests)}


def _without_blocks(cache: Path) -> dict[str, bytes | None]:
    return {name: content for name, content in tree(cache).items() if not name.endswith(SUFFIX)}


def _content(path: Path, folder: Path) -> bytes:
    content = path.read_bytes()
    name = path.relative_to(folder).as_posix()
    for pattern, names in _MAY_DIFFER.items():
        if fnmatch(name, pattern):
            return _without(json.loads(content), names)
    return content


def _without(values: dict[str, Any], names: tuple[str, ...]) -> bytes:
    return json.dumps({name: value for name, value in values.items() if name not in names}).encode()
