import pytest

from roadwork.train.finished import FINISHED, copy_files, finished, finished_folder


def finish(area):
    (area / "epochs_00002").mkdir(parents=True)
    with finished_folder(area) as folder:
        (folder / "head").mkdir()
        (folder / "head" / "weights").write_bytes(b"numbers")
        (folder / "metrics.json").write_text("{}")


def test_a_result_is_found_as_it_was_written_and_the_states_are_gone(tmp_path):
    assert finished(tmp_path) is None
    finish(tmp_path)
    folder = finished(tmp_path)
    assert folder == tmp_path / FINISHED
    assert [path.name for path in tmp_path.iterdir()] == [FINISHED]
    copy_files(folder / "head", tmp_path)
    assert (tmp_path / "weights").read_bytes() == b"numbers"


def test_a_failure_leaves_the_states_and_no_result(tmp_path):
    (tmp_path / "epochs_00002").mkdir()

    def fails():
        with finished_folder(tmp_path):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert finished(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == ["epochs_00002"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "head" / "weights").write_bytes(b"nimbers"),
        lambda folder: (folder / "head" / "weights").unlink(),
        lambda folder: (folder / "head" / "more").write_bytes(b""),
        lambda folder: (folder / "seal.json").unlink(),
        lambda folder: (folder / "seal.json").write_text("{}"),
    ],
)
def test_a_damaged_result_is_removed_and_told(tmp_path, capsys, damage):
    finish(tmp_path)
    damage(tmp_path / FINISHED)
    assert finished(tmp_path) is None
    assert not (tmp_path / FINISHED).exists()
    assert "damaged" in capsys.readouterr().err
