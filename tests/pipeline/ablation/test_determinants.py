from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ablation import determinants as module
from pipeline.ablation.determinants import DATA, GIVEN, Determinants
from roadwork.errors import DataError, ParameterError


def replace(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


def digests(toy: Path) -> tuple[str, str]:
    project = Determinants.of(toy)
    return project.digest({}, "headline"), project.digest({}, "evaluate")


def test_what_is_given_ends_before_the_sampling() -> None:
    assert GIVEN == ("ingest", "tile", "embed_images", "embed_text", "folds")


def test_equal_projects_have_equal_digests_wherever_they_lie(toy: Path, toy_template: Path) -> None:
    assert Determinants.of(toy) == Determinants.of(toy_template)
    assert digests(toy) == digests(toy_template)
    assert len(set(digests(toy))) == 2


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("params.yaml", "gamma: 2.0", "gamma: 1.0"),
        ("params.yaml", "seed: 17", "seed: 18"),
        ("pipeline/pretrain.py", "import json", "import json, json"),
        ("pipeline/sampling.py", "import json", "import json, json"),
    ],
)
def test_another_parameter_or_code_is_another_experiment(file: str, old: str, new: str, toy: Path) -> None:
    before = digests(toy)
    replace(file, old, new)
    assert not set(digests(toy)) & set(before)


def test_what_only_fine_tuning_reads_concerns_the_longer_experiment_alone(toy: Path) -> None:
    before = digests(toy)
    replace("params.yaml", "patience: 2\n", "patience: 3\n")
    replace("pipeline/ensemble.py", "import json", "import json, json")
    after = digests(toy)
    assert after[0] == before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("params.yaml", "device: auto", "device: cpu"),
        ("params.yaml", "title: Roadwork", "title: Other"),
        ("pipeline/embed_images.py", "pathlib", "pathlib  "),
        ("pipeline/report.py", "import json", "import json, json"),
    ],
)
def test_what_cant_change_the_result_doesnt_change_the_digest(file: str, old: str, new: str, toy: Path) -> None:
    before = digests(toy)
    replace(file, old, new)
    assert digests(toy) == before


@pytest.mark.parametrize("path", DATA)
def test_other_data_is_another_experiment(path: Path, toy: Path) -> None:
    before = digests(toy)
    project = Determinants.of(toy)
    replace("dvc.lock", project.data[path.as_posix()], "0" * 32)
    assert not set(digests(toy)) & set(before)


def test_another_torch_is_another_experiment(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(toy)
    monkeypatch.setattr(module, "version", lambda name: "0.0")
    assert not set(digests(toy)) & set(before)


def test_changes_count_and_must_name_what_is_there(toy: Path) -> None:
    project = Determinants.of(toy)
    found = {project.digest(changes, "headline") for changes in ({}, {"train.seed": 1}, {"train.seed": 2})}
    assert len(found) == 3
    with pytest.raises(ParameterError, match="is missing"):
        project.digest({"head.prunning": 1}, "headline")


def test_read_by_gives_the_parameters_of_all_stages_up_to_the_target(toy: Path) -> None:
    project = Determinants.of(toy)
    short, long = (project.read_by(target, project.params) for target in ("headline", "evaluate"))
    assert short["train.seed"] is None
    assert set(long) - set(short) == {"finetune", "ensemble", "evaluate"}
    assert "sampling" in short
    assert "report" not in long


@pytest.mark.parametrize("lost", ["features/images.zarr", "dvc.lock", "data/folds.parquet"])
def test_features_that_were_never_made_are_told_with_the_way_to_them(lost: str, toy: Path) -> None:
    Path(lost).unlink()
    with pytest.raises(DataError, match=r"(?s)features aren't there yet.*dvc repro headline"):
        Determinants.of(toy)
