"""Everything that can be said of one record without looking at the others."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from roadwork.data.below import below
from roadwork.data.left_out import RULE, LeftOut
from roadwork.data.probe import Probe
from roadwork.data.record import Record
from roadwork.data.rejects import Reject
from roadwork.data.row import Row, check_row
from roadwork.errors import PhotographError
from roadwork.storage.place import Place

INSIDE_RULE = "the path lies in the source's folder"
GIVEN_RULE = "the path of the photograph is given"
TEXT_RULE = "the path is a text in UTF-8, without NUL"


class ProbePhotograph(Protocol):
    """What probes; several threads call it."""

    def __call__(self, source: Place | bytes, size_bytes: int | None = None) -> Probe:
        """The Probe of a file, whose size may be known, or of its bytes; PhotographError for what is no photograph."""
        ...


@dataclass(frozen=True)
class Examined:
    """A record, its place below the source's root ("" for one held in memory), and what was found.

    `row` and `probe` are None where they are at fault; `rejects` has every fault. Without rejects both are there.
    `left_out` is the image id or path by which the photograph is left out: its only reject says so.
    """

    record: Record
    path: str
    row: Row | None
    probe: Probe | None
    rejects: tuple[Reject, ...]
    left_out: str = ""


def examine(record: Record, root: Place, probe: ProbePhotograph, left_out: LeftOut) -> Examined:
    """Check the fields of `record` and `probe` its photograph; files must lie below `root`. Never raises for bad data.

    What is `left_out` by its path isn't even read.
    """
    row, rejects = check_row(record.place, record.fields)
    found = Examined(record, "", row, None, tuple(rejects))
    path = ""
    if record.file is not None:
        fault, path = _place(record.file, record.name, root)
        if fault:
            return _with(found, "path", record.name, fault)
        if path in left_out.paths:
            return _left_out(record, "path", path, left_out.paths[path])
    try:
        # The path as it is written to the manifest: a `..` behind a link would lead elsewhere.
        probed = probe(below(root, path), record.size_bytes) if record.content is None else probe(record.content)
    except PhotographError as error:
        return _with(found, "path", record.name, error.rule)
    if probed.image_id in left_out.image_ids:
        return _left_out(record, "image_id", probed.image_id, left_out.image_ids[probed.image_id])
    found = replace(found, path=path, probe=probed)
    if row is not None and row.image_id not in (None, probed.image_id):
        return _with(found, "image_id", str(row.image_id), "the SHA-256 of the photograph's bytes, in hex")
    return found


def _place(file: Place, name: str, root: Place) -> tuple[str, str]:
    """The rule that a file's name breaks ("" for none) and its path below `root`.

    Only names count: a link inside the folder may lead to another disk. In an object store `below` has looked at them.
    """
    if not name:
        return GIVEN_RULE, ""
    if "\0" in name or not _is_unicode(name):
        return TEXT_RULE, ""
    if not isinstance(file, Path):
        inner = str(file).removeprefix(str(root).rstrip("/") + "/")
        return (INSIDE_RULE, "") if inner == str(file) else ("", inner)
    path, base = os.path.abspath(file), os.path.abspath(str(root))
    inner = path.removeprefix(base.rstrip(os.sep) + os.sep)
    return (INSIDE_RULE, "") if inner == path else ("", Path(inner).as_posix())


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _left_out(record: Record, column: str, value: str, reason: str) -> Examined:
    return Examined(record, "", None, None, (Reject(record.place, column, value, f"{RULE}: {reason}"),), value)


def _with(found: Examined, column: str, value: str, rule: str) -> Examined:
    return replace(found, rejects=(*found.rejects, Reject(found.record.place, column, value, rule)))
