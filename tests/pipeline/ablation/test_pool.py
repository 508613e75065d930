from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ablation.pool import end_of, fault


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "x.log"
    file.write_text("Stage 'embed_images' didn't change, skipping\nRunning stage 'pretrain':\n")
    return file


def test_an_experiment_that_took_what_is_given_is_sound(log: Path) -> None:
    assert fault(0, log) is None


def test_an_exit_status_is_a_fault_and_names_the_log(log: Path) -> None:
    assert str(log) in str(fault(1, log))
    assert "exit status 1" in str(fault(1, log))


@pytest.mark.parametrize("stage", ["ingest", "embed_images", "folds"])
def test_so_is_a_stage_that_ran_again_though_its_result_is_given(stage: str, log: Path) -> None:
    log.write_text(log.read_text() + f"Running stage '{stage}':\n")
    assert fault(0, log) == f"it ran {stage} again, whose results are given"


def test_the_end_of_a_log(tmp_path: Path) -> None:
    file = tmp_path / "y.log"
    file.write_bytes(b"\xff\n" + b"".join(b"%d\n" % number for number in range(99)) + b"\n\n")
    lines = end_of(file).splitlines()
    assert lines[-1] == "  | 98"
    assert len(lines) == 15
