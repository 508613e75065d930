from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ablation import repository as module
from pipeline.ablation.repository import Repository, git
from roadwork.errors import CapabilityError, DataError


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without any git configuration, but with a name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "N")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "n@localhost")


def project(folder: Path) -> Path:
    """A repository with one commit that holds the tracked files a, b and roadwork/c.py."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / "roadwork").mkdir()
    for name in ("a", "b", "roadwork/c.py"):
        (folder / name).write_text(name)
    git("init", "--quiet", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "one", folder=folder)
    return folder


def test_a_folder_outside_git_is_refused_with_the_way_in(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    with pytest.raises(DataError, match=r"(?s)in no git repository.*git init"):
        Repository.opened(tmp_path)


def test_a_repository_without_commit_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    git("init", "--quiet", folder=tmp_path)
    with pytest.raises(DataError, match=r"(?s)no commit yet.*git add --all && git commit"):
        Repository.opened(tmp_path)


def test_a_folder_of_a_larger_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only a part of the git repository"):
        Repository.opened(project(tmp_path / "all") / "roadwork")


def test_a_folder_without_dvc_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    (folder / ".dvc").rmdir()
    with pytest.raises(DataError, match="no DVC project"):
        Repository.opened(folder)


def test_a_machine_without_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(CapabilityError, match="git isn't installed"):
        Repository.opened(tmp_path)


def test_experiments_are_found_whatever_they_build_on(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    first = Repository.opened(folder)
    git("update-ref", first.ref("x"), first.head, folder=folder)
    git("update-ref", "refs/exps/stash", first.head, folder=folder)
    git("commit", "--quiet", "--allow-empty", "--message", "two", folder=folder)
    second = Repository.opened(folder)
    git("update-ref", second.ref("x"), second.head, folder=folder)
    git("update-ref", second.ref("y"), second.head, folder=folder)
    found = second.experiments()
    assert sorted(found["x"]) == sorted([first.head, second.head])
    assert found["y"] == [second.head]
    assert set(found) == {"x", "y"}


def test_a_ref_is_fetched_from_another_repository_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    ours = Repository.opened(project(tmp_path / "ours"))
    theirs = Repository.opened(project(tmp_path / "theirs"))
    git("update-ref", ours.ref("x"), ours.head, folder=ours.root)
    git("update-ref", ours.ref("x"), theirs.head, folder=theirs.root)
    ours.fetch(theirs.root, ours.ref("x"))
    assert ours.experiments() == {"x": [theirs.head]}
    assert not (ours.root / ".git" / "FETCH_HEAD").exists()


def test_uncommitted_are_changed_staged_and_deleted_files_and_new_ones_of_the_code(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    (folder / "a").write_text("changed")
    (folder / "b").unlink()
    (folder / "roadwork" / "new ü.py").write_text("")
    (folder / "photos").mkdir()
    (folder / "photos" / "large.jpg").write_text("")
    (folder / "staged").write_text("")
    git("add", "staged", folder=folder)
    found = Repository.opened(folder).uncommitted(code=("pipeline", "roadwork"))
    assert found == ["a", "b", "roadwork/new ü.py", "staged"]


def test_a_fault_of_git_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="git rev-parse failed: fatal"):
        git("rev-parse", "nothing", folder=project(tmp_path / "project"))


def test_git_looks_at_its_folder_even_inside_a_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "project")
    monkeypatch.setenv("GIT_DIR", str(project(tmp_path / "other") / ".git"))
    assert Repository.opened(folder).root == folder
