import errno
import shutil

import pytest
import torch

from roadwork.errors import StoreError, TrainingError
from roadwork.train.resume import State, load_state, save_state
from roadwork.train.work_area import work_area


def state(epochs):
    weights = {"layer.weight": torch.full((2, 2), float(epochs)), "scalar": torch.tensor(0.25)}
    best = {name: tensor + 1 for name, tensor in weights.items()}
    history = [{"epoch": epoch, "loss": 0.1 + 0.2} for epoch in range(epochs)]
    return State(history, weights, best, {"exp_avg/layer.weight": torch.eye(2), "step/layer.weight": torch.tensor(7.0)})


def assert_same(one, other):
    assert one.history == other.history
    for left, right in zip(one[1:], other[1:], strict=True):
        assert left.keys() == right.keys()
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_the_latest_state_survives(tmp_path):
    assert load_state(tmp_path) is None
    save_state(tmp_path, state(1))
    save_state(tmp_path, state(2))
    assert_same(load_state(tmp_path), state(2))
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_kill_while_writing_leaves_is_ignored_then_removed(tmp_path):
    save_state(tmp_path, state(1))
    half = tmp_path / ".epochs_00002.0a1b2c3d.partial"
    half.mkdir()
    (half / "state.safetensors").write_bytes(b"half")
    assert_same(load_state(tmp_path), state(1))
    save_state(tmp_path, state(2))
    assert not half.exists()


def test_a_kill_before_the_older_state_is_deleted_leaves_the_newer(tmp_path):
    save_state(tmp_path / "a", state(1))
    save_state(tmp_path / "b", state(2))
    (tmp_path / "a" / "epochs_00001").rename(tmp_path / "b" / "epochs_00001")
    assert_same(load_state(tmp_path / "b"), state(2))


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
def test_a_damaged_state_is_refused(tmp_path, name):
    save_state(tmp_path, state(1))
    (tmp_path / "epochs_00001" / name).write_bytes(b"{}")
    with pytest.raises(TrainingError, match="damaged"):
        load_state(tmp_path)


def test_the_work_area_is_kept_on_an_error_and_removed_on_success(tmp_path):
    def killed():
        with work_area(tmp_path, "run") as area:
            save_state(area, state(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    with work_area(tmp_path, "run") as area:
        assert_same(load_state(area), state(1))
    assert not area.exists()


def test_no_lock_is_left_and_nothing_of_a_finished_run(tmp_path):
    with work_area(tmp_path, "run") as area:
        save_state(area, state(1))
    assert list(tmp_path.iterdir()) == []


def test_a_kill_while_the_area_is_removed_leaves_nothing_that_the_next_run_could_stumble_over(tmp_path):
    half = tmp_path / ".run.partial" / "epochs_00001"
    half.mkdir(parents=True)
    (half / "state.json").write_text("{}")
    with work_area(tmp_path, "run") as area:
        assert load_state(area) is None
        assert not half.parent.exists()


def test_a_work_area_that_vanishes_is_made_again_and_its_absence_at_the_end_is_no_error(tmp_path):
    with work_area(tmp_path / "training", "run") as area:
        save_state(area, state(1))
        shutil.rmtree(tmp_path / "training")
        save_state(area, state(2))
        assert_same(load_state(area), state(2))
        shutil.rmtree(tmp_path / "training")
    assert not (tmp_path / "training").exists()


def test_a_changed_history_is_noticed(tmp_path):
    save_state(tmp_path, state(2))
    file = tmp_path / "epochs_00002" / "state.json"
    file.write_text(file.read_text().replace('"epoch": 1', '"epoch": 7'))
    with pytest.raises(TrainingError, match=r"(?s)damaged.*delete this folder"):
        load_state(tmp_path)


def test_a_state_that_cannot_be_written_says_where_and_keeps_the_last(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    save_state(tmp_path, state(1))
    monkeypatch.setattr("roadwork.train.resume.save_file", full)
    with pytest.raises(StoreError, match=r"(?s)can't be written: No space left.*fix: "):
        save_state(tmp_path, state(2))
    assert_same(load_state(tmp_path), state(1))
    assert [path.name for path in tmp_path.iterdir()] == ["epochs_00001"]
