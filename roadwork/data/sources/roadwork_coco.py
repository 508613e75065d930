"""CMU's ROADWork data set: COCO-style JSON with an image folder (arXiv 2406.07661)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from roadwork.data.below import below
from roadwork.data.record import Record, Source
from roadwork.data.sources.layout import nothing_there
from roadwork.data.sources.object_file import read_whole
from roadwork.data.sources.object_folder import name_below, visible_sizes
from roadwork.errors import DataError
from roadwork.printable import beginning
from roadwork.storage.objects import folders, listed, object_exists
from roadwork.storage.place import Place

if TYPE_CHECKING:
    from upath import UPath

P = TypeVar("P", bound="Place")

SPLITS = ("train", "val", "test", "holdout")
# The split whose images lie at least 100 m apart; the data set's other files list the same images again.
GPS_SPLIT = ("instances_train_gps_split.json", "instances_val_gps_split.json")
_LAYOUT = "annotations/*.json (or *.json) and images/, as the data set's own zip files unpack"


def read_roadwork_coco(path: Place) -> Source:
    """The image entries of the data set's JSON files, in the order of file names and entries.

    `path` is the folder with `images/` and the JSON files (beside it or in `annotations/`), or one JSON file. Of a
    folder the two files of GPS_SPLIT are read where they exist, otherwise all; an image may be listed once.

    Label: the entry's own `label` where it has one. Otherwise 1 if the entry has an annotation (the data set annotates
    work-zone objects only) or names a travel alteration other than `None`, and 0 if not: the data set lists street
    scenes without a work zone as entries without annotations. A JSON without `annotations` and tags tells nothing:
    null.

    Split: the entry's `split`, otherwise the word train, val, test or holdout in the JSON's name, otherwise null. The
    data set calls its evaluation part `val` and has no `test`; where no file is a test part, `val` is read as `test`.

    Raises DataError where the path, the images or the JSON are missing, unreadable or not COCO-style, and where two
    JSON files list the same image.
    """
    sizes: dict[str, int] = {}
    if isinstance(path, Path):
        if not path.exists():
            raise nothing_there(path)
        root, files = _found(path)
    else:
        root, files = _found_objects(path)
        sizes = visible_sizes(root / "images")
    entries = [(file, number, entry, annotated) for file in files for number, entry, annotated in _entries(file)]
    if not entries:
        raise DataError("no image entries", where=", ".join(map(str, files)), rule="`images` lists the photographs")
    _require_once(root, [(file, entry) for file, _, entry, _ in entries])
    splits = {file: _split_in_name(file) for file in files}
    given = [*splits.values(), *(entry.get("split") for _, _, entry, _ in entries)]
    rename = {"val": "test"} if "test" not in given else {}
    return Source(root, len(entries), _records(root, entries, splits, rename, sizes))


def _found(path: Path) -> tuple[Path, list[Path]]:
    """The folder that holds `images/`, and the JSON files to read."""
    if path.is_file():
        root = next((folder for folder in (path.parent, path.parent.parent) if (folder / "images").is_dir()), None)
        files = [path]
    else:
        root = path if (path / "images").is_dir() else None
        named = sorted([*path.glob("annotations/*.json"), *path.glob("*.json")])
        files = _preferred([file for file in named if file.is_file()])
    return _both(path, root, files)


def _found_objects(place: UPath) -> tuple[UPath, list[UPath]]:
    """As `_found`, in an object store."""
    if place.name.endswith(".json") and object_exists(place):
        root = next((folder for folder in (place.parent, place.parent.parent) if "images" in folders(folder)), None)
        return _both(place, root, [place])
    root = place if "images" in folders(place) else None
    lists = [
        folder / entry.name
        for folder in (place, place / "annotations")
        for entry in listed(folder)
        if entry.name.endswith(".json")
    ]
    if root is None and not lists:
        raise nothing_there(place)
    return _both(place, root, _preferred(sorted(lists, key=lambda file: str(file).split("/"))))


def _preferred(files: list[P]) -> list[P]:
    preferred = [file for file in files if file.name in GPS_SPLIT]
    return preferred if len(preferred) == len(GPS_SPLIT) else files


def _both(path: Place, root: P | None, files: list[P]) -> tuple[P, list[P]]:
    if not files:
        raise DataError("no JSON file", where=f"ingest.path: {path}", fix=f"put there {_LAYOUT}")
    if root is None:
        raise DataError("no folder images/", where=f"ingest.path: {path}", fix=f"put there {_LAYOUT}")
    return root, files


def _entries(file: Place) -> Iterator[tuple[int, dict[str, Any], bool | None]]:
    """Number, entry, and whether it has annotations (None where the JSON has none at all) for each image of a file."""
    try:
        content = json.loads(read_whole(file).decode("utf-8-sig"), object_pairs_hook=_each_once)
    except (OSError, ValueError, RecursionError) as error:
        why = "lists in lists in lists" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"not readable as JSON: {why}", where=str(file), fix="unpack it again") from None
    images = content.get("images") if isinstance(content, dict) else None
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if images is None or not _are_mappings(images) or not (annotations is None or _are_mappings(annotations)):
        raise DataError(
            "not COCO-style", where=str(file), rule="an object whose `images` and `annotations` are lists of objects"
        )
    for name, rows, key in (("images", images, "id"), ("annotations", annotations or [], "image_id")):
        for number, row in enumerate(rows, start=1):
            if not isinstance(row.get(key), (int, float, str, NoneType)):
                raise DataError(
                    f"`{key}` is {beginning(row[key], most=100, write=repr)}",
                    where=f"{file}: {name}, entry {number}",
                    rule="a number or a text",
                )
    annotated = None if annotations is None else {annotation.get("image_id") for annotation in annotations}
    for number, entry in enumerate(images, start=1):
        if not isinstance(entry.get("file_name"), str) or not entry["file_name"]:
            raise DataError("`file_name` is missing", where=f"{file}: images, entry {number}", rule="a text")
        yield number, entry, None if annotated is None else entry.get("id") in annotated


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of one object; ValueError where a key stands twice, of which Python would believe the last."""
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {beginning(twice, most=100, write=repr)} stands twice in one object")
    return content


