"""What a feature store says of itself, without its numbers and without Zarr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from roadwork.embed.store_seal import SEAL, Unsealed, check_seal
from roadwork.errors import StoreError


def read_store_attributes(path: Path, *, stage: str) -> dict[str, Any]:
    """The attributes of the store at `path`, its seal checked: `fingerprint`, `provenance`, `manifest_digest`.

    Whether the numbers in its chunks are those that were written is seen when they are read. Raises StoreError, with
    the `stage` that writes it, where the store is missing or damaged.
    """
    fix = f"run `roadwork {stage}` again"
    if not path.is_dir():
        raise StoreError("the feature store does not exist", where=str(path), fix=f"run `roadwork {stage}` first")
    try:
        check_seal(path)
        attributes = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        return {name: value for name, value in attributes.items() if name != SEAL}
    except Unsealed as broken:
        raise StoreError(
            f"the feature store is damaged: {broken}",
            where=str(path),
            rule="its files are those that were written, each in its place",
            fix=fix,
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"the feature store is damaged: {error}", where=str(path), fix=fix) from error
