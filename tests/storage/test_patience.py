from __future__ import annotations

from pathlib import Path

import pytest

from roadwork.errors import ParameterError, StoreError
from roadwork.storage import patience
from roadwork.storage.patience import VARIABLE, patiently

PLACE = Path("somewhere")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been slept; the clock goes on by as much."""
    slept: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", slept.append)
    monkeypatch.setattr(patience.time, "monotonic", lambda: sum(slept))
    return slept


def failing(times: int, error: Exception):
    calls = []

    def operation() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return len(calls)

    return operation


def test_what_refuses_for_a_while_is_asked_again_ever_more_seldom(pauses: list[float]) -> None:
    assert patiently(failing(6, OSError("503 Slow Down")), PLACE) == 7
    assert len(pauses) == 6
    assert all(0.5 * 0.2 * 2**n <= pause <= 0.2 * 2**n for n, pause in enumerate(pauses))


def test_patience_ends(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "40")
    with pytest.raises(StoreError) as caught:
        patiently(failing(10**6, TimeoutError("no answer")), PLACE)
    assert 40 <= sum(pauses) <= 40 + 15
    assert max(pauses) <= 15
    assert "no answer" in caught.value.what
    assert VARIABLE in caught.value.rule


@pytest.mark.parametrize("told", ["a while", "5 min", "nan", "inf", "-1"])
def test_a_patience_that_is_no_number_is_told(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, told)
    with pytest.raises(ParameterError, match=told) as caught:
        patience.patience_s()
    assert VARIABLE in caught.value.where


def test_who_waits_long_is_told(pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    patiently(failing(3, OSError("busy")), PLACE)
    assert capsys.readouterr().err == ""
    patiently(failing(9, OSError("busy")), PLACE)
    assert capsys.readouterr().err.count("doesn't answer (busy)") == 1


@pytest.mark.parametrize("answer", [FileNotFoundError, FileExistsError, IsADirectoryError])
def test_what_a_healthy_store_says_passes_at_once(answer: type[OSError], pauses: list[float]) -> None:
    with pytest.raises(answer):
        patiently(failing(1, answer("x")), PLACE)
    assert pauses == []


def test_refused_credentials_are_told_at_once(pauses: list[float]) -> None:
    class NoCredentialsError(Exception):
        pass

    for error in (PermissionError("403"), NoCredentialsError("none found")):
        with pytest.raises(StoreError) as caught:
            patiently(failing(1, error), PLACE)
        assert "credentials" in caught.value.rule
    assert pauses == []


def test_a_bug_is_no_fault_of_the_store(pauses: list[float]) -> None:
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0, PLACE)
    assert pauses == []


def test_a_client_library_s_own_errors_are_a_store_s(pauses: list[float]) -> None:
    error = type("ConnectionClosedError", (Exception,), {"__module__": "botocore.exceptions"})("cut")
    assert patiently(failing(1, error), PLACE) == 2
