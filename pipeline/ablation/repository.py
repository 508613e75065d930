"""The git repository of the project, in which experiments are kept: each is a commit under `refs/exps/`."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from roadwork.errors import CapabilityError, DataError

_EXPERIMENTS = "refs/exps"
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
"""Variables that would make git look at another repository than that of its folder."""


def git(*arguments: str, folder: Path, stdin: str | None = None) -> str:
    """What `git arguments` prints in `folder`; DataError with git's own words where it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    done = subprocess.run(  # nosec B603 B607  # git as the shell finds it, arguments in a list, no shell
        ["git", *arguments], cwd=folder, env=environment, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DataError(
            f"git {arguments[0]} failed: {' '.join(done.stderr.split())}",
            where=str(folder),
            fix="mend what git complains of",
        )
    return done.stdout


@dataclass(frozen=True)
class Repository:
    """The project's folder `root`, and the commit that experiments build on."""

    root: Path
    head: str

    @classmethod
    def opened(cls, root: Path) -> Repository:
        """The repository whose top folder is `root`; DataError where no experiment could be kept in it."""
        if shutil.which("git") is None:
            raise CapabilityError("git isn't installed", rule="an experiment is a git commit", fix="install git")
        where = str(root)
        try:
            top = Path(git("rev-parse", "--show-toplevel", folder=root).strip())
        except DataError:
            top = None
        if top is None:
            fix = "git init && git add --all && git commit --message 'Start'"
            raise DataError(
                "this folder is in no git repository", where=where, rule="an experiment is a git commit", fix=fix
            )
        if top.resolve() != root.resolve():
            raise DataError(
                f"this folder is only a part of the git repository {top}",
                where=where,
                rule="the project's folder is the top of its repository",
                fix="give the project a repository of its own",
            )
        if not (root / ".dvc").is_dir():
            raise DataError("this folder is no DVC project", where=where, fix="run it in the project's folder")
        try:
            head = git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", folder=root).strip()
        except DataError:
            raise DataError(
                "the git repository has no commit yet",
                where=where,
                rule="an experiment builds on a commit",
                fix="git add --all && git commit --message 'Start'",
            ) from None
        return cls(root, head)

    def experiments(self) -> dict[str, list[str]]:
        """The commits of every DVC experiment by its name, whatever commit it built on."""
        listed = git("for-each-ref", "--format=%(objectname) %(refname)", _EXPERIMENTS, folder=self.root)
        found: dict[str, list[str]] = {}
        for line in listed.splitlines():
            commit, ref = line.split(" ", 1)
            parts = ref.split("/")
            if len(parts) == 5:  # refs/exps/<2 digits of the baseline>/<the rest>/<name>
                found.setdefault(parts[4], []).append(commit)
        return found

    def ref(self, experiment: str) -> str:
        """Where DVC keeps the experiment of that name that builds on `head`."""
        return f"{_EXPERIMENTS}/{self.head[:2]}/{self.head[2:]}/{experiment}"

    def fetch(self, other: Path, ref: str) -> None:
        """Take `ref` over from the repository in the folder `other`."""
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        git("fetch", *options, str(other), f"+{ref}:{ref}", folder=self.root)

    def uncommitted(self, *, code: tuple[str, ...]) -> list[str]:
        """Tracked files that differ from `head` (deleted ones too), and new files under the folders `code`."""
        changed = git("diff", "--name-only", "--no-renames", "-z", self.head, folder=self.root)
        new = git("ls-files", "-z", "--others", "--exclude-standard", "--", *code, folder=self.root)
        return sorted({name for name in (changed + new).split("\0") if name})
