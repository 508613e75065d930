"""Whether a metrics file tells what the result beside it tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
