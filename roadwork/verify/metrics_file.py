"""A metrics file, and whether it tells what the result beside it tells of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadwork.errors import DataError
from roadwork.verify.fault import Faults, listed


def check_told(
    metrics: Mapping[str, Any], expected: Mapping[str, Any], faults: Faults, *, where: str, of: str, stage: str
) -> None:
    """Note the keys of which `metrics` hasn't the `expected` value; `of` says whose values those are."""
    keys = [key for key, value in expected.items() if key not in metrics or metrics[key] != value]
    if keys:
        faults.add(
            f"{listed(keys)} differ from those of {of}",
            where=where,
            rule="metrics are of the result beside them",
            fix=f"run `roadwork {stage}` again",
        )


def read_metrics(path: Path, stage: str) -> Mapping[str, Any]:
    """The JSON object in the file `path`, which `stage` writes; DataError where it is missing or damaged."""
    fix = f"run `roadwork {stage}` again"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"there is no {path.name}", where=str(path), rule="metrics are written with the result",
                        fix=fix) from None  # fmt: skip
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"not readable as JSON: {error}", where=str(path), fix=fix) from None
    if not isinstance(found, dict):
        raise DataError("not a JSON object", where=str(path), fix=fix)
    return found
