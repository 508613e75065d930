"""Everything that can be said of one record without looking at the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from roadwork.data.probe import Probe
from roadwork.data.record import Record
from roadwork.data.rejects import Reject
from roadwork.data.row import Row, check_row
from roadwork.errors import PhotographError

INSIDE_RULE = "the path lies in the source's folder"
GIVEN_RULE = "the path of the photograph is given"
TEXT_RULE = "the path is a text in UTF-8, without NUL"


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


def examine(record: Record, root: Path, probe: Callable[[Path | bytes], Probe]) -> Examined:
    """Check the fields of `record` and `probe` its photograph; files must lie below `root`. Never raises for bad data.

    `probe` gives the Probe of a file or its bytes, or raises PhotographError.
    """
    row, rejects = check_row(record.place, record.fields)
    found = Examined(record, "", row, None, tuple(rejects))
    path = ""
    if record.file is not None:
        fault, path = _place(record.file, record.name, root)
        if fault:
            return _with(found, "path", record.name, fault)
    try:
        # The path as it is written to the manifest: a `..` behind a link would lead elsewhere.
        probed = probe(root / path if record.content is None else record.content)
    except PhotographError as error:
        return _with(found, "path", record.name, error.rule)
    found = replace(found, path=path, probe=probed)
    if row is not None and row.image_id not in (None, probed.image_id):
        return _with(found, "image_id", str(row.image_id), "the SHA-256 of the photograph's bytes, in hex")
    return found


def _place(file: Path, name: str, root: Path) -> tuple[str, str]:
    """The rule that a file's name breaks ("" for none) and its path below `root`.

    Only names count: a link inside the folder may lead to another disk.
    """
    if not name:
        return GIVEN_RULE, ""
    if "\0" in name or not _is_unicode(name):
        return TEXT_RULE, ""
    path, base = os.path.abspath(file), os.path.abspath(root)
    below = path.removeprefix(base.rstrip(os.sep) + os.sep)
    return (INSIDE_RULE, "") if below == path else ("", Path(below).as_posix())


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with(found: Examined, column: str, value: str, rule: str) -> Examined:
    return replace(found, rejects=(*found.rejects, Reject(found.record.place, column, value, rule)))
