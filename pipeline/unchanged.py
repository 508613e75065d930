"""Refuse to finish a stage whose code, parameters or input data were edited while it ran.

DVC hashes dependencies after the command has ended (treeverse/dvc#11058), so it would record the edited files as what
produced the output.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from roadwork.config import read_params
from roadwork.errors import DataError, ParameterError

_ROOT = Path(__file__).parents[1]
_NAMED = 8
_ABSENT = None
Signature = tuple[int, int, int] | None
"""Time of the last change in ns, size in bytes, inode; None where there is no such file."""


@contextmanager
def unchanged_code(files: Sequence[Path]) -> Iterator[None]:
    """Digest the code `files` now and at the end; DataError if they differ."""
    before = {file: _digest(file) for file in files}
    yield
    _require_none([file for file in files if _digest(file) != before[file]])


@contextmanager
def unchanged_params(params: Path, names: Sequence[str] | None) -> Iterator[None]:
    """Look at the parameters of the dotted `names` (None: all) now and at the end; DataError if a value differs.

    A comment, or what another stage depends on, may be edited meanwhile: the next experiment wants to be prepared.
    """
    before = _values(params, names)
    yield
    after = _values(params, names)
    _require_none([f"{params}: {name}" for name in before if after.get(name) != before[name]])


@contextmanager
def unchanged_inputs(inputs: Sequence[Path]) -> Iterator[None]:
    """Look at the files `inputs`, and those below folders among them, now and at the end; DataError if they differ.

    Reading them twice would cost more than some stages: a file counts as edited when its time of change, its size or
    its inode is another, or when it has come or gone.
    """
    before = _signatures(inputs)
    yield
    after = _signatures(inputs)
    _require_none([file for file in sorted(before.keys() | after) if before.get(file) != after.get(file)])


class Declared(NamedTuple):
    """What a stage depends on by `dvc.yaml`."""

    data: list[Path]
    code: list[Path]
    params: list[str] | None  # dotted names; None: any may count


def declared(stage: str, dvc_yaml: Path) -> Declared:
    """What DVC records of `stage`, by the file `dvc_yaml`; raises DataError where that can't be read.

    Where DVC isn't used nothing is recorded of data, and any parameter may count. Where it names no code, that is the
    import closure of the stage's module.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from pipeline.declared_deps import code_files, is_code

    if not dvc_yaml.is_file():
        return Declared([], _closure(stage), None)
    try:
        found = YAML(typ="safe").load(dvc_yaml.read_text(encoding="utf-8"))["stages"].get(stage, {})
        deps = [dep if isinstance(dep, str) else next(iter(dep)) for dep in found.get("deps", [])]
        params = [name for name in found.get("params", []) if isinstance(name, str)]
    except (YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise DataError(
            f"the pipeline's file can't be read: {error}",
            where=str(dvc_yaml),
            rule="it names the stage's inputs, which are watched while the stage runs",
            fix="mend it, or restore it from git",
        ) from error
    data = [dvc_yaml.parent / dep for dep in deps if not is_code(dep)]
    code = [file for dep in deps if is_code(dep) for file in code_files(_ROOT / dep)]
    return Declared(data, code or _closure(stage), params)


def _closure(stage: str) -> list[Path]:
    """Reads and parses some hundred files; `dvc.yaml` names them all, a test sees to that."""
    from pipeline.closure import stage_closure

    return [_ROOT / name for name in stage_closure(stage, _ROOT)]


def _values(params: Path, names: Sequence[str] | None) -> dict[str, Any]:
    try:
        found = read_params(params)
    except ParameterError:  # moved away, or no YAML at this moment of somebody's editing
        return {}
    return found if names is None else {name: _value(found, name) for name in names}


def _value(values: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _signatures(inputs: Sequence[Path]) -> dict[Path, Signature]:
    found: dict[Path, Signature] = {}
    for path in inputs:
        found[path] = _signature(path)
        if path.is_dir():
            for folder, _, names in os.walk(path):
                found |= {file: _signature(file) for file in (Path(folder, name) for name in names)}
    return found


def _signature(path: Path) -> Signature:
    try:
        found = path.stat()
    except OSError:
        return _ABSENT
    # A folder's own time changes with what is done to its entries, which are looked at themselves.
    return (0, 0, found.st_ino) if path.is_dir() else (found.st_mtime_ns, found.st_size, found.st_ino)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"


def _require_none(changed: Sequence[Path | str]) -> None:
    if not changed:
        return
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    raise DataError(
        "what this stage is made from changed while it ran",
        where=", ".join(map(str, changed[:_NAMED])) + more,
        rule="what is recorded beside a result is what produced it",
        fix="run the stage again",
    )
