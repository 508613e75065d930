import pytest
import torch

from benchmarks.row import Scale, UnequalError
from benchmarks.rows import pruning


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Small batches."""


def test_the_pruned_head_is_the_whole_one_on_the_views_kept():
    pruning.check_equal()


def test_another_head_is_noticed(monkeypatch):
    real = pruning.head_of

    def other(keep):
        head = real(keep)
        with torch.no_grad():
            head.projection.linear.bias.add_(0.1 * (keep == pruning.VIEWS))
        return head

    monkeypatch.setattr(pruning, "head_of", other)
    with pytest.raises(UnequalError):
        pruning.check_equal()


def test_the_arithmetic_is_known():
    """The scorer (12 views) and the projection (8) of an image, as matrix products: 2 operations a weight and view."""
    flops = pruning.flops(pruning.head_of(8), backward=False)
    by_view = pruning.flops(pruning.head_of(9), backward=False) - flops
    assert flops > 2 * (12 * (1280 * 320 + 320) + 8 * 1280 * 512)
    assert 2 * 1280 * 512 < by_view < flops / 8


def test_the_rows_say_what_is_saved_and_what_not():
    rows = {row.name: row for row in pruning.measure(Scale(quick=True))}
    assert set(rows) == {"pruning.flops_forward", "pruning.flops_training", "pruning.time_training"}
    assert 0.66 < rows["pruning.flops_forward"].figure < 0.75
    assert all("backbone" in row.note for row in rows.values())
