"""Where the files of a feature store lie: at the path that the project knows it by, or where a note there says.

With `$ROADWORK_FEATURES`, a folder or an object store's URL, a store `features/images.zarr` is written at

    $ROADWORK_FEATURES/images-<digest>.zarr

and `features/images.zarr` is a small folder with the note:

    location.json    {"place": "s3://…/images-<digest>.zarr", "seal": …, "rows": …, "shape": …}

The digest is of all that decides the store's content, so a store that a checkout points to is never replaced by another
one. Readers follow the note, and refuse a store with another seal than it names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roadwork.embed.store_files import read_file
from roadwork.embed.store_seal import METADATA, Unsealed, check_seal, recorded_seal
from roadwork.errors import StoreError
from roadwork.publish import published_folder
from roadwork.storage.place import Place, place_of, reopened

VARIABLE = "ROADWORK_FEATURES"
LOCATION = "location.json"


@dataclass(frozen=True)
class FoundStore:
    """A store's files, and how the project came to them."""

    named: Place  # as the caller knows it
    place: Place  # its folder or URL
    seal: str | None  # what the note says; None where there is no note

    def __str__(self) -> str:
        return str(self.named) if self.seal is None else f"{self.named} → {self.place}"


def features_root() -> Place | None:
    """`$ROADWORK_FEATURES`; None where it isn't set: stores are then written at the project's own paths.

    Raises ParameterError where the variable names what can't be a place, CapabilityError where the package for its
    kind of object store isn't installed.
    """
    text = os.environ.get(VARIABLE, "").strip()
    return place_of(text, parameter=f"the environment variable {VARIABLE}") if text else None


def find_store(path: Place) -> FoundStore:
    """Where the files of the store `path` lie. Raises Unsealed where there is a note that can't be read."""
    if not isinstance(path, Path):
        return FoundStore(path, path, None)
    try:
        content = (path / LOCATION).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return FoundStore(path, path, None)
    try:
        note = json.loads(content)
        place, seal = note["place"], note["seal"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unsealed(f"its {LOCATION} can't be read: {error}") from None
    if not isinstance(place, str) or not isinstance(seal, str):
        raise Unsealed(f"its {LOCATION} names no place, or no seal")
    return FoundStore(path, reopened(place), seal)


def seal_of(found: FoundStore) -> str:
    """The seal that the store has, its files unchecked; errors as of `told_faults`."""
    return _as_noted(found, recorded_seal(found.place))


def checked_seal(found: FoundStore) -> str:
    """The seal that the store has, its files checked as `check_seal` does."""
    return _as_noted(found, check_seal(found.place))


def named_seal(path: Place) -> str:
    """The seal by which the project knows the store at `path` now; of a store elsewhere nothing is asked."""
    found = find_store(path)
    return recorded_seal(found.place) if found.seal is None else found.seal


def publish_location(path: Path, place: Place) -> None:
    """Put at `path` the note that leads to the finished store `place`."""
    shape = json.loads(read_file(place, f"embeddings/{METADATA}"))["shape"]
    note = {"place": str(place), "seal": recorded_seal(place), "rows": shape[0], "shape": shape}
    with published_folder(path) as aside:
        text = json.dumps(note, indent=2, ensure_ascii=False) + "\n"
        (aside / LOCATION).write_text(text, encoding="utf-8")


@contextmanager
def told_faults(path: Place, *, stage: str) -> Iterator[None]:
    """Turn every fault of the files of the store `path` into a StoreError that names the `stage` that writes it."""
    try:
        yield
    except Unsealed as broken:
        raise _damaged(path, str(broken), stage) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # what is raised for damaged files
        raise _damaged(path, str(error), stage) from error


def missing(path: Place, *, stage: str) -> StoreError:
    """The error for a path where there is neither a store nor a note."""
    return StoreError("the feature store does not exist", where=str(path), fix=f"run `roadwork {stage}` first")


def exists(path: Place) -> bool:
    """Whether there is anything at `path`; of an object store's address only reading can tell."""
    return not isinstance(path, Path) or path.is_dir()


def _as_noted(found: FoundStore, seal: str) -> str:
    if found.seal not in (None, seal):
        raise Unsealed(f"another store lies there: its seal is {seal[:12]}…, not {str(found.seal)[:12]}…")
    return seal


def _damaged(path: Place, why: str, stage: str) -> StoreError:
    try:
        found = find_store(path)
    except Unsealed:
        found = FoundStore(path, path, None)
    if found.seal is None:
        return StoreError(
            f"the feature store is damaged: {why}",
            where=str(path),
            rule="its files are those that were written, each in its place",
            fix=f"run `roadwork {stage}` again",
        )
    return StoreError(
        f"the feature store is gone or damaged: {why}",
        where=str(found),
        rule=f"{path} only says where the store lies; its files are those that were written, each in its place",
        fix=f"look whether that place is the right one; if so, delete what is left of the store there, then run "
        f"`roadwork {stage}` again: it is written anew from the cache",
    )
