"""What `dvc.lock` recorded against the bytes that are there.

The bytes are hashed anew: DVC itself trusts a file's time and size, so it would never see a bit rot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from roadwork.verify.fault import Faults, listed

IGNORED = ("__pycache__", "*.pyc", "*.partial")
"""What `.dvcignore` keeps out of a folder's digest."""

_MISSING = "missing"


class Digests:
    """MD5 of files and folders as DVC records them, each hashed once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The digest of the file or folder `path`; `missing` where there is none."""
        if path not in self._known:
            self._known[path] = path_md5(Path(path))
        return self._known[path]


def path_md5(path: Path) -> str:
    """As DVC records it: MD5 of the bytes; of a folder, that of the list of its files, with the ending `.dir`."""
    if path.is_dir():
        files = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
        names = sorted(name.as_posix() for name in files if not _ignored(name))
        tree = [{"md5": path_md5(path / name), "relpath": name} for name in names]
        return hashlib.md5(json.dumps(tree).encode(), usedforsecurity=False).hexdigest() + ".dir"
    if not path.is_file():
        return _MISSING
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _ignored(name: Path) -> bool:
    return any(fnmatch(part, wild) for part in name.parts for wild in IGNORED)


def check_outputs(stages: Mapping[str, Any], digests: Digests, faults: Faults) -> str:
    """Note each output that is there and hasn't the bytes that `dvc.lock` recorded; how many are as recorded."""
    right = absent = 0
    for stage, entry in stages.items():
        for out in entry.get("outs", ()):
            path, recorded = out["path"], out["md5"]
            found = digests.of(path)
            if found == recorded:
                right += 1
            elif found == _MISSING:
                absent += 1
            else:
                faults.add(
                    f"{path} isn't what `{stage}` wrote: its md5 is {found[:12]}, recorded is {recorded[:12]}",
                    where=path,
                    rule="an output has the bytes that dvc.lock recorded",
                    fix=f"run `dvc repro -f {stage}`, or take the file back: `dvc checkout --force`, or "
                    f"`git checkout {path}` where Git keeps it",
                )
    return f"{right} outputs as recorded" + (f", {absent} not there" if absent else "")


def check_stages(
    stages: Mapping[str, Any], declared: Mapping[str, Any], params: Mapping[str, Any], digests: Digests, faults: Faults
) -> str:
    """Note each stage whose command, parameters or dependencies aren't those that `dvc.lock` recorded.

    `declared` are the stages of `dvc.yaml`, of a matrix each one (`expanded`). A stage of which no output is there
    is passed over, and so are dependencies that are damaged or missing outputs: others tell of those.
    """
    damaged = [
        out["path"]
        for entry in stages.values()
        for out in entry.get("outs", ())
        if digests.of(out["path"]) != out["md5"]
    ]
    current = 0
    for name, stage in declared.items():
        entry = stages.get(name)
        outs = [out["path"] for out in (entry or {}).get("outs", ())]
        if entry is None or all(digests.of(path) == _MISSING for path in outs):
            continue
        changed = [*_changed_params(entry, stage, params), *_changed_deps(entry, stage, digests, damaged)]
        if entry.get("cmd") != stage.get("cmd"):
            changed.insert(0, "its command")
        current += not changed
        if changed:
            faults.add(
                f"stage `{name}` is out of date: {listed(changed)} changed since it ran",
                where="dvc.lock",
                rule="a result was made from the code, parameters and data of now",
                fix=f"run `dvc repro {name}`",
            )
    return f"{current} stages up to date"


def expanded(declared: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The stages of `dvc.yaml`, a matrix over a list of the parameters as one stage for each item."""
    found: dict[str, Any] = {}
    for name, stage in declared.items():
        matrix = stage.get("matrix")
        if not matrix:
            found[name] = stage
            continue
        ((axis, source),) = matrix.items()
        items = source if isinstance(source, list) else value_of(params, source.removeprefix("${").removesuffix("}"))
        for item in items:
            text = json.dumps(stage).replace("${item." + axis + "}", str(item))
            found[f"{name}@{item}"] = json.loads(text)
    return found


def value_of(params: Mapping[str, Any], dotted: str) -> Any:
    """The parameter of that dotted name; None where there is none."""
    value: Any = params
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _changed_params(entry: Mapping[str, Any], stage: Mapping[str, Any], params: Mapping[str, Any]) -> Iterable[str]:
    recorded = entry.get("params", {}).get("params.yaml", {})
    names: Sequence[str] = [name for name in stage.get("params", ()) if isinstance(name, str)]
    for name in names:
        if name not in recorded or recorded[name] != value_of(params, name):
            yield f"parameter {name}"


def _changed_deps(
    entry: Mapping[str, Any], stage: Mapping[str, Any], digests: Digests, damaged: Sequence[str]
) -> Iterable[str]:
    recorded = {dep["path"]: dep["md5"] for dep in entry.get("deps", ())}
    for path in stage.get("deps", ()):
        told = any(Path(out).is_relative_to(path) for out in damaged)
        if recorded.get(path) != digests.of(path) and not (told and path in recorded):
            yield path
    for path in recorded:
        if path not in stage.get("deps", ()):
            yield path
