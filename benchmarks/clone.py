"""A copy of the project in a folder of its own, with caches of its own, in which DVC runs as it does for users."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
_STAGE = re.compile(r"Running stage '([^'@]+)(@\d+)?'")
_START, _END = "dvc's start", "dvc's end"


class Clone:
    """The working tree's files, without results: `folder/project`; caches beside it."""

    def __init__(self, folder: Path, changes: Mapping[str, Any]) -> None:
        """Fill it, with other parameters where `changes` names them by dotted name, and commit."""
        self.folder = folder / "project"
        nowhere = str(folder / "none")
        self.environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "ROADWORK_CACHE": str(folder / "cache"),
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": nowhere,
            "DVC_SYSTEM_CONFIG_DIR": nowhere,
            "DVC_NO_ANALYTICS": "1",
            "HF_HUB_OFFLINE": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        for name in ("DVC_STAGE", "DVC_ROOT", "DVC_EXP_NAME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            self.environment.pop(name, None)
        for name in _files():
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        self.change(changes)
        self.run("git", "init", "--quiet", "--initial-branch", "main")
        self.run("git", "add", "--all")
        identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
        self.run("git", *identity, "commit", "--quiet", "--message", "as it is")

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set parameters by their dotted names."""
        yaml = YAML()
        path = self.folder / "params.yaml"
        params = yaml.load(path.read_text(encoding="utf-8"))
        for dotted, value in changes.items():
            *sections, name = dotted.split(".")
            owner = params
            for section in sections:
                owner = owner[section]
            owner[name] = value
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(params, stream)

    def run(self, *command: str) -> str:
        """Run `command` there; what it printed. RuntimeError where it fails."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def repro(self) -> dict[str, float]:
        """Seconds of `dvc repro` by stage, each from its start to the next one's, so with what DVC does between."""
        command = [sys.executable, "-m", "dvc", "repro"]
        seconds: dict[str, float] = {}
        now, since, said = _START, perf_counter(), []
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                found = _STAGE.match(line)
                if found or line.startswith("Use `dvc push`"):
                    seconds[now] = seconds.get(now, 0.0) + perf_counter() - since
                    now, since = found[1] if found else _END, perf_counter()
        seconds[now] = seconds.get(now, 0.0) + perf_counter() - since
        if process.returncode:
            raise RuntimeError(f"dvc repro failed: {''.join(said)[-3000:]}")
        return seconds


def _files() -> list[str]:
    """What git would take, which leaves out results and environments; `dvc.lock` records what isn't there."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if name != "dvc.lock" and (ROOT / name).is_file()]
