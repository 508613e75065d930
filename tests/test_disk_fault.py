"""A disk that refuses is one message: of what can't be written, what the system said, and what to do."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from roadwork.disk_fault import DISK_FAULTS, disk_faults_told
from roadwork.errors import StoreError
from roadwork.publish import published_file, published_folder, write_json

# No file of this process may grow beyond 4 KiB: every writer meets a disk that takes no more. The system's own answer
# (EFBIG) differs from a full disk's by its number only.
LIMITED = """
import json, resource, signal, sys
from pathlib import Path
import numpy, pandas, zarr
from matplotlib.figure import Figure
from PIL import Image
from safetensors.numpy import save_file
from roadwork.errors import StoreError
from roadwork.publish import published_file, published_folder

bulk = numpy.random.default_rng(1).random(99999)
table = pandas.DataFrame({"a": bulk})
figure = Figure()
figure.add_subplot().plot(range(999))
WRITERS = {
    "x.json": lambda aside: aside.write_text("a" * 99999),
    "x.parquet": table.to_parquet,
    "x.csv": table.to_csv,
    "x.safetensors": lambda aside: save_file({"a": bulk}, aside),
    "x.npy": bulk.tofile,
    "x.png": Image.effect_noise((300, 300), 99).save,
    "x.svg": figure.savefig,
    "x.zarr": lambda aside: zarr.create_array(aside, data=bulk, compressors=None),
}
folder, told = Path(sys.argv[1]), {}
for name in WRITERS:
    (folder / name).mkdir() if name.endswith(".zarr") else (folder / name).write_text("earlier")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for name, write in WRITERS.items():
    publish = published_folder if name.endswith(".zarr") else published_file
    try:
        with publish(folder / name) as aside:
            write(aside)
    except StoreError as error:
        told[name] = str(error)
print(json.dumps(told))
"""


@pytest.mark.slow
def test_every_writers_own_error_becomes_the_message_and_what_was_there_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) == 8
    assert sorted(told) == sorted(path.name for path in tmp_path.iterdir())
    for name, message in told.items():
        assert message.startswith(f"{name} can't be written: File too large\n"), message
        assert str(tmp_path) in message
        assert "fix: raise the limit" in message
        assert (tmp_path / name).is_dir() or (tmp_path / name).read_text() == "earlier"


@pytest.mark.parametrize("number", sorted(DISK_FAULTS))
def test_every_fault_is_told_with_what_to_do(tmp_path: Path, number: int) -> None:
    with pytest.raises(StoreError) as caught, disk_faults_told(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert caught.value.what == f"x can't be written: {os.strerror(number)}"
    assert caught.value.where == str(tmp_path / "x")
    assert caught.value.rule
    assert caught.value.fix == f"{DISK_FAULTS[number]}, then run the same command again"


def test_a_fault_of_an_input_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "in" / "secret.jpg"))
    with pytest.raises(PermissionError), published_file(tmp_path / "out" / "x"):
        raise error


def test_a_folder_that_vanishes_under_the_writer_is_told(tmp_path: Path) -> None:
    target = tmp_path / "out" / "x"
    with pytest.raises(StoreError, match="No such file") as caught, published_file(target) as aside:
        shutil.rmtree(tmp_path / "out")
        aside.write_text("1")
    assert "leave the folder alone" in caught.value.fix
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", "old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied"):
            write_json(tmp_path / "x.json", "new")
    finally:
        tmp_path.chmod(0o700)
    assert (tmp_path / "x.json").read_text() == '"old"\n'


def test_a_folder_in_place_of_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    (tmp_path / "x.json" / "kept").touch()
    with pytest.raises(StoreError, match="Is a directory"):
        write_json(tmp_path / "x.json", 1)
    assert (tmp_path / "x.json" / "kept").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="File name too long"), published_folder(tmp_path / ("x" * 250)):
        pass
    assert list(tmp_path.iterdir()) == []
