import pytest

from roadwork.errors import DataError
from roadwork.report.curves import read_curves


def test_curves_are_read_by_their_path(tmp_path):
    folder = tmp_path / "plots" / "metrics" / "val"
    folder.mkdir(parents=True)
    (folder / "loss.tsv").write_text("step\tloss\n1\t0.5\n2\t0.25\n")
    (folder.parent / "learning_rate.tsv").write_text("step\tlearning_rate\n1\t3e-4\n")
    assert read_curves(tmp_path) == {"learning_rate": [(1, 3e-4)], "val/loss": [(1, 0.5), (2, 0.25)]}


def test_no_curves_are_no_error(tmp_path):
    assert read_curves(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "epoch\tloss\n1\t2\n", "step\tloss\n1\tmany\n"])
def test_a_file_that_is_no_curve_is_named(tmp_path, text):
    folder = tmp_path / "plots" / "metrics"
    folder.mkdir(parents=True)
    (folder / "loss.tsv").write_text(text)
    with pytest.raises(DataError, match=r"loss\.tsv"):
        read_curves(tmp_path)
