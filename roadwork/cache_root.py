"""The user's cache folder: work that is expensive to repeat and belongs to no single checkout."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from roadwork.errors import ParameterError

VARIABLE = "ROADWORK_CACHE"


def cache_root() -> Path:
    """`$ROADWORK_CACHE` where it is set, else the platform's cache folder for `roadwork`. It may not exist yet.

    Raises ParameterError where the variable names the home of a user that this machine doesn't have.
    """
    override = os.environ.get(VARIABLE, "").strip()
    if not override:
        return user_cache_path("roadwork", appauthor=False)
    try:
        return Path(override).expanduser().absolute()
    except RuntimeError as error:
        raise ParameterError(
            f"{VARIABLE} is {override!r}, and this machine knows no such home",
            where=f"the environment variable {VARIABLE}",
            rule="a folder",
            fix=f"correct {VARIABLE}, or unset it",
        ) from error
