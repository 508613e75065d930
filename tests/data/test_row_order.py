import pytest

from roadwork.data.row_order import check_order
from roadwork.errors import StoreError


def test_the_same_images_in_the_same_order_pass():
    check_order([], [], where="x", stage="y")
    check_order(["a", "b"], ["a", "b"], where="x", stage="y")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["a"], "1 images, 2 are expected"), (["a", "b", "c"], "3 images, 2 are expected"),
        (["b", "a"], "row 0 is image b, expected is a"), (["a", "c"], "row 1 is image c, expected is b"),
    ],
)  # fmt: skip
def test_other_images_are_counted_or_named_with_the_stage_to_run(given, what):
    with pytest.raises(StoreError, match=what) as caught:
        check_order(given, ["a", "b"], where="folds.parquet", stage="folds")
    assert (caught.value.where, caught.value.fix) == ("folds.parquet", "run `roadwork folds` again")
