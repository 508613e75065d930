"""A private copy of the project in which experiments run, one after the other.

`dvc exp run --temp` and DVC's queue put every experiment together in the user's own working tree: they stash what isn't
committed there, reset it, write the parameters, and put it back, once for each experiment. A bench is a clone instead,
so the working tree is never touched, not even by a kill; and it keeps its data between experiments.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.ablation.determinants import GIVEN
from pipeline.ablation.leash import Leashed
from pipeline.ablation.repository import Repository, git
from pipeline.paths import EMBED_IMAGES_METRICS, INGEST_METRICS, PARAMS, SAMPLING_METRICS
from roadwork.errors import DataError

_CODE = ("pipeline", "roadwork")
_LOCK = "dvc.lock"
_METRICS = (INGEST_METRICS.as_posix(), EMBED_IMAGES_METRICS.as_posix(), SAMPLING_METRICS.as_posix())
_RECORDS = ("dvc.yaml", _LOCK, PARAMS.as_posix(), *_METRICS)
"""What DVC needs to see that nothing given has changed, in git's care or not."""

_TAKEN = (*GIVEN, "sampling")
"""Stages whose results are there from the start; a variant may change the sampling."""

_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME")


@dataclass(frozen=True)
class Bench:
    """A clone in `folder` of a repository at its head, with what isn't committed there as the git `tree`."""

    folder: Path
    head: str
    tree: str

    @classmethod
    def built(cls, repository: Repository, folder: Path, *, cache: Path) -> Bench:
        """Clone `repository` into `folder`, with its uncommitted changes and, linked from DVC's `cache`, its data."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        root, head = repository.root, repository.head
        git("clone", "--quiet", "--shared", "--no-tags", "--no-checkout", str(root), str(folder), folder=root)
        git("checkout", "--quiet", "--detach", head, folder=folder)
        for key, otherwise in (("user.name", "roadwork"), ("user.email", "roadwork@localhost")):
            git("config", key, _setting(root, key) or otherwise, folder=folder)
        taken = "\0".join(_copied(repository, folder))
        _forget_stages(folder / _LOCK)
        git("add", "--all", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", folder=folder, stdin=taken)
        tree = git("write-tree", folder=folder).strip()
        _configure(folder, cache)
        return cls(folder, head, tree)

    def check_out(self, environment: Mapping[str, str]) -> None:
        """Link the data into the bench; DataError where DVC's cache lacks a part of it."""
        done = self._dvc(environment, "checkout", "--with-deps", "--force", *_TAKEN)
        if done.returncode:
            raise DataError(
                f"DVC's cache lacks a part of the features: {' '.join(done.stderr.split())[:500]}",
                where="the folder that `dvc cache dir` names",
                rule="every experiment reads the same features, and none makes its own",
                fix="dvc commit --force --with-deps headline: puts the working tree's data back into it",
            )

    def check_current(self, environment: Mapping[str, str]) -> None:
        """Raise DataError where a stage whose result is given would run again with these parameters and this code."""
        status = self._dvc(environment, "status", "--json", *_TAKEN)
        changed = list(json.loads(status.stdout)) if status.returncode == 0 else ["the status"]
        if changed:
            raise DataError(
                f"the features aren't those of today's parameters and code: {', '.join(changed)} would run again",
                where="dvc.lock",
                rule="every experiment reads the same features, and none makes its own",
                fix="dvc repro headline",
            )

    def run(self, command: list[str], environment: Mapping[str, str], log: Path) -> Leashed:
        """Start `dvc command` in the tree as it was taken over; whatever an earlier experiment left is gone."""
        git("reset", "--quiet", "--hard", self.head, folder=self.folder)
        git("read-tree", "--reset", "-u", self.tree, folder=self.folder)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            return Leashed(_DVC + command, folder=self.folder, environment=_clean(environment), log=output)

    def _dvc(self, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*_DVC, *arguments]
        return subprocess.run(  # nosec B603  # this Python's own DVC, arguments in a list, no shell
            command, cwd=self.folder, env=_clean(environment), capture_output=True, text=True, check=False
        )


_DVC = [sys.executable, "-m", "dvc"]


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` for a process of the bench: this interpreter's `python` first, nothing of an outer DVC or git."""
    kept = {name: value for name, value in environment.items() if name not in _FOREIGN}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return kept | {"PATH": path, "DVC_NO_ANALYTICS": "1", "DVC_EXP_AUTO_PUSH": "false", "DVC_STUDIO_OFFLINE": "true"}


def _copied(repository: Repository, folder: Path) -> list[str]:
    """Bring `folder` to the state of the working tree, deletions included; the files that this concerned."""
    names = set(repository.uncommitted(code=_CODE))
    names |= {name for name in _RECORDS if (repository.root / name).is_file()}
    for name in names:
        source, target = repository.root / name, folder / name
        if source.is_symlink() or source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        else:
            target.unlink(missing_ok=True)
    return sorted(names)


def _forget_stages(lock: Path) -> None:
    """Leave only what is given in `lock`: what comes after runs anew in every experiment.

    DVC parses the whole file some twenty times for each experiment, which is most of what it costs.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    document = yaml.load(lock.read_text(encoding="utf-8"))
    document["stages"] = {name: stage for name, stage in document["stages"].items() if name in _TAKEN}
    with lock.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)


def _configure(folder: Path, cache: Path) -> None:
    """DVC in the bench: the project's cache, links instead of copies, and its bookkeeping within the folder."""
    from dvc.config import Config

    sections: Any
    with Config(str(folder / ".dvc")).edit("local") as sections:
        sections["cache"] = {"dir": str(cache), "type": "reflink,hardlink,symlink,copy"}
        sections["core"] = {"site_cache_dir": str(folder / ".dvc" / "tmp" / "site"), "check_update": False}


def _setting(root: Path, key: str) -> str:
    try:
        return git("config", "--get", key, folder=root).strip()
    except DataError:
        return ""
