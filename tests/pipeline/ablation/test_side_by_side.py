from __future__ import annotations

import pytest

from pipeline.ablation.side_by_side import side_by_side


class Fake:
    """A process that ends with `status` when it was asked `polls` times."""

    def __init__(self, status: int, polls: int) -> None:
        self.status, self.left, self.was_cut = status, polls, False

    def poll(self) -> int | None:
        self.left -= 1
        return None if self.left >= 0 else self.status

    def cut(self) -> None:
        self.was_cut = True


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.ablation.side_by_side.time.sleep", lambda seconds: None)


def test_every_item_is_run_once_and_never_two_in_one_place() -> None:
    running: dict[str, str] = {}
    order = []

    def start(item: str, place: str) -> Fake:
        assert place not in running
        running[place] = item
        assert len(running) <= 2
        order.append(item)
        fake = Fake(status=int(item), polls=int(item))
        poll = fake.poll

        def watched() -> int | None:
            status = poll()
            if status is not None:
                assert running.pop(place) == item
            return status

        fake.poll = watched  # type: ignore[method-assign]
        return fake

    with side_by_side("31425", ["a", "b"], start) as ended:
        found = list(ended)
    assert order == list("31425")
    assert sorted(item for item, _, _ in found) == sorted("31425")
    assert found[0][0] == "1"  # the order is that of ending
    assert all(int(item) == status for item, _, status in found)


def test_a_freed_place_works_on_while_the_result_is_looked_at() -> None:
    started = []

    def start(item: str, place: int) -> Fake:
        started.append(item)
        return Fake(0, 1)

    with side_by_side("ab", [0], start) as ended:
        assert next(ended)[0] == "a"
        assert started == ["a", "b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_leaving_early_kills_what_still_runs(error: type[BaseException]) -> None:
    fakes = []

    def start(item: str, place: int) -> Fake:
        fakes.append(Fake(0, 0 if item == "a" else 99))
        return fakes[-1]

    with pytest.raises(error), side_by_side("abcd", [0, 1], start) as ended:
        for _ in ended:
            raise error
    assert [fake.was_cut for fake in fakes] == [False, True, True]  # d was never started


def test_nothing_to_do() -> None:
    with side_by_side([], [0], lambda item, place: Fake(0, 0)) as ended:
        assert list(ended) == []
