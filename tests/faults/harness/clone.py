"""A temporary clone of the working tree, as a user has it: git, DVC, parameters that make it small, a cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.parameters import set_parameters
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]

_TIMED = ("metrics/timing.json", "metrics/finetune_timing/", "metrics/embed_images.json", "metrics/ablation.json")


class Clone:
    """A checkout in `folder/clone`. Clones under one `folder` share the embedding cache `folder/cache`.

    Its DVC knows nothing of this machine: neither a configuration nor what other checkouts left.
    """

    def __init__(self, folder: Path, name: str = "clone") -> None:
        self.home = folder
        self.folder = folder / name
        self.environment = {
            **os.environ,
            "ROADWORK_CACHE": str(folder / "cache"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_AUTHOR_NAME": "test",
            "GIT_AUTHOR_EMAIL": "test@example.com",
            "GIT_COMMITTER_NAME": "test",
            "GIT_COMMITTER_EMAIL": "test@example.com",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(folder / "none"),
            "DVC_SYSTEM_CONFIG_DIR": str(folder / "none"),
            "DVC_NO_ANALYTICS": "1",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        self.environment.pop("DVC_STAGE", None)
        self.environment.pop("DVC_ROOT", None)

    def create(self, changes: Mapping[str, Any]) -> None:
        """Fill it with the tracked and untracked files of the working tree, change parameters, commit."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\n")  # fmt: skip
        for name in filter(None, listed):
            if (ROOT / name).is_file() and name != "dvc.lock":
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        pace = self.folder / "roadwork" / "train" / "saving_pace.py"
        told = pace.read_text(encoding="utf-8")
        assert "SHARE = 0.05" in told
        # After every epoch: tests wait for saved epochs, and theirs take milliseconds.
        pace.write_text(told.replace("SHARE = 0.05", "SHARE = 1.0"), encoding="utf-8")
        self.change(changes)
        self.run("git", "init", "-q", "-b", "main")
        self.commit("a clone")

    def copy(self, folder: Path) -> Clone:
        """The same checkout with all that was made in it, and its embedding cache, under another `folder`."""
        other = Clone(folder, self.folder.name)
        for name in (self.folder.name, "cache"):
            shutil.copytree(self.home / name, folder / name, symlinks=True)
        return other

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set parameters of `params.yaml` by their dotted names."""
        set_parameters(self.folder / "params.yaml", changes)

    def commit(self, message: str) -> None:
        """Commit everything that git doesn't ignore."""
        self.run("git", "add", ".")
        self.run("git", "commit", "-q", "-m", message)

    def run(self, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout; an exit code other than `code` fails the test with what was printed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the checkout, the first of a process group of its own; both outputs go to one pipe."""
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def repro(self, *arguments: str, code: int = 0) -> str:
        """What `dvc repro` prints, on both outputs."""
        done = self.run("dvc", "repro", *arguments, code=code)
        return done.stdout + done.stderr

    def up_to_date(self) -> bool:
        """Whether `dvc status` finds nothing changed."""
        return self.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."

    def recorded(self, stage: str) -> Any:
        """What `dvc.lock` says of `stage`, None where it says nothing."""
        lock = self.folder / "dvc.lock"
        if not lock.is_file():
            return None
        return YAML(typ="safe", pure=True).load(lock.read_text(encoding="utf-8"))["stages"].get(stage)

    def results(self) -> dict[str, str]:
        """SHA-256 of every file that the stages made, by path, but for those that hold times and the page of them."""
        folders = ("data", "features", "models", "metrics")
        files = [file for name in folders for file in sorted((self.folder / name).rglob("*")) if file.is_file()]
        digests = {str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        return {name: digest for name, digest in digests.items() if not name.startswith(_TIMED)}

    def json(self, name: str) -> Any:
        """What a JSON file of the checkout holds."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))
