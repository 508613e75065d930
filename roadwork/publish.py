"""Publish last: write aside, flush to disk, then rename. What exists under its final name is complete."""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4


@contextmanager
def published_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and renamed to `path`, on failure removed."""
    aside = _aside(path)
    try:
        yield aside
        fsync(aside)
        os.replace(aside, path)
        fsync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def published_folder(path: Path) -> Iterator[Path]:
    """Yield a new empty folder beside `path`; on success it replaces `path` as a whole, on failure it is removed.

    An earlier folder under the name is moved out of the way first and deleted last, so a kill leaves either the old
    folder, the new one, or none: never a mixture.
    """
    aside, old = _aside(path), _aside(path)
    aside.mkdir()
    try:
        yield aside
        for file in sorted(aside.rglob("*")):
            fsync(file)
        fsync(aside)
        if path.exists():
            os.replace(path, old)
        os.replace(aside, path)
        fsync(path.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """`value` as UTF-8 JSON, two spaces, keys in the order given, a final newline; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with published_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def _aside(path: Path) -> Path:
    """A new name beside `path`, of this process; what killed processes left under such names is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        owner = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if owner.isdecimal() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}-{uuid4().hex[:8]}.partial")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def fsync(path: Path) -> None:
    """Flush the file or folder `path` to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
