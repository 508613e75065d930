"""A path that a person wrote into a parameter."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from roadwork.errors import ParameterError


def user_path(text: str, parameter: str) -> Path:
    """`text` as a path, `~` expanded, whether or not something lies there.

    Raises ParameterError, naming the dotted `parameter`, for what no file system can look up: an unknown home, a NUL,
    a name that is too long, or characters that names can't hold here.
    """
    try:
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.stat(path)
    except (OSError, ValueError, RuntimeError) as error:
        shown = text if len(text) <= 80 else f"{text[:80]}..."
        raise ParameterError(
            f"`{parameter}` is {shown!r}, which can't be a path: {getattr(error, 'strerror', None) or error}",
            where=f"params.yaml: {parameter}",
            rule="a path that this machine can look up",
            fix="correct it",
        ) from error
    return path
