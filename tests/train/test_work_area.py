import threading

import pytest

from roadwork.errors import StoreError
from roadwork.locks import exclusive
from roadwork.train.work_area import kept_area, work_area


def test_whoever_comes_second_waits_for_the_first(tmp_path, capsys):
    order = []

    def second():
        with work_area(tmp_path, "run") as area:
            order.append(f"second finds {[entry.name for entry in area.iterdir()]}")

    with work_area(tmp_path, "run") as area:
        thread = threading.Thread(target=second)
        thread.start()
        told = ""
        while "waiting until it has ended" not in told:
            told += capsys.readouterr().err
        (area / "epochs_00001").mkdir()
        order.append("first")
    thread.join()
    assert order == ["first", "second finds []"]


def test_a_root_that_is_no_folder_names_the_variable(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError, match=r"(?s)can't be written.*ROADWORK_CACHE"), work_area(tmp_path / "cache", "run"):
        pass
    assert (tmp_path / "cache").read_text() == "a file"


def test_what_is_written_in_a_kept_area_stays_and_an_unused_one_goes(tmp_path):
    with kept_area(tmp_path, "run"):
        pass
    assert list(tmp_path.iterdir()) == []
    with kept_area(tmp_path, "run") as area:
        assert area is not None
        (area / "file").write_text("kept")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    with work_area(tmp_path, "run") as same:
        assert (same / "file").read_text() == "kept"
    assert list(tmp_path.iterdir()) == []


def test_a_kept_area_is_not_waited_for(tmp_path):
    with exclusive(tmp_path / "run.lock"), kept_area(tmp_path, "run") as area:
        assert area is None
    assert list(tmp_path.iterdir()) == []


def test_a_kept_area_is_left_to_others_afterwards_whatever_happens(tmp_path):
    def fails():
        with kept_area(tmp_path, "run") as area:
            (area / "state").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    with kept_area(tmp_path, "run") as area:
        assert (area / "state").exists()


def test_a_kept_area_that_can_not_be_made_names_the_variable(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError, match=r"(?s)can't be written.*ROADWORK_CACHE"), kept_area(tmp_path / "cache", "run"):
        pass
