"""Attempts on a cluster that loses what it is at: how often they are repeated."""

from __future__ import annotations

import pytest

from roadwork.cluster import engine
from roadwork.cluster.engine import RayEngine
from roadwork.errors import CapabilityError


class Losing(RayEngine):
    """Each attempt finishes as many photographs as it is told to."""

    def __init__(self, *finished: int) -> None:
        self._finished, self.attempts = iter(finished), 0

    def _compute(self, photographs, work):  # type: ignore[no-untyped-def]
        self.attempts += 1
        return list(photographs)[next(self._finished) :]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(engine.time, "sleep", slept.append)
    return slept


def test_what_is_lost_is_begun_again(pauses: list[float]) -> None:
    losing = Losing(1, 0, 0, 2, 0, 7)
    losing.compute(range(10))  # type: ignore[arg-type]
    assert losing.attempts == 6
    assert len(pauses) == 3


def test_a_cluster_that_finishes_nothing_is_told_after_three_attempts(pauses: list[float]) -> None:
    losing = Losing(1, 0, 0, 0)
    with pytest.raises(CapabilityError, match="finished none of 9 images"):
        losing.compute(range(10))  # type: ignore[arg-type]
    assert losing.attempts == 4
    assert len(pauses) == 2
