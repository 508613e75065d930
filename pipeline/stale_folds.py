"""Outputs of folds that the parameters no longer have."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path


def forget_other_folds(folders: Sequence[Path], folds: Sequence[int]) -> list[Path]:
    """Remove what lies in `folders` under the number of a fold that isn't among `folds`; returns what was removed.

    No stage owns those outputs any more, so DVC leaves them, and would count them as part of the folders that later
    stages depend on. Entries that aren't named by a number (with or without `.json`) are left alone.
    """
    kept = {str(fold) for fold in folds}
    entries = [entry for folder in folders if folder.is_dir() for entry in sorted(folder.iterdir())]
    stale = [entry for entry in entries if (name := entry.name.removesuffix(".json")).isdecimal() and name not in kept]
    for entry in stale:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return stale
