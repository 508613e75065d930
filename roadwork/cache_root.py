"""The user's cache folder: work that is expensive to repeat and belongs to no single checkout."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "ROADWORK_CACHE"


def cache_root() -> Path:
    """`$ROADWORK_CACHE` where it is set, else the platform's cache folder for `roadwork`. It may not exist yet."""
    override = os.environ.get(VARIABLE, "").strip()
    return Path(override).expanduser().absolute() if override else user_cache_path("roadwork", appauthor=False)
