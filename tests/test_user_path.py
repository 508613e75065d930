from __future__ import annotations

from pathlib import Path

import pytest

from roadwork.errors import ParameterError
from roadwork.user_path import user_path


@pytest.mark.parametrize("text", ["there", "not/there", "file/below", "/", ".", "ü\n"])
def test_what_can_be_looked_up_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert user_path(text, "ingest.path") == Path(text)


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x", "ingest.path") == tmp_path / "x"


@pytest.mark.parametrize("text", ["a\0b", "x" * 300, "~no-such-user-here/x"])
def test_what_no_file_system_holds_names_the_parameter(text: str) -> None:
    with pytest.raises(ParameterError, match=r"(?s)`ingest\.path` is .*can't be a path") as caught:
        user_path(text, "ingest.path")
    assert len(str(caught.value)) < 400
