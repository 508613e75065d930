"""The points of the plots that DVC and the report draw."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from roadwork.errors import DataError
from roadwork.report.documents import checked

_FIX = "run `roadwork evaluate` again"


def check_plot(path: Path, names: Iterable[str]) -> None:
    """Raise DataError unless `path` holds points with everything that `names` says (`documents.checked`)."""
    try:
        points = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"there is no {path.name}", where=str(path), fix=_FIX) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"not readable as JSON: {error}", where=str(path), fix=_FIX) from None
    checked(points, names, where=str(path), fix=_FIX)
