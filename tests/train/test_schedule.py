import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.train.schedule import lr_factor, steps_per_epoch, warmup_length


def test_golden_values():
    factors = [lr_factor(step, total_steps=10, warmup=2) for step in range(11)]
    assert factors == pytest.approx(
        [0.5, 1.0, 1.0, 0.9619398, 0.8535534, 0.6913417, 0.5, 0.3086583, 0.1464466, 0.0380602, 0.0], abs=1e-7
    )


@pytest.mark.parametrize(
    ("total", "steps", "fraction", "expected"),
    [(100_000, 500, 0.1, 500), (1000, 500, 0.1, 100), (99, 500, 0.1, 9), (5, 500, 0.1, 0), (100, 0, 0.1, 0)],
)
def test_warmup_is_capped(total, steps, fraction, expected):
    assert warmup_length(total, steps, fraction) == expected


@pytest.mark.parametrize(
    ("images", "batch", "accumulation", "expected"), [(64, 32, 2, 1), (65, 32, 2, 2), (6251, 32, 2, 98), (1, 32, 2, 1)]
)
def test_a_smaller_last_group_is_a_step(images, batch, accumulation, expected):
    assert steps_per_epoch(images, batch, accumulation) == expected


@given(total=st.integers(1, 500), fraction=st.floats(0, 1))
def test_rises_then_falls_within_bounds(total, fraction):
    warmup = warmup_length(total, 500, fraction)
    factors = [lr_factor(step, total_steps=total, warmup=warmup) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[:warmup] == sorted(factors[:warmup])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
    assert lr_factor(total, total_steps=total, warmup=warmup) == 0
