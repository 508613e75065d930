"""One at a time, between real processes, and nothing is left."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from roadwork.locks import Busy, exclusive

HOLDER = """
import sys
from pathlib import Path
from roadwork.locks import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
ADDER = """
import sys
from pathlib import Path
from roadwork.locks import exclusive
lock, count = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(100):
    with exclusive(lock):
        count.write_text(str(int(count.read_text()) + 1))
"""


def started(code: str, *arguments: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_no_file_is_left_and_the_folder_is_made(tmp_path: Path) -> None:
    with exclusive(tmp_path / "deep" / "lock"):
        assert (tmp_path / "deep" / "lock").exists()
    assert list((tmp_path / "deep").iterdir()) == []


def test_busy_while_another_process_lives_and_free_when_it_is_killed(tmp_path: Path) -> None:
    with started(HOLDER, tmp_path / "lock") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy), exclusive(tmp_path / "lock", timeout_s=0):
            pass
        process.kill()
        process.wait()
        with exclusive(tmp_path / "lock", timeout_s=0):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_files_that_come_and_go_let_no_two_in(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")
    adders = [started(ADDER, tmp_path / "lock", count) for _ in range(3)]
    assert [adder.wait() for adder in adders] == [0, 0, 0]
    assert count.read_text() == "300"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_a_lock_whose_file_was_taken_away_leaves_its_successor_alone(tmp_path: Path) -> None:
    lock, made, finish = tmp_path / "lock", threading.Event(), threading.Event()

    def successor() -> None:
        with exclusive(lock):
            made.set()
            finish.wait(300)

    thread = threading.Thread(target=successor)
    with exclusive(lock):
        lock.unlink()
        thread.start()
        assert made.wait(300)
    with pytest.raises(Busy), exclusive(lock, timeout_s=0):
        pass
    finish.set()
    thread.join()
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_lock_can_be_made_is_the_systems_own_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"), exclusive(tmp_path / "file" / "lock"):
        pass
