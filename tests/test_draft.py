"""Whose draft it is, told by the kernel's lock: the dead one's goes, the living one's stays, whatever writes it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadwork import draft as module
from roadwork.draft import drafted, remove_dead_drafts
from roadwork.publish import published_file, published_folder

# In the middle of publishing with every writer that this project uses, and one that replaces the file.
HOLDER = """
import sys
from contextlib import ExitStack
from pathlib import Path
import numpy, pandas, zarr
from matplotlib.figure import Figure
from PIL import Image
from safetensors.numpy import save_file
from roadwork.publish import published_file, published_folder

def replace(aside):
    other = aside.with_name("other")
    other.write_text("half")
    other.replace(aside)

WRITERS = {
    "x.json": lambda aside: aside.write_text("half"),
    "x.parquet": pandas.DataFrame({"a": [1]}).to_parquet,
    "x.safetensors": lambda aside: save_file({"a": numpy.zeros(9)}, aside),
    "x.svg": Figure().savefig,
    "x.jpg": Image.new("L", (9, 9)).save,
    "x.zarr": lambda aside: zarr.create_array(aside, shape=(9,), dtype="f4"),
    "x.txt": replace,
}
folder = Path(sys.argv[1])
with ExitStack() as stack:
    for name, write in WRITERS.items():
        publish = published_folder if name.endswith(".zarr") else published_file
        write(stack.enter_context(publish(folder / name)))
    print(*WRITERS, flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_a_living_writer_keeps_its_draft_whatever_it_writes_with_and_a_killed_one_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        written = process.stdout.readline().split()
        assert len(written) == 7
        left = names(tmp_path)
        remove_dead_drafts("*", tmp_path)
        assert names(tmp_path) == left
        for name in written:
            assert (next(tmp_path.glob(f".{name}.*.partial")) / name).exists()
        process.kill()
        process.wait()
    assert names(tmp_path) == left
    remove_dead_drafts("*", tmp_path)
    assert names(tmp_path) == []


def test_a_process_of_another_number_space_is_not_asked(tmp_path: Path) -> None:
    """A container sees another container's lock, not its processes: a process's number appears nowhere."""
    with drafted(tmp_path / "x") as draft:
        assert str(os.getpid()) not in {*draft.name.split("."), *names(draft)}
        assert all(path.read_bytes() == b"" for path in draft.iterdir())
        remove_dead_drafts("*", tmp_path)
        assert draft.is_dir()


def dead(folder: Path, name: str = "x", number: int = 0) -> Path:
    draft = folder / f".{name}.{number:012x}.partial"
    draft.mkdir()
    (draft / f"{name}.lock").touch()
    return draft


def test_killed_between_the_two_renames_the_earlier_folder_comes_back(tmp_path: Path) -> None:
    draft = dead(tmp_path)
    (draft / "x").mkdir()
    (draft / "x.old").mkdir()
    (draft / "x.old" / "file").write_text("old")
    with pytest.raises(RuntimeError), published_folder(tmp_path / "x"):
        assert (tmp_path / "x" / "file").read_text() == "old"
        raise RuntimeError
    assert (tmp_path / "x" / "file").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_killed_after_both_renames_the_earlier_folder_goes(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").write_text("new")
    (dead(tmp_path) / "x.old").mkdir()
    remove_dead_drafts("x", tmp_path)
    assert (tmp_path / "x" / "file").read_text() == "new"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("how", [KeyboardInterrupt(), OSError(errno.EIO, "broken")], ids=["interrupt", "disk"])
def test_interrupted_between_the_two_renames_the_earlier_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: BaseException
) -> None:
    target = tmp_path / "x"
    with published_folder(target) as aside:
        (aside / "file").write_text("old")
    rename, calls = os.replace, []

    def renamed(source: Path, to: Path) -> None:
        calls.append(to)
        if len(calls) == 2:
            raise how
        rename(source, to)

    monkeypatch.setattr(os, "replace", renamed)
    with pytest.raises(BaseException) as caught, published_folder(target) as aside:  # noqa: PT011
        (aside / "file").write_text("new")
    assert caught.value is how or caught.value.__cause__ is how
    assert calls[-1] == target
    assert (target / "file").read_text() == "old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("name", ["old", "lock", "x.old", "x.lock", ".x", "ä b", "x.partial", "[1]*?"])
def test_any_name_can_be_published(tmp_path: Path, name: str) -> None:
    for text in ("1", "2"):
        with published_folder(tmp_path / name) as aside:
            (aside / "file").write_text(text)
        assert (tmp_path / name / "file").read_text() == text
        assert names(tmp_path) == [name]


def test_a_link_under_the_name_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("1")
    (tmp_path / "x").symlink_to(elsewhere)
    with published_folder(tmp_path / "x") as aside:
        (aside / "file").write_text("new")
    assert not (tmp_path / "x").is_symlink()
    assert (elsewhere / "kept").read_text() == "1"
    assert names(tmp_path) == ["elsewhere", "x"]


def test_what_was_left_without_a_lock_goes_too(tmp_path: Path) -> None:
    (tmp_path / ".x.000000000001.partial").mkdir()
    (tmp_path / ".x.000000000002.partial").mkdir()
    (tmp_path / ".x.000000000002.partial" / "x").write_text("half")
    (tmp_path / ".x.000000000003.partial").write_text("half")
    remove_dead_drafts("x", tmp_path)
    assert names(tmp_path) == []


def test_a_draft_that_another_takes_for_a_dead_ones_in_its_first_moment_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = Path.mkdir, []

    def swept_at_once(path: Path, *arguments: object, **options: object) -> None:
        make(path, *arguments, **options)  # pyright: ignore[reportArgumentType]
        if path.name.endswith(".partial"):
            made.append(path)
            if len(made) == 1:
                remove_dead_drafts("x", tmp_path)

    monkeypatch.setattr(Path, "mkdir", swept_at_once)
    with published_file(tmp_path / "x") as aside:
        aside.write_text("1")
    assert len(made) == 2
    assert names(tmp_path) == ["x"]


def test_a_draft_whose_lock_another_gets_first_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, taken = fcntl.flock, []

    def flock(handle: int, how: int) -> None:
        if not taken:
            (draft,) = tmp_path.glob(".x.*.partial")
            taken.append(draft)
            remove_dead_drafts("x", tmp_path)
        lock(handle, how)

    monkeypatch.setattr(module.fcntl, "flock", flock)
    with drafted(tmp_path / "x") as draft:
        assert draft not in taken
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_publishing_works_and_nothing_of_others_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    left = dead(tmp_path)

    def flock(handle: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module.fcntl, "flock", flock)
    with published_file(tmp_path / "x") as aside:
        aside.write_text("1")
    assert names(tmp_path) == [left.name, "x"]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    folder = tmp_path_factory.mktemp("crowded")

    def fresh() -> Path:
        shutil.rmtree(folder)
        folder.mkdir()
        return folder

    return fresh


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."}
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, others=st.lists(NAMES, max_size=4, unique=True))
def test_only_drafts_of_the_name_go_and_no_finished_file_ever(
    crowded: Callable[[], Path], name: str, others: list[str]
) -> None:
    folder = crowded()
    finished = [folder / other for other in others if other != name]
    for path in finished:
        path.write_text("kept")
    dead(folder, name)
    with published_file(folder / name) as aside:
        aside.write_text("new")
    assert sorted(folder.iterdir()) == sorted([folder / name, *finished])
