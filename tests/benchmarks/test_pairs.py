"""Two things timed in turns."""

import pytest

from benchmarks.pairs import Pairs, paired, seconds_of


class Machine:
    """A clock that stands still unless work is done, and remembers who worked when."""

    def __init__(self) -> None:
        self.now, self.worked = 0.0, []

    def clock(self) -> float:
        return self.now

    def work(self, who: str, seconds: float):
        def run() -> None:
            self.now += seconds
            self.worked.append(who)

        return run


def test_each_round_times_both_and_the_order_alternates() -> None:
    machine = Machine()
    pairs = paired(machine.work("ours", 1), machine.work("rival", 4), rounds=3, clock=machine.clock, warm_up=False)
    assert machine.worked == ["ours", "rival", "rival", "ours", "ours", "rival"]
    assert pairs == Pairs([1, 1, 1], [4, 4, 4])
    assert (pairs.ratio, pairs.speedup) == (0.25, 4)


def test_the_warm_up_is_not_timed() -> None:
    machine = Machine()
    first = iter([100.0, 1.0, 1.0])

    def ours() -> None:
        machine.now += next(first)

    pairs = paired(ours, machine.work("rival", 1), rounds=2, clock=machine.clock)
    assert pairs.ours_s == [1, 1]


def test_the_ratio_is_the_median_of_the_rounds_not_of_the_times() -> None:
    # A machine that was busy in the second round slowed both alike.
    assert Pairs([1, 10, 1], [2, 20, 4]).ratio == 0.5


def test_seconds_of_one_thing_are_the_median() -> None:
    machine = Machine()
    times = iter([50.0, 1.0, 9.0, 2.0])

    def run() -> None:
        machine.now += next(times)

    assert seconds_of(run, rounds=3, clock=machine.clock) == pytest.approx(2)
