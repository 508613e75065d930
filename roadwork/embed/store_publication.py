"""Where a new feature store goes: to the project's own path, or to `$ROADWORK_FEATURES` with a note at that path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from roadwork.embed.store_place import features_root, publish_location
from roadwork.embed.zarr_folder import CHUNK_IMAGES, SHARD_CHUNKS, SHARDED_ABOVE, published_group
from roadwork.embed.zarr_reading import is_sound
from roadwork.progress import note
from roadwork.storage.place import Place

_DIGEST_LETTERS = 32


@contextmanager
def published_store(path: Path, attributes: Mapping[str, Any], *, content: Any) -> Iterator[Place | None]:
    """Yield where to write the store `path`; on success it is sealed, and `path` is the store or leads to it.

    `content` (JSON) names with `attributes` all that decides the store's files. Where `$ROADWORK_FEATURES` has a
    sealed store of the same name already, whose every chunk is what was sealed, None is yielded: nothing is to be
    written. On failure `path` stays as it was.
    """
    root = features_root()
    if root is None:
        with published_group(path, attributes) as place:
            yield place
        return
    place = root / f"{path.stem}-{_digest(attributes, content)}{path.suffix}"
    if is_sound(place):
        note(f"{place} is there already, and whole: it is used as it is")
        yield None
    else:
        with published_group(place, attributes) as making:
            yield making
    publish_location(path, place)


def _digest(attributes: Mapping[str, Any], content: Any) -> str:
    layout = [CHUNK_IMAGES, SHARD_CHUNKS, SHARDED_ABOVE]
    decisive = json.dumps([attributes, content, layout], sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(decisive.encode()).hexdigest()[:_DIGEST_LETTERS]
