from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from pipeline.ablation.archive import Archive
from pipeline.ablation.determinants import Determinants
from pipeline.ablation.experiments import Experiment, experiments
from pipeline.ablation.repository import Repository, git
from roadwork.ablation.variants import Variant
from roadwork.errors import StoreError


@pytest.fixture
def project(toy: Path) -> Determinants:
    return Determinants.of(toy)


@pytest.fixture
def experiment(project: Determinants) -> Experiment:
    return experiments([Variant("full", "", "full", {})], [1], project, finished=(), fine_tune=False)[0]


@pytest.fixture
def keep(toy: Path, experiment: Experiment):
    """A function that keeps the working tree's tracked files as the result of `experiment`."""

    def kept() -> Repository:
        repository = Repository.opened(toy)
        git("add", "--update", folder=toy)
        commit = git("commit-tree", "-m", "x", "-p", "HEAD", git("write-tree", folder=toy).strip(), folder=toy)
        git("update-ref", repository.ref(experiment.name), commit.strip(), folder=toy)
        return repository

    return kept


def replace(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


def test_a_result_is_read_from_its_commit_and_dvcs_cache(keep, experiment, project, toy: Path) -> None:
    replace("params.yaml", "  seed:\n", "  seed: 1\n")
    archive = Archive(keep(), project)
    for folder in ("models", "metrics"):
        shutil.rmtree(folder)
    found = archive.result(experiment)
    assert found is not None
    assert found.seed == 1
    assert found.timing["threads"] == 1
    assert found.pretrain["parameters"] == 100
    assert len(found.predictions) == len(found.test().labels) == 24
    assert found.oof is None
    shutil.rmtree(".dvc/cache")
    assert archive.result(experiment) is found, "each is read once"


def test_an_experiment_that_was_never_finished_has_no_result(experiment, project, toy: Path) -> None:
    assert Archive(Repository.opened(toy), project).result(experiment) is None


def test_what_dvcs_cache_has_lost_is_no_result(keep, experiment, project) -> None:
    replace("params.yaml", "  seed:\n", "  seed: 1\n")
    repository = keep()
    shutil.rmtree(".dvc/cache")
    assert Archive(repository, project).result(experiment) is None


def test_other_parameters_than_those_asked_for_are_refused(keep, experiment, project) -> None:
    with pytest.raises(StoreError, match=r"(?s)something else than the project has: params\.yaml.*dvc exp remove"):
        Archive(keep(), project).result(experiment)


def test_parameters_that_cant_change_the_result_may_differ(keep, experiment, project) -> None:
    replace("params.yaml", "  seed:\n", "  seed: 1\n")
    replace("params.yaml", "title: Roadwork", "title: Other")
    assert Archive(keep(), project).result(experiment) is not None


@pytest.mark.parametrize("path", ["features/images.zarr", "features/text.zarr", "data/manifest.parquet"])
def test_other_features_than_the_projects_are_refused(path: str, keep, experiment, project) -> None:
    replace("params.yaml", "  seed:\n", "  seed: 1\n")
    repository = keep()
    other = dataclasses.replace(project, data={**project.data, path: "0" * 32})
    with pytest.raises(StoreError, match=f"something else than the project has: {path}"):
        Archive(repository, other).result(experiment)
