"""A project with real git and real DVC whose stages are toys: each writes in no time what its real one would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.stages import STAGES

ROOT = Path(__file__).resolve().parents[2]

MAIN = "import sys; from importlib import import_module; import_module(f'pipeline.{sys.argv[1]}')\n"

GIVEN = {
    "ingest": ([], "data/manifest.parquet", {"metrics/ingest.json": '{"manifest_digest": "mmm"}'}),
    "tile": (["data/manifest.parquet"], "features/views.parquet", {}),
    "embed_images": (
        ["features/views.parquet"], "features/images.zarr", {"metrics/embed_images.json": '{"fingerprint": "fff"}'},
    ),
    "embed_text": (["data/manifest.parquet"], "features/text.zarr", {}),
    "folds": (["data/manifest.parquet"], "data/folds.parquet", {}),
}  # fmt: skip
"""By stage what it reads, its output, and the text of its metrics."""

WRITE = """
from pathlib import Path
for name, text in {files!r}.items():
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
"""

PARAMS = """
import json, os, time
from pathlib import Path
from ruamel.yaml import YAML
params = YAML(typ="safe", pure=True).load(Path("params.yaml").read_text())
seed = params["train"]["seed"] or params["seed"]
def write(name, value):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(json.dumps(value))
"""

SAMPLING = PARAMS + 'write("data/sampling.parquet", params["sampling"])\nwrite("metrics/sampling.json", {})\n'

# Notes who trains, takes its time, and breaks where it is told to.
PRETRAIN = (
    PARAMS
    + """
with open(os.environ["TOY_JOURNAL"], "a") as journal:
    journal.write(f"{os.getpid()} {seed} {params['head']['pruning']['enabled']} {os.environ['OMP_NUM_THREADS']}\\n")
time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
if not params["head"]["pruning"]["enabled"] and "TOY_BREAKS" in os.environ:
    raise SystemExit("broken on purpose")
write("models/pretrained/head.json", {"seed": seed, **params["head"]})
write("metrics/pretrain.json", {"epochs": 4, "parameters": 100})
write("metrics/timing.json", {"device": "cpu", "threads": 1, "epochs": 4, "seconds": 4.0, "seconds_per_epoch": 1.0})
"""
)

# The full head errs on one image, one without pruning on two; another seed errs on others.
HEADLINE = (
    PARAMS
    + """
