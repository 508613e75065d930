"""A row as a source hands it over: a photograph and what the source says about it, nothing checked yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadwork.storage.place import Place


@dataclass(frozen=True)
class Record:
    """One photograph of a source, with its raw fields.

    `place` is how a message names the row: `table.csv row 12` (the header is row 1), `roadwork/a.jpg`. `name` is the
    photograph's file name or relative path. Exactly one of `file` and `content` holds the photograph. `fields` maps
    manifest columns (`split label latitude_deg longitude_deg weather daytime scene description group`), or `gps` for a
    position in one value, to whatever the source holds; an absent key is null. `size_bytes` is the file's size where a
    listing of its object store has told it.
    """

    place: str
    name: str
    file: Place | None
    content: bytes | None
    fields: Mapping[str, object] = field(default_factory=dict)
    size_bytes: int | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.content is None):
            raise TypeError(f"{self.place}: a record has either a file or a content")


@dataclass(frozen=True)
class Source:
    """A source that was opened: its records in their order, how many there are, and the folder of their files.

    `root` is the folder that the files of the records must lie in and that the manifest's paths are relative to; a
    record with `content` has no file there yet. `unlisted` counts image files under the root that the source's table
    doesn't name, `ignored_columns` names the columns that nothing reads, `own_progress` says that reading the records
    shows its progress already.
    """

    root: Place
    count: int
    records: Iterator[Record]
    unlisted: int = 0
    ignored_columns: tuple[str, ...] = ()
    own_progress: bool = False
