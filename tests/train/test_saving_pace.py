import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.train.saving_pace import Pace


class Clock:
    """Stands still unless it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def run(share, epochs_s, save_s, size_bytes=1):
    """Trains epochs that take `epochs_s`, saves where that is allowed; the epochs saved and the share of time spent."""
    clock = Clock()
    pace, saved = Pace(share, clock), []
    for number, seconds in enumerate(epochs_s):
        clock.now += seconds
        if pace.allows(size_bytes):
            saved.append(number)
            with pace.saving():
                clock.now += save_s
    return saved, len(saved) * save_s / max(clock.now - 100.0, save_s)


def test_the_whole_share_saves_every_epoch():
    assert run(1.0, [0.0, 0.001, 5.0, 0.0], 100.0, size_bytes=10**12)[0] == [0, 1, 2, 3]


def test_short_epochs_are_saved_seldom_and_long_ones_all():
    assert run(0.05, [0.5] * 100, 0.2)[0][:4] == [0, 15, 22, 30]
    assert run(0.05, [60.0] * 5, 0.2)[0] == [0, 1, 2, 3, 4]


def test_a_first_save_that_looks_costly_waits():
    """200 MB are taken to need two seconds, so the first 38 seconds go by without."""
    assert run(0.05, [1.0] * 45, 0.1, size_bytes=200_000_000)[0][0] == 37


@given(st.floats(0.01, 1.0), st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40), st.floats(0.001, 10.0))
def test_saving_keeps_to_its_share(share, epochs_s, save_s):
    """From the first save on, which nobody could time before; that one is taken to need as long as it does."""
    _, spent = run(share, epochs_s, save_s, size_bytes=int(save_s * 100e6) + 1)
    assert spent <= share + 1e-6


def test_a_save_that_fails_is_not_counted():
    clock = Clock()
    pace = Pace(0.5, clock)
    clock.now += 10
    with pytest.raises(OSError, match="full"), pace.saving():
        raise OSError("full")
    assert pace.allows(1)