def _are_mappings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _require_once(root: Place, entries: list[tuple[Place, dict[str, Any]]]) -> None:
    files_of: dict[str, set[Place]] = {}
    for file, entry in entries:
        files_of.setdefault(entry["file_name"], set()).add(file)
    clashes = {name: files for name, files in files_of.items() if len(files) > 1}
    if clashes:
        name, files = next(iter(clashes.items()))
        names = " and ".join(sorted(file.name for file in files))
        raise DataError(
            f"{len(clashes)} images are listed in several JSON files, such as {name} in {names}",
            where=str(root),
            rule="an image has one entry",
            fix=f"name one JSON file as ingest.path, or keep only {' and '.join(GPS_SPLIT)}",
        )


def _split_in_name(file: Place) -> str | None:
    counts = Counter(word for word in re.split(r"[^a-z]+", file.stem.lower()) if word in SPLITS)
    return next(iter(counts)) if len(counts) == 1 else None


def _records(
    root: Place,
    entries: list[tuple[Place, int, dict[str, Any], bool | None]],
    splits: dict[Place, str | None],
    rename: dict[str, str],
    sizes: dict[str, int],
) -> Iterator[Record]:
    for file, number, entry, annotated in entries:
        tags = entry.get("scene_level_tags")
        tags = tags if isinstance(tags, dict) else {}
        split = entry.get("split") or splits[file]
        fields = {
            "split": rename.get(split, split) if isinstance(split, str) else split,
            "label": _label(entry, tags, annotated),
            "gps": entry.get("gps"),
            "weather": tags.get("weather"),
            "daytime": tags.get("daytime"),
            "scene": tags.get("scene_environment"),
            "description": entry.get("scene_description"),
            "group": _group(entry),
        }
        name = entry["file_name"]
        photograph = below(root, "images", name)
        size_bytes = sizes.get(name_below(photograph, root / "images"))
        yield Record(f"{file.name} image {number}", name, photograph, None, fields, size_bytes)


def _label(entry: dict[str, Any], tags: dict[str, Any], annotated: bool | None) -> object:
    if entry.get("label") is not None:
        return entry["label"]
    alterations = tags.get("travel_alteration")
    alterations = alterations if isinstance(alterations, list) else [alterations]
    words = [item for item in alterations if isinstance(item, str)]
    altered = any(word.strip().lower() not in ("", "none", "null") for word in words)
    if altered or annotated:
        return 1
    return None if annotated is None and tags.get("travel_alteration") is None else 0


def _group(entry: dict[str, Any]) -> object:
    video = entry.get("video_info")
    video = video if isinstance(video, dict) else {}
    name, sequence = video.get("vid_id"), video.get("seq_id")
    if name not in (None, "", "null"):
        return name
    if sequence in (None, ""):
        return None
    city = entry.get("city_name")
    # What is no name of anything stays what it is, and the row is rejected for it.
    odd = next((part for part in (city, sequence) if not isinstance(part, (str, int, float, NoneType))), None)
    return f"{city}/{beginning(sequence, most=100)}" if odd is None else odd
