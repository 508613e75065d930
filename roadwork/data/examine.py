"""Everything that can be said of one record without looking at the others."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from roadwork.data.probe import Probe, probe_photograph
from roadwork.data.record import Record
from roadwork.data.rejects import Reject
from roadwork.data.row import Row, check_row
from roadwork.errors import PhotographError

INSIDE_RULE = "the path lies in the source's folder"


@dataclass(frozen=True)
class Examined:
    """A record, its place below the source's root ("" for one held in memory), and what was found.

    `row` and `probe` are None where they are at fault; `rejects` has every fault. Without rejects both are there.
    """

    record: Record
    path: str
    row: Row | None
    probe: Probe | None
    rejects: tuple[Reject, ...]


def examine(record: Record, root: Path, max_pixels: int) -> Examined:
    """Check the fields of `record` and probe its photograph; files must lie below `root`. Never raises for bad data."""
    row, rejects = check_row(record.place, record.fields)
    found = Examined(record, "", row, None, tuple(rejects))
    path = _path_below(record, root)
    if path is None:
        return _with(found, "path", record.name, INSIDE_RULE if record.name else "the path of the photograph is given")
    try:
        probe = probe_photograph(_photograph(record), max_pixels)
    except PhotographError as error:
        return _with(found, "path", record.name, error.rule)
    found = replace(found, path=path, probe=probe)
    if row is not None and row.image_id not in (None, probe.image_id):
        return _with(found, "image_id", str(row.image_id), "the SHA-256 of the photograph's bytes, in hex")
    return found


def _photograph(record: Record) -> Path | bytes:
    return record.content if record.file is None else record.file  # pyright: ignore[reportReturnType]


def _path_below(record: Record, root: Path) -> str | None:
    """The file's path relative to `root`; "" for bytes in memory; None for no path or one that leads out of the root.

    Only names count: a link inside the folder may lead to another disk.
    """
    if record.file is None:
        return ""
    if not record.name or "\0" in record.name:
        return None
    file, base = Path(os.path.abspath(record.file)), Path(os.path.abspath(root))
    return file.relative_to(base).as_posix() if file != base and file.is_relative_to(base) else None


def _with(found: Examined, column: str, value: str, rule: str) -> Examined:
    return replace(found, rejects=(*found.rejects, Reject(found.record.place, column, value, rule)))
