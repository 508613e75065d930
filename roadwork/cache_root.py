"""The user's cache: work that is expensive to repeat and belongs to no single checkout."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from roadwork.storage.place import Place, is_remote, place_of

VARIABLE = "ROADWORK_CACHE"


def cache_root() -> Place:
    """`$ROADWORK_CACHE` where it is set, a folder or an object store's URL; else the platform's folder for `roadwork`.

    It may not exist yet. Raises ParameterError where the variable names what can't be a place, CapabilityError where
    the package for its kind of object store isn't installed.
    """
    override = os.environ.get(VARIABLE, "").strip()
    if not override:
        return user_cache_path("roadwork", appauthor=False)
    return place_of(override, parameter=f"the environment variable {VARIABLE}")


def local_root() -> Path:
    """The part of the cache that needs a disk of this machine: trainings under way, copies of remote chunks."""
    root = cache_root()
    return user_cache_path("roadwork", appauthor=False) if is_remote(root) else Path(str(root))
