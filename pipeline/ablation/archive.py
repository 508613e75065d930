"""What finished experiments left behind, read from their commits and from DVC's cache."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from pipeline.ablation.determinants import Determinants
from pipeline.ablation.experiments import Experiment
from pipeline.ablation.repository import Repository
from pipeline.paths import HEADLINE_METRICS, OOF_PREDICTIONS, PARAMS, PREDICTIONS, PRETRAIN_METRICS, TIMING
from roadwork.ablation.result import Result
from roadwork.ablation.variants import changed
from roadwork.errors import StoreError


class Archive:
    """Results by experiment, each read once."""

    def __init__(self, repository: Repository, project: Determinants) -> None:
        self._repository, self._project = repository, project
        self._results: dict[str, Result] = {}

    def result(self, experiment: Experiment) -> Result | None:
        """What the experiment found; None where it isn't finished, or DVC's cache has lost a part of it.

        Raises StoreError where it didn't use the project's features and division, or other parameters than it was to.
        """
        if experiment.name not in self._results:
            for commit in self._repository.experiments().get(experiment.name, []):
                result = _read(self._repository.root, commit, experiment, self._project)
                if result is not None:
                    self._results[experiment.name] = result
                    break
        return self._results.get(experiment.name)


def _read(root: Path, commit: str, experiment: Experiment, project: Determinants) -> Result | None:
    from dvc.api import DVCFileSystem

    files = DVCFileSystem(str(root), rev=commit)
    try:
        _check(files, experiment, project)
        return Result(
            seed=experiment.seed,
            headline=json.loads(files.read_bytes(HEADLINE_METRICS.as_posix())),
            pretrain=json.loads(files.read_bytes(PRETRAIN_METRICS.as_posix())),
            timing=json.loads(files.read_bytes(TIMING.as_posix())),
            predictions=_table(files, PREDICTIONS),
            oof=_table(files, OOF_PREDICTIONS) if experiment.fine_tuned else None,
        )
    except FileNotFoundError:
        return None
    finally:
        files.repo.close()


def _check(files: Any, experiment: Experiment, project: Determinants) -> None:
    """Raise StoreError unless the files are of `experiment` on the data that `project` has."""
    outputs = {out.def_path: out.hash_info.value for out in files.repo.index.outs}
    other = [path for path, digest in project.data.items() if outputs.get(path) != digest]
    params = YAML(typ="safe", pure=True).load(files.read_bytes(PARAMS.as_posix()).decode())
    asked = changed(project.params, experiment.changes)
    if project.read_by(experiment.target, params) != project.read_by(experiment.target, asked):
        other.append(PARAMS.as_posix())
    if other:
        raise StoreError(
            f"the experiment used something else than the project has: {', '.join(other)}",
            where=experiment.name,
            rule="every experiment reads the same features and division, and differs by its own parameters alone",
            fix=f"dvc exp remove {experiment.name}, then run `roadwork ablate` again",
        )


def _table(files: Any, path: Path) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(files.read_bytes(path.as_posix())))
