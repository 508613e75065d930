"""A stage that has no tensors doesn't wait for the libraries that do: importing PyTorch takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pipeline.stages import STAGES

TENSORS = {"torch", "torchvision", "timm", "xformers", "safetensors.torch", "sentence_transformers"}
LEARNING, DRAWING = {"sklearn"}, {"matplotlib"}
TABLES = {"pandas", "pyarrow", "zarr", "scipy", "PIL", "dvclive"}

NOT_WANTED = {
    "ingest": TENSORS | LEARNING | DRAWING,
    "tile": TENSORS | LEARNING,
    "embed_images": LEARNING | DRAWING,
    "embed_text": DRAWING,
    "folds": TENSORS | DRAWING,
    "sampling": TENSORS,
    "pretrain": LEARNING | DRAWING,
    "headline": TENSORS | LEARNING | DRAWING,
    "finetune": TENSORS | LEARNING | DRAWING | TABLES,  # a fold that is finished is only copied
    "ensemble": TENSORS | LEARNING | DRAWING,
    "baselines": DRAWING,
    "evaluate": TENSORS | LEARNING | DRAWING,
    "report": TENSORS | LEARNING,
}

IMPORTED = """
import json, sys
from importlib import import_module
from pathlib import Path
from pipeline.leash import leave_with_dvc
from pipeline.parameter_checks import check_before_stage
from pipeline.unchanged import declared
declared("folds", Path("dvc.yaml"))
check_before_stage(Path("params.yaml"))
if sys.argv[1] != "nothing":
    import_module("pipeline." + sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


def imported(stage: str, root: str) -> set[str]:
    command = [sys.executable, "-c", IMPORTED, stage]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return set(json.loads(done.stdout))


def test_every_stage_is_looked_at() -> None:
    assert list(NOT_WANTED) == list(STAGES)


@pytest.mark.parametrize("stage", NOT_WANTED)
def test_a_stage_imports_no_library_that_it_can_do_without(stage: str, pytestconfig: pytest.Config) -> None:
    assert imported(stage, str(pytestconfig.rootpath)) & NOT_WANTED[stage] == set()


def test_what_every_stage_does_first_imports_next_to_nothing(pytestconfig: pytest.Config) -> None:
    """All parameters are checked; the largest library that takes is pydantic."""
    found = imported("nothing", str(pytestconfig.rootpath))
    assert found & (TENSORS | LEARNING | DRAWING | TABLES) == set()
