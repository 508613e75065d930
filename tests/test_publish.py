from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadwork.errors import StoreError
from roadwork.publish import published_file, published_folder, write_json


def test_a_file_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with published_file(target) as aside:
        aside.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), published_file(target) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with published_folder(target) as aside:
        (aside / "a").write_text("1")
    with published_folder(target) as aside:
        (aside / "b").mkdir()
        (aside / "b" / "c").write_text("2")
        assert (target / "a").exists()
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*")) == ["b", "b/c"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with published_folder(target) as aside:
        (aside / "a").write_text("1")
    with pytest.raises(KeyboardInterrupt), published_folder(target) as aside:
        (aside / "b").write_text("2")
        raise KeyboardInterrupt
    assert [path.name for path in target.iterdir()] == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_json_is_strict_and_ends_with_a_newline(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    write_json(target, {"b": 1.5, "a": "é"})
    assert target.read_text(encoding="utf-8") == '{\n  "b": 1.5,\n  "a": "é"\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(target, {"a": float("nan")})
    assert json.loads(target.read_text(encoding="utf-8")) == {"b": 1.5, "a": "é"}


HOLDER = """
import sys, time
from pathlib import Path
from roadwork.publish import published_file, published_folder
publish = {"file": published_file, "folder": published_folder}[sys.argv[1]]
with publish(Path(sys.argv[2])) as aside:
    (aside if sys.argv[1] == "file" else aside / "inside").write_text("half")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["file", "folder"])
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of publishing `x`, until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, request.param, str(tmp_path / "x")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def drafts(folder: Path) -> list[Path]:
    return list(folder.glob(".x.*.partial"))


def test_what_a_killed_process_left_is_removed_by_the_next(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    assert len(drafts(tmp_path)) == 1
    (tmp_path / ".y.0123456789ab.partial").mkdir()  # of another name: its own next publication removes it
    write_json(tmp_path / "x", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".y.0123456789ab.partial", "x"]


def test_what_a_living_process_writes_is_left_alone(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", 1)
    with published_file(tmp_path / "x") as aside:
        aside.write_text("mine")
    assert len(drafts(tmp_path)) == 1
    assert (tmp_path / "x").read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "fix"),
    [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "quota"), (errno.EROFS, "mount"), (errno.EIO, "check the disk")],
)
def test_a_disk_that_refuses_is_one_message_and_the_old_file_stays(tmp_path: Path, number: int, fix: str) -> None:
    target = tmp_path / "x.json"
    write_json(target, "old")
    with pytest.raises(StoreError) as caught, published_file(target):
        raise OSError(number, os.strerror(number))
    assert os.strerror(number) in caught.value.what
    assert str(target) in caught.value.where
    assert fix in caught.value.fix
    assert json.loads(target.read_text()) == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_fault_that_a_library_has_wrapped_is_told_as_well(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No space left"), published_folder(tmp_path / "x"):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    "error", [ValueError("no number"), FileNotFoundError(errno.ENOENT, "gone"), KeyError("os error")]
)
def test_any_other_error_passes(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)), published_file(tmp_path / "x"):
        raise error


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file")
    with pytest.raises(StoreError) as caught:
        write_json(tmp_path / "metrics" / "x.json", 1)
    assert "metrics" in caught.value.where


def test_everything_is_flushed_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    flush, rename = os.fsync, os.replace

    def flushed(handle: int) -> None:
        order.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        flush(handle)

    def renamed(source: Path, target: Path) -> None:
        order.append(f"rename to {Path(target).name}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    with published_folder(tmp_path / "x") as aside:
        (aside / "sub").mkdir()
        (aside / "sub" / "file").write_text("1")
    assert order == ["file", "sub", "x", "rename to x", tmp_path.name]
