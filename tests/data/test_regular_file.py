import os
import socket

import pytest

from roadwork.data import regular_file
from roadwork.data.regular_file import read_regular_file, require_regular_file
from roadwork.errors import PhotographError


def rule(path, **options):
    with pytest.raises(PhotographError) as told:
        read_regular_file(path, **options)
    with pytest.raises(PhotographError) as asked:
        require_regular_file(path, **options)
    assert told.value.rule == asked.value.rule
    return told.value.rule


def test_files_and_links_to_files_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "b").symlink_to("a")
    assert read_regular_file(tmp_path / "b") == read_regular_file(tmp_path / "a", max_bytes=7) == b"content"


def test_nothing_else_is_and_nothing_is_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "to_pipe.jpg").symlink_to("pipe.jpg")
    (tmp_path / "nothing.jpg").symlink_to("nowhere")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    monkeypatch.chdir(tmp_path)  # a socket's name may be no longer than a hundred bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
        assert rule(tmp_path / "socket.jpg") == "a photograph is a regular file: this is a socket"
    assert rule(tmp_path / "pipe.jpg") == "a photograph is a regular file: this is a pipe"
    assert rule(tmp_path / "to_pipe.jpg") == "a photograph is a regular file: this is a pipe"
    assert rule(tmp_path / "folder.jpg") == "a photograph is a regular file: this is a directory"
    assert rule(tmp_path / "nothing.jpg") == "the file must exist: this is a link to nothing"
    assert rule(tmp_path / "loop.jpg").startswith("the file must be readable: ")
    assert rule(tmp_path / "none.jpg") == "the file must exist"
    assert rule(tmp_path / ("x" * 5000)) == "the file must be readable: File name too long"
    assert rule(tmp_path / "a\0b") == "the file must be readable: embedded null byte"
    assert rule(tmp_path.joinpath("/dev/null")) == "a photograph is a regular file: this is a device"


def test_what_takes_a_file_s_place_between_look_and_opening_is_told(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.setattr(regular_file, "require_regular_file", lambda path, *, max_bytes: None)
    with pytest.raises(PhotographError, match="a pipe"):
        read_regular_file(tmp_path / "pipe.jpg")


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "large.jpg"
    with file.open("wb") as stream:
        stream.truncate(5_000_000_000_000 if os.statvfs(tmp_path).f_bavail else 10)
    assert rule(file, max_bytes=2_000_000) == "at most ingest.max_file_megabytes large: 5000000.0 of 2 MB"


def test_a_file_that_grows_meanwhile_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "a.jpg"
    file.write_bytes(bytes(3_000_001))
    monkeypatch.setattr(regular_file, "_check", lambda path, found, max_bytes: None)
    with pytest.raises(PhotographError) as caught:
        read_regular_file(file, max_bytes=2_000_000)
    assert caught.value.rule.startswith("at most ingest.max_file_megabytes large: 2.0 of 2 MB")


def test_a_name_forges_no_line(tmp_path):
    with pytest.raises(PhotographError) as caught:
        read_regular_file(tmp_path / "a\nb.jpg")
    assert caught.value.what == r"a\nb.jpg: no such file"