import pyarrow, pyarrow.parquet
head = json.loads(Path("models/pretrained/head.json").read_text())
label = [i % 2 for i in range(24)]
wrong = {seed, seed + 4} if head["pruning"]["enabled"] is False else {seed}
margin = [(1.0 if (label[i] == 1) != (i in wrong) else -1.0) * (1 + i / 24) for i in range(24)]
columns = {"image_id": [f"{i:064x}" for i in range(24)], "split": ["test"] * 24, "label": label,
           "block": [i // 2 for i in range(24)]}
for mode in ("image_only", "with_metadata"):
    columns[f"margin_{mode}"] = margin
    columns[f"probability_{mode}"] = [0.9 if m > 0 else 0.1 for m in margin]
pyarrow.parquet.write_table(pyarrow.table(columns), "models/predictions.parquet")
row = {"mcc": 0.5, "auroc": 0.8}
write("metrics/headline.json", {"confidence": 0.95, "resamples": params["evaluate"]["resamples"],
      "test": {"image_only": row, "with_metadata": row}})
"""
)

FINETUNE = PARAMS + 'write("models/finetuned/head.json", seed)\n'

ENSEMBLE = (
    PARAMS
    + """
import pyarrow, pyarrow.parquet
table = pyarrow.parquet.read_table("models/predictions.parquet").drop_columns(["split"])
table = table.append_column("fold", pyarrow.array([i // 2 % 3 for i in range(24)]))
pyarrow.parquet.write_table(table, "models/oof_predictions.parquet")
"""
)

BASELINES = PARAMS + 'write("models/baselines.parquet", seed)\n'

EVALUATE = PARAMS + 'write("metrics/evaluate.json", {"seed": seed})\n'

OWN: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "sampling": (
        SAMPLING,
        ["data/folds.parquet"],
        {
            "params": ["sampling"],
            "outs": ["data/sampling.parquet"],
            "metrics": [{"metrics/sampling.json": {"cache": False}}],
        },
    ),
    "pretrain": (
        PRETRAIN,
        ["data/sampling.parquet", "features/images.zarr", "features/text.zarr"],
        {
            "params": ["seed", "metadata", "head", "loss", "train.seed"],
            "outs": ["models/pretrained"],
            "metrics": [{"metrics/pretrain.json": {"cache": False}}, "metrics/timing.json"],
        },
    ),
    "headline": (
        HEADLINE,
        ["models/pretrained"],
        {
            "params": ["seed", "evaluate.resamples", "evaluate.confidence"],
            "outs": ["models/predictions.parquet"],
            "metrics": [{"metrics/headline.json": {"cache": False}}],
        },
    ),
    "finetune": (FINETUNE, ["models/pretrained"], {"params": ["finetune"], "outs": ["models/finetuned"]}),
    "ensemble": (
        ENSEMBLE,
        ["models/finetuned", "models/predictions.parquet"],
        {"params": ["ensemble"], "outs": ["models/oof_predictions.parquet"]},
    ),
    "baselines": (
        BASELINES,
        ["features/images.zarr"],
        {"params": ["seed", "metadata"], "outs": ["models/baselines.parquet"]},
    ),
    "evaluate": (
        EVALUATE,
        ["models/oof_predictions.parquet", "models/baselines.parquet"],
        {"params": ["evaluate"], "metrics": [{"metrics/evaluate.json": {"cache": False}}]},
    ),
    "report": (PARAMS, ["metrics/evaluate.json"], {}),
}
"""By stage its code, its data and the rest of its entry in `dvc.yaml`."""


def entry(name: str) -> dict[str, Any]:
    """The stage's part of `dvc.yaml`, and its code in place."""
    if name in GIVEN:
        deps, out, metrics = GIVEN[name]
        code = WRITE.format(files={out: name, **metrics})
        rest: dict[str, Any] = {"outs": [out], "metrics": [{file: {"cache": False}} for file in metrics]}
    else:
        code, deps, rest = OWN[name]
    Path("pipeline", f"{name}.py").write_text(code)
    return {"cmd": f"python -m pipeline {name}", "deps": [*deps, f"pipeline/{name}.py"], **rest}


def shell(*command: str, **environment: str) -> str:
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with all that comes before the experiments, committed."""
    folder = tmp_path_factory.mktemp("toy") / "project"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        alone(patch, folder)
        Path("pipeline").mkdir()
        Path("pipeline/__init__.py").write_text("")
        Path("pipeline/__main__.py").write_text(MAIN)
        params = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        params["evaluate"]["resamples"] = 100
        YAML().dump(params, Path("params.yaml"))
        YAML().dump({"stages": {name: entry(name) for name in STAGES}}, Path("dvc.yaml"))
        ignored = ["data/", "features/", "models/", "metrics/timing.json", "__pycache__/"]
        Path(".gitignore").write_text("\n".join(["/" + ignored[0], *ignored[1:], ""]))
        Path(".dvcignore").write_text("__pycache__/\n")
        shell("git", "init", "--quiet", "--initial-branch", "main")
        shell(sys.executable, "-m", "dvc", "init", "--quiet")
        Path(".dvc/config.local").write_text(f"[core]\n    site_cache_dir = {folder.parent / 'site'}\n")
        shell(sys.executable, "-m", "dvc", "repro", "--quiet", "headline")
        shell("git", "add", "--all")
        shell("git", "commit", "--quiet", "--message", "start")
    return folder


@pytest.fixture
def toy(toy_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that project, entered."""
    folder = tmp_path / "project"
    shutil.copytree(toy_template, folder, symlinks=True)
    alone(monkeypatch, folder)
    return folder


def alone(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Enter `folder`, as a user whose git and DVC know nothing of this machine."""
    patch.chdir(folder)
    patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    patch.setenv("DVC_NO_ANALYTICS", "1")
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.setenv("TOY_JOURNAL", str(folder.parent / "journal"))
    for role in ("AUTHOR", "COMMITTER"):
        patch.setenv(f"GIT_{role}_NAME", "N")
        patch.setenv(f"GIT_{role}_EMAIL", "n@localhost")


@pytest.fixture
def journal(toy: Path) -> Any:
    """A function that gives the trainings since the project's own: process, seed, whether with pruning, threads."""

    def read() -> list[tuple[int, int, bool, int]]:
        file = toy.parent / "journal"
        lines = file.read_text().split("\n")[:-1] if file.is_file() else []
        fields = [line.split() for line in lines]
        return [(int(a), int(b), c == "True", int(d)) for a, b, c, d in fields]

    return read
