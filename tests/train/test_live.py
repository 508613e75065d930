import subprocess
from pathlib import Path

import pytest

from roadwork.errors import StoreError
from roadwork.train.live import curves, live_curves
from roadwork.train.record import EpochRecord

NAMES = ("global", "tile_1_1", "center", "right")


def record(epoch, **changes):
    values = {
        "epoch": epoch,
        "steps": 4 * epoch,
        "learning_rate": 1e-4,
        "train_total": 1 / (epoch + 1),
        "train_focal": 0.1,
        "train_consistency": 0.2,
        "train_weather": 0.3,
        "val_loss": 0.4,
        "val_mcc_image_only": 0.1 * epoch,
        "val_mcc_with_metadata": 0.2,
        "val_threshold": -1.0,
        "near_share": 0.7,
        "gates": [0.1, 0.2, 0.3, 0.0],
    }
    return EpochRecord(**(values | changes))


def untrained():
    nothing = ("learning_rate", "train_total", "train_focal", "train_consistency", "train_weather", "near_share")
    return record(0, **dict.fromkeys(nothing))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "live"


def contents(folder: Path):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def write(folder, records):
    with live_curves(folder, NAMES) as add:
        for one in records:
            add(one)


def test_every_quantity_has_its_curve(folder):
    write(folder, [record(1), record(2)])
    files = contents(folder)
    expected = {f"plots/metrics/{name}.tsv" for name in curves(record(1), NAMES)}
    assert set(files) == expected
    assert len(expected) == 9 + 4
    assert files["plots/metrics/val/mcc_image_only.tsv"] == "step\tmcc_image_only\n1\t0.1\n2\t0.2\n"
    assert files["plots/metrics/gate/tile_1_1.tsv"] == "step\ttile_1_1\n1\t0.2\n2\t0.2\n"


def test_the_start_has_no_training_part(folder):
    write(folder, [untrained(), record(1)])
    files = contents(folder)
    assert files["plots/metrics/val/mcc_image_only.tsv"].splitlines()[1] == "0\t0.0"
    assert files["plots/metrics/train/total.tsv"] == "step\ttotal\n1\t0.5\n"


def test_a_repeated_history_gives_the_files_of_an_unbroken_run(folder, tmp_path):
    records = [record(epoch) for epoch in range(1, 5)]
    write(tmp_path / "unbroken", records)

    def killed():
        yield from records[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(folder, killed())
    write(folder, records)
    assert contents(folder) == contents(tmp_path / "unbroken")


@pytest.mark.parametrize("commits", [None, 0, 1])
def test_works_outside_git_and_without_and_with_a_commit(folder, commits):
    if commits is not None:
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run([*git, "init", "-q"], check=True)
        for _ in range(commits):
            subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
        from dvc.repo import Repo

        Repo.init(".").close()
        before = {path for path in Path().rglob("*") if ".git" not in path.parts and ".dvc" not in path.parts}
    else:
        before = set()
    write(folder, [record(1)])
    after = {path for path in Path().rglob("*") if ".git" not in path.parts and ".dvc" not in path.parts}
    assert contents(folder)
    assert {path.parts[0] for path in after - before} == {"live"}, "nothing is written elsewhere"


def test_earlier_curves_stay_until_the_first_record(folder):
    write(folder, [record(1), record(2)])
    earlier = contents(folder)

    def refused():
        raise ValueError("stale input")
        yield

    with pytest.raises(ValueError, match="stale input"):
        write(folder, refused())
    assert contents(folder) == earlier
    write(folder, [record(1)])
    assert contents(folder)["plots/metrics/val/mcc_image_only.tsv"] == "step\tmcc_image_only\n1\t0.1\n"


def test_a_disk_that_refuses_is_told(folder):
    folder.write_text("a file stands where the folder is needed")
    with pytest.raises(StoreError, match=r"(?s)live can't be written.*fix: "):
        write(folder, [record(1)])
