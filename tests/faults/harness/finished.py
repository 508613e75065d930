"""The tiny project with every stage run, as DVC records it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock
from harness.nursery import Workplace
from harness.reference import Reference
from harness.tiny import STAGES
from ruamel.yaml import YAML


def recorded(reference: Reference, folder: Path) -> Workplace:
    """The finished reference with a `dvc.lock`, in `folder`; made by the first process that asks for it.

    Its `dvc.yaml` names no code, which isn't there: the stages run this checkout's.
    """
    place = Workplace(folder / "project", folder / "cache")
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            copied(reference.after(STAGES[-1]), folder)
            _without_code(place.project / "dvc.yaml")
            _dvc(place.project, folder, "init", "--no-scm")
            _dvc(place.project, folder, "commit", "--force")
            (folder / "complete").touch()
    return place


def copied(place: Workplace, folder: Path) -> Workplace:
    """A copy in `folder`; an earlier one there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    copy = Workplace(folder / "project", folder / "cache")
    shutil.copytree(place.project, copy.project, ignore=shutil.ignore_patterns(".dvc"))
    shutil.copytree(place.cache, copy.cache)
    return copy


def _without_code(path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    document = yaml.load(path.read_text(encoding="utf-8"))
    for stage in document["stages"].values():
        deps = [dep for dep in stage.get("deps", ()) if not dep.startswith(("roadwork/", "pipeline/"))]
        stage["deps"] = [dep for dep in deps if dep != "metrics/ablation.json"]  # there was none
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def _dvc(project: Path, folder: Path, *arguments: str) -> None:
    environment = os.environ | {
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "none"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "none"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments, "--quiet"],
        cwd=project, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"dvc {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
