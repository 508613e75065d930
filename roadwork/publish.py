"""Publish last: write aside, flush to disk, then rename. What exists under its final name is complete.

1. The content is flushed before the rename: else a power cut could leave the name without the bytes. Of a folder the
   files first, then the folders from the bottom up, which hold the files' names.
2. The rename puts the whole content under its name at once: no reader ever sees a part of it.
3. The folder that holds the name is flushed after the rename: else a power cut could take the name back, after
   something else, already on the disk, relied on it.
4. No rename replaces a folder that has entries. An earlier one is moved into the draft before, which is flushed as in
   3, and deleted last. Whoever is interrupted between the two renames moves it back; after a kill the next publication
   does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from roadwork.disk_fault import disk_faults_told
from roadwork.draft import drafted, earlier, put_back


@contextmanager
def published_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success what was written there becomes `path`, on failure it is removed.

    Raises StoreError where the disk refuses: full, read-only, forbidden, broken. An earlier file stays then.
    """
    with disk_faults_told(path), drafted(path) as draft, disk_faults_told(path):
        aside = draft / path.name
        yield aside
        fsync(aside)
        os.replace(aside, path)
        fsync(path.parent)


@contextmanager
def published_folder(path: Path) -> Iterator[Path]:
    """Yield a new empty folder; on success it replaces `path` as a whole, on failure it is removed.

    A kill leaves either the old folder, the new one, or for a moment none, which the next publication under the name
    mends: never a mixture. Raises StoreError as `published_file` does.
    """
    with disk_faults_told(path), drafted(path) as draft, disk_faults_told(path):
        aside, old = draft / path.name, earlier(draft, path.name)
        aside.mkdir()
        yield aside
        for folder, _, files in os.walk(aside, topdown=False):
            for name in sorted(files):
                fsync(Path(folder, name))
            fsync(Path(folder))
        try:
            if os.path.lexists(path):
                os.replace(path, old)
                fsync(draft)
            os.replace(aside, path)
        finally:
            put_back(old, path)
        fsync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """`value` as UTF-8 JSON, two spaces, keys in the order given, a final newline; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with published_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def fsync(path: Path) -> None:
    """Flush the file or folder `path` to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
