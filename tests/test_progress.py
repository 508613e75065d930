import itertools

import pytest

from roadwork import progress as module
from roadwork.progress import note, progress


def test_without_a_terminal_lines_tell_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0.0, 4.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("embedding", 10) as advance:
        for _ in range(10):
            advance()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "embedding: 3/10 images, 0.2 images/s, 28 s left"
    assert len(err.splitlines()) == 3


def test_notes_go_to_stderr_and_keep_their_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    note("[N, 12, 1280] " + "long " * 60)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[N, 12, 1280] " + "long " * 60 + "\n"
