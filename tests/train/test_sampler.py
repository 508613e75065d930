import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from roadwork.train.sampler import batch_groups, near_share, shuffled_order, weighted_order


def test_an_epochs_order_depends_on_seed_and_epoch_alone():
    weights = torch.rand(50)
    torch.manual_seed(1)
    first = weighted_order(weights, seed=3, epoch=2)
    torch.manual_seed(2)
    weighted_order(weights, seed=3, epoch=1)
    assert torch.equal(first, weighted_order(weights, seed=3, epoch=2))
    assert not torch.equal(first, weighted_order(weights, seed=3, epoch=1))
    assert not torch.equal(first, weighted_order(weights, seed=4, epoch=2))


def test_draws_follow_the_weights():
    weights = torch.tensor([5.0, 0.0, 1.0, 4.0] * 500)
    order = weighted_order(weights, seed=1, epoch=1)
    assert len(order) == 2000
    share = torch.bincount(order % 4, minlength=4) / 2000
    assert share.tolist() == pytest.approx([0.5, 0.0, 0.1, 0.4], abs=0.04)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    weighted_order(torch.ones(5), seed=1, epoch=1)
    shuffled_order(5, seed=1, epoch=1)
    assert torch.equal(before, torch.get_rng_state())


def test_shuffling_uses_every_row_once():
    order = shuffled_order(100, seed=1, epoch=1)
    assert sorted(order.tolist()) == list(range(100))
    assert not torch.equal(order, shuffled_order(100, seed=1, epoch=2))


@given(images=st.integers(1, 200), batch=st.integers(1, 40), accumulation=st.integers(1, 5))
def test_groups_hold_every_row_in_order(images, batch, accumulation):
    order = torch.arange(images)
    groups = batch_groups(order, batch, accumulation)
    assert torch.equal(torch.cat([rows for group in groups for rows in group]), order)
    assert all(len(group) == accumulation for group in groups[:-1])
    assert all(len(rows) == batch for group in groups for rows in group[:-1])


def test_near_share_counts_images_with_gps():
    assert near_share(torch.tensor([10.0, 99.9, 100.0, float("nan")]), 100.0) == pytest.approx(2 / 3)
    assert near_share(torch.tensor([float("nan")]), 100.0) is None
