from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_what_a_killed_process_left_is_swept_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f".x.json.{dead.pid}-0a.partial", f".x.json.{os.getpid()}-0b.partial", f".y.{dead.pid}-0c.partial"):
        (tmp_path / name).write_text("half")
    (tmp_path / f".x.json.{dead.pid}-0d.partial").mkdir()
    (tmp_path / f".x.json.{dead.pid}-0d.partial" / "inside").write_text("half")
    write_json(tmp_path / "x.json", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f".x.json.{os.getpid()}-0b.partial", f".y.{dead.pid}-0c.partial", "x.json"]
    )
