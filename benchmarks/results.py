"""The results on disk: one JSON file for each suite and machine, with the machine's facts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.row import Row, Target
from roadwork.publish import write_json

FOLDER = Path(__file__).with_name("results")


def results_path(folder: Path, machine: Mapping[str, Any], *, gpu: bool) -> Path:
    """`gpu-nvidia-h200.json`, or `cpu-amd-epyc-2-cores.json`."""
    found = machine["gpu"]
    name = f"gpu {found['name']}" if gpu and found else f"cpu {machine['cpu']} {machine['cpu_cores']} cores"
    return folder / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json")


def merged(
    before: Mapping[str, Any] | None, name: str, rows: Sequence[Row], *, machine: Mapping[str, Any], taken: Mapping
) -> dict[str, Any]:
    """The document `before` with the rows of benchmark `name` in place of earlier ones.

    `taken` is what was so while they were measured: the date, the commit, the load, the seconds it took.
    """
    benchmarks = dict(before["benchmarks"]) if before else {}
    benchmarks[name] = {"taken": dict(taken), "rows": [_as_json(row) for row in rows]}
    return {"machine": dict(machine), "benchmarks": benchmarks}


def rows_of(document: Mapping[str, Any], name: str) -> list[Row]:
    """The rows of benchmark `name` as they were measured."""
    return [_from_json(row) for row in document["benchmarks"].get(name, {"rows": []})["rows"]]


def read_results(path: Path) -> dict[str, Any] | None:
    """The document at `path`; None where nothing was measured yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def write_results(path: Path, document: Mapping[str, Any]) -> None:
    """Publish `document` at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, document)


def _as_json(row: Row) -> dict[str, Any]:
    return {**asdict(row), "detail": _rounded(row.detail), "met": row.met}


def _from_json(found: Mapping[str, Any]) -> Row:
    fields = {key: value for key, value in found.items() if key != "met"}
    if fields["target"] is not None:
        fields["target"] = Target(**fields["target"])
    return Row(**fields)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
