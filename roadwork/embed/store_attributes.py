"""What a feature store says of itself, without its numbers and without Zarr."""

from __future__ import annotations

import json
from typing import Any

from roadwork.embed.store_files import read_file
from roadwork.embed.store_place import checked_seal, exists, find_store, missing, told_faults
from roadwork.embed.store_seal import METADATA, SEAL
from roadwork.storage.place import Place


def read_store_attributes(path: Place, *, stage: str) -> dict[str, Any]:
    """The attributes of the store at `path`, its seal checked: `fingerprint`, `provenance`, `manifest_digest`.

    Whether the numbers in its chunks are those that were written is seen when they are read. Raises StoreError, with
    the `stage` that writes it, where the store is missing or damaged.
    """
    if not exists(path):
        raise missing(path, stage=stage)
    with told_faults(path, stage=stage):
        found = find_store(path)
        checked_seal(found)
        attributes = json.loads(read_file(found.place, METADATA))["attributes"]
        return {name: value for name, value in attributes.items() if name != SEAL}
