"""The files below a folder, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from roadwork.data.probe import EXTENSIONS

# What operating systems leave in folders without being asked; they hide these files by other means than a dot.
_DROPPINGS = frozenset({"thumbs.db", "desktop.ini"})


def files_below(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted by path; hidden files and folders (a leading dot) are left out.

    Links to folders are followed, each real folder being entered once.
    """
    return sorted(_walk(folder, set()), key=lambda path: path.parts)


def is_image_name(name: str) -> bool:
    """Whether a file's name ends like a photograph's, in any case."""
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's data."""
    return name.startswith(".") or name.lower() in _DROPPINGS


def _walk(folder: Path, entered: set[str]) -> Iterator[Path]:
    waiting = [str(folder)]  # and no recursion: folders may lie deeper than Python calls
    while waiting:
        inner = waiting.pop()
        real = os.path.realpath(inner)
        if real in entered:
            continue
        entered.add(real)
        with os.scandir(inner) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if is_hidden(entry.name):
                    continue
                if os.path.isdir(entry.path):  # no more than no for a link that leads in circles
                    waiting.append(entry.path)
                else:
                    yield Path(entry.path)
